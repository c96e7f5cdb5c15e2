"""Files of an evaluation: metrics.json and the tables that reports draw from."""

from pathlib import Path
from typing import Any

from ribolm.console import notice
from ribolm.evaluation.assessment import Assessment
from ribolm.evaluation.comparison import calibration_rows, curve_rows, difference_rows, method_rows, metric_rows
from ribolm.evaluation.leakage import CHECKS, MEANING
from ribolm.evaluation.tables import LEAKAGE_COLUMNS, write_tsv
from ribolm.files import atomic_directory, write_json

Row = dict[str, Any]


def write_assessment(outdir: Path | str, found: Assessment, settings: Row) -> None:
    """Write metrics.json, methods.tsv, differences.tsv, strata.tsv, calibration.tsv, curves.tsv and leakage.tsv."""
    summary = [row for compared in found.compared for row in calibration_rows(compared)[0]]
    differences = [row for compared in found.compared for row in difference_rows(compared, found.reference)]
    content = {
        "reference": found.reference,
        "split": found.split,
        "settings": settings,
        "sites": found.sites,
        "metrics": [row for compared in found.compared for row in metric_rows(compared, found.split)],
        "interval_note": found.interval_note,
        "differences": differences,
        "calibration": summary,
        "leakage": {check: MEANING[check] for check in CHECKS},
    }
    with atomic_directory(outdir) as out:
        write_json(out / "metrics.json", content)
        write_tsv(out / "methods.tsv", [row for compared in found.compared for row in method_rows(compared)])
        write_tsv(out / "differences.tsv", differences)
        write_tsv(out / "strata.tsv", found.strata)
        write_tsv(out / "calibration.tsv", [r for compared in found.compared for r in calibration_rows(compared)[1]])
        write_tsv(out / "curves.tsv", [row for compared in found.compared for row in curve_rows(compared)])
        write_tsv(out / "leakage.tsv", found.leakage, LEAKAGE_COLUMNS)
    _tell(found)


def _tell(found: Assessment) -> None:
    """The numbers of the narrowest universe, for who reads the log."""
    if found.interval_note:
        notice(found.interval_note)
    for row in method_rows(found.compared[0]) if found.compared else []:
        low, high = row["average_precision_low"], row["average_precision_high"]
        interval = "no interval" if low is None else f"{low:.3f} to {high:.3f}"
        value = "undefined" if row["average_precision"] is None else f"{row['average_precision']:.3f}"
        seen = f" ({row['n_seen']:,} seen in training)" if row["n_seen"] else ""
        notice(
            f"{row['universe']}, {row['method']}: average precision {value} ({interval}) at prevalence "
            f"{row['prevalence']:.3f}, n = {row['n']:,}{seen}, {row['n_sites']:,} sites, {row['n_genes']:,} genes"
        )
