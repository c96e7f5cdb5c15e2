"""Substitutions as a table over RNAs: name, position0, reference, alternative, and whatever columns follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ribolm.errors import DataError, bad_value
from ribolm.files import is_whole_number, open_text

COLUMNS = ("name", "position0", "reference", "alternative")
ADDED = "delta_log_probability"
BASES = "ACGU"
MEND = "Mend or remove the line."


@dataclass(frozen=True)
class Substitution:
    """One base of a record replaced: `position0` counts from 0; `reference` and `alternative` are of ACGU and differ.

    `line` is the line as it stands in the table, without its end.
    """

    name: str
    position0: int
    reference: str
    alternative: str
    line: str


@dataclass(frozen=True)
class SubstitutionTable:
    """The header as it stands, and the substitutions in their order."""

    header: str
    substitutions: tuple[Substitution, ...]


def read_substitutions(path: Path, letters: Mapping[str, str]) -> SubstitutionTable:
    """Read a table, plain or gzip; `letters`: sequence of every record, in ACGUN.

    T reads as U and lower case as upper. A table of the header alone is valid. Raises DataError, naming file, line,
    column and value, for another header, names that no record has, places outside it, letters that are no single base,
    a reference that is not the record's base, and an alternative that is the reference.
    """
    found: list[Substitution] = []
    header = ""
    with open_text(path) as handle:
        for number, raw in enumerate(handle, 1):
            line = raw.rstrip("\n")
            if not header:
                header = _header(path, line)
            elif line.strip():
                found.append(_substitution(path, number, line, header.count("\t") + 1, letters))
    if not header:
        raise DataError(f"{path.name}: is empty. Give a table that begins with {' '.join(COLUMNS)}, tab-separated.")
    return SubstitutionTable(header, tuple(found))


def _header(path: Path, line: str) -> str:
    names = tuple(line.split("\t"))
    if names[: len(COLUMNS)] != COLUMNS:
        raise DataError(
            f"{path.name} line 1: begins with {line[:60]!r}, not with the columns {', '.join(COLUMNS)}, separated by "
            "tabs. Write that header; further columns may follow."
        )
    if ADDED in names:
        raise DataError(f"{path.name} line 1: has a column {ADDED} already. Give the table without results.")
    return line


def _substitution(path: Path, number: int, line: str, width: int, letters: Mapping[str, str]) -> Substitution:
    fields = line.split("\t")
    if len(fields) != width:
        raise DataError(f"{path.name} line {number}: has {len(fields)} columns, the first line {width}. Mend the line.")
    name, position, reference, alternative = (field.strip() for field in fields[: len(COLUMNS)])
    if name not in letters:
        raise bad_value(path, number, "name", name, "is no record of the sequences", "Use the first word of a header.")
    position0 = _position0(path, number, name, position, len(letters[name]))
    reference, alternative = (
        _base(path, number, column, value) for column, value in (("reference", reference), ("alternative", alternative))
    )
    found = letters[name][position0]
    if found != reference:
        problem = f"is not the base of record '{name}' at position0 {position0}, which is {found}"
        raise bad_value(path, number, "reference", reference, problem, "Count positions from 0, on these sequences.")
    if alternative == reference:
        raise bad_value(path, number, "alternative", alternative, "is the reference", MEND)
    return Substitution(name, position0, reference, alternative, line)


def _position0(path: Path, number: int, name: str, text: str, length_nt: int) -> int:
    if not is_whole_number(text):
        raise bad_value(path, number, "position0", text, "is no whole number from 0", MEND)
    if int(text) >= length_nt:
        problem = f"lies outside record '{name}' of {length_nt:,} nt, whose last base is {length_nt - 1}"
        raise bad_value(path, number, "position0", text, problem, "Count positions from 0.")
    return int(text)


def _base(path: Path, number: int, column: str, text: str) -> str:
    base = text.upper().replace("T", "U")
    if base not in tuple(BASES):
        raise bad_value(path, number, column, text, "is not one of A, C, G, U", "Substitutions of one base are scored.")
    return base
