"""The m6A motif in the report: table, profile around the middle of peaks, logos; and the numbers as JSON."""

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ribolm.files import write_json
from ribolm.genome.annotation import Annotation
from ribolm.genome.contigs import require_shared_contigs
from ribolm.genome.exon_space import build_exon_space
from ribolm.genome.fasta import Genome
from ribolm.genome.regions import Region
from ribolm.genome.transcripts import build_transcript_models
from ribolm.report.drawing.figures import captioned
from ribolm.report.drawing.multiqc import (
    Section,
    interval_text,
    p_value_text,
    slug,
    write_html,
    write_lines,
    write_table,
    write_words,
)
from ribolm.report.drawing.palette import BACKGROUND, group_colours
from ribolm.report.peaks.motif import (
    INTERVAL,
    REACH_NT,
    TEST,
    MotifResult,
    measure_motif,
    motif_letters,
    motif_profile,
)
from ribolm.report.peaks.motif_background import CORE_NT, DRAWS, KEPT_DRAWS, Background, draw_background
from ribolm.report.peaks.motif_logos import draw_logos
from ribolm.report.peaks.places import place_peaks

TABLE_TEXT = (
    f"Odds of DRACH in the middle {CORE_NT} nt of peaks (all of a shorter peak) over its odds in matched windows. "
    "1 means no enrichment. "
    "Windows: same number and lengths as the peaks, from the same genes and, where possible, the same region "
    "(5'UTR, CDS, 3'UTR), touching no peak; seed {seed}."
)
TABLE_HELP = (
    f"p: {TEST}, each gene offering as many places as fit without overlap; it cannot be smaller than 1 in the "
    f"number of draws plus one. Interval: {INTERVAL}. A place counts where all five letters are known. DRACH is "
    "frequent by chance (1.8 % of places when bases are even), so many windows hold one without m6A, and a "
    "peak without DRACH may still be real: about a quarter of mapped m6A lies outside DRACH."
)
PROFILE = Section(
    "motif_profile",
    "ribolm_motif",
    "DRACH around the middle of peaks",
    "DRACH per 100 nt by distance from the middle of the peak along spliced RNA, 5' to 3', beside matched windows. "
    "Peaks that sit on m6A rise in the middle.",
)


def write_motif_report(
    outdir: Path, groups: Mapping[str, list[Region]], annotation: Annotation, genome: Genome, seed: int, stem: str = ""
) -> None:
    """Write the motif sections of all groups and `<group>.motif.json`, `<group>.motif_logo.png` of each.

    `stem` is put before the names of section files and ends the ids of HTML sections, for runs of single groups.
    """
    require_shared_contigs(genome.label, genome.names, annotation.label, annotation.chroms)
    space, models = build_exon_space(annotation), build_transcript_models(annotation)
    results: dict[str, MotifResult] = {}
    backgrounds: dict[str, Background] = {}
    for name, peaks in groups.items():
        backgrounds[name] = draw_background(space, models, genome, place_peaks(space, peaks), seed)
        results[name] = measure_motif(name, len(peaks), backgrounds[name], seed)
        write_json(outdir / f"{name}.motif.json", results[name].as_json())
    prefix = f"{stem}." if stem else ""
    _write_table(outdir, results, seed, prefix)
    _write_profile(outdir, backgrounds, prefix)
    _write_logos(outdir, backgrounds, prefix, stem)


def _write_table(outdir: Path, results: Mapping[str, MotifResult], seed: int, prefix: str) -> None:
    section = Section(
        "motif_enrichment",
        "ribolm_motif",
        "DRACH in peaks against matched background",
        TABLE_TEXT.format(seed=seed),
        TABLE_HELP,
        f"{prefix}motif_enrichment",
    )
    write_table(outdir, section, {name: _row(result) for name, result in results.items()}, COLUMNS, "Group")


