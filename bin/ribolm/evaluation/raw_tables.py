"""Tables of scores as they stand, parquet, CSV, TSV or BED; values are checked one by one and named by their line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ribolm.errors import DataError, bad_value
from ribolm.files import is_whole_number, open_text, require_file
from ribolm.genome.coordinates import Int64

if TYPE_CHECKING:
    import polars

# The first one that a table has is its score: calibrated probabilities of models of different folds compare, logits not
SCORE_COLUMNS = ("probability", "logit", "score")
BED_COLUMNS = ("chrom", "start0", "end0", "name", "score", "strand")


@dataclass(frozen=True)
class RawTable:
    """Columns of a table, those of text files as text; `lines` int64 [n]: line of each row, in parquet its number."""

    path: Path
    columns: polars.DataFrame
    lines: Int64

    def __len__(self) -> int:
        return len(self.lines)

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self.columns.columns

    def require(self, holds: polars.Series, column: str, problem: str, remedy: str = "Mend or remove the row.") -> None:
        """Raise DataError with file, line, column and value of the first row where `holds` is not true."""
        wrong = (~holds.fill_null(False)).arg_true()
        if not len(wrong):
            return
        row = int(wrong[0])
        value = self.columns[column][row]
        more = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
        unit = "row" if self.path.suffix == ".parquet" else "line"
        shown = "" if value is None else value
        raise bad_value(self.path, int(self.lines[row]), column, shown, f"{problem}{more}", remedy, unit)

    def numbers(self, column: str) -> polars.Series:
        """A column as float64. Raises DataError for the first value that is no finite number."""
        import polars

        found = self.columns[column].cast(polars.Float64, strict=False)
        self.require(found.is_finite(), column, "is no finite number")
        return found

    def places(self, column: str) -> polars.Series:
        """A column as int64. Raises DataError for the first value that is no whole number."""
        import polars

        found = self.columns[column].cast(polars.Int64, strict=False)
        self.require(found.is_not_null(), column, "is no whole number")
        return found

    def texts(self, column: str) -> polars.Series:
        """A column as text. Raises DataError for the first empty cell."""
        import polars

        found = self.columns[column].cast(polars.String)
        self.require(found.str.len_bytes() > 0, column, "is empty", "Fill the cell or remove the row.")
        return found

    def scores(self) -> tuple[polars.Series, polars.Series | None] | None:
        """Score and, where there is one, probability; None without a column of scores.

        A logit beside a probability is held to be a number as well: NaN there means that the model gave none.
        """
        given = [name for name in SCORE_COLUMNS if self.has(name)]
        if not given:
            return None
        score = self.numbers(given[0])
        if "logit" in given:
            self.numbers("logit")
        if given[0] != "probability":
            return score, None
        self.require(score.is_between(0, 1), "probability", "is not between 0 and 1")
        return score, score


def raw_table(path: Path) -> RawTable:
    """Read a table; the columns of a BED without a header have their names. DataError for what is none."""
    import polars

    require_file(path)
    if path.suffix == ".parquet":
        try:
            columns = polars.read_parquet(path)
        except polars.exceptions.PolarsError as error:
            raise DataError(f"{path}: is no readable parquet file. Write it again.") from error
        return RawTable(path, columns, np.arange(1, len(columns) + 1))
    with open_text(path) as handle:
        lines = [
            (number, line.rstrip("\n"))
            for number, line in enumerate(handle, start=1)
            if line.strip() and not line.startswith(("track", "browser"))
        ]
    return _text_table(path, lines)


def _text_table(path: Path, lines: list[tuple[int, str]]) -> RawTable:
    import polars

    if not lines:
        return RawTable(path, polars.DataFrame(schema=dict.fromkeys(BED_COLUMNS, polars.String)), np.zeros(0, np.int64))
    first_line = lines[0][1]
    separator = "\t" if "\t" in first_line else ","
    first = first_line.lstrip("#").split(separator)
    has_header = first_line.startswith("#") or not any(is_whole_number(field.strip()) for field in first)
    header = first if has_header else [*BED_COLUMNS, *(f"column_{i}" for i in range(7, len(first) + 1))][: len(first)]
    body = [(number, line) for number, line in lines[1 if has_header else 0 :] if not line.startswith("#")]
    rows: list[list[str]] = []
    for number, line in body:
        rows.append(line.split(separator))
        if len(rows[-1]) != len(header):
            raise DataError(
                f"{path.name} line {number}: has {len(rows[-1])} columns, the first line {len(header)}. Mend the line."
            )
    columns: dict[str, Any] = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    table = polars.DataFrame(columns, schema=dict.fromkeys(header, polars.String))
    return RawTable(path, table, np.array([number for number, _ in body], dtype=np.int64))
