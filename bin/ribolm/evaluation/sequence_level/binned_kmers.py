"""The regression that any model of windows has to beat: counts of 4-mers per stretch of ten bases."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

K = 4
WORDS = 256  # 4-mers
BIN_NT = 10
PENALTY, STEPS = 0.005, 300  # inverse strength of L2; iterations of L-BFGS
ROWS_AT_A_TIME = 16_384


def n_features(window_nt: int) -> int:
    """Columns of `features`: 256 per stretch in which a 4-mer can begin."""
    return ((window_nt - K) // BIN_NT + 1) * WORDS


def features(letters: Letters) -> csr_array:
    """Counts of (4-mer, start // 10) in windows uint8 [n, window_nt], sparse float32 [n, n_features].

    4-mers with another letter than ACGT are left out; nothing is scaled.
    """
    from scipy.sparse import csr_array, vstack

    parts = [_features(letters[a : a + ROWS_AT_A_TIME]) for a in range(0, len(letters), ROWS_AT_A_TIME)]
    if not parts:
        return csr_array((0, n_features(letters.shape[1])), dtype=np.float32)
    return csr_array(vstack(parts))


def _features(letters: Letters) -> csr_array:
    from scipy.sparse import csr_array

    table = np.full(256, 4, dtype=np.int64)
    table[list(b"ACGT")] = np.arange(4)
    codes = table[letters]
    n, n_words = len(codes), codes.shape[1] - K + 1
    number, is_known = np.zeros((n, n_words), dtype=np.int64), np.ones((n, n_words), dtype=bool)
    for step in range(K):
        part = codes[:, step : step + n_words]
        number, is_known = number * 4 + part, is_known & (part < 4)
    column = number + np.arange(n_words) // BIN_NT * WORDS
    row = np.broadcast_to(np.arange(n)[:, None], column.shape)
    ones = np.ones(int(is_known.sum()), dtype=np.float32)
    return csr_array((ones, (row[is_known], column[is_known])), shape=(n, n_features(letters.shape[1])))


@dataclass(frozen=True)
class BinnedKmers:
    """A fitted regression: coefficients float64 [n_features] and intercept."""

    coefficients: Float64
    intercept: float

    @property
    def n_parameters(self) -> int:
        """Coefficients and intercept."""
        return len(self.coefficients) + 1

    def logits(self, letters: Letters) -> Float64:
        """Log-odds of windows uint8 [n, window_nt], float64 [n]; memory for some thousand of them at a time."""
        parts = [
            _features(letters[a : a + ROWS_AT_A_TIME]) @ self.coefficients
            for a in range(0, len(letters), ROWS_AT_A_TIME)
        ]
        return np.concatenate([np.zeros(0), *parts]) + self.intercept


def fit(letters: Letters, is_positive: Bool) -> BinnedKmers:
    """Fit the regression (L2, C = 0.005, L-BFGS, at most 300 steps) on windows uint8 [n, window_nt]."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model: Any = LogisticRegression(C=PENALTY, max_iter=STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last digits of the optimum do not change the ranking
        model.fit(features(letters), is_positive)
    return BinnedKmers(np.asarray(model.coef_[0], dtype=np.float64), float(model.intercept_[0]))
