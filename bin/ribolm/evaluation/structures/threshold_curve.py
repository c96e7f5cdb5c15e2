"""Pooled F1 over thresholds on pair probabilities, and its maximum.

The maximum is how zero-shot contacts are published: its threshold is sought on the very RNAs that are scored, which
is optimistic. Pairs are counted as they are listed, a base may have several.
"""

from typing import NamedTuple

import numpy as np

from ribolm.evaluation.structures.pair_counts import Float64, share
from ribolm.labels.structure.listed import ListedPairs, listed_pairs
from ribolm.labels.structure.pairs import Int64

STEPS = 1_000  # thresholds 0, 0.001, … 1


class PooledMax(NamedTuple):
    """The largest pooled F1, the threshold (pairs of at least this probability) that gives it, precision and recall."""

    f1: float
    threshold: float
    precision: float
    recall: float


class ThresholdCurve:
    """Counts of pairs by probability, pooled over the RNAs that are added one by one."""

    def __init__(self) -> None:
        self.n_true = 0
        self._listed = np.zeros(STEPS + 1, dtype=np.int64)
        self._hits = np.zeros(STEPS + 1, dtype=np.int64)

    def add(self, truth: Int64, pairs: ListedPairs) -> None:
        """Add one RNA: the partners of the reference int64 [L] (-1: none) and the pairs predicted for it."""
        step = np.floor(pairs.probability * STEPS + 1e-9).astype(np.int64)
        is_hit = truth[pairs.i0] == pairs.j0
        self._listed += np.bincount(step, minlength=STEPS + 1)
        self._hits += np.bincount(step[is_hit], minlength=STEPS + 1)
        self.n_true += int((truth > np.arange(len(truth))).sum())

    def add_matrix(self, truth: Int64, probabilities: Float64) -> None:
        """The same with probabilities [L, L], of which the upper triangle is read."""
        self.add(truth, listed_pairs(probabilities, 0.0))

    def points(self) -> tuple[Float64, Float64, Float64]:
        """Thresholds ascending, precision and recall, each float64 [1,001]."""
        listed, hits = (np.cumsum(counts[::-1])[::-1] for counts in (self._listed, self._hits))
        return np.arange(STEPS + 1) / STEPS, share(hits, listed), share(hits, self.n_true)

    def best(self) -> PooledMax:
        """The largest F1; of equal ones that of the highest threshold. All 0 where nothing was added."""
        thresholds, precision, recall = self.points()
        f1 = share(2 * precision * recall, precision + recall)
        at = STEPS - int(np.argmax(f1[::-1]))
        return PooledMax(float(f1[at]), float(thresholds[at]), float(precision[at]), float(recall[at]))
