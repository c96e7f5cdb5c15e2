"""Files of an evaluation of windows: metrics.json and the tables that reports draw from."""

from pathlib import Path
from typing import Any

from ribolm.console import notice
from ribolm.evaluation.sequence_level.assessment import (
    SequenceAssessment,
    calibration_rows,
    curve_rows,
    difference_rows,
    method_rows,
    metric_rows,
)
from ribolm.evaluation.tables import LEAKAGE_COLUMNS, write_tsv
from ribolm.files import atomic_directory, write_json

STRATA_COLUMNS = (
    "universe", "stratum", "name", "n", "n_sites", "n_clusters", "prevalence", "method", "average_precision",
    "average_precision_low", "average_precision_high", "roc_auc", "roc_auc_low", "roc_auc_high",
)  # fmt: skip


def write_sequence_assessment(outdir: Path | str, found: SequenceAssessment, settings: dict[str, Any]) -> None:
    """Write metrics.json, methods.tsv, differences.tsv, strata.tsv, calibration.tsv, curves.tsv, empty leakage.tsv."""
    summary, bins = calibration_rows(found)
    differences = difference_rows(found)
    content = {
        "reference": found.reference,
        "split": found.split,
        "units": found.units,
        "settings": settings,
        "sites": {"sites": int(found.examples.is_positive.sum()), "sequences": len(found.examples)},
        "metrics": metric_rows(found),
        "interval_note": found.interval_note,
        "differences": differences,
        "calibration": summary,
        "leakage": {},
    }
    with atomic_directory(outdir) as out:
        write_json(out / "metrics.json", content)
        write_tsv(out / "methods.tsv", method_rows(found))
        write_tsv(out / "differences.tsv", differences)
        write_tsv(out / "strata.tsv", found.strata, STRATA_COLUMNS)
        write_tsv(out / "calibration.tsv", bins)
        write_tsv(out / "curves.tsv", curve_rows(found))
        write_tsv(out / "leakage.tsv", [], LEAKAGE_COLUMNS)
    if found.interval_note:
        notice(found.interval_note)
    for row in method_rows(found):
        low, high = row["roc_auc_low"], row["roc_auc_high"]
        value = "undefined" if row["roc_auc"] is None else f"{row['roc_auc']:.3f}"
        interval = "no interval" if low is None else f"{low:.3f} to {high:.3f}"
        seen = f", {row['n_seen']:,} of them seen in training" if row["n_seen"] else ""
        size = f"n = {row['n']:,}{seen}, {row['n_clusters']:,} {found.units}"
        notice(f"{row['method']}: ROC-AUC {value} ({interval}), {size}")
