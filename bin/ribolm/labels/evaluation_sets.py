"""Sequences of the files that models are judged by, whatever their form: FASTA, structures, tables."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ribolm.console import Repairs
from ribolm.errors import DataError, UsageError
from ribolm.files import open_text, require_file, separated_rows, sha256_of
from ribolm.labels.structure.files import read_structures
from ribolm.sequences.overlap import EvaluationSet
from ribolm.sequences.rna import ANY_LETTER, read_rna, rna_letters

TABLES = {".csv": ",", ".tsv": "\t"}
LOOK_AT_LINES = 200
STRUCTURE = frozenset(".()[]{}<>")


def read_evaluation_set(text: str) -> EvaluationSet:
    """Read the sequences of `FILE`, or of a column of a table, `FILE.csv:COLUMN`; plain or gzip.

    Recognised by content: FASTA, dot-bracket, CT, BPSEQ, Stockholm. Letters that are no nucleotide code read as N,
    names may repeat. Raises UsageError for a table without a column, DataError for other files.
    """
    path, column = _split(text)
    if column is not None:
        sequences = tuple(_column(path, column))
    elif _is_fasta(path):
        sequences = tuple(record.letters for record in read_rna(path, unique_names=False, tolerate=ANY_LETTER))
    else:
        found = read_structures(path, unique_names=False, tolerate=ANY_LETTER)
        sequences = tuple(structure.letters for structure in found)
    return EvaluationSet(Path(text).name, sha256_of(path), sequences)


def _split(text: str) -> tuple[Path, str | None]:
    """Path and column of an argument; a path without a column for anything but a table."""
    path = Path(text)
    if path.exists():
        if _separator(path) is not None:
            raise UsageError(f"{text}: is a table. Name the column of its sequences: {text}:COLUMN.")
        return require_file(path), None
    name, colon, column = text.rpartition(":")
    if colon and _separator(Path(name)) is not None:
        return require_file(name), column
    return require_file(path), None


def _separator(path: Path) -> str | None:
    return TABLES.get(path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix)


def _column(path: Path, column: str) -> Iterator[str]:
    """The cells of a column that are not empty, as letters."""
    repairs = Repairs(path)
    with open_text(path) as handle:
        rows = separated_rows(path, handle, str(_separator(path)))
        header = next(rows, (1, []))[1]
        if column not in header:
            raise DataError(f"{path.name} line 1: has no column '{column}' ({', '.join(header)}).")
        at = header.index(column)
        for line, cells in rows:
            text = cells[at] if at < len(cells) else ""
            letters = rna_letters(text.encode(), path, f"line {line}", repairs, ANY_LETTER)
            if letters:
                yield letters
    repairs.tell()


def _is_fasta(path: Path) -> bool:
    """Whether a file begins with '>' and has no line of brackets and dots: that would be dot-bracket."""
    with open_text(path) as handle:
        lines = [line.strip() for line in islice(handle, LOOK_AT_LINES)]
    filled = [line for line in lines if line]
    if not filled or not filled[0].startswith(">"):
        return False
    return not any(line[0] in STRUCTURE for line in filled if not line.startswith(">"))