def _row(result: MotifResult) -> dict[str, Any]:
    share = result.share_with_drach.value
    background_share = result.background_share_with_drach
    return {
        "odds_ratio": result.odds_ratio.value,
        "interval": interval_text(result.odds_ratio.low, result.odds_ratio.high),
        "p": p_value_text(result.p_value, DRAWS),
        "inside": result.per_100_nt_in_peaks,
        "background": result.per_100_nt_in_background,
        "share": None if share is None else 100 * share,
        "background_share": None if background_share is None else 100 * background_share,
        "n": result.peaks_used,
        "genes": result.genes,
        "left_out": left_out_text(result),
    }


def left_out_text(result: MotifResult) -> str:
    """Why peaks are missing from the comparison, in words."""
    reasons = (
        (result.unplaced, "on no exon"),
        (result.without_sequence, "without known sequence"),
        (result.without_place, "no place left in the gene"),
    )
    if not result.peaks:
        return "the group has no peak"
    return ", ".join(f"{n:,} {why}" for n, why in reasons if n) or "none"


COLUMNS: dict[str, dict[str, Any]] = {
    "odds_ratio": {"title": "Odds ratio", "description": "Peaks over background", "format": "{:,.2f}"},
    "interval": {"title": "95 % interval", "description": INTERVAL},
    "p": {"title": "p", "description": TEST},
    "inside": {"title": "in peaks", "description": "DRACH per 100 nt of peaks", "format": "{:,.2f}"},
    "background": {"title": "background", "description": "DRACH per 100 nt of windows", "format": "{:,.2f}"},
    "share": {"title": "Peaks with DRACH", "description": "At least one", "suffix": " %", "hidden": True},
    "background_share": {"title": "Windows with DRACH", "description": "The same", "suffix": " %", "hidden": True},
    "n": {"title": "Peaks (n)", "description": "Peaks compared", "format": "{:,.0f}"},
    "genes": {"title": "Genes (n)", "description": "Genes that hold them", "format": "{:,.0f}"},
    "left_out": {"title": "Left out", "description": "Peaks that could not be compared, and why"},
}  # fmt: skip


def _write_profile(outdir: Path, backgrounds: Mapping[str, Background], prefix: str) -> None:
    lines, colours, dashes = {}, {}, {}
    palette = group_colours(list(backgrounds))
    for name, found in backgrounds.items():
        of_peaks, of_windows = motif_profile(found)
        for label, points in ((f"{name}: peaks", of_peaks), (f"{name}: matched windows", of_windows)):
            if points:
                lines[label], colours[label] = points, palette[name]
        colours[f"{name}: matched windows"] = BACKGROUND if len(backgrounds) == 1 else palette[name]
        dashes[f"{name}: matched windows"] = "dash"
    section = Section(
        PROFILE.key, PROFILE.chapter, PROFILE.title, PROFILE.description, file_stem=f"{prefix}motif_profile"
    )
    if not lines:
        write_words(outdir, section, "No group has a peak with known sequence and a matched background.")
        return
    labels = ("distance from the middle of the peak (nt)", "DRACH per 100 nt")
    write_lines(
        outdir, section, lines, colours, labels, ymin=0, dash_styles={k: v for k, v in dashes.items() if k in lines}
    )


def _write_logos(outdir: Path, backgrounds: Mapping[str, Background], prefix: str, stem: str) -> None:
    section = Section(
        f"motif_logos_{slug(stem)}" if stem else "motif_logos",
        "ribolm_motif",
        f"Sequence logos, {stem}" if stem else "Sequence logos",
        f"Letters around the DRACH nearest to the middle of each peak (at most {REACH_NT} nt away), above those of "
        f"{KEPT_DRAWS} matched windows per peak. The frame fixes D, R, A, C and H; which of their letters prevail, "
        "above all GGACU, tells peaks from background.",
        file_stem=f"{prefix}motif_logos",
    )
    pictures = []
    for name, found in backgrounds.items():
        of_peaks, of_windows = motif_letters(found)
        if of_peaks.sum() and of_windows.sum():
            path = outdir / f"{name}.motif_logo.png"
            draw_logos(path, name, of_peaks, of_windows)
            pictures.append(captioned(path, f"Sequence logos of group {name}, peaks above matched background"))
        else:
            pictures.append(f"<p>{html.escape(name)}: no peak with a DRACH nearby, so there is no logo.</p>")
    write_html(outdir, section, "\n".join(pictures))
