"""The folder that `ribolm-evaluate sites` wrote, read and checked for its report."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm.errors import DataError, UsageError, bad_value
from ribolm.files import open_text, require_file
from ribolm.report.drawing.palette import BACKGROUND, GROUPS, INK
from ribolm.report.folders.json_object import read_json_object

Row = Mapping[str, Any]

TEXT_COLUMNS = {
    "universe", "method", "kind", "other", "metric", "stratum", "name", "curve", "train", "test", "check", "example",
}  # fmt: skip
TABLES = {
    "methods": ("universe", "method", "kind", "n", "n_sites", "prevalence", "average_precision", "roc_auc"),
    "differences": ("universe", "metric", "method", "other", "difference"),
    "strata": ("universe", "stratum", "name", "method", "n", "n_sites", "average_precision"),
    "calibration": ("universe", "method", "n", "mean_probability", "observed"),
    "curves": ("universe", "curve", "method", "x", "y"),
    "leakage": ("train", "test", "check", "n_test", "n_test_shared"),
}
WINDOWS = "sequences"  # the universe of whole windows
UNIVERSE_NAMES = {"drach": "DRACH adenosines", "adenosine": "All adenosines", "nucleotide": "All nucleotides"}
FLOOR_COLOURS = {"random weights": "#8a6d3b", "rule": INK, "shuffled labels": BACKGROUND}
DASHES = {"random weights": "dash", "baseline": "dash", "rule": "dot", "shuffled labels": "dot"}
CHANCE = "prevalence (no knowledge)"
DIAGONAL = "diagonal"


@dataclass(frozen=True)
class EvaluationFolder:
    """metrics.json and the tables beside it; numbers are floats, empty cells None."""

    path: Path
    content: Mapping[str, Any]
    tables: Mapping[str, Sequence[Row]]

    @property
    def reference(self) -> str:
        """The method that the others are compared with."""
        return str(self.content["reference"])

    @property
    def universes(self) -> list[str]:
        """Universes that were evaluated, the narrowest first."""
        return list(dict.fromkeys(str(row["universe"]) for row in self.tables["methods"]))

    def rows(self, table: str, **wanted: str) -> list[Row]:
        """Rows of a table whose columns hold the given texts."""
        return [row for row in self.tables[table] if all(row[key] == value for key, value in wanted.items())]

    def styles(self) -> tuple[dict[str, str], dict[str, str]]:
        """Colour and dash of every method, the same in every plot; controls and rules are broken lines."""
        colours: dict[str, str] = {}
        dashes: dict[str, str] = {}
        for row in self.tables["methods"]:
            name, kind = str(row["method"]), str(row["kind"])
            if name not in colours:
                free = [colour for colour in GROUPS if colour not in colours.values()] or list(GROUPS)
                colours[name] = FLOOR_COLOURS.get(kind, free[0])
                dashes.update({name: DASHES[kind]} if kind in DASHES else {})
        floors = (CHANCE, DIAGONAL)
        return {**colours, **dict.fromkeys(floors, BACKGROUND)}, {**dashes, **dict.fromkeys(floors, "longdash")}

    def with_note(self, description: str) -> str:
        """A description of what has intervals, and what the evaluation says of rough ones."""
        note = self.content.get("interval_note")
        return f"{description} {note}" if note else description

    def calibration(self, universe: str, method: str) -> Row:
        """Brier score and expected calibration error of a method; empty where it gives no probabilities."""
        rows = self.content.get("calibration") or []
        return next((row for row in rows if (row["universe"], row["method"]) == (universe, method)), {})


def read_evaluation(path: Path) -> EvaluationFolder:
    """Read the folder. Raises DataError for missing files and columns, and for cells that are no numbers."""
    content = read_json_object(require_file(path / "metrics.json"))
    if "reference" not in content or "metrics" not in content:
        raise DataError(f"{path / 'metrics.json'}: is not of `ribolm-evaluate sites`. Give the folder that it wrote.")
    return EvaluationFolder(path, content, {name: read_table(path / f"{name}.tsv", TABLES[name]) for name in TABLES})


def of_one_kind(folders: Sequence[EvaluationFolder]) -> bool:
    """Whether the folders are of windows, in as many sets as there are folders; False for one folder of sites.

    Raises UsageError for folders of both kinds, and for several of sites.
    """
    of_windows = [folder.universes == [WINDOWS] for folder in folders]
    if not all(of_windows) and len(folders) > 1:
        raise UsageError("--dir: several folders must all be of `ribolm-evaluate sequences`. Report others one by one.")
    return all(of_windows)


def read_table(path: Path, columns: Sequence[str]) -> list[Row]:
    """Rows of a table of `ribolm-evaluate`, numbers as floats. DataError for missing columns and other cells."""
    with open_text(require_file(path)) as handle:
        reader = csv.DictReader(handle, delimiter="\t")
        rows = list(reader)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if rows and missing:
        raise DataError(f"{path} line 1: column '{missing[0]}' is missing. Run `ribolm-evaluate` again.")
    return [_numbers(path, number, row) for number, row in enumerate(rows, start=2)]


def _numbers(path: Path, number: int, row: Mapping[str, Any]) -> Row:
    if None in row or None in row.values():
        raise DataError(f"{path} line {number}: has not as many values as the header. Write it again.")
    parsed: dict[str, Any] = {}
    for column, text in row.items():
        try:
            parsed[column] = text if column in TEXT_COLUMNS else float(text) if text else None
        except ValueError:
            raise bad_value(path, number, column, text, "is not a number", "Write it again.") from None
    return parsed
