"""Sections on where labels come from and how far they can be trusted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ribolm.labels.evidence import Evidence
from ribolm.labels.placing import LOST
from ribolm.labels.quality import TechniqueQuality, family_histogram
from ribolm.report.drawing.multiqc import Section, write_bars, write_table
from ribolm.report.drawing.palette import BACKGROUND, GROUPS

CHAPTER = "ribolm_sites"
TECHNIQUES = Section(
    "label_quality",
    CHAPTER,
    "Known sites by technique",
    "Each technique's places on this genome: how many are no A (errors of position or build), how many stand in DRACH, "
    "and how many another family of techniques saw as well. Techniques of nearly the same principle form one family.",
    "No table of sites is complete or free of errors, and none has orthogonal validation here. A low share of DRACH "
    "speaks of false positives, or of a technique that was not filtered by motif; a high one may be such a filter.",
)
OUTCOMES = Section(
    "label_outcomes",
    CHAPTER,
    "What became of each table's rows",
    "Every row of every table, counted once: placed on an A of the genome, united with a repeated one, or left out.",
)
FAMILIES = Section(
    "label_families",
    CHAPTER,
    "Families that agree on a site",
    "Distinct sites by the number of independent families that saw them. Sites of fewer than {least} are not used as "
    "labels.",
)
COLOURS = (*GROUPS, BACKGROUND, "#d9dcde")
NAMES = {
    "placed": "Placed on an A",
    "duplicate": "Repeats another row",
    "base_not_a": "Base is no A",
    "base_unknown": "Base unknown (N)",
    "contig_not_in_genome": "Contig not in the genome",
    "lift_unmapped": "Lift: nowhere",
    "lift_several": "Lift: several places",
    "level_below": "Level too low",
    "coverage_below": "Coverage too low",
    "other_modification": "Another modification",
}
SHARE = {"format": "{:,.1f}", "suffix": "\u00a0%", "min": 0, "max": 100}
COLUMNS: dict[str, dict[str, Any]] = {
    "family": {"title": "Family", "description": "Techniques of nearly the same principle"},
    "sites": {"title": "Sites", "description": "Distinct sites on the genome", "format": "{:,.0f}"},
    "not_a": {"title": "Not A", "description": "Share of places whose base is no A", **SHARE},
    "drach": {"title": "In DRACH", "description": "Share of sites in DRACH", **SHARE},
    "backed": {"title": "Backed", "description": "Share of sites that another family saw as well", **SHARE},
    "families": {"title": "Families per site", "description": "Mean", "format": "{:,.2f}"},
    "level": {"title": "Level", "description": "Median share of molecules with m6A, where measured", **SHARE},
    "tissues": {"title": "Tissues", "description": "Tissues or cell lines that the tables name", "format": "{:,.0f}"},
    "most_shared": {"title": "Shares most with", "description": "Technique with the largest overlap, and the overlap"},
}


def write_label_sections(outdir: Path, evidence: Evidence, quality: Sequence[TechniqueQuality]) -> None:
    """Write `label_quality_mqc.json`, `label_outcomes_mqc.json` and `label_families_mqc.json` into a folder."""
    write_table(outdir, TECHNIQUES, {one.technique: _row(one) for one in quality}, COLUMNS, "Technique")
    shown = ("placed", *reversed(LOST))
    categories = {name: {"name": NAMES[name], "color": COLOURS[k]} for k, name in enumerate(shown)}
    rows = {one.source: {name: one.outcomes[name] for name in shown} for one in evidence.placed}
    write_bars(outdir, OUTCOMES, rows, categories, "Rows")
    section = Section(FAMILIES.key, CHAPTER, FAMILIES.title, FAMILIES.description.format(least=evidence.min_families))
    kinds = {
        "kept": {"name": "Used as labels", "color": GROUPS[0]},
        "dropped": {"name": "Not used", "color": BACKGROUND},
    }
    bars = {
        f"{k} {'family' if k == 1 else 'families'}": {"kept" if k >= evidence.min_families else "dropped": n}
        for k, n in family_histogram(evidence).items()
    }
    write_bars(outdir, section, bars, kinds, "Sites")


def _row(one: TechniqueQuality) -> dict[str, Any]:
    best = max(one.shared_with, key=lambda name: (one.shared_with[name], name), default=None)
    return {
        "family": one.family,
        "sites": one.sites,
        "not_a": _percent(one.not_a_share),
        "drach": _percent(one.drach_share),
        "backed": _percent(one.backed_share),
        "families": one.families_per_site,
        "level": _percent(one.median_level),
        "tissues": len(one.tissues) or None,
        "most_shared": f"{best}: {one.shared_with[best]:,}" if best and one.shared_with[best] else None,
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
