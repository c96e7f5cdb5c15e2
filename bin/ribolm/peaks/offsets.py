"""Offsets S of every bin and library: size factor × GC curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ribolm.peaks.background import Background, median_nonzero
from ribolm.peaks.bins import GcContent
from ribolm.peaks.gc import GcCurve, fit_curve

SOURCE_GIVEN = "given"
SOURCE_BACKGROUND = "median of non-zero counts over background bins"
SOURCE_DEPTH = "fragments on exons"
SOURCE_NO_FRAGMENT = "no fragment on exons"

FloatArray = NDArray[np.float64]
Int64Array = NDArray[np.int64]


@dataclass(frozen=True)
class SizeFactor:
    """Scale of one library and where it comes from."""

    value: float
    source: str


def size_factors(
    counts: Sequence[NDArray[np.int32]], background: Background, fragments_on_exons: Sequence[int]
) -> list[SizeFactor]:
    """Estimate one factor per library: the median of its non-zero counts over background bins.

    Without any background bin the factors are the fragments on exons over their mean. A library without a count in
    background bins takes its share of fragments on the scale of the others; one without fragments takes 1 or the mean.
    """
    medians = [median_nonzero(count, background.flags) for count in counts]
    known = [(median, depth) for median, depth in zip(medians, fragments_on_exons, strict=True) if median > 0]
    if known:
        per_fragment = sum(median for median, _ in known) / sum(max(depth, 1) for _, depth in known)
    else:
        present = [depth for depth in fragments_on_exons if depth > 0]
        per_fragment = len(present) / sum(present) if present else 1.0
    typical = float(np.mean([median for median, _ in known])) if known else 1.0
    found = []
    for median, depth in zip(medians, fragments_on_exons, strict=True):
        if median > 0:
            found.append(SizeFactor(median, SOURCE_BACKGROUND))
        elif depth > 0:
            found.append(SizeFactor(depth * per_fragment, SOURCE_DEPTH))
        else:
            found.append(SizeFactor(typical, SOURCE_NO_FRAGMENT))
    return found


def given_size_factors(names: Sequence[str], given: Mapping[str, float]) -> list[SizeFactor]:
    """The factors of a user's table, in the order of `names`."""
    return [SizeFactor(given[name], SOURCE_GIVEN) for name in names]


@dataclass(frozen=True)
class GcModel:
    """GC curves of the libraries over the distinct surroundings of bins.

    level: int32[n_bins], index of each bin's distinct g, −1 where the genome does not know its contig; curves: one per
    library.
    """

    level: NDArray[np.int32]
    curves: tuple[GcCurve, ...]


def fit_gc_model(content: GcContent, counts: Sequence[NDArray[np.int32]]) -> GcModel | None:
    """Fit every library's counts over all bins of known surroundings, empty ones too; None without such a bin."""
    known = content.known
    if not known.any():
        return None
    pair = content.gc_nt[known].astype(np.int64) << 32 | content.width_nt[known]
    pairs, where = np.unique(pair, return_inverse=True)
    gc, merged = np.unique((pairs >> 32) / (pairs & 0xFFFFFFFF), return_inverse=True)
    level = np.full(known.size, -1, dtype=np.int32)
    level[known] = merged[where]
    bins = np.bincount(level[known], minlength=gc.size).astype(np.float64)
    curves = tuple(
        fit_curve(gc, bins, np.bincount(level[known], count[known].astype(np.float64), gc.size).astype(np.float64))
        for count in counts
    )
    return GcModel(level, curves)


def linear_offsets(factors: Sequence[SizeFactor], model: GcModel | None, bins: Int64Array) -> FloatArray:
    """Linear offsets S = size factor × GC factor of the chosen bins, float64[n_libraries, len(bins)]."""
    offsets = np.empty((len(factors), bins.size))
    for row, factor in enumerate(factors):
        offsets[row] = factor.value
        if model is not None:
            level = model.level[bins]
            offsets[row] *= np.where(level >= 0, model.curves[row].factor[level], 1.0)
    return offsets
