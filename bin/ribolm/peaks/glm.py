"""Log fold change, standard error and p-value of IP over input, for many bins at once.

Model: K_ij ~ Poisson or negative binomial of dispersion φ_i, ln µ_ij = β0_i + β1_i·IP_j + ln S_ij. The two groups of a
saturated one-factor design decouple, so each is a weighted mean iterated to its fixed point (iteratively reweighted
least squares), with fitted means held at ≥ 0.5 as DESeq2 does; the test is one-sided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

MIN_MEAN = 0.5
MIN_TOTAL = 0.1
TOLERANCE = 1e-10
MAX_ROUNDS = 100
CHUNK = 8192
LN2 = float(np.log(2.0))

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class WaldTest:
    """log2 fold change of IP over input, its standard error (log2), and the one-sided p-value; each float64[n_bins]."""

    log2_fold_change: FloatArray
    standard_error: FloatArray
    p_value: FloatArray


def fit_group(
    counts: NDArray[np.int32], offsets: FloatArray, dispersion: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Log rate of one group of libraries and its Fisher information.

    counts: int[n_libraries, n_bins]; offsets: linear S, float64[n_libraries, n_bins] or [n_libraries, 1]; dispersion:
    float64[n_bins], None for Poisson. Returns (eta, information), each float64[n_bins]. Each bin is independent of the
    others, so any chunking gives the same result.
    """
    number = counts.shape[1]
    eta, information = np.empty(number), np.empty(number)
    for begin in range(0, number, CHUNK):
        part = slice(begin, min(begin + CHUNK, number))
        scale = offsets[:, part] if offsets.shape[1] > 1 else offsets
        phi = None if dispersion is None else dispersion[part]
        eta[part], information[part] = _fit_chunk(counts[:, part].astype(np.float64), scale, phi)
    return eta, information


def _fit_chunk(counts: FloatArray, scale: FloatArray, phi: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    scale = np.broadcast_to(scale, counts.shape)
    floor_eta = np.log(MIN_MEAN / scale)
    eta = np.log(np.maximum(_add(counts), MIN_TOTAL) / _add(scale))
    moving = np.arange(eta.size)
    part = (counts, scale, floor_eta, phi)
    for _ in range(MAX_ROUNDS):
        before = eta[moving]
        after = _round(before, *part)
        eta[moving] = after
        still = np.abs(after - before) >= TOLERANCE
        if not still.any():
            break
        if not still.all():
            moving = moving[still]
            part = tuple(None if array is None else array[..., still] for array in part)  # type: ignore[assignment]
    return eta, _add(_weights(np.exp(eta), scale, phi)[1])


def _add(rows: FloatArray) -> FloatArray:
    """Sum over libraries, one after the other: the order of additions never depends on the shape."""
    total: FloatArray = rows[0].copy()
    for row in rows[1:]:
        total += row
    return total


def _weights(rate: FloatArray, scale: FloatArray, phi: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    mean = np.maximum(rate * scale, MIN_MEAN)
    return mean, mean if phi is None else mean / (1.0 + phi * mean)


def _round(
    eta: FloatArray, counts: FloatArray, scale: FloatArray, floor_eta: FloatArray, phi: FloatArray | None
) -> FloatArray:
    mean, weight = _weights(np.exp(eta), scale, phi)
    working = np.maximum(eta, floor_eta) + counts / mean - 1.0
    return np.asarray(_add(weight * working) / _add(weight))


def wald_test(ip: tuple[FloatArray, FloatArray], control: tuple[FloatArray, FloatArray]) -> WaldTest:
    """One-sided Wald test from (eta, information) of the IP and of the input group."""
    log2_fold_change = (ip[0] - control[0]) / LN2
    standard_error = np.sqrt(1.0 / ip[1] + 1.0 / control[1]) / LN2
    return WaldTest(log2_fold_change, standard_error, ndtr(-log2_fold_change / standard_error))


def benjamini_hochberg(p_value: FloatArray) -> FloatArray:
    """Adjusted p-values of Benjamini and Hochberg (1995), same order as given, float64[n]."""
    number = p_value.size
    if number == 0:
        return p_value.copy()
    order = np.argsort(p_value, kind="stable")[::-1]
    scaled = p_value[order] * number / np.arange(number, 0, -1)
    adjusted = np.empty(number)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return adjusted
