"""Is IP enriched over input? Per group in numbers, per library as a curve."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.evaluation.proportions import ratio_of_shares, wilson
from ribolm.report.drawing.multiqc import Section, interval_text, write_lines, write_table, write_words
from ribolm.report.drawing.palette import assay_colour, group_colours
from ribolm.report.folders.peak_folder import PeakFolder
from ribolm.report.libraries.quality import ASSAY_NAMES

CURVE_POINTS = 120
FOLD_STEP = 0.25
FOLD_LIMITS = (-2.0, 8.0)

GROUPS = Section(
    "groups",
    "ribolm_peaks",
    "Groups at a glance",
    "Peaks and enrichment of every group. Enrichment = share of fragments in peaks in IP divided by that in input, "
    "replicates together, with its 95 % interval.",
    "The interval (Katz, log scale) shows counting error; differences between replicates come on top. Peaks are called "
    "where IP exceeds input, so a ratio above 1 is expected; its size tells how clean the immunoprecipitation was.",
)
CURVES = Section(
    "cumulative_counts",
    "ribolm_libraries",
    "How unevenly counts are spread",
    "Bins are ranked from the fewest to the most counts; the curve is the share of all counts reached so far. "
    "IP libraries should bend lower and rise later than their inputs, because enriched bins hold more of their "
    "counts.",
    "This is the fingerprint plot for transcripts. Input is far from the diagonal, too, as genes differ in "
    "expression; what matters is the distance between IP and input of one group. Bins without a count in any "
    "library of the group are left out.",
)
FOLDS = Section(
    "fold_change",
    "ribolm_peaks",
    "Fold change of the peaks",
    "Share of the peaks of a group by log2 fold change, IP over input (mean over the bins of a peak, steps of 0.25).",
)


def write_enrichment_sections(outdir: Path, folders: Sequence[PeakFolder]) -> None:
    """Write the table of groups, the cumulative curves of libraries and the fold changes of peaks."""
    peaks = {folder.name: folder.read_peaks() for folder in folders}
    rows = {folder.name: _group_row(folder, peaks[folder.name]) for folder in folders}
    write_table(outdir, GROUPS, rows, GROUP_COLUMNS, "Group")
    _write_curves(outdir, folders)
    folds = {
        name: np.array([row["log2_fold_change"] for row in table if row["log2_fold_change"] is not None], dtype=float)
        for name, table in peaks.items()
    }
    lines = {name: fold_histogram(values) for name, values in folds.items() if len(values)}
    if not lines:
        write_words(outdir, FOLDS, "No group has a peak, so there is no fold change to show.")
        return
    labelled = {f"{name} (n = {len(folds[name]):,})": points for name, points in lines.items()}
    colours = {f"{name} (n = {len(folds[name]):,})": colour for name, colour in group_colours(list(folds)).items()}
    write_lines(outdir, FOLDS, labelled, colours, ("log2 fold change, IP over input", "% of peaks"), ymin=0)


def fold_histogram(log2_fold_change: npt.NDArray[np.float64]) -> list[tuple[float, float]]:
    """Share (%) of values per step of 0.25: (middle of the step, share); values beyond the limits join the ends."""
    edges = np.arange(FOLD_LIMITS[0], FOLD_LIMITS[1] + FOLD_STEP, FOLD_STEP)
    inside = np.clip(log2_fold_change, FOLD_LIMITS[0], FOLD_LIMITS[1] - 1e-9)
    share = 100 * np.histogram(inside, edges)[0] / len(log2_fold_change)
    used = np.flatnonzero(share)
    shown = slice(max(used[0] - 1, 0), used[-1] + 2)
    return list(zip((edges[:-1] + FOLD_STEP / 2)[shown].tolist(), share[shown].round(4).tolist(), strict=True))


def cumulative_share(counts: npt.NDArray[np.int64]) -> list[tuple[float, float]]:
    """(share of bins, share of counts) in %, bins in ascending order of count; [] without a count.

    About `CURVE_POINTS` points, denser where the curve rises.
    """
    total = int(counts.sum())
    if not total:
        return []
    reached = np.r_[0, np.cumsum(np.sort(counts))]
    n = len(counts)
    at = np.unique(np.round(n * (1 - np.geomspace(1, 1 / n, CURVE_POINTS))).astype(np.int64))
    at = np.unique(np.r_[at, np.linspace(0, n, 21).astype(np.int64), n])
    return [(round(100 * int(i) / n, 4), round(100 * int(reached[i]) / total, 4)) for i in at]


def _write_curves(outdir: Path, folders: Sequence[PeakFolder]) -> None:
    lines: dict[str, list[tuple[float, float]]] = {}
    colours: dict[str, str] = {}
    for folder in folders:
        bins = folder.read_bins([f"count.{library.name}" for library in folder.libraries])
        if bins is None:
            continue
        for library in folder.libraries:
            points = cumulative_share(bins[f"count.{library.name}"].to_numpy().astype(np.int64))
            if points:
                label = f"{library.name} ({ASSAY_NAMES[library.assay]}, {folder.name})"
                lines[label] = points
                colours[label] = assay_colour(library.assay)
    if not lines:
        write_words(
            outdir, CURVES, "No bins with counts: the caller that was used makes none, or no fragment was found."
        )
        return
    labels = ("% of bins, from few to many counts", "% of counts")
    write_lines(outdir, CURVES, lines, colours, labels, ymin=0, ymax=100, xmin=0, xmax=100)


def _group_row(folder: PeakFolder, peaks: list[dict[str, Any]]) -> dict[str, Any]:
    pooled = {assay: _pooled(folder, assay) for assay in ("ip", "input")}
    enrichment = ratio_of_shares(*pooled["ip"], *pooled["input"])
    ip_share, input_share = wilson(*pooled["ip"]), wilson(*pooled["input"])
    folds = [row["log2_fold_change"] for row in peaks if row["log2_fold_change"] is not None]
    return {
        "libraries": f"{len(folder.of_assay('ip'))} IP + {len(folder.of_assay('input'))} input",
        "caller": folder.caller,
        "peaks": len(peaks),
        "fold": float(np.median(folds)) if folds else None,
        "ip_share": None if ip_share.value is None else 100 * ip_share.value,
        "input_share": None if input_share.value is None else 100 * input_share.value,
        "enrichment": enrichment.value,
        "interval": interval_text(enrichment.low, enrichment.high),
    }


def _pooled(folder: PeakFolder, assay: str) -> tuple[int, int]:
    """Fragments in peaks and on exons of all libraries of an assay."""
    libraries = folder.of_assay(assay)
    return sum(x.fragments_in_peaks or 0 for x in libraries), sum(x.fragments_on_exons or 0 for x in libraries)


GROUP_COLUMNS: dict[str, dict[str, Any]] = {
    "libraries": {"title": "Libraries", "description": "Libraries of the group"},
    "caller": {"title": "Caller", "description": "Program that called the peaks"},
    "peaks": {"title": "Peaks", "description": "Number of peaks", "format": "{:,.0f}", "scale": "Greens", "min": 0},
    "fold": {"title": "Median log2 FC", "description": "Median over peaks, IP over input", "format": "{:,.2f}"},
    "ip_share": {"title": "IP in peaks", "description": "Share of IP fragments on exons in peaks", "suffix": " %"},
    "input_share": {"title": "Input in peaks", "description": "The same for input", "suffix": " %"},
    "enrichment": {"title": "Enrichment", "description": "Ratio of the two shares", "format": "{:,.2f}"},
    "interval": {"title": "95 % interval", "description": "Of the enrichment: Katz, log scale"},
}
