"""CT (connect) and BPSEQ files: one row per base with its partner, pseudoknots included; several records in a file.

CT: a row `length name`, then rows `position base previous next partner position`. BPSEQ: rows `position base partner`,
under lines that begin with `#` or say `Filename: …`; a record begins at position 1.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ribolm.errors import DataError
from ribolm.files import atomic_path, is_whole_number, open_text
from ribolm.labels.structure.pairs import Structure
from ribolm.labels.structure.records import Reading, Row
from ribolm.sequences.rna import MODIFIED

_ENERGY = re.compile(r"\b(?:ENERGY|dG)\s*[=:]\s*[-+]?[\d.]+(?:\s*kcal/mol)?(?:\s*\[initially[^\]]*\])?", re.IGNORECASE)
_NAMED = re.compile(r"^(?:#\s*)?(?:file|filename|name)\s*:\s*", re.IGNORECASE)
_CT_WIDTH, _BPSEQ_WIDTH = 5, 3  # columns that are needed; programs add more to CT


@dataclass
class _Table:
    """Rows of one record, with the name above them."""

    name: str
    line: int
    n_bases: int | None = None
    rows: list[Row] = field(default_factory=list)


def read_connect(path: Path | str, *, unique_names: bool = True, tolerate: bytes = MODIFIED) -> list[Structure]:
    """Read a plain or gzip CT file; an empty one gives no record. Columns behind the fifth are not looked at.

    The name is the first word behind length and energy, else that of the file. Raises DataError naming line and record.
    """
    reading = Reading(path, unique_names, tolerate)
    return _structures(reading, _connect_tables(reading.path))


def read_bpseq(path: Path | str, *, unique_names: bool = True, tolerate: bytes = MODIFIED) -> list[Structure]:
    """Read a plain or gzip BPSEQ file; an empty one gives no record.

    The name is that of a line `Filename: NAME` or `#Name: NAME`, else of the first line `# NAME` above the record, else
    of the file.
    """
    reading = Reading(path, unique_names, tolerate)
    return _structures(reading, _bpseq_tables(reading.path))


def _structures(reading: Reading, tables: Iterator[_Table]) -> list[Structure]:
    found = []
    for table in tables:
        reading.require_new(table.name, table.line)
        if table.n_bases is not None and len(table.rows) != table.n_bases:
            problem = f", line {table.line}: says {table.n_bases:,} bases, but {len(table.rows):,} rows follow"
            raise reading.fault(table.name, f"{problem}. Copy the file again.")
        if not table.rows:
            raise reading.fault(table.name, ": has no base. Remove the record or give its rows.")
        found.append(reading.from_rows(table.name, table.rows))
    reading.repairs.tell()
    return found


def _connect_tables(path: Path) -> Iterator[_Table]:
    table: _Table | None = None
    with open_text(path) as handle:
        for line, text in enumerate(handle, start=1):
            words = text.split()
            if not words or words[0].startswith("#"):
                continue
            if table is None or len(table.rows) == table.n_bases:
                if table is not None:
                    yield table
                if not is_whole_number(words[0]):
                    problem = f"a record begins with its length and name, found {text.strip()[:20]!r}"
                    raise DataError(f"{path.name} line {line}: {problem}. Give a CT file.")
                table = _Table(_first_word(_ENERGY.sub(" ", text).split(maxsplit=1)[1:], path), line, int(words[0]))
            else:
                table.rows.append(_row(path, line, words, len(table.rows) + 1, _CT_WIDTH))
    if table is not None:
        yield table


def _bpseq_tables(path: Path) -> Iterator[_Table]:
    table: _Table | None = None
    names: list[str] = []
    with open_text(path) as handle:
        for line, text in enumerate(handle, start=1):
            words = text.split()
            if not words:
                continue
            if not is_whole_number(words[0]):
                said = _NAMED.match(text)
                if said:
                    names.insert(0, text[said.end() :])
                elif text.startswith("#"):
                    names.append(text[1:])
                continue
            if words[0] == "1":
                if table is not None:
                    yield table
                table, names = _Table(_first_word(names[:1], path), line), []
            if table is None:
                raise DataError(f"{path.name} line {line}: a record begins at position 1. Give a whole BPSEQ file.")
            table.rows.append(_row(path, line, words, len(table.rows) + 1, _BPSEQ_WIDTH))
    if table is not None:
        yield table


def _first_word(texts: list[str], path: Path) -> str:
    words = " ".join(texts).split(maxsplit=1)
    return words[0] if words else path.name.removesuffix(".gz").rsplit(".", 1)[0]


def _row(path: Path, line: int, words: list[str], position: int, width: int) -> Row:
    partner = words[width - 1] if len(words) >= width else ""
    if not is_whole_number(partner) or words[0] != str(position):
        shape = "position base partner" if width == _BPSEQ_WIDTH else "position base previous next partner"
        wanted = f"position {position} was to come"
        raise DataError(f"{path.name} line {line}: {wanted}, as '{shape}', found {' '.join(words)[:40]!r}. Correct it.")
    return line, words[1], int(partner)


def write_connect(path: Path | str, structures: Iterable[Structure]) -> None:
    """Write CT, one record below the other; the file appears whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        for structure in structures:
            n = len(structure)
            out.write(f"{n} {structure.name}\n")
            for at, (base, mate) in enumerate(zip(structure.letters, structure.partner.tolist(), strict=True), start=1):
                out.write(f"{at} {base} {at - 1} {(at + 1) if at < n else 0} {mate + 1} {at}\n")


def write_bpseq(path: Path | str, structures: Iterable[Structure]) -> None:
    """Write BPSEQ, one record below the other, each under a line `# NAME`; the file appears whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        for structure in structures:
            out.write(f"# {structure.name}\n")
            for at, (base, mate) in enumerate(zip(structure.letters, structure.partner.tolist(), strict=True), start=1):
                out.write(f"{at} {base} {mate + 1}\n")
