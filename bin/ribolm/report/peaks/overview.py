"""Sections about the peaks of a group: how wide they are and which transcript regions they lie in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.genome.annotation import Annotation
from ribolm.genome.exon_space import build_exon_space
from ribolm.genome.transcripts import CDS, REGIONS, UTR3, build_transcript_models, paint_regions
from ribolm.report.drawing.multiqc import Section, write_bars, write_lines, write_words
from ribolm.report.drawing.palette import BACKGROUND, group_colours
from ribolm.report.drawing.palette import REGIONS as REGION_COLOURS
from ribolm.report.folders.peak_folder import PeakFolder

WIDTH_STEP_NT = 25
WIDEST_NT = 1000
STOP_CODON, EXON = "stop codon", "exon"
STOP_CODON_NT = 3
FEATURE_ORDER = (*REGIONS[:2], STOP_CODON, *REGIONS[2:], EXON)

WIDTHS = Section(
    "peak_widths",
    "ribolm_peaks",
    "Length of the peaks",
    "Share of the peaks of a group by length along spliced RNA, introns left out, in steps of 25 nt.",
    "A single site gives a peak of about the fragment length. Much longer peaks hold several sites. Peaks "
    "above 1,000 nt are shown at 1,000.",
)
FEATURES = Section(
    "peak_features",
    "ribolm_peaks",
    "Transcript regions of the peaks",
    "Share of the peaks by region of the transcript",
    "A peak counts as stop codon where it covers a base of one, else for the region with most of its bases, on "
    "the transcript with the longest coding region there. m6A of mRNA typically stands out in the 3'UTR and "
    "around the stop codon compared with what chance would give.",
)


def write_overview_sections(outdir: Path, folders: Sequence[PeakFolder], annotation: Annotation | None) -> None:
    """Write peak lengths and peaks per region; with an annotation, the transcriptome's share stands beside."""
    peaks = {folder.name: folder.read_peaks() for folder in folders}
    colours = group_colours(list(peaks))
    lines, line_colours = {}, {}
    for name, rows in peaks.items():
        lengths = np.array([row["length_nt"] for row in rows if row["length_nt"] is not None], dtype=float)
        if len(lengths):
            label = f"{name} (n = {len(lengths):,})"
            lines[label], line_colours[label] = width_histogram(lengths), colours[name]
    if lines:
        write_lines(outdir, WIDTHS, lines, line_colours, ("length of the peak (nt)", "% of peaks"), ymin=0, xmin=0)
    else:
        write_words(outdir, WIDTHS, "No group has a peak, so there is no length to show.")
    features = {name: _counts([str(row["feature"]) for row in rows]) for name, rows in peaks.items()}
    all_lengths = [row["length_nt"] for rows in peaks.values() for row in rows if row["length_nt"] is not None]
    _write_features(outdir, features, all_lengths, annotation)


def width_histogram(length_nt: npt.NDArray[np.float64]) -> list[tuple[float, float]]:
    """Share (%) of lengths per step of 25 nt: (upper end of the step, share), from 0 to the longest."""
    steps = np.minimum(np.ceil(length_nt / WIDTH_STEP_NT), WIDEST_NT / WIDTH_STEP_NT).astype(np.int64)
    share = 100 * np.bincount(steps, minlength=2) / len(length_nt)
    return [(float(i * WIDTH_STEP_NT), round(float(value), 4)) for i, value in enumerate(np.r_[share, 0.0])]


def transcriptome_shares(annotation: Annotation, window_nt: int) -> dict[str, int]:
    """How many windows of `window_nt`, one centred on every exonic base, would have each feature.

    The feature is that of the middle base, but `stop codon` where the window reaches the stop codon, as for peaks.
    Without any CDS all are `exon`.
    """
    space = build_exon_space(annotation)
    if not len(annotation.cds):
        return {EXON: space.transcribed_nt}
    counts = np.zeros(len(REGIONS) + 1, dtype=np.int64)
    for unit, regions in enumerate(paint_regions(space, build_transcript_models(annotation))):
        rna = regions[::-1] if space.strand[unit] < 0 else regions
        features = mark_stop_codons(rna, window_nt)
        counts += np.bincount(features, minlength=len(counts))
    return dict(zip((*REGIONS, STOP_CODON), counts.tolist(), strict=True))


def mark_stop_codons(rna_regions: npt.NDArray[np.uint8], window_nt: int) -> npt.NDArray[np.uint8]:
    """Regions of a unit, 5' to 3', with the bases whose window reaches a stop codon marked `len(REGIONS)`."""
    marked = rna_regions.copy()
    after_stop = 1 + np.flatnonzero((rna_regions[:-1] == CDS) & (rna_regions[1:] == UTR3))
    half = window_nt // 2
    for end in after_stop.tolist():
        marked[max(end - STOP_CODON_NT - half, 0) : end + half] = len(REGIONS)
    return marked


def _counts(features: Sequence[str]) -> dict[str, int]:
    return {feature: features.count(feature) for feature in sorted(set(features))}


def _write_features(
    outdir: Path, features: Mapping[str, Mapping[str, int]], lengths_nt: Sequence[float], annotation: Annotation | None
) -> None:
    bars = {f"{name} (n = {sum(counts.values()):,} peaks)": dict(counts) for name, counts in features.items() if counts}
    if not bars:
        write_words(outdir, FEATURES, "No group has a peak, so there is no region to show.")
        return
    if all(set(counts) == {EXON} for counts in features.values() if counts):
        write_words(outdir, FEATURES, "The GTF has no CDS rows, so the regions of transcripts cannot be told apart.")
        return
    beside = "."
    if annotation is not None:
        window_nt = int(np.median(lengths_nt)) if len(lengths_nt) else WIDTH_STEP_NT
        expected = transcriptome_shares(annotation, window_nt)
        bars[f"expected anywhere on exons ({sum(expected.values()):,} nt)"] = {f: n for f, n in expected.items() if n}
        beside = (
            f", beside the share of windows of the median peak length ({window_nt} nt) centred on every exonic base."
        )
    named = sorted({feature for counts in bars.values() for feature in counts}, key=_feature_order)
    shares = {bar: {f: 100 * n / sum(counts.values()) for f, n in counts.items()} for bar, counts in bars.items()}
    categories = {f: {"name": f, "color": REGION_COLOURS.get(f, BACKGROUND)} for f in named}
    section = replace(FEATURES, description=FEATURES.description + beside)
    settings = {"cpswitch": False, "ysuffix": " %", "ymax": 100, "sort_samples": False, "tt_decimals": 1}
    write_bars(outdir, section, shares, categories, "% of peaks or windows", **settings)


def _feature_order(name: str) -> tuple[int, str]:
    return (FEATURE_ORDER.index(name) if name in FEATURE_ORDER else len(FEATURE_ORDER), name)
