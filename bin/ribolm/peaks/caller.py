"""Call peaks of IP over input libraries: from files to files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ribolm.console import notice
from ribolm.files import atomic_directory
from ribolm.peaks.background import (
    SOURCE_ALL_ELIGIBLE,
    SOURCE_MIXTURE,
    SOURCE_NONE,
    Background,
    find_background,
)
from ribolm.peaks.call import MIN_PEAK_NT, NEGATIVE_BINOMIAL, ExaminedBins, Peaks, called_bins, examine_bins, merge_bins
from ribolm.peaks.counting import (
    CountedLibrary,
    Reference,
    count_in_peaks,
    count_libraries,
    load_reference,
    require_inputs,
)
from ribolm.peaks.libraries import read_size_factors
from ribolm.peaks.offsets import (
    SOURCE_BACKGROUND,
    SOURCE_GIVEN,
    SizeFactor,
    fit_gc_model,
    given_size_factors,
    linear_offsets,
    size_factors,
)
from ribolm.peaks.options import CallOptions
from ribolm.peaks.output import BinColumns, write_bins_parquet, write_bins_tsv, write_peaks
from ribolm.peaks.peak_table import PeakRow, build_rows, count_ambiguous
from ribolm.peaks.strandedness import UNSTRANDED
from ribolm.peaks.summary import Choices, Summary, describe_dispersion


@dataclass(frozen=True)
class Scaling:
    """How the libraries are made comparable; `is_fallback`: size factors from depth, for want of background."""

    background: Background
    factors: list[SizeFactor]
    is_fallback: bool


@dataclass(frozen=True)
class Calls:
    """Tested bins, which of them are called (bool[k]), and the peaks that they join into."""

    tested: ExaminedBins
    called: NDArray[np.bool_]
    peaks: Peaks


def call_peaks(options: CallOptions) -> None:
    """Run a whole call and write its folder; an error leaves the folder as it was.

    Raises DataError where the files are bad or do not fit together.
    """
    choices = Choices()
    require_inputs(options)
    names = [library.name for library in options.libraries]
    given = read_size_factors(options.size_factors, names) if options.size_factors else None
    reference = load_reference(options)
    with ExitStack() as open_files:
        counted = count_libraries(options, reference, choices, open_files)
        scaling = scale_libraries(counted, given, choices)
        calls = call_bins(options, reference, counted, scaling, choices)
        in_peaks = count_in_peaks(counted, calls.tested, calls.peaks, reference.grid.n_bins)
    is_stranded = not any(entry.strandedness == UNSTRANDED for entry in counted)
    rows = build_rows(calls.peaks, reference.space, reference.annotation, reference.genome, is_stranded)
    if not rows:
        notice(f"{options.name}: no peak at p ≤ {options.p_cutoff:g}; the files are written without rows.")
    summary = Summary(
        name=options.name,
        caller="ribolm",
        parameters=options.parameters(),
        choices=choices.made,
        libraries=_describe_libraries(counted, scaling, in_peaks),
        bins=_describe_bins(reference, calls, scaling),
        calls=_describe_calls(options.name, calls, rows),
        dispersion=describe_dispersion(calls.tested.trend),
    )
    write_call(options, reference, counted, scaling, calls, rows, summary)


def scale_libraries(counted: Sequence[CountedLibrary], given: dict[str, float] | None, choices: Choices) -> Scaling:
    """Find background bins, and size factors from them, from a user's table, or from sequencing depth."""
    ip = [entry.counts.counts for entry in counted if entry.is_ip]
    control = [entry.counts.counts for entry in counted if not entry.is_ip]
    background = find_background(_total(ip), _total(control))
    _tell_background(background, given is not None, choices)
    if given is not None:
        return Scaling(background, given_size_factors([entry.library.name for entry in counted], given), False)
    factors = size_factors(
        [entry.counts.counts for entry in counted],
        background,
        [entry.counts.fragments_on_exons for entry in counted],
    )
    for entry, factor in zip(counted, factors, strict=True):
        if factor.source != SOURCE_BACKGROUND:
            reason = f"{factor.source}, for want of background"
            choices.add(f"size factor of {entry.library.name}", factor.value, reason)
    return Scaling(background, factors, background.source == SOURCE_NONE)


def _total(counts: Sequence[NDArray[np.int32]]) -> NDArray[np.int64]:
    total = np.zeros(counts[0].size, dtype=np.int64)
    for count in counts:
        total += count
    return total


def _tell_background(background: Background, is_given: bool, choices: Choices) -> None:
    reasons = {
        SOURCE_MIXTURE: "lower of two Gaussians of ln(IP/input) over {} bins with ≥ 5 fragments in IP and in input",
        SOURCE_ALL_ELIGIBLE: "all {} bins with ≥ 5 fragments in IP and in input; their ratios show no two components",
        SOURCE_NONE: "{} bins have ≥ 5 fragments in IP and in input; size factors "
        + ("are given" if is_given else "fall back on fragments on exons"),
    }
    choices.add("background bins", background.count, reasons[background.source].format(background.eligible))


