"""Negative-binomial dispersion as a trend over abundance.

Estimator: Cox-Reid adjusted profile likelihood (McCarthy, Chen and Smyth 2012, Nucleic Acids Res. 40:4288), one common
dispersion per stratum of abundance, interpolated between strata in the logarithm of abundance. Two libraries per group
say too little about a single bin, so no bin gets a dispersion of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from ribolm.peaks.glm import fit_group

ESTIMATOR = "Cox-Reid adjusted profile likelihood, common within abundance strata, interpolated"
MIN_TOTAL = 5
MIN_BINS_PER_STRATUM = 500
MAX_STRATA = 20
MAX_BINS_FITTED = 2000
BOUNDS = (1e-6, 10.0)

FloatArray = NDArray[np.float64]
Group = tuple[NDArray[np.int32], FloatArray]


@dataclass(frozen=True)
class DispersionTrend:
    """Dispersion, mean ln abundance and number of bins of each stratum; arrays of one length, abundance rising."""

    log_abundance: FloatArray
    dispersion: FloatArray
    bins: NDArray[np.int64]

    def at(self, abundance: FloatArray) -> FloatArray:
        """Dispersion at each abundance, constant beyond the outermost strata; zeros where none was estimated."""
        if not self.dispersion.size:
            return np.zeros(abundance.size)
        return np.interp(np.log(np.maximum(abundance, 1e-300)), self.log_abundance, self.dispersion)


def abundance(groups: tuple[Group, ...]) -> FloatArray:
    """Summed counts over summed offsets of all libraries, float64[n_bins]."""
    counts = sum(np.asarray(group[0].sum(axis=0), dtype=np.float64) for group in groups)
    offsets = sum(np.broadcast_to(group[1], group[0].shape).sum(axis=0) for group in groups)
    return np.asarray(counts / offsets)


def estimate_trend(groups: tuple[Group, ...]) -> DispersionTrend:
    """Estimate the trend from the groups that have at least two libraries.

    groups: (counts int[n_libraries, n_bins], offsets float64[n_libraries, n_bins]) per assay. Without such a group, or
    without a bin of five fragments, the trend is empty and the test is Poisson's.
    """
    replicated = tuple(group for group in groups if group[0].shape[0] >= 2)
    empty = DispersionTrend(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))
    if not replicated:
        return empty
    total = sum(group[0].sum(axis=0) for group in replicated)
    usable = np.flatnonzero(np.asarray(total) >= MIN_TOTAL)
    if not usable.size:
        return empty
    level = abundance(groups)[usable]
    order = np.argsort(level, kind="stable")
    usable, level = usable[order], level[order]
    number = int(np.clip(usable.size // MIN_BINS_PER_STRATUM, 1, MAX_STRATA))
    edges = np.linspace(0, usable.size, number + 1).astype(np.int64)
    found = [_common_dispersion(replicated, usable[a:b]) for a, b in pairwise(edges.tolist())]
    middle = [np.log(level[a:b]).mean() for a, b in pairwise(edges.tolist())]
    return DispersionTrend(np.array(middle), np.array(found), np.diff(edges))


def _common_dispersion(groups: tuple[Group, ...], bins: NDArray[np.int64]) -> float:
    from scipy.optimize import minimize_scalar

    step = max(1, -(-bins.size // MAX_BINS_FITTED))
    chosen = bins[::step]
    parts = [(counts[:, chosen], np.broadcast_to(offsets, counts.shape)[:, chosen]) for counts, offsets in groups]
    found = minimize_scalar(
        lambda log_phi: -sum(adjusted_profile_likelihood(*part, float(np.exp(log_phi))) for part in parts),
        bounds=tuple(np.log(BOUNDS)),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x))


def adjusted_profile_likelihood(counts: NDArray[np.int32], offsets: FloatArray, phi: float) -> float:
    """Log likelihood at the fitted means less ½·ln of the information of each bin's log rate, summed over bins."""
    eta, _ = fit_group(counts, offsets, np.full(counts.shape[1], phi))
    mean = np.maximum(np.exp(eta) * offsets, 1e-10)
    size = 1.0 / phi
    log_likelihood = (
        gammaln(counts + size)
        - gammaln(size)
        - gammaln(counts + 1.0)
        + counts * np.log(phi * mean)
        - (counts + size) * np.log1p(phi * mean)
    )
    information = (mean / (1.0 + phi * mean)).sum(axis=0)
    return float(log_likelihood.sum() - 0.5 * np.log(information).sum())
