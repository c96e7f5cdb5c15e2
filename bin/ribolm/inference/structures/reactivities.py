"""Measured reactivities (SHAPE, DMS) of RNAs: a table of name, position and value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ribolm.errors import DataError
from ribolm.files import is_whole_number, open_text
from ribolm.sequences.rna import RnaRecord

COLUMNS = ("name", "position0", "reactivity")
MISSING = ("", "NA", "NaN", "nan")


def read_reactivities(path: Path, records: Sequence[RnaRecord]) -> dict[str, NDArray[np.float64]]:
    """Values of every RNA that has some, float64 [L], NaN where there is none.

    A header line names the columns; negative values, as files of SHAPE data have them for what was not measured, and NA
    count as none. Raises DataError for unknown names, positions beyond the RNA or listed twice, and what is no number.
    """
    lengths = {record.name: len(record.letters) for record in records}
    found: dict[str, NDArray[np.float64]] = {}
    given: set[tuple[str, int]] = set()
    with open_text(path) as handle:
        header = handle.readline().rstrip("\n").split("\t")
        if tuple(header) != COLUMNS:
            raise DataError(
                f"{path.name} line 1: columns are {header}. Write the header {' '.join(COLUMNS)}, with tabs."
            )
        for number, line in enumerate(handle, start=2):
            if line.strip():
                place = f"{path.name} line {number}"
                base = _take(found, lengths, line.rstrip("\n").split("\t"), place)
                if base in given:
                    raise DataError(f"{place}: base {base[1]} of '{base[0]}' is listed twice. Remove one line.")
                given.add(base)
    return found


def _take(
    found: dict[str, NDArray[np.float64]], lengths: dict[str, int], cells: list[str], place: str
) -> tuple[str, int]:
    """Add the value of a row; returns whose it is: name and position."""
    if len(cells) != len(COLUMNS):
        raise DataError(f"{place}: has {len(cells)} columns, not {len(COLUMNS)}. Separate them by tabs.")
    name, position, value = cells
    if name not in lengths:
        raise DataError(f"{place}: '{name}' is no record of --sequences. Use the first word of its header.")
    if not is_whole_number(position) or int(position) >= lengths[name]:
        raise DataError(f"{place}: position0 {position!r} is none of 0 to {lengths[name] - 1}. Count from 0.")
    values = found.setdefault(name, np.full(lengths[name], np.nan))
    if value in MISSING:
        return name, int(position)
    try:
        number = float(value)
    except ValueError as error:
        raise DataError(f"{place}: reactivity {value!r} is no number. Write a number or NA.") from error
    if not math.isfinite(number):
        raise DataError(f"{place}: reactivity {value!r} is not finite. Write a number or NA.")
    values[int(position)] = number if number >= 0 else math.nan
    return name, int(position)
