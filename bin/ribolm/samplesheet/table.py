"""Text tables as people save them: byte-order marks, any line end, three delimiters, one way of refusing."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from ribolm.console import Repairs
from ribolm.errors import DataError
from ribolm.files import open_bytes

MAX_BYTES = 32 * 1024 * 1024
DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon"}
SPREADSHEETS = {
    b"PK\x03\x04": "a spreadsheet (xlsx, ods) or zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (xls)",
}
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Row:
    """One record: `line` counts from 1 with the header, `cells` are stripped of surrounding spaces."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The header and the records of a table; every record is as wide as the header."""

    path: Path
    header: Row
    rows: tuple[Row, ...]


def read_table(path: Path | str, repairs: Repairs) -> Table:
    """Read a comma, tab or semicolon separated table with a header, each record on one line.

    Empty lines and lines that begin with '#' are skipped. Raises DataError for a spreadsheet or other binary file,
    bytes that are no text, an unclosed quote, a row of another width than the header, no header and no rows.
    """
    path = Path(path)
    lines = _lines(path, repairs)
    records = [Row(number, cells) for number, cells in _records(path, lines, repairs) if any(cells)]
    if not records:
        raise DataError(f"{path}: is empty. Give a table with a header line and rows.")
    header, *rows = records
    for row in rows:
        if len(row.cells) != len(header.cells):
            raise DataError(
                f"{path.name} line {row.line}: {len(row.cells)} values, but the header has {len(header.cells)} columns."
                " Give every column a value, if only an empty one, and quote values that hold the delimiter."
            )
    if not rows:
        raise DataError(f"{path}: has a header but no row. Add at least one.")
    return Table(path, header, tuple(rows))


def _lines(path: Path, repairs: Repairs) -> list[str]:
    with open_bytes(path) as handle:
        content = handle.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise DataError(f"{path}: is larger than {MAX_BYTES // 2**20} MB. Give a samplesheet, not a data file.")
    text = _decode(path, content, repairs)
    if text.startswith("\ufeff"):
        repairs.add("byte-order mark removed")
        text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise DataError(f"{path}: is a binary file. Give a CSV text file.")
    repairs.add("Windows line ends (CRLF) read as line ends", n=text.count("\r\n"))
    text = text.replace("\r\n", "\n")
    repairs.add("old Macintosh line ends (CR) read as line ends", n=text.count("\r"))
    return text.replace("\r", "\n").split("\n")


def _decode(path: Path, content: bytes, repairs: Repairs) -> str:
    for magic, what in SPREADSHEETS.items():
        if content.startswith(magic):
            raise DataError(f"{path}: is {what}, not CSV. Save the sheet as 'CSV UTF-8 (comma delimited)'.")
    encoding = "utf-8"
    if content.startswith(UTF16_MARKS):
        encoding = "utf-16"
        repairs.add("UTF-16 text read as UTF-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"{path.name} line {line}: is not {encoding.upper()} text. Save it as 'CSV UTF-8'.") from error


def _records(path: Path, lines: list[str], repairs: Repairs) -> list[tuple[int, tuple[str, ...]]]:
    """Split lines into cells, each with its line number; lines before the header may name the delimiter (sep=;)."""
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip(" \t") and line[0] != "#"]
    repairs.add("comment lines skipped", n=sum(line.startswith("#") for line in lines))
    told = re.fullmatch(r'"?sep=([,;\t])"?', numbered[0][1].strip(" "), re.IGNORECASE) if numbered else None
    if told:
        numbered = numbered[1:]
    if not numbered:
        return []
    delimiter = told.group(1) if told else _delimiter(numbered[0][1])
    if delimiter != ",":
        repairs.add(f"{DELIMITERS[delimiter]}-separated values read as columns")
    return [(number, _cells(path, number, line, delimiter, repairs)) for number, line in numbered]


def _delimiter(header: str) -> str:
    return next((delimiter for delimiter in DELIMITERS if delimiter in header), ",")


def _cells(path: Path, number: int, line: str, delimiter: str, repairs: Repairs) -> tuple[str, ...]:
    try:
        raw = next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise DataError(
            f"{path.name} line {number}: the quotes do not match ({error}). "
            "Close each quoted value on its own line, or remove the quotes."
        ) from error
    cells = tuple(cell.strip() for cell in raw)
    outer = line.split(delimiter) if '"' not in line else raw
    repairs.add("values had spaces around them, removed", f"line {number}", n=sum(c != c.strip() for c in outer))
    return cells
