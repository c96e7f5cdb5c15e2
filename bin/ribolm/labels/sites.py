"""Tables of m6A sites from any source: read, named by source, technique and genome build."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ribolm.console import Repairs, choice
from ribolm.errors import DataError, UsageError, bad_value
from ribolm.files import require_file
from ribolm.labels.families import SEPARATOR, Families
from ribolm.labels.site_formats import FORMATS, detect_format, parse_sites, read_lines
from ribolm.samplesheet.columns import NAME_PATTERN, Column, resolve_header
from ribolm.samplesheet.table import read_table

if TYPE_CHECKING:
    import polars

SHEET = (
    Column("source", True, "Name of the table; letters, digits, _ . - only.", NAME_PATTERN),
    Column("path", True, "The table, relative to the sheet."),
    Column("technique", False, "What measured the sites; empty where the table names it."),
    Column("build", True, "Genome build of the positions, as hg38."),
    Column("format", False, "Empty to detect it.", choices=FORMATS),
)
ONE_TECHNIQUE = {"glori": "GLORI"}  # formats that one technique writes


@dataclass(frozen=True)
class SiteSource:
    """One table as a user names it. `technique` and `format` are empty where the table tells."""

    source: str
    path: Path
    build: str
    technique: str = ""
    format: str = ""


@dataclass(frozen=True)
class SiteTable:
    """The rows of one table (`site_formats.COLUMNS`), techniques spelt as in the map of families."""

    source: SiteSource
    format: str
    rows: "polars.DataFrame"


def read_sheet(path: Path) -> list[SiteSource]:
    """Read the sheet of tables: CSV with source, path, technique, build and, if needed, format.

    Raises DataError for a missing column, an empty or repeated source, an empty path or build, an unknown format.
    """
    repairs = Repairs(path)
    table = read_table(path, repairs)
    names = resolve_header(table, SHEET, repairs)
    found: list[SiteSource] = []
    for row in table.rows:
        cells = {name: cell for name, cell in zip(names, row.cells, strict=True) if name}
        for needed in ("source", "path", "build"):
            if not cells[needed]:
                raise bad_value(path, row.line, needed, "", "is empty", f"Give every table a {needed}.")
        source, kind = cells["source"], cells.get("format", "").lower()
        _check_source(path, row.line, source, [one.source for one in found])
        if kind and kind not in FORMATS:
            raise bad_value(path, row.line, "format", kind, f"is not {', '.join(FORMATS)}", "Or leave it empty.")
        found.append(SiteSource(source, path.parent / cells["path"], cells["build"], cells.get("technique", ""), kind))
    repairs.tell()
    return found


def _check_source(path: Path, line: int, source: str, earlier: Sequence[str]) -> None:
    if not re.fullmatch(NAME_PATTERN, source):
        problem = "holds characters other than letters, digits, _ . -"
        raise bad_value(path, line, "source", source, problem, "Give a plain name.")
    if source in earlier:
        raise bad_value(path, line, "source", source, "names two tables", "Give each table a name of its own.")


def sources_of_tables(tables: Sequence[Path], technique: str, build: str) -> list[SiteSource]:
    """Sources of tables named on the command line: all of one technique and build, called by their file names."""
    found: list[SiteSource] = []
    for path in tables:
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", path.name.removesuffix(".gz").rsplit(".", 1)[0]).lstrip(".-")
        if stem in [one.source for one in found]:
            raise UsageError(f"--table: two tables are called '{stem}'. Name them in a sheet (--sheet).")
        found.append(SiteSource(stem or "sites", path, build, technique))
    return found


def _builds(named: Sequence[str]) -> str:
    known = [name for name in named if name]
    return f"are of {', '.join(known)}" if known else "do not tell theirs"


def genome_build(sources: Sequence[SiteSource], build: str | None) -> str:
    """The build of the genome: as given, or the only one that the tables have. Raises UsageError for several."""
    if build:
        return build
    named = sorted({source.build for source in sources})
    if len(named) != 1 or not named[0]:
        raise UsageError(f"--build is needed: the tables {_builds(named)}. Name that of --fasta.")
    choice("build of the genome", named[0], "all tables are of it")
    return named[0]


def read_sites(source: SiteSource, families: Families) -> SiteTable:
    """Read one table, its format as stated or detected.

    Raises DataError for a table without rows, strand or technique, a technique that the map does not have, and values
    that are no positions.
    """
    path = require_file(source.path)
    lines = read_lines(path)
    first = next(lines, None)
    if first is None:
        raise DataError(f"{path}: holds no site. Give a table with at least one row.")
    detected = detect_format(path, first)
    kind = source.format or detected
    if not source.format:
        choice(f"format of {path.name}", kind, f"the columns of line {first[0]} are those of it")
    technique = source.technique or ONE_TECHNIQUE.get(kind, "")
    if technique and not source.technique:
        choice(f"technique of {path.name}", technique, "its columns are those of that technique")
    if not technique and kind != "atlas":
        raise DataError(
            f"{path.name}: a {kind} table does not name its technique. Fill the column 'technique' of the sheet, or "
            "give --technique; which techniques count as one is told by the map of families."
        )
    _require_header(path, kind, detected)
    rows = parse_sites(path, kind, chain([first], lines), technique)
    return SiteTable(source, kind, _spelt(rows, families, path))


def _require_header(path: Path, kind: str, detected: str) -> None:
    """A BED called bedMethyl, or the other way round, is a matter of opinion; a header is not."""
    beds = ("bed", "bedmethyl")
    if kind != detected and not (kind in beds and detected in beds):
        raise DataError(
            f"{path.name}: the sheet calls it {kind}, but its columns are those of {detected}. Mend the sheet."
        )


def _spelt(rows: "polars.DataFrame", families: Families, path: Path) -> "polars.DataFrame":
    """Techniques as the map spells them, several joined by ';' and sorted; every name is looked up once."""
    names = rows["technique"].unique().to_list()
    table = {}
    for cell in names:
        single = [part.strip() for part in str(cell).split(SEPARATOR) if part.strip()]
        table[cell] = SEPARATOR.join(sorted({families.check(name, path.name) for name in single}))
    return rows.with_columns(rows["technique"].replace_strict(table).alias("technique"))
