"""From counts to tested bins, and from tested bins to peaks.

Algorithm: exomePeak2 1.16, steps 5 to 9 of its description. Arrays speak of the bins that have a count in any library
("tested bins"); the rest of the grid enters the GC curves alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ribolm.peaks.bins import stretch_of_bins, unit_of_bins
from ribolm.peaks.dispersion import DispersionTrend, abundance, estimate_trend
from ribolm.peaks.glm import WaldTest, benjamini_hochberg, fit_group, wald_test
from ribolm.peaks.outliers import flag_outliers
from ribolm.reads.bin_grid import BinGrid

POISSON = "poisson"
NEGATIVE_BINOMIAL = "negative-binomial"
MIN_PEAK_NT = 25  # or one bin, where bins are smaller

FloatArray = NDArray[np.float64]
Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class ExaminedBins:
    """The tested bins, k in number, in the order of the grid.

    bins, unit, start_nt, end_nt: int64[k], index in the grid and place in exon space; counts: int32[n_libraries, k];
    offsets: linear S, float64[n_libraries, k]; is_ip: bool[n_libraries]; test: float64[k] each; p_adjusted: float64[k];
    outlier: bool[k]; trend: None for Poisson.
    """

    bins: Int64Array
    unit: Int64Array
    start_nt: Int64Array
    end_nt: Int64Array
    counts: Int32Array
    offsets: FloatArray
    is_ip: BoolArray
    test: WaldTest
    p_adjusted: FloatArray
    outlier: BoolArray
    trend: DispersionTrend | None


@dataclass(frozen=True)
class Peaks:
    """Runs of called bins, k in number: unit, start_nt, end_nt in exon space, first and end index into the tested bins.

    count_ip, count_input: int64[k], summed over bins and libraries; rpm_*: per million of the same sums over all bins;
    log2_fold_change, p_value, p_adjusted: plain means over the bins (no combined test). All arrays of length k.
    """

    unit: Int64Array
    start_nt: Int64Array
    end_nt: Int64Array
    first: Int64Array
    end: Int64Array
    count_ip: Int64Array
    count_input: Int64Array
    rpm_ip: FloatArray
    rpm_input: FloatArray
    log2_fold_change: FloatArray
    p_value: FloatArray
    p_adjusted: FloatArray

    def __len__(self) -> int:
        return int(self.unit.size)


def run_test(
    counts: Int32Array, offsets: FloatArray, is_ip: BoolArray, method: str = POISSON
) -> tuple[WaldTest, BoolArray, DispersionTrend | None]:
    """Test IP over input in every bin.

    counts int32[n_libraries, k]; offsets float64, same shape; is_ip bool[n_libraries]; method `poisson` or
    `negative-binomial`. Returns the test, the outlier flags and the dispersion trend. A library without any count says
    nothing and stays out, unless its assay has no other; then nothing can be enriched and p is 1.
    """
    ip, control = (_speaking(counts[assay], offsets[assay]) for assay in (is_ip, ~is_ip))
    trend = estimate_trend((ip, control)) if method == NEGATIVE_BINOMIAL else None
    phi = trend.at(abundance((ip, control))) if trend is not None and trend.dispersion.size else None
    fits = fit_group(*ip, phi), fit_group(*control, phi)
    outlier = flag_outliers((ip, control), (fits[0][0], fits[1][0]), phi)
    test = wald_test(*fits)
    if not (ip[0].any() and control[0].any()):
        test = WaldTest(test.log2_fold_change, test.standard_error, np.ones(counts.shape[1]))
    return test, outlier, trend


def _speaking(counts: Int32Array, offsets: FloatArray) -> tuple[Int32Array, FloatArray]:
    """The libraries of one assay that have a count; all where none has."""
    speaks = counts.any(axis=1)
    return (counts[speaks], offsets[speaks]) if speaks.any() else (counts, offsets)


def examine_bins(
    grid: BinGrid, bins: Int64Array, counts: Int32Array, offsets: FloatArray, is_ip: BoolArray, method: str = POISSON
) -> ExaminedBins:
    """Place and test the bins that have a count; see `ExaminedBins` for shapes."""
    unit = unit_of_bins(grid, bins)
    start_nt, end_nt = stretch_of_bins(grid, bins, unit)
    test, outlier, trend = run_test(counts, offsets, is_ip, method)
    adjusted = benjamini_hochberg(test.p_value)
    return ExaminedBins(bins, unit, start_nt, end_nt, counts, offsets, is_ip, test, adjusted, outlier, trend)


def called_bins(tested: ExaminedBins, p_cutoff: float) -> BoolArray:
    """Bins with p ≤ cutoff that hold at least one IP fragment, bool[k]."""
    return np.asarray((tested.test.p_value <= p_cutoff) & (tested.counts[tested.is_ip].sum(axis=0) > 0))


def merge_bins(tested: ExaminedBins, called: BoolArray, min_length_nt: int) -> Peaks:
    """Join called bins that follow one another in exon space; runs shorter than `min_length_nt` are dropped."""
    chosen = np.flatnonzero(called)
    breaks = np.ones(chosen.size, dtype=np.bool_)
    if chosen.size > 1:
        before, after = chosen[:-1], chosen[1:]
        together = (tested.unit[after] == tested.unit[before]) & (tested.bins[after] == tested.bins[before] + 1)
        breaks[1:] = ~(together & (tested.start_nt[after] <= tested.end_nt[before]))
    at = np.flatnonzero(breaks)
    end = np.r_[at[1:], chosen.size] if at.size else at
    first_bin, last_bin = chosen[at], chosen[end - 1]
    keep = tested.end_nt[last_bin] - tested.start_nt[first_bin] >= min_length_nt
    return _summarise(tested, first_bin[keep], last_bin[keep] + 1)


def _summarise(tested: ExaminedBins, first: Int64Array, end: Int64Array) -> Peaks:
    number = np.maximum(end - first, 1)
    ip = tested.counts[tested.is_ip].sum(axis=0, dtype=np.int64)
    control = tested.counts[~tested.is_ip].sum(axis=0, dtype=np.int64)
    count_ip, count_input = _sum_runs(ip, first, end), _sum_runs(control, first, end)
    return Peaks(
        unit=tested.unit[first],
        start_nt=tested.start_nt[first],
        end_nt=tested.end_nt[end - 1],
        first=first,
        end=end,
        count_ip=count_ip,
        count_input=count_input,
        rpm_ip=count_ip / max(int(ip.sum()), 1) * 1e6,
        rpm_input=count_input / max(int(control.sum()), 1) * 1e6,
        log2_fold_change=_sum_runs(tested.test.log2_fold_change, first, end) / number,
        p_value=_sum_runs(tested.test.p_value, first, end) / number,
        p_adjusted=_sum_runs(tested.p_adjusted, first, end) / number,
    )


def _sum_runs(values: NDArray, first: Int64Array, end: Int64Array) -> NDArray:
    """Sum of values[first:end] of each run; runs neither empty nor overlapping."""
    if not first.size:
        return np.zeros(0, dtype=values.dtype)
    padded = np.append(values, np.zeros(1, dtype=values.dtype))
    return np.asarray(np.add.reduceat(padded, np.stack([first, end], axis=1).ravel())[::2])
