"""How often a training sequence is shown, after what it holds: sentence-level resampling (Wang & Wang 2022).

With c_t tokens of class t in a sequence of length l and w_t = -log2(tokens of t / all training tokens):
sc = ceil(1 + Σc), sCR = ceil(√(1 + Σ w·c)), sCRD = ceil((1 + Σ w·c)/√l), nsCRD = ceil((1 + Σ w·√c)/√l).
A sequence without any such token is shown once. For training rows only, after tiling.
"""

import numpy as np
import numpy.typing as npt

from ribolm.errors import UsageError
from ribolm.genome.coordinates import Int64

METHODS = ("none", "sc", "sCR", "sCRD", "nsCRD")
DEFAULT_METHOD = "sCR"


def class_counts(labels: npt.NDArray[np.float32], offsets: Int64) -> Int64:
    """Tokens with label 1 in each row; `labels` float32 [T] or [T, classes], NaN = unknown; int64 [n, classes].

    `offsets` int64 [n + 1] bound the rows in `labels`; rows may be empty.
    """
    positive = np.asarray(labels == 1).reshape(len(labels), -1)
    before = np.zeros((len(labels) + 1, positive.shape[1]), dtype=np.int64)
    np.cumsum(positive, axis=0, out=before[1:])
    return np.asarray(before[offsets[1:]] - before[offsets[:-1]])


def class_weights(counts: Int64, n_tokens: int) -> npt.NDArray[np.float64]:
    """w_t = -log2(share of class t among all training tokens), float64 [classes]; 0 for a class that never occurs."""
    total = counts.sum(axis=0)
    share = np.where(total > 0, total / max(n_tokens, 1), 1.0)
    return np.asarray(-np.log2(share))


def copies(counts: Int64, lengths_nt: Int64, method: str = DEFAULT_METHOD, n_tokens: int | None = None) -> Int64:
    """Copies of each training row, int64 [n], at least 1.

    `counts` int64 [n] or [n, classes] and `lengths_nt` int64 [n] of the training rows alone; `n_tokens` defaults to the
    sum of the lengths. Raises UsageError for an unknown method.
    """
    if method not in METHODS:
        raise UsageError(f"--resampling {method} is not known. Choose one of {', '.join(METHODS)}.")
    counts = np.asarray(counts, dtype=np.int64).reshape(len(counts), -1)
    lengths_nt = np.asarray(lengths_nt, dtype=np.int64)
    weights = class_weights(counts, int(lengths_nt.sum()) if n_tokens is None else n_tokens)
    return np.where(counts.any(axis=1), _formula(counts, lengths_nt, weights, method), 1).astype(np.int64)


def _formula(counts: Int64, lengths_nt: Int64, weights: npt.NDArray[np.float64], method: str) -> np.ndarray:
    if method == "none":
        return np.ones(len(counts))
    if method == "sc":
        return np.asarray(1.0 + counts.sum(axis=1))
    root_nt = np.sqrt(np.maximum(lengths_nt, 1))
    if method == "nsCRD":
        return np.ceil((1 + np.sqrt(counts) @ weights) / root_nt)
    information = 1 + counts @ weights
    return np.ceil(np.sqrt(information) if method == "sCR" else information / root_nt)
