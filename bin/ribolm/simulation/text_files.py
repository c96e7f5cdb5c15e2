"""Text files and compressed ones: the same content is the same bytes, without time or name."""

import contextlib
import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

import numpy as np

from ribolm.alphabet import Letters
from ribolm.files import atomic_path

FASTA_COLUMNS = 60


@contextlib.contextmanager
def deterministic_gzip(path: Path) -> Iterator[IO[bytes]]:
    """Open a gzip file for writing bytes, with an empty name and time 0 in its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as handle:
        yield cast(IO[bytes], handle)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines as UTF-8, each with a newline; the file appears whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.writelines(f"{line}\n" for line in lines)


def write_fasta(path: Path, names: list[str], sequences: list[Letters]) -> None:
    """Write contigs (uint8 ASCII) as gzip FASTA of 60 columns."""
    with deterministic_gzip(path) as handle:
        for name, sequence in zip(names, sequences, strict=True):
            handle.write(f">{name}\n".encode())
            whole = len(sequence) // FASTA_COLUMNS * FASTA_COLUMNS
            lines = np.full((whole // FASTA_COLUMNS, FASTA_COLUMNS + 1), ord("\n"), dtype=np.uint8)
            lines[:, :FASTA_COLUMNS] = sequence[:whole].reshape(-1, FASTA_COLUMNS)
            handle.write(lines.tobytes())
            if whole < len(sequence):
                handle.write(sequence[whole:].tobytes() + b"\n")
