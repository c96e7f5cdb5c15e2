"""The libraries of one call: their names, files, strandedness, and size factors from a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ribolm.console import Repairs
from ribolm.errors import DataError, bad_value
from ribolm.files import open_text
from ribolm.reads.libraries import Library, parse_library, refuse_repeats

IP = "ip"
INPUT = "input"
SIZE_FACTOR_HEADER = ("name", "size_factor")


def parse_libraries(ip: Sequence[str], control: Sequence[str]) -> tuple[Library, ...]:
    """Read the options --ip and --input: IP libraries first, each list in the order given.

    Raises DataError for a missing list, equal names and a file given twice.
    """
    if not ip:
        raise DataError("No IP library is given. Add --ip NAME=FILE.bam.")
    if not control:
        raise DataError("IP libraries are given without an input library. Add --input NAME=FILE.bam.")
    libraries = tuple(parse_library(t, IP) for t in ip) + tuple(parse_library(t, INPUT) for t in control)
    refuse_repeats(libraries)
    return libraries


def parse_assignments(
    texts: Sequence[str], option: str, allowed: Sequence[str], names: Sequence[str]
) -> dict[str, str]:
    """Read repeated `NAME=VALUE` of an option; NAME must be a library, VALUE one of `allowed`."""
    found: dict[str, str] = {}
    for text in texts:
        name, _, value = text.rpartition("=")
        if name not in names:
            raise DataError(f"{option} '{text}': no library is called '{name}'. The libraries are {', '.join(names)}.")
        if value not in allowed:
            raise DataError(f"{option} '{text}': '{value}' is not one of {', '.join(allowed)}. Correct the value.")
        found[name] = value
    return found


def read_size_factors(path: Path, names: Sequence[str]) -> dict[str, float]:
    """Read a tab-separated table `name, size_factor` that has a positive number for every library.

    A byte-order mark, CRLF, spaces around values and further columns and rows are accepted with a notice. Raises
    DataError naming line and column.
    """
    repairs = Repairs(path)
    found: dict[str, float] = {}
    header: list[str] = []
    with open_text(path) as handle:
        for row, line in enumerate(handle, start=1):
            raw = line.rstrip("\n").split("\t")
            fields = [field.strip() for field in raw]
            if fields != raw:
                repairs.add("spaces around values removed", f"line {row}")
            if not any(fields):
                continue
            if not header:
                header = _check_header(path, row, fields, repairs)
                continue
            _read_row(path, row, fields, header, found)
    if not header:
        raise DataError(
            f"{path.name}: the file is empty. Write the header 'name<tab>size_factor' and a row per library."
        )
    for name in names:
        if name not in found:
            raise DataError(f"{path.name}, column 'name': library '{name}' is missing. Add a row for it.")
    extra = [name for name in found if name not in names]
    repairs.add("rows of other libraries left out", repr(extra[0]) if extra else "", len(extra))
    repairs.tell()
    return {name: found[name] for name in names}


def _check_header(path: Path, row: int, fields: list[str], repairs: Repairs) -> list[str]:
    for column in SIZE_FACTOR_HEADER:
        if fields.count(column) != 1:
            raise DataError(
                f"{path.name} line {row}: the header is {', '.join(repr(field) for field in fields)}, "
                f"column '{column}' must stand in it once. Write 'name<tab>size_factor'."
            )
    repairs.add("extra columns left out", f"line {row}", len(fields) - len(SIZE_FACTOR_HEADER))
    return fields


def _read_row(path: Path, row: int, fields: list[str], header: list[str], found: dict[str, float]) -> None:
    if len(fields) != len(header):
        raise DataError(f"{path.name} line {row}: {len(fields)} columns instead of {len(header)}. Separate by tabs.")
    name, text = (fields[header.index(column)] for column in SIZE_FACTOR_HEADER)
    if name in found:
        raise bad_value(path, row, "name", name, "occurs twice", "Remove one of the rows.")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise bad_value(path, row, "size_factor", text, "is not a positive number", "Write a number above 0.")
    found[name] = value
