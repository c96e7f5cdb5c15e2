"""The four spellings of a table of sites, turned into one: 0-based places with a strand, technique, level, tissue."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.errors import DataError, bad_value
from ribolm.files import is_whole_number, open_text

if TYPE_CHECKING:
    import polars

FORMATS = ("atlas", "glori", "bedmethyl", "bed")
COLUMNS = ("line", "chrom", "start0", "strand", "technique", "level", "coverage", "tissue", "modification")
M6A_CODES = ("a", "m6a", "21891")  # SAM tags, MODOMICS, ChEBI
NO_VALUE = ("", ".", "-1", "na", "nan", "none")
Lines = list[tuple[int, list[str]]]
Record = tuple[Any, ...]


def read_lines(path: Path) -> Lines:
    """Cells of every line with its number from 1; comments and empty lines are left out. Tabs or commas separate."""
    with open_text(path) as handle:
        lines = [
            (number, line.rstrip("\n"))
            for number, line in enumerate(handle, start=1)
            if line.strip() and not line.startswith(("#", "track", "browser"))
        ]
    if lines and "\t" not in lines[0][1] and "," in lines[0][1]:
        return [(number, next(csv.reader([line]))) for number, line in lines]
    return [(number, line.split("\t")) for number, line in lines]


def detect_format(path: Path, lines: Lines) -> str:
    """Tell the format from the header, or from the columns of the first row. Raises DataError when it is none."""
    if not lines:
        raise DataError(f"{path}: holds no site. Give a table with at least one row.")
    first = [cell.strip() for cell in lines[0][1]]
    if {"seqnames", "start", "strand"} <= set(first):
        return "atlas"
    if {"Chr", "Sites"} <= set(first):
        return "glori"
    if len(first) >= 3 and is_whole_number(first[1]) and is_whole_number(first[2]):
        return "bedmethyl" if len(first) >= 11 and _is_bedmethyl(first) else "bed"
    raise DataError(
        f"{path.name} line {lines[0][0]}: neither the header of m6A-Atlas v2 (seqnames, start, strand, …) or GLORI "
        "(Chr, Sites, Strand, …) nor a BED line. Convert the table to BED with a strand in column 6."
    )


def _is_bedmethyl(cells: Sequence[str]) -> bool:
    """Coverage in column 10, per cent modified in column 11; BED12 has commas there."""
    return len(cells) != 12 and is_whole_number(cells[9]) and _number(cells[10]) is not None


def parse_sites(path: Path, file_format: str, lines: Lines, technique: str) -> "polars.DataFrame":
    """One row per record with the columns `COLUMNS`; null where a table has no such value.

    `technique` stands in where the table names none; `level` is a share from 0 to 1; `start0` is 0-based. Raises
    DataError naming line and column for bad positions, levels and strands, and a table without strand or rows.
    """
    import polars

    parse: Callable[[Path, Lines, str], list[Record]] = {
        "atlas": _atlas, "glori": _glori, "bedmethyl": _bedmethyl, "bed": _bed,
    }[file_format]  # fmt: skip
    records = parse(path, lines, technique)
    if not records:
        raise DataError(f"{path}: holds no site. Give a table with at least one row.")
    types = {"line": polars.Int64, "start0": polars.Int64, "level": polars.Float64, "coverage": polars.Int64}
    schema = {name: types.get(name, polars.String) for name in COLUMNS}
    return polars.DataFrame(records, schema=schema, orient="row")


def _atlas(path: Path, lines: Lines, technique: str) -> list[Record]:
    place = _columns(path, lines, ("seqnames", "start", "strand"))
    named, tissue = place.get("Technique"), place.get("Cell_Line")
    if named is None and not technique:
        raise DataError(f"{path.name}: no column 'Technique'. Name the technique in the sheet or with --technique.")
    found = []
    for number, cells in _body(path, lines):
        strand = _strand(path, number, cells, place["strand"])
        start0 = _position(path, number, "start", cells[place["start"]]) - 1
        how = cells[named].strip() if named is not None else technique
        if how.lower() in NO_VALUE:
            raise bad_value(path, number, "Technique", how, "names no technique", "Fill the cell or remove the row.")
        where = cells[tissue].strip() if tissue is not None else ""
        found.append((number, cells[place["seqnames"]].strip(), start0, strand, how, None, None, where or None, None))
    return found


def _glori(path: Path, lines: Lines, technique: str) -> list[Record]:
    """`Ratio` or `NormeRatio` is the level; CR and NonCR are left alone, one may be the complement of the other."""
    place = _columns(path, lines, ("Chr", "Sites", "Strand"))
    level = place.get("Ratio", place.get("NormeRatio"))
    if level is None:
        raise DataError(f"{path.name}: neither a column 'Ratio' nor 'NormeRatio'. Give GLORI's table of m6A sites.")
    coverage = place.get("AGcov")
    found = []
    for number, cells in _body(path, lines):
        strand = _strand(path, number, cells, place["Strand"])
        start0 = _position(path, number, "Sites", cells[place["Sites"]]) - 1
        share = _level(path, number, lines[0][1][level], cells[level], 1.0)
        reads = None if coverage is None else _count(cells[coverage])
        found.append((number, cells[place["Chr"]].strip(), start0, strand, technique, share, reads, None, None))
    return found


def _bedmethyl(path: Path, lines: Lines, technique: str) -> list[Record]:
    found = []
    for number, cells in lines:
        _require_columns(path, number, cells, 11)
        chrom, start0, strand = _bed_place(path, number, cells)
        share = _level(path, number, "column 11 (per cent modified)", cells[10], 100.0)
        code = cells[3].split(",")[0].strip().lower()
        found.append((number, chrom, start0, strand, technique, share, _count(cells[9]), None, code))
    return found


def _bed(path: Path, lines: Lines, technique: str) -> list[Record]:
    found = []
    for number, cells in lines:
        _require_columns(path, number, cells, 3)
        if len(cells) < 6:
            raise DataError(
                f"{path.name} line {number}: {len(cells)} columns, so no strand. Sites without a strand have no place "
                "on an RNA; give BED6."
            )
        found.append((number, *_bed_place(path, number, cells), technique, None, None, None, None))
    return found


def _columns(path: Path, lines: Lines, wanted: Sequence[str]) -> dict[str, int]:
    place = {name.strip(): k for k, name in reversed(list(enumerate(lines[0][1])))}
    for name in wanted:
        if name not in place:
            raise DataError(
                f"{path.name} line {lines[0][0]}: no column '{name}'. Sites need contig, position and strand."
            )
    return place


def _body(path: Path, lines: Lines) -> Lines:
    """The lines below the header, each as wide as it; trailing empty cells may be missing."""
    width = len(lines[0][1])
    for number, cells in lines[1:]:
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            raise DataError(f"{path.name} line {number}: {len(cells)} values under {width} columns. Mend the line.")
        cells.extend([""] * (width - len(cells)))
    return lines[1:]


def _require_columns(path: Path, number: int, cells: Sequence[str], n: int) -> None:
    if len(cells) < n:
        raise DataError(f"{path.name} line {number}: {len(cells)} columns, {n} are needed. Mend the line.")


def _bed_place(path: Path, number: int, cells: Sequence[str]) -> tuple[str, int, str]:
    start0, end0 = (_position(path, number, name, cells[k]) for k, name in ((1, "chromStart"), (2, "chromEnd")))
    if end0 != start0 + 1:
        problem = f"makes a site of {end0 - start0} bases"
        raise bad_value(path, number, "chromEnd", cells[2], problem, "Sites are one base: end = start + 1.")
    return cells[0].strip(), start0, _strand(path, number, cells, 5)


def _strand(path: Path, number: int, cells: Sequence[str], column: int) -> str:
    strand = cells[column].strip()
    if strand not in ("+", "-"):
        raise bad_value(path, number, "strand", strand, "is not + or -", "A site lies on one strand; give it.")
    return strand


def _position(path: Path, number: int, column: str, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise bad_value(path, number, column, text, "is not a whole number", "Mend the position.") from None
    if value < 0:
        raise bad_value(path, number, column, text, "is below 0", "Mend the position.")
    return value


def _level(path: Path, number: int, column: str, text: str, whole: float) -> float | None:
    if text.strip().lower() in NO_VALUE:
        return None
    value = _number(text)
    if value is None or not 0 <= value <= whole:
        raise bad_value(path, number, column, text, f"is not a number from 0 to {whole:g}", "Mend the level.")
    return value / whole


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _count(text: str) -> int | None:
    value = _number(text)
    return None if value is None or value != value or value < 0 else int(value)
