"""Files of an evaluation of families: metrics.json and the tables that reports draw from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ribolm.console import notice
from ribolm.evaluation.families.assessment import METRICS, FamilyAssessment
from ribolm.evaluation.families.likeness import BINS
from ribolm.evaluation.tables import write_tsv
from ribolm.files import atomic_directory, write_json

Row = dict[str, Any]
DEFINITIONS = {
    "nearest_neighbour_accuracy": "share of sequences whose nearest other one is of their family; ties share",
    "mean_average_precision": "mean over sequences of the average precision of their family among all others",
    "overlap_ratio": f"area shared by the histograms within and between families, {BINS}; lower is better",
}
DIFFERENCE_COLUMNS = ("method", "other", "metric", "better", "difference", "low", "high", "p_value")
OVERLAP_COLUMNS = ("data", "n", "n_shared", "n_families", "n_families_shared", "store_sha256")


def write_family_assessment(
    outdir: Path, found: FamilyAssessment, settings: Row, models: Row, overlap: list[Row]
) -> None:
    """Write metrics.json, methods.tsv, differences.tsv, families.tsv, histograms.tsv and overlap.tsv."""
    rows, differences = found.method_rows(), found.difference_rows()
    per_family = len(found.chosen.records) // len(found.chosen.names)
    content = {
        "kind": "families",
        "settings": settings,
        "set": found.chosen.facts(),
        "definitions": DEFINITIONS,
        "chance": {"nearest_neighbour_accuracy": (per_family - 1) / (len(found.chosen.records) - 1)},
        "metrics": rows,
        "reference": found.best_floor,
        "differences": differences,
        "interval_note": found.interval_note,
        "models": models,
        "overlap": overlap,
        "seconds": dict(found.seconds),
    }
    with atomic_directory(outdir) as out:
        write_json(out / "metrics.json", content)
        write_tsv(out / "methods.tsv", rows)
        write_tsv(out / "differences.tsv", differences, DIFFERENCE_COLUMNS)
        write_tsv(out / "families.tsv", found.family_rows())
        write_tsv(out / "histograms.tsv", found.histogram_rows())
        write_tsv(out / "overlap.tsv", overlap, OVERLAP_COLUMNS)
    _tell(found, models, bool(overlap))


def _tell(found: FamilyAssessment, models: Row, is_compared: bool) -> None:
    if found.interval_note:
        notice(found.interval_note)
    for row in found.method_rows():
        values = ", ".join(f"{metric.replace('_', ' ')} {row[metric]:.3f}" for metric in METRICS)
        notice(f"{row['method']}: {values}")
    for name, facts in models.items():
        notice(f"{name} was trained on: {facts['trained_on']}.")
    if not is_compared and any("random" not in str(facts["trained_on"]) for facts in models.values()):
        notice(
            "whether these sequences were trained on is not known: give --trained-on, the FASTA or store of training."
        )
