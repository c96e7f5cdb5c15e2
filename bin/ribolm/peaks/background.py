"""Which bins are background, and the size factors they give.

Algorithm: exomePeak2 1.16 as published (steps 5 and 6 of its description), with mclust's starting point and stopping
rule stated here, so that the result does not depend on another program.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_COUNT = 5
TOLERANCE = 1e-5
MAX_ROUNDS = 10_000
MIN_SEPARATION = 1.0  # in standard deviations of the narrower component
MIN_VARIANCE = float(np.finfo(np.float64).eps)

SOURCE_MIXTURE = "mixture"
SOURCE_ALL_ELIGIBLE = "all_eligible"
SOURCE_NONE = "none"

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Mixture:
    """Two Gaussians on a line; `low` is the share of the component of lower mean in each distinct value."""

    means: FloatArray
    variances: FloatArray
    weights: FloatArray
    log_likelihood: float
    bic: float
    rounds: int
    equal_variance: bool
    low: FloatArray

    @property
    def is_split(self) -> bool:
        """Whether the means lie apart, and do not merely share one population out.

        EM always finds two components; without enrichment their means were 0 to 0.9 of the narrower one's standard
        deviation apart (docs/lab-log.md), and half of the bins would pass for all of the background.
        """
        return bool(self.means[1] - self.means[0] > MIN_SEPARATION * np.sqrt(self.variances.min()))


@dataclass(frozen=True)
class Background:
    """Background flags, bool[n_bins], and where they come from (`mixture`, `all_eligible`, `none`)."""

    flags: BoolArray
    eligible: int
    source: str
    mixture: Mixture | None

    @property
    def count(self) -> int:
        """Number of background bins."""
        return int(self.flags.sum())


def find_background(ip_total: NDArray[np.int64], input_total: NDArray[np.int64]) -> Background:
    """Flag the bins of the lower component of ln(ΣIP / Σinput).

    ip_total, input_total: counts summed over libraries, int[n_bins]. Eligible are bins with both sums ≥ 5. Where the
    eligible ratios do not support two components (`Mixture.is_split`), every eligible bin is background, in which this
    leaves the published algorithm; without an eligible bin none is.
    """
    eligible = (ip_total >= MIN_COUNT) & (input_total >= MIN_COUNT)
    flags = np.zeros(eligible.size, dtype=np.bool_)
    number = int(eligible.sum())
    if number == 0:
        return Background(flags, 0, SOURCE_NONE, None)
    ratio = np.log(ip_total[eligible] / input_total[eligible])
    values, inverse, copies = np.unique(ratio, return_inverse=True, return_counts=True)
    mixture = fit_two_gaussians(values, copies.astype(np.float64))
    if mixture is None:
        return Background(eligible, number, SOURCE_ALL_ELIGIBLE, None)
    flags[eligible] = (mixture.low > 0.5)[inverse]
    if not mixture.is_split or not flags.any():
        return Background(eligible, number, SOURCE_ALL_ELIGIBLE, mixture)
    return Background(flags, number, SOURCE_MIXTURE, mixture)


def fit_two_gaussians(values: FloatArray, copies: FloatArray) -> Mixture | None:
    """Fit the unequal and the equal variance mixture and keep the larger BIC = 2·ll − parameters·ln n.

    values: distinct observations in rising order, float64[m]; copies: how often each occurs, float64[m]. None where
    neither can be fitted (fewer than two distinct values, or a component that shrinks to a point).
    """
    if values.size < 2:
        return None
    fits = [expectation_maximisation(values, copies, equal) for equal in (False, True)]
    found = [fit for fit in fits if fit is not None]
    return max(found, key=lambda fit: fit.bic) if found else None


def expectation_maximisation(values: FloatArray, copies: FloatArray, equal_variance: bool) -> Mixture | None:
    """EM from hard labels x ≤ median and x > median, M-step first, until |Δll| < 1e-5·(1 + |ll|)."""
    total = float(copies.sum())
    low = (values <= _weighted_median(values, copies)).astype(np.float64)
    if low.all():
        low = (values < values[-1]).astype(np.float64)
    previous = np.inf
    rounds = 0
    while rounds < MAX_ROUNDS:
        rounds += 1
        step = _maximise(values, copies, low, equal_variance)
        if step is None:
            return None
        weights, means, variances = step
        low, log_likelihood = _expect(values, copies, weights, means, variances)
        if abs(log_likelihood - previous) < TOLERANCE * (1.0 + abs(log_likelihood)):
            break
        previous = log_likelihood
    if means[0] > means[1]:
        weights, means, variances, low = weights[::-1], means[::-1], variances[::-1], 1.0 - low
    parameters = 4 if equal_variance else 5
    bic = 2.0 * log_likelihood - parameters * np.log(total)
    return Mixture(means, variances, weights, log_likelihood, float(bic), rounds, equal_variance, low)


def _weighted_median(values: FloatArray, copies: FloatArray) -> float:
    """Median of the observations written out: the mean of the two middle ones where their number is even."""
    ranks = np.cumsum(copies)
    total = ranks[-1]
    lower = values[np.searchsorted(ranks, (total - 1) // 2, side="right")]
    upper = values[np.searchsorted(ranks, total // 2, side="right")]
    return float((lower + upper) / 2.0)


def _maximise(
    values: FloatArray, copies: FloatArray, low: FloatArray, equal_variance: bool
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    shares = np.stack([low * copies, (1.0 - low) * copies])
    sizes = shares.sum(axis=1)
    if sizes.min() <= 0.0:
        return None
    means = (shares * values).sum(axis=1) / sizes
    squares = (shares * (values - means[:, None]) ** 2).sum(axis=1)
    total = sizes.sum()
    variances = np.full(2, squares.sum() / total) if equal_variance else squares / sizes
    if variances.min() <= MIN_VARIANCE:
        return None
    return sizes / total, means, variances


def _expect(
    values: FloatArray, copies: FloatArray, weights: FloatArray, means: FloatArray, variances: FloatArray
) -> tuple[FloatArray, float]:
    deviation = values - means[:, None]
    log_density = np.log(weights)[:, None] - 0.5 * (
        np.log(2.0 * np.pi * variances)[:, None] + deviation**2 / variances[:, None]
    )
    together = np.logaddexp(log_density[0], log_density[1])
    return np.exp(log_density[0] - together), float((copies * together).sum())


def median_nonzero(counts: NDArray[np.int32], flags: BoolArray) -> float:
    """Size factor of one library: the median of its non-zero counts over the flagged bins; 0 where there is none."""
    chosen = counts[flags]
    chosen = chosen[chosen > 0]
    return float(np.median(chosen)) if chosen.size else 0.0
