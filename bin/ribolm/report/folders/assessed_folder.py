"""Folders that evaluations of RNA language models wrote: metrics.json and tables, read and checked for their report."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm.errors import DataError
from ribolm.files import open_text, require_file
from ribolm.report.folders.json_object import read_json_object

Row = Mapping[str, Any]
# texts even where they look like numbers
TEXT_COLUMNS = {"name", "method", "other", "kind", "metric", "stratum", "family", "type", "universe", "features", "set"}
# evaluations that do not name their kind are known by a table that no other one writes
KIND_OF_TABLE = {"perplexity.tsv": "perplexity", "predictions.tsv": "values"}


@dataclass(frozen=True)
class AssessedFolder:
    """`name`: of the folder, which is that of the evaluated set; `tables`: rows by name of the table."""

    name: str
    content: Mapping[str, Any]
    tables: Mapping[str, Sequence[Row]]

    def rows(self, table: str, **wanted: Any) -> list[Row]:
        """Rows of a table whose columns hold the given values; none of a table that was not written."""
        return [row for row in self.tables.get(table, ()) if all(row.get(key) == text for key, text in wanted.items())]

    @property
    def not_run(self) -> Mapping[str, str]:
        """Arms that could not run, and why."""
        found = self.content.get("not_run")
        return found if isinstance(found, Mapping) else {}

    def with_note(self, description: str) -> str:
        """A description of what has intervals, and what the evaluation says of rough ones."""
        note = self.content.get("interval_note")
        return f"{description} {note}" if note else description


def read_assessed(path: Path, kinds: Sequence[str]) -> AssessedFolder:
    """Read metrics.json, whose `kind` must be one of `kinds`, and all tables beside it; DataError for other folders."""
    content = read_json_object(require_file(path / "metrics.json"))
    told = next((kind for table, kind in KIND_OF_TABLE.items() if (path / table).is_file()), None)
    content.setdefault("kind", told)
    if content["kind"] not in kinds:
        raise DataError(f"{path / 'metrics.json'}: is no evaluation of {' or '.join(kinds)}. Give the folder of one.")
    tables = {table.stem: read_rows(table) for table in sorted(path.glob("*.tsv"))}
    return AssessedFolder(path.name, content, tables)


def read_rows(path: Path) -> list[Row]:
    """Rows of a tab-separated table with a header: numbers as floats, empty cells None, other cells as text.

    Raises DataError for a row of another width than the header.
    """
    with open_text(require_file(path)) as handle:
        reader = csv.DictReader(handle, delimiter="\t")
        rows = list(reader)
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise DataError(f"{path} line {line}: has not as many values as the header. Write it again.")
    return [{column: _cell(column, text) for column, text in row.items()} for row in rows]


def _cell(column: str, text: str) -> Any:
    if column in TEXT_COLUMNS:
        return text
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        return text
