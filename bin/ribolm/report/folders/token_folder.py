"""The folder that `ribolm-evaluate tokens` wrote, read and checked for its report; and what was published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm.errors import DataError
from ribolm.files import require_file
from ribolm.report.folders.evaluation_folder import Row, read_table
from ribolm.report.folders.json_object import read_json_object

# Saha et al. 2025 (doi 10.1016/j.csbj.2025.12.011): 50,298,251 tokens with 11,199 sites
PUBLISHED: Mapping[str, float] = {
    "roc_auc": 0.8711,
    "precision": 0.356,
    "recall": 0.160,
    "precision_at_recall_16": 0.356,
    "true_positives": 1_802,
    "false_positives": 3_260,
    "n": 50_298_251,
    "n_sites": 11_199,
    "prevalence": 11_199 / 50_298_251,
}
TABLES = {
    "methods": ("tolerance_nt", "method", "kind", "n", "n_sites", "prevalence", "average_precision", "roc_auc"),
    "differences": ("tolerance_nt", "metric", "method", "other", "difference"),
    "curves": ("tolerance_nt", "curve", "method", "kind", "x", "y"),
}


@dataclass(frozen=True)
class TokenFolder:
    """metrics.json and the tables beside it; numbers are floats, empty cells None."""

    name: str
    content: Mapping[str, Any]
    methods: Sequence[Row]
    differences: Sequence[Row]
    curves: Sequence[Row]

    @property
    def tolerances(self) -> list[float]:
        """Tolerances in nt, ascending as they were asked for."""
        return list(dict.fromkeys(float(row["tolerance_nt"]) for row in self.methods))

    def at(self, tolerance_nt: float, curve: str) -> dict[str, list[Row]]:
        """Points of a curve by method."""
        found: dict[str, list[Row]] = {}
        for row in self.curves:
            if row["tolerance_nt"] == tolerance_nt and row["curve"] == curve:
                found.setdefault(str(row["method"]), []).append(row)
        return found


def read_tokens(path: Path) -> TokenFolder:
    """Read the folder. Raises DataError for one of another command, missing columns and cells that are no numbers."""
    content = read_json_object(require_file(path / "metrics.json"))
    if content.get("kind") != "tokens":
        raise DataError(f"{path / 'metrics.json'}: is not of `ribolm-evaluate tokens`. Give the folder that it wrote.")
    tables = {name: read_table(path / f"{name}.tsv", columns) for name, columns in TABLES.items()}
    return TokenFolder(path.name, content, **tables)
