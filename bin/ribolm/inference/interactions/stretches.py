"""The stretch of an interaction map in which two RNAs most likely pair: antiparallel, without bulges, of one width."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

WIDTH_NT = 12  # between the shortest known sites (7 nt) and the usual ones (about 16); not fitted
Float = npt.NDArray[np.floating]


class Stretch(NamedTuple):
    """Half-open 0-based ranges of query and target, paired base by base in opposite directions, and their mean."""

    query_start0: int
    query_end0: int
    target_start0: int
    target_end0: int
    mean: float


def best_stretch(block: Float, width: int = WIDTH_NT) -> Stretch:
    """The `width` antiparallel cells of a map [n, m] of highest mean; query base i + s with target base j - s.

    RNAs shorter than `width` give stretches of their length. Of equal ones the first counts, by query, then target.
    Raises ValueError for an empty map. Cost: one pass over the map per base of `width`, in fp64.
    """
    n, m = block.shape
    width = min(width, n, m)
    if width < 1:
        raise ValueError(f"no stretch in a map of {n} × {m}")
    total = np.zeros((n - width + 1, m - width + 1))
    for step in range(width):  # cell (i, j): begins at query base i and ends at target base j
        last = width - 1 - step
        total += block[step : step + n - width + 1, last : last + m - width + 1]
    i, j = np.unravel_index(int(np.argmax(np.round(total / width, 6))), total.shape)
    return Stretch(int(i), int(i) + width, int(j), int(j) + width, float(total[i, j] / width))
