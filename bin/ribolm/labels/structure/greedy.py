"""From pair probabilities to pairs in which every base has one partner at most: the most probable pair first.

Pairs of a higher threshold are always the first pairs of a lower one, so that one pass answers for every threshold.
Any two pairs may cross (pseudoknots).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ribolm.labels.structure.pairs import UNPAIRED, Int64


class ChosenPairs(NamedTuple):
    """Pairs by falling probability: i, j int64 [P], 0-based, i < j; p float [P]."""

    i: Int64
    j: Int64
    p: NDArray[Any]

    def partners(self, n: int, threshold: float = 0.0) -> Int64:
        """Partner of each of n bases by the pairs from a threshold on, -1 unpaired; int64 [n]."""
        partner = np.full(n, UNPAIRED, dtype=np.int64)
        first = self.p >= threshold
        partner[self.i[first]], partner[self.j[first]] = self.j[first], self.i[first]
        return partner


def greedy_pairs(probabilities: NDArray[Any], threshold: float) -> ChosenPairs:
    """Take the pairs of a symmetric matrix [L, L] from `threshold` on, the most probable first, each base once.

    Of equals the one with the smaller i, then j. Cost: a sort of the candidates.
    """
    i, j = np.nonzero(np.triu(probabilities, 1) >= threshold)
    p = probabilities[i, j]
    taken = taken_first(i, j, p, len(probabilities))
    return ChosenPairs(i[taken], j[taken], p[taken])


def taken_first(i: Int64, j: Int64, p: NDArray[Any], n: int) -> Int64:
    """Places of the pairs (i, j), i < j < n, that are taken when the most probable comes first, each base once.

    Of equals the one with the smaller i, then j. In the order of taking.
    """
    order = np.lexsort((j, i, -p))
    free = [True] * n
    taken = []
    for at, one, other in zip(order.tolist(), i[order].tolist(), j[order].tolist(), strict=True):
        if free[one] and free[other]:
            free[one] = free[other] = False
            taken.append(at)
    return np.array(taken, dtype=np.int64)
