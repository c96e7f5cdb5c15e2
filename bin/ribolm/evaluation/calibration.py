"""Do probabilities mean what they say? Brier score, log loss, expected calibration error, reliability."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.evaluation.proportions import wilson

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

BINS = 10
PROBABILITY_FLOOR = 1e-7


@dataclass(frozen=True)
class ReliabilityBin:
    """Candidates of like probability: their number, mean probability, share of positives and its 95 % interval.

    The interval (Wilson) takes candidates as independent, so that it is too narrow where genes differ.
    """

    n: int
    mean_probability: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """Brier score (mean squared error), log loss in nats, expected calibration error and the bins it comes from."""

    brier: float
    log_loss: float
    expected_error: float
    bins: tuple[ReliabilityBin, ...]


def calibration(is_positive: Bool, probability: Float64, n_bins: int = BINS) -> Calibration:
    """Compare probabilities with outcomes in bins of equal numbers of candidates (equal probabilities stay together).

    Expected calibration error = Σ bins (share of candidates) × |mean probability − share of positives| (Naeini et al.
    2015, AAAI 29). Raises ValueError for values outside [0, 1] and for no candidate.
    """
    p = np.asarray(probability, dtype=np.float64)
    y = np.asarray(is_positive, dtype=np.float64)
    if not len(p) or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("probabilities must lie between 0 and 1, one at least")
    clipped = np.clip(p, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    log_loss = -np.mean(y * np.log(clipped) + (1 - y) * np.log1p(-clipped))
    bins = _bins(y, p, n_bins)
    error = sum(b.n * abs(b.mean_probability - b.observed) for b in bins) / len(p)
    return Calibration(float(np.mean((p - y) ** 2)), float(log_loss), float(error), bins)


def _bins(y: Float64, p: Float64, n_bins: int) -> tuple[ReliabilityBin, ...]:
    edges = np.unique(np.quantile(p, np.linspace(0, 1, n_bins + 1)))
    which = np.searchsorted(edges[1:-1], p, side="left")
    found = []
    for b in range(max(len(edges) - 1, 1)):
        here = which == b
        n = int(here.sum())
        if n:
            share = wilson(int(y[here].sum()), n)
            found.append(
                ReliabilityBin(n, float(p[here].mean()), share.value or 0.0, share.low or 0.0, share.high or 0.0)
            )
    return tuple(found)