def call_bins(
    options: CallOptions,
    reference: Reference,
    counted: Sequence[CountedLibrary],
    scaling: Scaling,
    choices: Choices,
) -> Calls:
    """Correct for GC, test every bin with a count, and join the called ones."""
    counts = [entry.counts.counts for entry in counted]
    is_ip = np.array([entry.is_ip for entry in counted])
    model = fit_gc_model(reference.gc, counts) if reference.gc is not None and options.gc_correction else None
    if model is None:
        choices.add("GC correction", "off", "--no-gc" if not options.gc_correction else "no genome sequence")
    any_count = np.zeros(reference.grid.n_bins, dtype=np.bool_)
    for count in counts:
        any_count |= count > 0
    bins = np.flatnonzero(any_count)
    offsets = linear_offsets(scaling.factors, model, bins)
    chosen = np.stack([count[bins] for count in counts])
    tested = examine_bins(reference.grid, bins, chosen, offsets, is_ip, options.test)
    if options.test == NEGATIVE_BINOMIAL and tested.trend is not None and not tested.trend.dispersion.size:
        choices.add("dispersion", 0, "no assay has two libraries to estimate it from, so the test is Poisson's")
    called = called_bins(tested, options.p_cutoff)
    return Calls(tested, called, merge_bins(tested, called, min(MIN_PEAK_NT, options.bin_size)))


def write_call(
    options: CallOptions,
    reference: Reference,
    counted: Sequence[CountedLibrary],
    scaling: Scaling,
    calls: Calls,
    rows: Sequence[PeakRow],
    summary: Summary,
) -> None:
    """Write every file of the call, all or none; library columns stand in the order of the command line."""
    row_of = {entry.library.name: row for row, entry in enumerate(counted)}
    order = {library.name: row_of[library.name] for library in options.libraries}
    background = scaling.background.flags[calls.tested.bins]
    columns = BinColumns(calls.tested, reference.space, order, background, reference.gc, scaling.is_fallback)
    with atomic_directory(options.outdir) as folder:
        write_bins_parquet(folder / "bins.parquet", columns)
        if options.bins_tsv:
            write_bins_tsv(folder / "bins.tsv.gz", columns)
        write_peaks(folder, options.name, rows)
        summary.write(folder)
    _remove_older_call(options)


def _remove_older_call(options: CallOptions) -> None:
    """Remove what an earlier call left in the folder and this one does not write: another section, other bins."""
    own = f"{options.name}.peaks_mqc.json"
    older = [path for path in options.outdir.glob("*.peaks_mqc.json") if path.name != own]
    if not options.bins_tsv:
        older.append(options.outdir / "bins.tsv.gz")
    for path in older:
        path.unlink(missing_ok=True)


def _describe_libraries(
    counted: Sequence[CountedLibrary], scaling: Scaling, in_peaks: Sequence[int]
) -> dict[str, dict[str, Any]]:
    return {
        entry.library.name: {
            "assay": entry.library.assay,
            "alignments": entry.counts.alignments,
            "left_out": entry.counts.left_out,
            "fragments": entry.counts.fragments,
            "lone_mates": entry.counts.lone_mates,
            "fragments_on_exons": entry.counts.fragments_on_exons,
            "fragments_in_peaks": inside,
            "strandedness": entry.strandedness,
            "strandedness_source": entry.strandedness_source,
            "size_factor": factor.value,
            "size_factor_source": factor.source,
        }
        for entry, factor, inside in zip(counted, scaling.factors, in_peaks, strict=True)
    }


def _describe_bins(reference: Reference, calls: Calls, scaling: Scaling) -> dict[str, Any]:
    mixture = scaling.background.mixture
    return {
        "total": reference.grid.n_bins,
        "genes_left_out": len(reference.space.scattered),
        "with_counts": int(calls.tested.bins.size),
        "eligible": scaling.background.eligible,
        "background": scaling.background.count,
        "background_source": scaling.background.source,
        "size_factors_given": all(factor.source == SOURCE_GIVEN for factor in scaling.factors),
        "outliers": int(calls.tested.outlier.sum()),
        "mixture": None
        if mixture is None
        else {
            "means": mixture.means.tolist(),
            "variances": mixture.variances.tolist(),
            "weights": mixture.weights.tolist(),
            "log_likelihood": mixture.log_likelihood,
            "bic": mixture.bic,
            "rounds": mixture.rounds,
            "equal_variance": mixture.equal_variance,
        },
    }


def _describe_calls(name: str, calls: Calls, rows: Sequence[PeakRow]) -> dict[str, Any]:
    lengths = [row.length_nt for row in rows]
    return {
        "bins": int(calls.called.sum()),
        "peaks": len(rows),
        "ambiguous": count_ambiguous(name, rows),
        "median_length_nt": float(np.median(lengths)) if lengths else None,
    }
