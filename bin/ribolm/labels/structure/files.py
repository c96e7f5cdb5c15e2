"""Files of structures, recognised by what stands in them: dot-bracket, CT, BPSEQ, Stockholm."""

import re
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from ribolm.console import choice, notice
from ribolm.errors import DataError, UsageError
from ribolm.files import open_bytes, require_file
from ribolm.labels.structure.connect import read_bpseq, read_connect, write_bpseq, write_connect
from ribolm.labels.structure.dot_bracket import read_dot_bracket, write_dot_bracket
from ribolm.labels.structure.pairs import Structure
from ribolm.labels.structure.stockholm import MAGIC, read_stockholm
from ribolm.sequences.rna import MODIFIED

DOT_BRACKET, CONNECT, BPSEQ, STOCKHOLM = "dbn", "ct", "bpseq", "stockholm"
READERS: dict[str, Callable[..., list[Structure]]] = {
    DOT_BRACKET: read_dot_bracket,
    CONNECT: read_connect,
    BPSEQ: read_bpseq,
    STOCKHOLM: read_stockholm,
}
WRITERS: dict[str, Callable[[Path, Iterable[Structure]], None]] = {
    DOT_BRACKET: write_dot_bracket,
    CONNECT: write_connect,
    BPSEQ: write_bpseq,
}
LOOK_AT_LINES = 200  # headers of BPSEQ files of databases are a few lines long
_BPSEQ_ROW = re.compile(r"\d+\s+\S\s+\d+$")
_CT_HEADER = re.compile(r"\d+(\s.*)?$")


def read_structures(
    path: Path | str, format: str | None = None, *, unique_names: bool = True, tolerate: bytes = MODIFIED
) -> list[Structure]:
    """Read structures of any known format (`READERS`), plain or gzip; an empty file gives none.

    `format` None: recognised by content, and told. `unique_names=False` admits a name more than once; `tolerate`:
    further letters that are read as N. Raises DataError for what is no such file, naming record and position.
    """
    if format is None:
        format, reason = recognise(path)
        choice(f"format of {Path(path).name}", format, reason)
    return READERS[format](path, unique_names=unique_names, tolerate=tolerate)


def spread_evenly(structures: list[Structure], most: int | None) -> list[Structure]:
    """At most so many of the structures, in their order, evenly spread over the list; told. None: all of them."""
    if most is None or len(structures) <= most:
        return structures
    notice(f"{most:,} of {len(structures):,} RNAs are kept, spread evenly over the file.")
    return [structures[place * len(structures) // most] for place in range(most)]


def recognise(path: Path | str) -> tuple[str, str]:
    """Return the format of a file of structures (a key of `READERS`) and the reason, from its first lines."""
    path = require_file(path)
    with open_bytes(path) as handle:
        raw = [line.decode("utf-8", "replace").strip().removeprefix("\ufeff") for line in islice(handle, LOOK_AT_LINES)]
    lines = [line for line in raw if line]
    if not lines:
        return DOT_BRACKET, "the file is empty"
    if lines[0].startswith(MAGIC):
        return STOCKHOLM, f"begins with '{MAGIC}'"
    data = [line for line in lines if not line.startswith("#")]
    rows = [line for line in data if line[0].isdigit()]
    if rows and _BPSEQ_ROW.match(rows[0]):
        return BPSEQ, "rows of position, base, partner"
    if lines[0].startswith("#Name:") or (data and data[0].startswith(">")):
        return DOT_BRACKET, "a record begins with its name"
    if data and rows and data[0] == rows[0] and _CT_HEADER.match(data[0]) and len(data) > 1:
        return CONNECT, "begins with a length"
    known = "dot-bracket (>name, sequence, structure), CT, BPSEQ or Stockholm"
    raise DataError(f"{path.name} line 1: {lines[0][:40]!r} begins no file of structures. Give {known}.")


def output_format(path: Path | str) -> str:
    """Return the format that the ending of a file to be written names; UsageError for another ending."""
    ending = Path(path).suffix.removeprefix(".").lower()
    if ending not in WRITERS:
        raise UsageError(f"{path}: the ending of the name says the format. End it in .{', .'.join(WRITERS)}.")
    return ending


def write_structures(path: Path | str, structures: Iterable[Structure]) -> None:
    """Write structures in the format that the ending of the name says: .dbn, .ct or .bpseq."""
    WRITERS[output_format(path)](Path(path), structures)
