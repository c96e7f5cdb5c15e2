"""Tables of pair probabilities: tab-separated, header `name i0 j0 probability`, one line per pair, 0-based, i0 < j0."""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from ribolm.errors import DataError, bad_value
from ribolm.files import atomic_path, is_whole_number, open_text
from ribolm.labels.structure.listed import ListedPairs

COLUMNS = ("name", "i0", "j0", "probability")
HEADER = "\t".join(COLUMNS) + "\n"
LEAST_LISTED = 0.01  # pairs below are left out of tables
NO_PAIRS = ListedPairs(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))


def write_pairs(path: Path | str, listed: Iterable[tuple[str, ListedPairs]]) -> None:
    """Write the pairs of records in the order given; the file appears whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        out.write(HEADER)
        for name, pairs in listed:
            out.writelines(pair_lines(name, pairs))


def pair_lines(name: str, pairs: ListedPairs) -> Iterator[str]:
    """The lines of one record."""
    columns = (column.tolist() for column in pairs)
    return (f"{name}\t{i}\t{j}\t{p:.6g}\n" for i, j, p in zip(*columns, strict=True))


def read_pairs(path: Path | str, lengths: Mapping[str, int]) -> dict[str, ListedPairs]:
    """Read a plain or gzip table for records of these lengths in nt; records without a line get no pairs.

    Raises DataError naming line, column and value: another header, an unknown record, a place outside it, i0 not before
    j0, no probability, a pair listed twice.
    """
    path = Path(path)
    found: dict[str, dict[tuple[int, int], float]] = {name: {} for name in lengths}
    with open_text(path) as handle:
        header = handle.readline().rstrip("\n").split("\t")
        if tuple(header) != COLUMNS:
            raise DataError(f"{path.name} line 1: the header is {header!r}, not {' '.join(COLUMNS)} (with tabs).")
        for line, text in enumerate(handle, start=2):
            words = text.rstrip("\n").split("\t")
            if words == [""]:
                continue
            name, i0, j0, probability = _parse(path, line, words, lengths)
            if (i0, j0) in found[name]:
                raise bad_value(path, line, "j0", j0, f"is listed twice with i0 {i0} of '{name}'", "Remove one line.")
            found[name][i0, j0] = probability
    return {name: _listed(pairs) for name, pairs in found.items()}


def _parse(path: Path, line: int, words: list[str], lengths: Mapping[str, int]) -> tuple[str, int, int, float]:
    if len(words) != len(COLUMNS):
        raise DataError(f"{path.name} line {line}: has {len(words)} columns, not 4 ({' '.join(COLUMNS)}). Use tabs.")
    name, *ends, text = words
    if name not in lengths:
        raise bad_value(
            path, line, "name", name, "is no record of the structures", "Use tables and structures of one set."
        )
    for column, word in zip(COLUMNS[1:3], ends, strict=True):
        if not is_whole_number(word) or int(word) >= lengths[name]:
            problem = f"is no 0-based position of '{name}' with its {lengths[name]:,} nt"
            raise bad_value(path, line, column, word, problem, "Correct it.")
    i0, j0 = map(int, ends)
    if i0 >= j0:
        raise bad_value(path, line, "j0", j0, f"is not behind i0 {i0}", "List each pair once, i0 first.")
    try:
        probability = float(text)
    except ValueError:
        probability = math.nan
    if not 0 <= probability <= 1:
        raise bad_value(path, line, "probability", text, "is no probability", "Give a number from 0 to 1.")
    return name, i0, j0, probability


def _listed(pairs: dict[tuple[int, int], float]) -> ListedPairs:
    if not pairs:
        return NO_PAIRS
    ends = np.array(list(pairs), dtype=np.int64)
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    return ListedPairs(ends[order, 0], ends[order, 1], np.array(list(pairs.values()))[order])
