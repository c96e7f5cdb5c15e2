"""The four spellings of a table of sites, turned into one: 0-based places with a strand, technique, level, tissue."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.errors import DataError, bad_value
from ribolm.files import is_whole_number, open_text, separated_rows

if TYPE_CHECKING:
    import polars

FORMATS = ("atlas", "glori", "bedmethyl", "bed")
COLUMNS = ("line", "chrom", "start0", "strand", "technique", "level", "coverage", "tissue", "modification")
M6A_CODES = ("a", "m6a", "21891")  # SAM tags, MODOMICS, ChEBI
NO_VALUE = ("", ".", "-1", "na", "nan", "none")
RECORDS_AT_A_TIME = 20_000  # tuples of Python take ten times the memory of columns
Line = tuple[int, list[str]]
Record = tuple[Any, ...]


def read_lines(path: Path) -> Iterator[Line]:
    """Cells of every line with its number from 1; comments and empty lines are left out. Tabs or commas separate."""
    is_csv: bool | None = None
    with open_text(path) as handle:
        for number, text in enumerate(handle, start=1):
            if not text.strip() or text.startswith(("#", "track", "browser")):
                continue
            line = text.rstrip("\n")
            if is_csv is None:
                is_csv = "\t" not in line and "," in line
            yield number, next(separated_rows(path, [line], ",", number))[1] if is_csv else line.split("\t")


def detect_format(path: Path, line: Line) -> str:
    """Tell the format from the first line: a header, or the columns of a row. Raises DataError when it is none."""
    first = [cell.strip() for cell in _all_tabs(line[1])]
    if {"seqnames", "start", "strand"} <= set(first):
        return "atlas"
    if {"Chr", "Sites"} <= set(first):
        return "glori"
    if len(first) >= 3 and is_whole_number(first[1]) and is_whole_number(first[2]):
        return "bedmethyl" if len(first) >= 11 and _is_bedmethyl(first) else "bed"
    raise DataError(
        f"{path.name} line {line[0]}: neither the header of m6A-Atlas v2 (seqnames, start, strand, …) or GLORI "
        "(Chr, Sites, Strand, …) nor a BED line. Convert the table to BED with a strand in column 6."
    )


def _is_bedmethyl(cells: Sequence[str]) -> bool:
    """Coverage in column 10, per cent modified in column 11; BED12 has commas there."""
    return len(cells) != 12 and is_whole_number(cells[9]) and _number(cells[10]) is not None


def _all_tabs(cells: list[str]) -> list[str]:
    """Cells of a line; older versions of modkit join columns 10 to 18 of their bedMethyl by blanks."""
    return [*cells[:9], *cells[9].split()] if _is_joined(cells) else cells


def _is_joined(cells: Sequence[str]) -> bool:
    values = cells[9].split() if len(cells) == 10 else []
    return len(values) > 1 and all(_number(value) is not None for value in values)


def parse_sites(path: Path, file_format: str, lines: Iterator[Line], technique: str) -> "polars.DataFrame":
    """One row per record with the columns `COLUMNS`; null where a table has no such value. Reads `lines` once.

    `technique` stands in where the table names none; `level` is a share from 0 to 1; `start0` is 0-based. Raises
    DataError naming line and column for bad positions, levels and strands, and a table without strand or rows.
    Memory: about 160 bytes per row.
    """
    import polars

    parse: Callable[[Path, Iterator[Line], str], Iterator[Record]] = {
        "atlas": _atlas, "glori": _glori, "bedmethyl": _bedmethyl, "bed": _bed,
    }[file_format]  # fmt: skip
    types = {"line": polars.Int64, "start0": polars.Int64, "level": polars.Float64, "coverage": polars.Int64}
    schema = {name: types.get(name, polars.String) for name in COLUMNS}
    records, parts = parse(path, lines, technique), []
    while some := list(islice(records, RECORDS_AT_A_TIME)):
        parts.append(polars.DataFrame(some, schema=schema, orient="row"))
    if not parts:
        raise DataError(f"{path}: holds no site. Give a table with at least one row.")
    return polars.concat(parts)


def _atlas(path: Path, lines: Iterator[Line], technique: str) -> Iterator[Record]:
    head = next(lines)
    place = _columns(path, head, ("seqnames", "start", "strand"))
    named, tissue = place.get("Technique"), place.get("Cell_Line")
    if named is None and not technique:
        raise DataError(f"{path.name}: no column 'Technique'. Name the technique in the sheet or with --technique.")
    for number, cells in _body(path, head, lines):
        strand = _strand(path, number, cells, place["strand"])
        start0 = _position(path, number, "start", cells[place["start"]]) - 1
        how = cells[named].strip() if named is not None else technique
        if how.lower() in NO_VALUE:
            raise bad_value(path, number, "Technique", how, "names no technique", "Fill the cell or remove the row.")
        where = cells[tissue].strip() if tissue is not None else ""
        yield number, cells[place["seqnames"]].strip(), start0, strand, how, None, None, where or None, None


def _glori(path: Path, lines: Iterator[Line], technique: str) -> Iterator[Record]:
    """`Ratio` or `NormeRatio` is the level; CR and NonCR are left alone, one may be the complement of the other."""
    head = next(lines)
    place = _columns(path, head, ("Chr", "Sites", "Strand"))
    level = place.get("Ratio", place.get("NormeRatio"))
    if level is None:
        raise DataError(f"{path.name}: neither a column 'Ratio' nor 'NormeRatio'. Give GLORI's table of m6A sites.")
    coverage = place.get("AGcov")
    for number, cells in _body(path, head, lines):
        strand = _strand(path, number, cells, place["Strand"])
        start0 = _position(path, number, "Sites", cells[place["Sites"]]) - 1
        share = _level(path, number, head[1][level], cells[level], 1.0)
        reads = None if coverage is None else _count(cells[coverage])
        yield number, cells[place["Chr"]].strip(), start0, strand, technique, share, reads, None, None


def _bedmethyl(path: Path, lines: Iterator[Line], technique: str) -> Iterator[Record]:
    for number, given in lines:
        cells = _all_tabs(given)
        _require_columns(path, number, cells, 11)
        chrom, start0, strand = _bed_place(path, number, cells)
        share = _level(path, number, "column 11 (per cent modified)", cells[10], 100.0)
        code = cells[3].split(",")[0].strip().lower()
        yield number, chrom, start0, strand, technique, share, _count(cells[9]), None, code


def _bed(path: Path, lines: Iterator[Line], technique: str) -> Iterator[Record]:
    for number, cells in lines:
        _require_columns(path, number, cells, 3)
        if len(cells) < 6:
            raise DataError(
                f"{path.name} line {number}: {len(cells)} columns, so no strand. Sites without a strand have no place "
                "on an RNA; give BED6."
            )
        if _is_joined(cells):
            remedy = "Write the columns of bedMethyl with tabs, or call the table bedmethyl."
            raise bad_value(path, number, "column 10", cells[9], "holds several numbers joined by blanks", remedy)
        yield number, *_bed_place(path, number, cells), technique, None, None, None, None


def _columns(path: Path, head: Line, wanted: Sequence[str]) -> dict[str, int]:
    place = {name.strip(): k for k, name in reversed(list(enumerate(head[1])))}
    for name in wanted:
        if name not in place:
            raise DataError(f"{path.name} line {head[0]}: no column '{name}'. Sites need contig, position and strand.")
    return place


def _body(path: Path, head: Line, lines: Iterator[Line]) -> Iterator[Line]:
    """The lines below the header, each as wide as it; trailing empty cells may be missing."""
    width = len(head[1])
    for number, cells in lines:
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            raise DataError(f"{path.name} line {number}: {len(cells)} values under {width} columns. Mend the line.")
        yield number, [*cells, *[""] * (width - len(cells))]


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
