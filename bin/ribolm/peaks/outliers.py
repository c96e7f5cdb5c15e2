"""Bins that one library alone decides: Cook's distance, flagged and never removed.

Rule: DESeq2 1.38 (Love, Huber and Anders 2014), for groups of at least three libraries: distance above the 99 % point
of F(2, m − 2), unless three libraries have a higher count in the bin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtri

MIN_LIBRARIES = 3
PARAMETERS = 2
MIN_DISPERSION = 0.04
QUANTILE = 0.99

FloatArray = NDArray[np.float64]
Group = tuple[NDArray[np.int32], FloatArray]


def flag_outliers(
    groups: tuple[Group, ...], etas: tuple[FloatArray, ...], dispersion: FloatArray | None = None
) -> NDArray[np.bool_]:
    """Flag bins, bool[n_bins].

    groups: (counts int[n_libraries, n_bins], offsets, same shape) per assay; etas: fitted log rates float64[n_bins] per
    assay; dispersion: float64[n_bins] or None for Poisson.
    """
    libraries = sum(group[0].shape[0] for group in groups)
    number = groups[0][0].shape[1]
    flags = np.zeros(number, dtype=np.bool_)
    if all(group[0].shape[0] < MIN_LIBRARIES for group in groups):
        return flags
    cutoff = float(fdtri(PARAMETERS, libraries - PARAMETERS, QUANTILE))
    for begin in range(0, number, 1 << 16):
        part = slice(begin, min(begin + (1 << 16), number))
        chunk = tuple((c[:, part].astype(np.float64), np.broadcast_to(s, c.shape)[:, part]) for c, s in groups)
        phi = None if dispersion is None else dispersion[part]
        flags[part] = _flag_chunk(chunk, tuple(eta[part] for eta in etas), phi, cutoff)
    return flags


def _flag_chunk(
    groups: tuple[tuple[FloatArray, FloatArray], ...],
    etas: tuple[FloatArray, ...],
    phi: FloatArray | None,
    cutoff: float,
) -> NDArray[np.bool_]:
    robust = _robust_dispersion(groups)
    everything = np.concatenate([counts for counts, _ in groups])
    furthest = np.zeros(everything.shape[1])
    count_there = np.zeros(everything.shape[1])
    for (counts, offsets), eta in zip(groups, etas, strict=True):
        if counts.shape[0] < MIN_LIBRARIES:
            continue
        distance = _cooks_distance(counts, np.exp(eta) * offsets, robust, phi)
        worst = distance.argmax(axis=0)[None]
        highest = np.take_along_axis(distance, worst, axis=0)[0]
        further = highest > furthest
        count_there = np.where(further, np.take_along_axis(counts, worst, axis=0)[0], count_there)
        furthest = np.where(further, highest, furthest)
    return np.asarray((furthest > cutoff) & ((everything > count_there).sum(axis=0) < 3))


def _cooks_distance(counts: FloatArray, mean: FloatArray, robust: FloatArray, phi: FloatArray | None) -> FloatArray:
    mean = np.maximum(mean, 0.5)
    weight = mean if phi is None else mean / (1.0 + phi * mean)
    leverage = weight / weight.sum(axis=0)
    squared_residual = (counts - mean) ** 2 / (mean + robust * mean**2)
    return np.asarray(squared_residual / PARAMETERS * leverage / (1.0 - leverage) ** 2)


def _robust_dispersion(groups: tuple[tuple[FloatArray, FloatArray], ...]) -> FloatArray:
    """Method of moments on trimmed variances within groups, at least 0.04; offsets scaled to a mean of 1 per bin."""
    scale = np.concatenate([offsets for _, offsets in groups]).mean(axis=0)
    normalised = [counts / (offsets / scale) for counts, offsets in groups]
    variance = np.max([_trimmed_variance(part) for part in normalised if part.shape[0] >= MIN_LIBRARIES], axis=0)
    mean = np.maximum(np.concatenate(normalised).mean(axis=0), 1e-10)
    return np.asarray(np.maximum((variance - mean) / mean**2, MIN_DISPERSION))


def _trimmed_variance(counts: FloatArray) -> FloatArray:
    number = int(counts.shape[0])
    share, correction = ((1 / 3, 2.04), (1 / 4, 1.86), (1 / 8, 1.51))[(number > 3) + (number > 23)]
    centre = _trimmed_mean(counts, share)
    return np.asarray(correction * _trimmed_mean((counts - centre) ** 2, share))


def _trimmed_mean(values: FloatArray, share: float) -> FloatArray:
    cut = int(values.shape[0] * share + 1e-9)
    return np.asarray(np.sort(values, axis=0)[cut : values.shape[0] - cut].mean(axis=0))
