"""Tables of scores as they stand, parquet, CSV, TSV or BED; values are checked one by one and named by their line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ribolm.errors import DataError, bad_value
from ribolm.files import is_whole_number, open_text, require_file, separated_rows
from ribolm.genome.coordinates import Int64

if TYPE_CHECKING:
    import polars

# The first one that a table has is its score: calibrated probabilities of models of different folds compare, logits not
SCORE_COLUMNS = ("probability", "logit", "score")
ROWS_AT_A_TIME = 20_000  # lists of Python take ten times the memory of columns
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
        lines = (
            (number, line.rstrip("\n"))
            for number, line in enumerate(handle, start=1)
            if line.strip() and not line.startswith(("track", "browser"))
        )
        return _text_table(path, lines)


def _text_table(path: Path, lines: Iterator[tuple[int, str]]) -> RawTable:
    import polars

    number, first_line = next(lines, (0, ""))
    if not number:
        return RawTable(path, polars.DataFrame(schema=dict.fromkeys(BED_COLUMNS, polars.String)), np.zeros(0, np.int64))
    separator = "\t" if "\t" in first_line else ","
    first = _cells(path, number, first_line.lstrip("#"), separator)
    has_header = first_line.startswith("#") or not any(is_whole_number(field.strip()) for field in first)
    header = first if has_header else [*BED_COLUMNS, *(f"column_{i}" for i in range(7, len(first) + 1))][: len(first)]
    twice = next((name for k, name in enumerate(header) if name in header[:k]), None)
    if twice is not None:
        raise DataError(f"{path.name} line {number}: has two columns '{twice}'. Name each column differently.")
    schema = {"": polars.Int64} | dict.fromkeys((f"{k}" for k in range(len(header))), polars.String)
    rows = _rows(path, lines if has_header else chain([(number, first_line)], lines), separator, len(header))
    parts = [polars.DataFrame(schema=schema)]
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        parts.append(polars.DataFrame(some, schema=schema, orient="row"))
    table = polars.concat(parts)
    number_of_row = table.drop_in_place("").to_numpy()
    table.columns = header
    return RawTable(path, table, number_of_row)


def _rows(path: Path, lines: Iterable[tuple[int, str]], separator: str, width: int) -> Iterator[tuple[int | str, ...]]:
    """Line number and cells of every line that is no comment."""
    for number, line in lines:
        if line.startswith("#"):
            continue
        cells = _cells(path, number, line, separator)
        if len(cells) != width:
            raise DataError(
                f"{path.name} line {number}: has {len(cells)} columns, the first line {width}. Mend the line."
            )
        yield number, *cells


def _cells(path: Path, number: int, line: str, separator: str) -> list[str]:
    """Cells of a line; in a table of R all text stands in quotes."""
    return next(separated_rows(path, [line], separator, number))[1] if '"' in line else line.split(separator)
