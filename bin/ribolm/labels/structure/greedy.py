"""From pair probabilities to pairs in which every base has one partner at most: the most probable pair first.

Pairs of a higher threshold are always the first pairs of a lower one, so that one pass answers for every threshold.
Any two pairs may cross (pseudoknots).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ribolm.labels.structure.listed import ListedPairs, listed_pairs
from ribolm.labels.structure.pairs import Int64


def greedy_pairs(probabilities: NDArray[np.floating], threshold: float) -> ListedPairs:
    """Take the pairs of a symmetric matrix [L, L] from `threshold` on, the most probable first, each base once.

    In the order of taking; of equals the one with the smaller i, then j. Cost: a sort of the candidates.
    """
    pairs = listed_pairs(probabilities, threshold)
    return pairs.taken(taken_first(*pairs, len(probabilities)))


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


def surest_pairs(p: NDArray[Any], expected: float, recall_weight: float) -> int:
    """How many of the pairs, taken by falling probability `p`, have the largest expected F score.

    Of k pairs Σp are expected to be right, out of `expected` true ones: (1 + w) Σp / (k + w · expected), w the weight
    of recall, as beta squared in F-beta (pseudo-expected accuracy: Hamada et al. 2010, BMC Bioinformatics 11:586). So
    an RNA that the model is sure of gives no doubtful pairs, and one that it is not sure of still gives its best.
    """
    if not len(p):
        return 0
    right = np.cumsum(p, dtype=np.float64)
    return int(np.argmax(right / (np.arange(1, len(p) + 1) + recall_weight * expected))) + 1
