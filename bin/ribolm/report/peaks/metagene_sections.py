"""Peaks along transcripts in the report: picture, table of regions, distance to the stop codon; numbers as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ribolm.files import write_json
from ribolm.genome.annotation import Annotation
from ribolm.genome.exon_space import build_exon_space
from ribolm.genome.regions import Region
from ribolm.genome.transcripts import build_transcript_models
from ribolm.report.drawing.figures import embed
from ribolm.report.drawing.multiqc import (
    Section,
    interval_text,
    slug,
    write_html,
    write_lines,
    write_table,
    write_words,
)
from ribolm.report.drawing.palette import BACKGROUND, group_colours
from ribolm.report.peaks.metagene import (
    CODING,
    NEAR_STOP_NT,
    STOP_REACH_NT,
    MetageneResult,
    PeakPositions,
    locate_middles,
    measure_metagene,
    metagene_axis,
    metagene_density,
    stop_profile,
)
from ribolm.report.peaks.metagene_figure import draw_metagene

NO_CDS = (
    "The GTF has no CDS rows, so 5'UTR, CDS, 3'UTR and stop codons are unknown. Give a GTF with CDS features (GENCODE, "
    "Ensembl, RefSeq) to see them."
)
NO_PEAK = "No group has a peak on an exon, so there is nothing to show."
REGION_KEYS = dict(zip(("utr5", "cds", "utr3"), CODING, strict=True))
CHANCE = "Chance: the same peaks, each anywhere on its own transcript."


def write_metagene_report(
    outdir: Path, groups: Mapping[str, list[Region]], annotation: Annotation, stem: str = ""
) -> None:
    """Write the metagene sections of all groups and `<group>.metagene.json` of each.

    `stem` is put before the names of section files and ends the ids of HTML sections, for runs of single groups.
    """
    space, models = build_exon_space(annotation), build_transcript_models(annotation)
    positions = {name: locate_middles(name, space, models, peaks) for name, peaks in groups.items()}
    results = {name: measure_metagene(group) for name, group in positions.items()}
    for name, result in results.items():
        write_json(outdir / f"{name}.metagene.json", result.as_json())
    prefix = f"{stem}." if stem else ""
    _write_picture(outdir, positions, models.has_cds, prefix, stem)
    _write_stop(outdir, positions, models.has_cds, prefix)
    _write_table(outdir, results, models.has_cds, prefix)


def _write_picture(outdir: Path, positions: Mapping[str, PeakPositions], has_cds: bool, prefix: str, stem: str) -> None:
    axis = metagene_axis(list(positions.values()))
    text = (
        "Density of the middle bases of peaks, regions scaled to their median lengths over the transcripts that carry "
        "peaks; 1 = mean over the axis. "
    )
    if not axis.lengths_nt:
        why = "No peak lies on a coding transcript." if has_cds else NO_CDS
        text = f"{why} Instead: relative position of the middle bases of peaks along spliced transcripts. "
    section = Section(
        f"metagene_profile_{slug(stem)}" if stem else "metagene_profile",
        "ribolm_metagene",
        f"Peaks along the transcript, {stem}" if stem else "Peaks along the transcript",
        f"{text}Grey: {CHANCE[0].lower()}{CHANCE[1:]}",
        "A peak stands on one transcript: of those with an exon under its middle base the one with the longest coding "
        "region, then the longest. Peaks on transcripts without coding region are left out where regions are shown.",
        f"{prefix}metagene",
    )
    shown = {name: _shown(group, bool(axis.lengths_nt)) for name, group in positions.items()}
    shown = {name: group for name, group in shown.items() if len(group.model)}
    if not shown:
        write_words(outdir, section, NO_PEAK if has_cds else f"{NO_CDS} {NO_PEAK}")
        return
    path = outdir / f"{prefix}metagene.png"
    densities = {name: metagene_density(group, axis) for name, group in shown.items()}
    draw_metagene(path, axis, densities, {name: len(group.model) for name, group in shown.items()})
    write_html(outdir, section, embed(path, "Density of peaks along a scaled transcript, one line per group"))


def _shown(group: PeakPositions, coding_only: bool) -> PeakPositions:
    return group.take(group.coding) if coding_only else group


def _write_stop(outdir: Path, positions: Mapping[str, PeakPositions], has_cds: bool, prefix: str) -> None:
    section = Section(
        "stop_codon_distance",
        "ribolm_metagene",
        "Distance to the stop codon",
        f"Share of the peaks per 50 nt along the spliced transcript, up to {STOP_REACH_NT:,} nt; negative = "
        f"upstream of the first base of the stop codon. {CHANCE}",
        file_stem=f"{prefix}stop_codon_distance",
    )
    lines, colours, dashes = {}, {}, {}
    palette = group_colours(list(positions))
    for name, group in positions.items():
        found, expected = stop_profile(group)
        if found:
            label, chance = f"{name} (n = {int(group.coding.sum()):,})", f"{name}: chance"
            lines[label], lines[chance] = found, expected
            colours[label], colours[chance] = palette[name], BACKGROUND if len(positions) == 1 else palette[name]
            dashes[chance] = "dash"
    if not has_cds or not lines:
        write_words(outdir, section, NO_PEAK if has_cds else NO_CDS)
        return
    labels = ("distance to the stop codon (nt)", "% of peaks")
    mark = [{"value": 0, "color": "#8b2f4b", "dash": "dash", "width": 1}]
    write_lines(outdir, section, lines, colours, labels, ymin=0, dash_styles=dashes, x_lines=mark)


def _write_table(outdir: Path, results: Mapping[str, MetageneResult], has_cds: bool, prefix: str) -> None:
    section = Section(
        "metagene_regions",
        "ribolm_metagene",
        "Regions in numbers",
        f"Share of the peaks on coding transcripts by region of their middle base, and within {NEAR_STOP_NT} nt of the "
        f"stop codon with its 95 % interval. {CHANCE}",
        "Intervals are Wilson score intervals and take peaks as independent.",
        f"{prefix}metagene_regions",
    )
    if not has_cds:
        write_words(outdir, section, NO_CDS)
        return
    write_table(outdir, section, {name: _row(result) for name, result in results.items()}, _columns(), "Group")


def _row(result: MetageneResult) -> dict[str, Any]:
    row: dict[str, Any] = {
        "near": _percent(result.near_stop.value),
        "near_interval": interval_text(_percent(result.near_stop.low), _percent(result.near_stop.high), " %"),
        "near_chance": _percent(result.near_stop_expected),
    }
    for key, region in REGION_KEYS.items():
        row[key] = _percent(result.regions[region].value)
        row[f"{key}_chance"] = _percent(result.regions_expected[region])
    return {**row, "n": result.on_coding, "non_coding": result.on_non_coding, "unplaced": result.unplaced}


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _columns() -> dict[str, dict[str, Any]]:
    percent = {"suffix": " %", "format": "{:,.1f}"}
    number = {"format": "{:,.0f}"}
    columns: dict[str, dict[str, Any]] = {
        "near": {"title": "Near stop", "description": f"Middle within {NEAR_STOP_NT} nt of the stop codon", **percent},
        "near_interval": {"title": "95 % interval", "description": "Wilson score interval of the share near the stop"},
        "near_chance": {"title": "by chance", "description": CHANCE, **percent},
    }
    for key, region in REGION_KEYS.items():
        columns[key] = {"title": region, "description": f"Peaks in the {region}", **percent}
        columns[f"{key}_chance"] = {"title": "by chance", "description": CHANCE, **percent}
    columns["n"] = {"title": "Peaks (n)", "description": "Peaks on coding transcripts", **number}
    columns["non_coding"] = {
        "title": "Non-coding",
        "description": "Peaks on transcripts without CDS (n)",
        **number,
        "hidden": True,
    }
    columns["unplaced"] = {
        "title": "Unplaced",
        "description": "Peaks without an exon under their middle (n)",
        **number,
        "hidden": True,
    }
    return columns
