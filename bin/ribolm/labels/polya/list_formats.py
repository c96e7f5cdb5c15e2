"""What lists of poly(A) sites look like: PolyASite 1 to 3, PolyA_DB 3, GENCODE polyA features, plain BED."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ribolm.errors import DataError, bad_value
from ribolm.files import is_whole_number
from ribolm.genome.coordinates import STRAND_CODE

GENCODE_SITE = "polyA_site"
GENCODE_FEATURES = (GENCODE_SITE, "polyA_signal", "pseudo_polyA")
POLYASITE_CLASSES = ("TE", "EX", "IN", "DS", "AE", "AI", "AU", "IG")
NAMED_1 = re.compile(r"[^:]+:([+-]):(\d+)(?::(\w+))?")  # PolyASite 1: chrom:strand:REP:class
NAMED_2 = re.compile(r"[^:]+:(\d+):([+-])")  # PolyASite 2 and 3, PolyA_DB 3: chrom:REP:strand
REPRESENTATIVE = ("polyasite1", "polyasite2", "polyasite3", "polya_db")
MAX_DIGITS = 12  # longer numbers are no positions, and would not fit an int64
UCSC_COLUMNS = ("chrom", "strand", "txStart", "txEnd", "name2")
POLYA_DB_COLUMNS = ("Chromosome", "Position", "Strand")
# line, start0, end0, strand, representative0 (-1: none), contig, name, feature
Row = tuple[int, int, int, int, int, str, str, str]
Lines = Sequence[tuple[int, list[str]]]


def without_header(lines: Lines) -> Lines:
    """Leave out a header that only names the columns of a BED, as in the tables of PolyASite."""
    if len(lines) and len(lines[0][1]) > 5 and lines[0][1][1].strip().lower() in ("start", "chromstart", "start0"):
        return lines[1:]
    return lines


def detect_format(path: Path, lines: Lines) -> tuple[str, str]:
    """Tell the format from the header or the first rows: (format, what it was told by). Raises DataError."""
    first = [cell.strip() for cell in lines[0][1]]
    if set(POLYA_DB_COLUMNS) <= set(first):
        return "polya_db", "its header"
    if set(UCSC_COLUMNS) <= {cell.lstrip("#") for cell in first}:
        return "gencode_ucsc", "its header"
    sample = [[cell.strip() for cell in cells] for _, cells in lines[:200]]
    if all(len(cells) == 9 and is_whole_number(cells[3]) and cells[6] in STRAND_CODE for cells in sample):
        return "gencode_gff", "nine columns, positions in 4 and 5"
    if all(set(cells) & set(GENCODE_FEATURES) and _strand_column(cells) in (2, 3) for cells in sample):
        return "gencode_ucsc", "features with the strand before the positions"
    # later rows are named by the parser
    if not (len(first) >= 3 and is_whole_number(first[1]) and is_whole_number(first[2])):
        raise DataError(
            f"{path.name} line {lines[0][0]}: is no site list of PolyASite, PolyA_DB or GENCODE, and no BED. Convert "
            "it to BED with a strand in column 6."
        )
    names = [cells[3] if len(cells) > 3 else "" for cells in sample]
    if all(name in GENCODE_FEATURES for name in names):
        return "gencode_bed", "polyA features in column 4"
    if all(NAMED_1.fullmatch(name) for name in names):
        return "polyasite1", "names chrom:strand:place:class"
    if all(NAMED_2.fullmatch(name) for name in names):
        return "polyasite2", "names chrom:place:strand, as PolyASite 2 and 3 write them"
    return "bed", "three columns and more, positions in 2 and 3"


def _strand_column(cells: Sequence[str]) -> int:
    return next((k for k, cell in enumerate(cells) if cell in ("+", "-")), -1)


def _polyasite(pattern: re.Pattern[str], place: int, path: Path, lines: Lines) -> list[Row]:
    """Rows of BED whose name holds the representative, 1-based: the last base before the A."""
    rows = []
    for number, cells in lines:
        _require(path, number, cells, 6)
        name = cells[3].strip()
        found = pattern.fullmatch(name)
        if found is None:
            raise bad_value(path, number, "name", name, "names no place", "Write chrom:place:strand, or --format bed.")
        start0, end0 = _interval(path, number, cells, 1, 2)
        strand = _strand(path, number, cells[5])
        rows.append(
            (
                number,
                start0,
                end0,
                strand,
                _whole(path, number, "name", found[place]) - 1,
                cells[0].strip(),
                name,
                GENCODE_SITE,
            )
        )
    return rows


def _polyasite1(path: Path, lines: Lines) -> list[Row]:
    return _polyasite(NAMED_1, 2, path, lines)


def _polyasite2(path: Path, lines: Lines) -> list[Row]:
    return _polyasite(NAMED_2, 1, path, lines)


def _polya_db(path: Path, lines: Lines) -> list[Row]:
    """Tables of PolyA_DB 3 with a header; `Position` is taken as 1-based."""
    place = {name.strip(): k for k, name in enumerate(lines[0][1])}
    if not set(POLYA_DB_COLUMNS) <= set(place):
        raise DataError(f"{path.name} line {lines[0][0]}: no columns {', '.join(POLYA_DB_COLUMNS)}. Keep the header.")
    chrom, position, strand = (place[name] for name in POLYA_DB_COLUMNS)
    rows = []
    for number, cells in lines[1:]:
        _require(path, number, cells, max(chrom, position, strand) + 1)
        at0 = _whole(path, number, "Position", cells[position]) - 1
        sign = _strand(path, number, cells[strand])
        rows.append((number, at0, at0 + 1, sign, -1, cells[chrom].strip(), cells[0].strip(), GENCODE_SITE))
    return rows


def _gencode_gff(path: Path, lines: Lines) -> list[Row]:
    """GTF or GFF3 of polyA features: the feature in column 3, positions 1-based inclusive."""
    rows = []
    for number, cells in lines:
        _require(path, number, cells, 9)
        start1, end1 = _whole(path, number, "start", cells[3]), _whole(path, number, "end", cells[4])
        if not 1 <= start1 <= end1:
            raise bad_value(path, number, "start", cells[3], f"is not between 1 and {end1}", "Write start ≤ end.")
        name, strand = cells[2].strip(), _strand(path, number, cells[6])
        rows.append((number, start1 - 1, end1, strand, -1, cells[0].strip(), name, name))
    return rows


def _gencode_ucsc(path: Path, lines: Lines) -> list[Row]:
    """A dump of wgEncodeGencodePolya, with or without header and `bin`: strand, txStart, txEnd behind the contig."""
    header = [cell.strip().lstrip("#") for cell in lines[0][1]]
    place = {name: k for k, name in enumerate(header)} if set(UCSC_COLUMNS) <= set(header) else {}
    rows = []
    for number, cells in lines[1:] if place else lines:
        strand_at = place.get("strand", _strand_column([cell.strip() for cell in cells]))
        chrom_at, start_at = place.get("chrom", strand_at - 1), place.get("txStart", strand_at + 1)
        end_at = place.get("txEnd", strand_at + 2)
        if strand_at < 1:
            raise bad_value(path, number, "strand", "", "is missing", "A site lies on one strand; give it.")
        _require(path, number, cells, end_at + 1)
        found = [cell.strip() for cell in cells if cell.strip() in GENCODE_FEATURES]
        name = cells[place["name2"]].strip() if place else found[0] if found else ""
        start0, end0 = _interval(path, number, cells, start_at, end_at)
        strand = _strand(path, number, cells[strand_at])
        rows.append((number, start0, end0, strand, -1, cells[chrom_at].strip(), name, name))
    return rows


def _gencode_bed(path: Path, lines: Lines) -> list[Row]:
    return [(*row[:7], row[6]) for row in _bed(path, lines)]


def _bed(path: Path, lines: Lines) -> list[Row]:
    rows = []
    for number, cells in lines:
        if len(cells) < 6:
            raise DataError(
                f"{path.name} line {number}: {len(cells)} columns, so no strand. A poly(A) site lies on one strand; "
                "give BED6."
            )
        start0, end0 = _interval(path, number, cells, 1, 2)
        strand = _strand(path, number, cells[5])
        rows.append((number, start0, end0, strand, -1, cells[0].strip(), cells[3].strip(), GENCODE_SITE))
    return rows


PARSERS: dict[str, Callable[[Path, Lines], list[Row]]] = {
    "polyasite1": _polyasite1,
    "polyasite2": _polyasite2,
    "polyasite3": _polyasite2,
    "polya_db": _polya_db,
    "gencode_gff": _gencode_gff,
    "gencode_ucsc": _gencode_ucsc,
    "gencode_bed": _gencode_bed,
    "bed": _bed,
}


def _require(path: Path, number: int, cells: Sequence[str], n: int) -> None:
    if len(cells) < n:
        raise DataError(f"{path.name} line {number}: {len(cells)} columns, {n} are needed. Mend the line.")


def _interval(path: Path, number: int, cells: Sequence[str], start_at: int, end_at: int) -> tuple[int, int]:
    start0, end0 = _whole(path, number, "start", cells[start_at]), _whole(path, number, "end", cells[end_at])
    if start0 > end0:
        raise bad_value(path, number, "end", cells[end_at], f"is not above the start {start0}", "Write start < end.")
    return start0, end0


def _whole(path: Path, number: int, column: str, text: str) -> int:
    if not text.strip().isdecimal() or len(text) > MAX_DIGITS:
        raise bad_value(path, number, column, text, "is not a whole number from 0 on", "Mend the position.")
    return int(text)


def _strand(path: Path, number: int, text: str) -> int:
    if text.strip() not in ("+", "-"):
        raise bad_value(path, number, "strand", text, "is not + or -", "A poly(A) site lies on one strand; give it.")
    return STRAND_CODE[text.strip()]
