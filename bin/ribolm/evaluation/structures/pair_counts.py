"""Predicted pairs held against those of the reference, RNA by RNA. All brackets are pairs, pseudoknots included."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ribolm.labels.structure.pairs import UNPAIRED, Int64

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PairCounts:
    """Numbers of pairs of n RNAs, each int64 [n].

    `hits`: pairs that both have. `near_predicted`, `near_true`: predicted (reference) pairs (i, j) of which the other
    side has (i, j), (i ± 1, j) or (i, j ± 1), as Mathews et al. 2004 (PNAS 101:7287) count.
    """

    true: Int64
    predicted: Int64
    hits: Int64
    near_predicted: Int64
    near_true: Int64

    def __len__(self) -> int:
        return len(self.true)

    def take(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> "PairCounts":
        """The counts of some RNAs."""
        return PairCounts(*(getattr(self, field.name)[rows] for field in fields(self)))


def count_pairs(truths: Sequence[Int64], predictions: Sequence[Int64]) -> PairCounts:
    """Count the pairs of RNAs given by their partners (int64 [L], -1: none), reference and prediction in one order."""
    rows = [_count(truth, predicted) for truth, predicted in zip(truths, predictions, strict=True)]
    return PairCounts(*np.array(rows, dtype=np.int64).reshape(-1, len(fields(PairCounts))).T)


def _count(truth: Int64, predicted: Int64) -> tuple[int, int, int, int, int]:
    base = np.arange(len(truth))
    true_i, predicted_i = np.flatnonzero(truth > base), np.flatnonzero(predicted > base)
    hits = int((truth[predicted_i] == predicted[predicted_i]).sum())
    near = int(_has_near(truth, predicted_i, predicted[predicted_i]).sum())
    return len(true_i), len(predicted_i), hits, near, int(_has_near(predicted, true_i, truth[true_i]).sum())


def _has_near(partner: Int64, i: Int64, j: Int64) -> npt.NDArray[np.bool_]:
    """Which pairs (i, j), with one end moved by at most one base, a structure has."""
    padded = np.concatenate(
        [[UNPAIRED], partner, [UNPAIRED]]
    )  # so that bases before the first and behind the last exist
    found = np.abs(padded[i + 1] - j) <= 1
    found &= padded[i + 1] != UNPAIRED  # for j = 0 is one away from -1
    for moved in (i, i + 2):
        found |= padded[moved] == j
    return found


def share(part: npt.ArrayLike, whole: npt.ArrayLike) -> Float64:
    """part / whole, 0 where there is no whole: an RNA without predicted pairs has precision 0."""
    above, below = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below > 0)


def harmonic_mean(precision: Float64, recall: Float64) -> Float64:
    """F1 of precision and recall, 0 where both are 0."""
    return share(2 * precision * recall, precision + recall)
