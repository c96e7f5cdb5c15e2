"""Sections on data sets of poly(A) sites: what was dropped and why, composition and logos of both classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ribolm.candidates.kernel import NO_HEXAMER
from ribolm.genome.coordinates import Int64
from ribolm.labels.polya.build import PolyaData
from ribolm.labels.polya.given_sites import KEPT, LOST
from ribolm.labels.polya.output import composition
from ribolm.labels.polya.sets import MATCHED, LabelledSet
from ribolm.report.drawing.figures import captioned, new_figure, save_figure
from ribolm.report.drawing.letter_stacks import RNA, draw_stacks, information_bits
from ribolm.report.drawing.multiqc import Section, write_bars, write_html, write_line_tabs, write_table
from ribolm.report.drawing.palette import BACKGROUND, GROUPS, INK, LETTERS

CHAPTER = "ribolm_polya_sets"
CLASSES = {1: "sites", 0: "negatives"}
LOGO_REACH_NT = 50
SITES = Section(
    "polya_sites",
    CHAPTER,
    "What became of the known sites",
    "Every row of the list, counted once: the first reason that holds.",
    "The anchor of a site is the A right behind the last base of the RNA. No base is ever edited: a site whose anchor "
    "is no A is left out, or kept and flagged where that was asked for.",
)
SETS = Section(
    "polya_set_table",
    CHAPTER,
    "Sets of windows",
    "Windows with a site and as many without, by set. {signals}. Negatives lie more than {margin} nt from every known "
    "site of either strand and hold {hexamers} {nearest} to {farthest} nt upstream of an A.",
    "In `gene`, negatives lie on the strand of a gene; in `intergene`, in no gene of either strand. In a matched set "
    "they have the same hexamers as the sites, of all 18, so that a model cannot tell classes by the hexamer alone. "
    "A list of sites is never complete, so some negatives may be sites that nobody has seen yet.",
)
COMPOSITION = Section(
    "polya_composition",
    CHAPTER,
    "Bases along the windows",
    "Share of A, C, G and U at every distance from the anchor, both classes. Known sites rise in U and G behind it.",
)
LOGO = Section(
    "polya_logos",
    CHAPTER,
    "Logos of both classes",
    "Information at every distance from the anchor, bits against even bases, small-sample correction.",
)
NAMES = {
    KEPT: "Used as a site",
    "not_a_site": "Signal or pseudo-site",
    "same_anchor": "Same anchor as another",
    "base_unknown": "Base unknown (N)",
    "base_not_a": "Anchor is no A",
    "window_beyond_contig": "Window leaves the contig",
    "window_with_n": "Unknown base in the window",
    "internally_primed": "A-rich stretch behind",
    "contig_not_in_genome": "Contig not in the genome",
}
COLOURS = (*GROUPS, BACKGROUND, "#d9dcde")
SHARE = {"format": "{:,.1f}", "suffix": "\u00a0%", "min": 0, "max": 100}
COUNT = {"format": "{:,.0f}"}
COLUMNS: dict[str, dict[str, Any]] = {
    "positives": {"title": "Sites", "description": "Windows with a site", **COUNT},
    "negatives": {"title": "Negatives", "description": "Windows without one", **COUNT},
    "left": {"title": "Sites left out", "description": "For want of a negative on the same contig", **COUNT},
    "signal": {"title": "Sites with signal", "description": "Share with any hexamer searched for", **SHARE},
    "canonical": {"title": "AATAAA, sites", "description": "Share of the sites with AATAAA", **SHARE},
    "canonical_negative": {"title": "AATAAA, negatives", "description": "Share of the negatives with AATAAA", **SHARE},
    "primed": {"title": "A-rich behind", "description": "Share of the sites before an A-rich stretch", **SHARE},
    "gc": {"title": "GC, sites", "description": "Share of G and C in windows with a site", **SHARE},
    "gc_negative": {"title": "GC, negatives", "description": "Share of G and C in windows without one", **SHARE},
}


def write_polya_sections(outdir: Path, data: PolyaData, genome: str = "") -> None:
    """Write the four sections (*_mqc.json) and polya_logo_<set>.png into a folder.

    `genome` names the sections of one of several genomes, so that they stand beside each other.
    """
    reasons = (KEPT, *LOST, "contig_not_in_genome")
    categories = {name: {"name": NAMES[name], "color": COLOURS[k]} for k, name in enumerate(reasons)}
    bars = {genome or data.given.list.path.name: data.outcomes.of("sites")}
    # one plot for all genomes: MultiQC unites the files of one id
    write_bars(outdir, replace(_of_genome(SITES, genome), key=SITES.key, title=SITES.title), bars, categories, "Rows")
    counts = {
        one.name: {label: composition(one, data, label) for label in CLASSES} for one in data.sets if len(one)
    }  # fmt: skip
    rows = {one.name: _row(one, data, counts.get(one.name)) for one in data.sets}
    write_table(outdir, _of_genome(_filled(data), genome), rows, COLUMNS, "Set")
    tabs = {
        f"{name}, {CLASSES[label]}": _lines(table, data.rules.width_nt // 2)
        for name, both in counts.items()
        for label, table in both.items()
    }
    labels = ("Distance from the anchor (nt)", "Share (%)")
    write_line_tabs(outdir, _of_genome(COMPOSITION, genome), tabs, LETTERS, labels, ymin=0)
    pictures = []
    for name, both in counts.items():
        if name.endswith(MATCHED) and name.removesuffix(MATCHED) in counts:
            continue  # their sites are the same
        path = outdir / f"polya_logo_{name}.png"
        _draw(path, name, both, data.rules.width_nt // 2)
        pictures.append(captioned(path, f"Sequence logos of sites and negatives of the set {name}"))
    write_html(outdir, _of_genome(LOGO, genome), "\n".join(pictures))


def _of_genome(section: Section, genome: str) -> Section:
    """The section under an id, a title and a file of a genome; as it is where none is named."""
    if not genome:
        return section
    return replace(
        section,
        key=f"{section.key}_{genome}",
        title=f"{section.title}: {genome}",
        file_stem=f"{genome}.{section.key}",
    )


def _filled(data: PolyaData) -> Section:
    text = SETS.description.format(
        signals=data.signals.text()[:1].upper() + data.signals.text()[1:],
        margin=data.rules.margin_nt,
        hexamers=" or ".join(data.rules.hexamers),
        nearest=data.rule.nearest_nt,
        farthest=data.rule.farthest_nt,
    )
    return Section(SETS.key, CHAPTER, SETS.title, text, SETS.helptext)


def _row(one: LabelledSet, data: PolyaData, counts: dict[int, Int64] | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "positives": int(one.label.sum()),
        "negatives": int((one.label == 0).sum()),
        "left": data.outcomes.of(one.name).get("positive_without_a_negative"),
    }
    if counts is None:
        return row
    is_site, canonical = one.label == 1, data.rule.hexamers.index("AATAAA")
    return row | {
        "signal": 100 * float((one.hexamer[is_site] != NO_HEXAMER).mean()),
        "canonical": 100 * float((one.hexamer[is_site] == canonical).mean()),
        "canonical_negative": 100 * float((one.hexamer[~is_site] == canonical).mean()),
        "primed": 100 * float(one.is_primed[is_site].mean()),
        "gc": 100 * float(counts[1][:, 1:3].sum() / counts[1].sum()),
        "gc_negative": 100 * float(counts[0][:, 1:3].sum() / counts[0].sum()),
    }


def _lines(counts: Int64, anchor0: int) -> dict[str, list[tuple[float, float]]]:
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return {
        letter: [(float(index - anchor0), float(value)) for index, value in enumerate(share[:, column])]
        for column, letter in enumerate(RNA)
    }


def _draw(path: Path, name: str, counts: dict[int, Int64], anchor0: int) -> None:
    """One logo over the other, bits by distance from the anchor."""
    low, high = max(anchor0 - LOGO_REACH_NT, 0), min(anchor0 + LOGO_REACH_NT + 1, len(counts[1]))
    places = np.arange(low, high) - anchor0
    with new_figure(11.0, 3.4) as figure:
        axes = figure.subplots(2, 1, sharex=True, sharey=True)
        for axis, (label, table) in zip(axes, counts.items(), strict=True):
            draw_stacks(axis, information_bits(table[low:high]), places, RNA)
            axis.set_title(f"{name}: {CLASSES[label]} (n = {int(table[0].sum()):,})")
            axis.set_ylim(0, 2)
            axis.set_ylabel("bits")
            axis.axvline(0, color=INK, linewidth=0.6, linestyle=":", zorder=0)
        axes[1].set_xlabel("distance from the anchor (nt)")
        save_figure(figure, path)
