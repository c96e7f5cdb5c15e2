"""Sections about single libraries: reads in peaks, what was left out, size factors."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ribolm.evaluation.proportions import wilson
from ribolm.report.drawing.multiqc import (
    Section,
    interval_text,
    write_bars,
    write_general_statistics,
    write_table,
    write_words,
)
from ribolm.report.drawing.palette import INPUT, IP
from ribolm.report.folders.peak_folder import Library, PeakFolder, whole_groups

LEFT_OUT_COLOURS = ("#c9b458", "#8d6b94", "#5f8f8b", "#c07858", "#7c8a5a", "#a0567a", "#56749c", "#9b8466")
ASSAY_NAMES = {"ip": "IP", "input": "input"}

READS_IN_PEAKS = Section(
    "reads_in_peaks",
    "ribolm_libraries",
    "Reads in peaks",
    "Share of the fragments on exons that overlap a called peak of their group. An IP library that worked stands well "
    "above its inputs.",
    "A fragment is a read pair (or a single read) and counts once. The share depends on how many peaks were "
    "called, so compare IP with input of one group rather than libraries of different studies. Interval: "
    "Wilson score, 95 %, which takes fragments as independent and therefore shows counting error only.",
)
LEFT_OUT = Section(
    "left_out",
    "ribolm_libraries",
    "What was counted and what was left out",
    "Alignments of each library: used for counting, or left out and why.",
    "Secondary alignments are further places of a read that has a primary one. A high share of low mapping quality or "
    "multi-mapped alignments often means repeats or ribosomal RNA.",
)
SIZE_FACTORS = Section(
    "size_factors",
    "ribolm_libraries",
    "Size factors",
    "The scale of each library: its typical count on background bins. Counts are compared after division by it.",
    "A bin of the background is transcribed but not enriched. When IP and input differ strongly here, a log2 "
    "fold change above zero can go with fewer raw reads in IP than in input. Size factors of spike-ins or your "
    "own can be given.",
)


def write_library_sections(outdir: Path, folders: Sequence[PeakFolder]) -> None:
    """Write reads in peaks, left-out alignments, size factors and the columns of the first table."""
    libraries = dict(_by_label(folders))
    _write_reads_in_peaks(outdir, libraries)
    _write_left_out(outdir, libraries)
    _write_size_factors(outdir, libraries)


def _by_label(folders: Sequence[PeakFolder]) -> Iterator[tuple[str, tuple[PeakFolder, Library]]]:
    """Libraries by name, IP before input; a library that serves two groups appears once per group."""
    names = [library.name for folder in folders for library in folder.libraries]
    for folder in folders:
        for library in folder.libraries:
            shared = names.count(library.name) > 1
            yield (f"{library.name} ({folder.name})" if shared else library.name), (folder, library)


def _write_reads_in_peaks(outdir: Path, libraries: dict[str, tuple[PeakFolder, Library]]) -> None:
    rows: dict[str, dict[str, Any]] = {}
    bars: dict[str, dict[str, float]] = {}
    for label, (folder, library) in libraries.items():
        if library.fragments_in_peaks is None or library.fragments_on_exons is None:
            continue
        share = wilson(library.fragments_in_peaks, library.fragments_on_exons)
        rows[label] = {
            "group": folder.name,
            "assay": ASSAY_NAMES[library.assay],
            "share": _percent(share.value),
            "interval": interval_text(_percent(share.low), _percent(share.high), " %"),
            "in_peaks": library.fragments_in_peaks,
            "on_exons": library.fragments_on_exons,
            "fragments": library.fragments,
        }
        if share.value is not None:
            bars[label] = {library.assay: 100 * share.value}
    if not bars:
        write_words(outdir, READS_IN_PEAKS, "No library has a fragment on an exon, so there is no share to show.")
        return
    categories = {"ip": {"name": "IP", "color": IP}, "input": {"name": "input", "color": INPUT}}
    settings = {"cpswitch": False, "ysuffix": " %", "tt_decimals": 2, "ymin": 0, "sort_samples": False}
    write_bars(outdir, READS_IN_PEAKS, bars, categories, "% of fragments on exons", **settings)
    write_table(outdir, _table_section(READS_IN_PEAKS), rows, SHARE_COLUMNS, "Library")
    whole = {folder.name for folder in whole_groups([folder for folder, _ in libraries.values()])}
    served = {label: library.name for label, (folder, library) in libraries.items() if folder.name in whole}
    names = list(served.values())
    # an input of two groups has two shares, which the first table has no place for
    general = {
        name: {"reads_in_peaks": rows[label]["share"]}
        for label, name in served.items()
        if label in rows and names.count(name) == 1
    }
    write_general_statistics(outdir, "general_reads_in_peaks", general, GENERAL_COLUMNS)


SHARE_COLUMNS: dict[str, dict[str, Any]] = {
    "group": {"title": "Group", "description": "Group of the library"},
    "assay": {"title": "Assay", "description": "IP or input"},
    "share": {"title": "In peaks", "description": "Share of fragments on exons in peaks", "suffix": " %"},
    "interval": {"title": "95 % interval", "description": "Wilson score interval of the share"},
    "in_peaks": {"title": "Fragments in peaks", "description": "Number", "format": "{:,.0f}"},
    "on_exons": {"title": "on exons (n)", "description": "Fragments that overlap an exon", "format": "{:,.0f}"},
    "fragments": {"title": "Fragments", "description": "All fragments counted", "format": "{:,.0f}"},
}
GENERAL_COLUMNS: dict[str, dict[str, Any]] = {
    "reads_in_peaks": {
        "title": "In peaks",
        "description": "Share of the fragments on exons that overlap a peak of the group; empty for inputs of several",
        "suffix": " %",
        "min": 0,
        "max": 100,
        "scale": "Greens",
    }
}


def _table_section(section: Section) -> Section:
    title = f"{section.title}: numbers"
    return Section(f"{section.key}_table", section.chapter, title, "The numbers behind the plot above, with intervals.")


def _write_left_out(outdir: Path, libraries: dict[str, tuple[PeakFolder, Library]]) -> None:
    bars: dict[str, dict[str, float]] = {}
    reasons: dict[str, int] = {}
    for label, (_folder, library) in libraries.items():
        if library.alignments:
            used = max(library.alignments - sum(library.left_out.values()), 0)
            bars[label] = {"used": used, **library.left_out}
            for reason, n in library.left_out.items():
                reasons[reason] = reasons.get(reason, 0) + n
    if not bars:
        write_words(outdir, LEFT_OUT, "No library has an alignment.")
        return
    categories = {"used": {"name": "used", "color": "#1b7f79"}}
    shown = sorted((reason for reason, n in reasons.items() if n), key=lambda reason: (-reasons[reason], reason))
    for i, reason in enumerate(shown):
        colour = LEFT_OUT_COLOURS[i % len(LEFT_OUT_COLOURS)]
        categories[reason] = {"name": reason.replace("_", " "), "color": colour}
    write_bars(outdir, LEFT_OUT, bars, categories, "alignments", sort_samples=False, use_legend=True)


def _write_size_factors(outdir: Path, libraries: dict[str, tuple[PeakFolder, Library]]) -> None:
    rows: dict[str, dict[str, Any]] = {}
    for label, (folder, library) in libraries.items():
        if library.size_factor is None:
            continue
        bins = folder.summary.get("bins") or {}
        rows[label] = {
            "group": folder.name,
            "assay": ASSAY_NAMES[library.assay],
            "size_factor": library.size_factor,
            "source": library.size_factor_source,
            "background": bins.get("background"),
            "background_source": bins.get("background_source"),
        }
    if not rows:
        write_words(outdir, SIZE_FACTORS, "The peak caller that was used gives no size factors.")
        return
    write_table(outdir, SIZE_FACTORS, rows, SIZE_FACTOR_COLUMNS, "Library")


SIZE_FACTOR_COLUMNS: dict[str, dict[str, Any]] = {
    "group": {"title": "Group", "description": "Group of the library"},
    "assay": {"title": "Assay", "description": "IP or input"},
    "size_factor": {
        "title": "Size factor",
        "description": "Counts are divided by it",
        "format": "{:,.4g}",
        "bars_zero_centrepoint": False,
        "scale": "GnBu",
        "min": 0,
    },
    "source": {"title": "Where from", "description": "Estimated, given by the user, or from spike-in contigs"},
    "background": {"title": "Background bins", "description": "Bins the estimate rests on (n)", "format": "{:,.0f}"},
    "background_source": {"title": "Background from", "description": "How background bins were found"},
}


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 4)
