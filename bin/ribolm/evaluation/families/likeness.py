"""How well a likeness between sequences tells families apart: nearest neighbour, retrieval, overlap of histograms.

One function measures language models and floors. Values are rounded to six decimals first, so that equal sequences tie
whatever the order of summation; ties are shared among the nearest, and count against retrieval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.genome.coordinates import Int64

Float64 = npt.NDArray[np.float64]
# From bounds of rows (first, last) to their likeness with all sequences, [last - first, n], from -1 to 1
Likeness = Callable[[int, int], Float64]

N_BINS = 100
BINS = f"{N_BINS} bins of equal width from -1 to 1"
DECIMALS = 6


@dataclass(frozen=True)
class Measured:
    """What one likeness achieves.

    By sequence, float64 [n]: `nearest`, share of its nearest others that are of its family; `retrieved`, average
    precision of its family among all others. By row of weights, float64 [w, 100]: `within`, `between`, histograms of
    the likeness of two sequences of one and of two families.
    """

    nearest: Float64
    retrieved: Float64
    within: Float64
    between: Float64

    def overlap(self) -> Float64:
        """Overlap ratio by row of weights, float64 [w]: see `overlap_ratio`."""
        return overlap_ratio(self.within, self.between)


def overlap_ratio(within: Float64, between: Float64) -> Float64:
    """Area that two histograms share once each sums to 1, over the last axis: 0 apart, 1 alike. NaN where one is empty.

    The definition is ours; the formula behind published overlap ratios was not to be seen.
    """
    totals = [counts.sum(axis=-1, keepdims=True) for counts in (within, between)]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = [counts / total for counts, total in zip((within, between), totals, strict=True)]
    return np.asarray(np.minimum(*shares).sum(axis=-1))


def cosine(vectors: npt.ArrayLike) -> Likeness:
    """Cosine of vectors [n, D] from which their mean was taken; 0 with a vector that is the mean."""
    centred = np.asarray(vectors, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.where(norm > 1e-12, centred / np.maximum(norm, 1e-12), 0.0)
    return lambda first, last: np.asarray(unit[first:last] @ unit.T)


def nearness(vectors: npt.ArrayLike) -> Likeness:
    """2 exp(-d) - 1 of the distance d of vectors [n, D] whose columns have variance 1: 1 where alike, down to -1."""
    values = np.asarray(vectors, dtype=np.float64)
    spread = values.std(axis=0)
    scaled = values / np.where(spread > 0, spread, 1.0)

    def rows(first: int, last: int) -> Float64:
        distance = np.sqrt(((scaled[first:last, None] - scaled[None]) ** 2).sum(axis=2))
        return np.asarray(2 * np.exp(-distance) - 1)

    return rows


def measure(likeness: Likeness, family: Int64, weights: Float64) -> Measured:
    """Measure a likeness over n sequences; `family` int64 [n], ascending from 0 without a gap, two or more of each.

    `weights` float64 [w, families]: how often each family counts in a histogram (draws of a bootstrap); two sequences
    of different families count with the product of theirs. Cost: n² likenesses, and w × n × 100 products per family.
    """
    n, n_families = len(family), int(family[-1]) + 1
    stops = np.r_[0, np.cumsum(np.bincount(family, minlength=n_families))]
    nearest, retrieved = np.zeros(n), np.zeros(n)
    within, between = (np.zeros((len(weights), N_BINS)) for _ in range(2))
    for number in range(n_families):
        first, last = int(stops[number]), int(stops[number + 1])
        values: Float64 = np.asarray(likeness(first, last), dtype=np.float64).round(DECIMALS)
        nearest[first:last], retrieved[first:last] = _ranked(values, first, last)
        counts = _histograms(values, family, n_families, first)
        own = counts[number].copy()
        counts[number] = 0
        of_family = weights[:, number, None]
        within += of_family * own
        between += of_family * (weights @ counts)
    return Measured(nearest, retrieved, within, between)


def _ranked(values: Float64, first: int, last: int) -> tuple[Float64, Float64]:
    """Share of own family among the nearest, and average precision of it, of the rows first … last: float64 [m]."""
    m = last - first
    others = values.copy()
    others[np.arange(m), first + np.arange(m)] = -np.inf  # none is its own neighbour
    best = others == others.max(axis=1, keepdims=True)
    nearest = best[:, first:last].sum(axis=1) / best.sum(axis=1)
    own = others[:, first:last]
    retrieved = np.zeros(m)
    for row in range(m):
        threshold = np.delete(own[row], row)
        found, among = (_at_least(some, threshold) for some in (own[row], others[row]))
        retrieved[row] = (found / among).mean()
    return nearest, retrieved


def _at_least(values: Float64, thresholds: Float64) -> Int64:
    """How many values reach each threshold."""
    return np.asarray(len(values) - np.searchsorted(np.sort(values), thresholds, side="left"))


def _histograms(values: Float64, family: Int64, n_families: int, first: int) -> Float64:
    """Likenesses of some rows, counted by family of the other and bin, float64 [families, 100], themselves left out."""
    bins = np.clip(((values + 1) * (N_BINS / 2)).astype(np.int64), 0, N_BINS - 1)
    cell = family * N_BINS + bins
    keep = np.ones(cell.shape, dtype=bool)
    keep[np.arange(len(cell)), first + np.arange(len(cell))] = False
    counted = np.bincount(cell[keep], minlength=n_families * N_BINS)
    return counted.reshape(n_families, N_BINS).astype(np.float64)
