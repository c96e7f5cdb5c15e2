"""Measured sequences out of CSV, TSV or FASTA: names, letters, values and groups, checked cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters, letters
from ribolm.console import Repairs
from ribolm.errors import DataError, bad_value
from ribolm.files import open_text, require_file, separated_rows
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import FastaRepairs, read_fasta

Float64 = npt.NDArray[np.float64]
UNKNOWN = ("", "na", "nan", "none", "null", ".")
SEPARATOR = "|"  # between the parts of a header


@dataclass(frozen=True)
class ValueRows:
    """n measured sequences: row i is letters[offsets[i]:offsets[i + 1]] (uint8 ACGTN).

    `values`: by name float64 [n], NaN where unknown; `groups`: what a row must stay together with, None where unknown;
    `lines`: where each row stands in its file, for messages.
    """

    path: Path
    names: tuple[str, ...]
    letters: Letters
    offsets: Int64
    values: dict[str, Float64]
    groups: tuple[str | None, ...]
    lines: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Cells:
    """One measured sequence as text, and the line where it stands."""

    line: int
    name: str
    sequence: str
    values: tuple[str, ...]
    group: str


def read_table(
    path: Path, sequence: str, values: Sequence[str], name: str | None = None, group: str | None = None
) -> ValueRows:
    """Read a CSV or TSV with a header (plain or gzip); rows without a `name` column are called row_1, row_2, …

    Raises DataError for a missing column, a sequence that is empty or no nucleotides, a value that is no number, and a
    name that occurs twice, each with line and column. Empty values are unknown, told.
    """
    wanted = [sequence, *values, *([name] if name else []), *([group] if group else [])]
    with open_text(require_file(path)) as handle:
        first = handle.readline()
        rows = separated_rows(path, chain([first], handle), "\t" if "\t" in first else ",")
        header = next(rows, (1, []))[1]
        missing = [column for column in wanted if column not in header]
        if missing:
            found = ", ".join(column for column in header if column) or "none"
            raise DataError(f"{path.name}: no column '{missing[0]}'. Name one of those it has: {found}.")
        at = {column: header.index(column) for column in wanted}
        cells = list(_table_cells(path, rows, len(header), at, sequence, values, name, group))
    sequences = [_normal(path, one.line, sequence, one.sequence) for one in cells]
    _tell_repairs(path, [one.sequence for one in cells])
    return _rows(path, cells, sequences, values, name or "name")


def _table_cells(
    path: Path,
    rows: Iterator[tuple[int, list[str]]],
    width: int,
    at: dict[str, int],
    sequence: str,
    values: Sequence[str],
    name: str | None,
    group: str | None,
) -> Iterator[Cells]:
    row = 0
    for line, cells in rows:
        if not cells:
            continue
        row += 1
        if len(cells) != width:
            raise DataError(f"{path.name} line {line}: has {len(cells)} columns, the header {width}. Mend the line.")
        texts = {column: cells[place].strip() for column, place in at.items()}
        called = texts[name] if name else f"row_{row}"
        yield Cells(line, called, texts[sequence], tuple(texts[v] for v in values), texts[group] if group else "")


def _normal(path: Path, line: int, column: str, text: str) -> Letters:
    if not text:
        raise bad_value(path, line, column, text, "is no sequence", "Fill the cell or remove the row.")
    try:
        return letters(text)
    except (ValueError, UnicodeEncodeError) as error:
        shown = text if len(text) <= 20 else f"{text[:20]}…"
        raise bad_value(path, line, column, shown, f"is no RNA or DNA ({error})", "Mend or remove the row.") from error


def _tell_repairs(path: Path, texts: Sequence[str]) -> None:
    repairs = FastaRepairs()
    for text in texts:
        repairs.count(text.encode())
    repairs.notices(path.name)


def read_headers(path: Path, values: Sequence[str], group: str | None = None) -> ValueRows:
    """Read a FASTA (plain or gzip, wrapped or not) whose headers hold `key=value` parts between `|` or spaces.

    Names are the first words of the headers, as everywhere. Raises DataError for keys that no header has, values that
    are no number, and what `read_fasta` refuses. Records without a key have an unknown value, told.
    """
    lines, headers = _headers(path)
    repairs = FastaRepairs()
    names: list[str] = []
    blocks: list[list[bytes]] = []
    for name, block in read_fasta(path, repairs):
        if block is None:
            names.append(name)
            blocks.append([])
        else:
            blocks[-1].append(block)
    repairs.notices(f"FASTA {path.name}")
    parts = [_keys(header) for header in headers]
    for key in [*values, *([group] if group else [])]:
        if not any(key in one for one in parts):
            found = ", ".join(dict.fromkeys(key for one in parts for key in one)) or "none"
            raise DataError(f"{path.name}: no header has a part {key}=. Name one of those that they have: {found}.")
    sequences = [np.frombuffer(b"".join(some), dtype=np.uint8) for some in blocks]
    empty = next((row for row, one in enumerate(sequences) if not len(one)), None)
    if empty is not None:
        raise DataError(f"{path.name} line {lines[empty]}, record '{names[empty]}': has no letters. Remove the record.")
    cells = [
        Cells(line, name, "", tuple(one.get(v, "") for v in values), one.get(group, "") if group else "")
        for line, name, one in zip(lines, names, parts, strict=True)
    ]
    return _rows(path, cells, sequences, values, "name")


def _headers(path: Path) -> tuple[list[int], list[str]]:
    with open_text(require_file(path)) as handle:
        found = [(line, text[1:].rstrip("\n")) for line, text in enumerate(handle, start=1) if text.startswith(">")]
    return [line for line, _ in found], [header for _, header in found]


def _keys(header: str) -> dict[str, str]:
    """The key=value parts of a header."""
    parts = (part.partition("=") for part in header.replace(SEPARATOR, " ").split())
    return {key: value for key, equals, value in parts if equals and key}


def _rows(
    path: Path, cells: Sequence[Cells], sequences: Sequence[Letters], values: Sequence[str], name_column: str
) -> ValueRows:
    seen: set[str] = set()
    for one in cells:
        if not one.name or one.name in seen or any(map(str.isspace, one.name)):
            problem = "occurs twice" if one.name in seen else "is no name of one word"
            raise bad_value(path, one.line, name_column, one.name, problem, "Give each row a name of its own.")
        seen.add(one.name)
    length = np.array([len(one) for one in sequences], dtype=np.int64)
    return ValueRows(
        path,
        tuple(one.name for one in cells),
        np.concatenate(sequences) if sequences else np.zeros(0, dtype=np.uint8),
        np.r_[0, np.cumsum(length)].astype(np.int64),
        {value: _numbers(path, cells, value, place) for place, value in enumerate(values)},
        tuple(one.group or None for one in cells),
        tuple(one.line for one in cells),
    )


def _numbers(path: Path, cells: Sequence[Cells], column: str, place: int) -> Float64:
    """Values of a column, NaN where unknown."""
    found = np.full(len(cells), np.nan)
    unknown = Repairs(path)
    for row, one in enumerate(cells):
        text = one.values[place]
        if text.lower() in UNKNOWN:
            unknown.add(f"values of '{column}' are missing and unknown", f"line {one.line}")
            continue
        try:
            found[row] = float(text)
        except ValueError as error:
            raise bad_value(path, one.line, column, text, "is no number", "Mend or remove the row.") from error
        if not np.isfinite(found[row]):
            raise bad_value(path, one.line, column, text, "is no finite number", "Mend or remove the row.")
    unknown.tell()
    return found
