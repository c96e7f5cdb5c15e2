"""Pairs with their probabilities as a list, of a matrix those from a threshold on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ribolm.labels.structure.pairs import UNPAIRED, Int64


class ListedPairs(NamedTuple):
    """Pairs with their probabilities: `i0`, `j0` int64 [P] (0-based, i0 < j0), `probability` float64 [P]."""

    i0: Int64
    j0: Int64
    probability: NDArray[np.float64]

    def taken(self, places: NDArray[np.bool_] | Int64) -> ListedPairs:
        """The pairs at these places, in their order, or those of a mask."""
        return ListedPairs(self.i0[places], self.j0[places], self.probability[places])

    def partners(self, n: int) -> Int64:
        """Partner of each of n bases, -1 unpaired, int64 [n]; of pairs that share a base the last one counts."""
        partner = np.full(n, UNPAIRED, dtype=np.int64)
        partner[self.i0], partner[self.j0] = self.j0, self.i0
        return partner


def listed_pairs(probabilities: NDArray[np.floating], least: float) -> ListedPairs:
    """The pairs of the upper triangle of a matrix [L, L] that have at least this probability, by rows."""
    i0, j0 = np.nonzero(np.triu(probabilities >= least, k=1))
    return ListedPairs(i0, j0, probabilities[i0, j0].astype(np.float64))
