"""Genome sequence: FASTA in, one byte per nucleotide (upper case ACGTN) in a memory map."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np

from ribolm.alphabet import NORMAL, Letters, reverse_complement
from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.files import open_bytes, require_file
from ribolm.genome.coordinates import Int64

CHUNK_BYTES = 1 << 23
MAX_HEADER_BYTES = 1 << 24
_NORMAL_BYTES = NORMAL.tobytes()


@dataclass
class FastaRepairs:
    """Letters that were changed on reading: lower case, U, and IUPAC codes that became N."""

    lower_case: int = 0
    uracil: int = 0
    iupac: int = 0

    def count(self, raw: bytes) -> None:
        """Add the repairs that a raw stretch of nucleotide codes needs."""
        self.lower_case += int(np.count_nonzero(np.frombuffer(raw, dtype=np.uint8) >= ord("a")))
        rest = raw.translate(None, b"ACGTNacgtn")  # 10 times as quick as a tally of the whole
        tally = np.bincount(np.frombuffer(rest, dtype=np.uint8), minlength=256)
        self.uracil += int(tally[[ord("U"), ord("u")]].sum())
        self.iupac += int(sum(tally[ord(code)] + tally[ord(code.lower())] for code in "RYSWKMBDHV"))

    def notices(self, label: str) -> None:
        """Tell of every kind of repair that happened."""
        texts = (
            (self.lower_case, "lower-case letters read as upper case"),
            (self.uracil, "U read as T"),
            (self.iupac, "IUPAC ambiguity codes read as N"),
        )
        for n, text in texts:
            if n:
                notice(f"{label}: {n:,} {text}.")


@dataclass(frozen=True)
class Genome:
    """Contigs as one array of letters. `offsets` int64 [n + 1] bound the contigs in `data` (uint8, ASCII ACGTN)."""

    path: Path
    names: tuple[str, ...]
    offsets: Int64
    data: Letters
    sha256: str
    _index: dict[str, int] = field(repr=False)

    @classmethod
    def open(cls, fasta: Path | str, cache_dir: Path | str | None = None, may_be_empty: bool = False) -> "Genome":
        """Read a plain or gzip FASTA into an unnamed temporary memory map in `cache_dir` (default: TMPDIR).

        Raises DataError for a file without records (unless it `may_be_empty`), a repeated name or a letter that is no
        nucleotide code. Repairs are told.
        Memory: the pages that are touched. Cost: about 3 s per GB.
        """
        path = require_file(fasta)
        names: list[str] = []
        lengths: list[int] = []
        repairs, digest = FastaRepairs(), hashlib.sha256()
        with tempfile.TemporaryFile(dir=cache_dir) as store:
            for name, block in read_fasta(path, repairs, may_be_empty=may_be_empty):
                if block is None:
                    names.append(name)
                    lengths.append(0)
                else:
                    lengths[-1] += len(block)
                    digest.update(block)
                    store.write(block)
            store.flush()
            repairs.notices(f"FASTA {path.name}")
            has_bases = os.fstat(store.fileno()).st_size > 0
            data = np.memmap(store, dtype=np.uint8, mode="r") if has_bases else np.zeros(0, dtype=np.uint8)
        offsets = np.r_[0, np.cumsum(np.array(lengths, dtype=np.int64))].astype(np.int64)
        return cls(path, tuple(names), offsets, data, digest.hexdigest(), {name: i for i, name in enumerate(names)})

    @property
    def label(self) -> str:
        """How messages call this file."""
        return f"FASTA {self.path.name}"

    @cached_property
    def lengths(self) -> dict[str, int]:
        """Contig lengths in nt by name."""
        return dict(zip(self.names, np.diff(self.offsets).tolist(), strict=True))

    def first_letter(self, chrom: str) -> int:
        """Place of a contig's first letter in `data`, −1 for an unknown contig."""
        number = self._index.get(chrom)
        return -1 if number is None else int(self.offsets[number])

    def fetch(self, chrom: str, start0: int, end0: int, strand: str = "+") -> Letters:
        """Return the letters of an interval on its own strand, uint8 [end0 - start0].

        Raises DataError for an unknown contig or a place beyond its ends.
        """
        if chrom not in self._index:
            raise DataError(f"{self.label} has no contig '{chrom}'. Use files of the same genome.")
        first, last = self.offsets[self._index[chrom]], self.offsets[self._index[chrom] + 1]
        if not 0 <= start0 <= end0 <= last - first:
            raise DataError(
                f"{chrom}:{start0}-{end0} lies beyond the {last - first:,} nt of that contig in {self.label}. "
                "The files belong to different genome builds; use files of one build."
            )
        sequence = self.data[first + start0 : first + end0]
        return reverse_complement(sequence) if strand == "-" else np.asarray(sequence)


def look_at_fasta(path: Path | None, may_be_empty: bool = False) -> None:
    """Raise DataError where a file does not begin as FASTA or must not be empty, without reading on; None: no file."""
    if path is not None:
        next(read_fasta(path, FastaRepairs(), may_be_empty=may_be_empty), None)


def read_fasta(
    path: Path, repairs: FastaRepairs, unique_names: bool = True, may_be_empty: bool = False
) -> Iterator[tuple[str, bytes | None]]:
    """Stream a FASTA: (name, None) at each header, then (name, block) with normalised letters, newlines removed.

    The name is the header's first word. `repairs` is added to while reading. Raises DataError naming record and line,
    also for a repeated name; without `unique_names` none is remembered, which millions of records need. A file without
    records is refused unless it `may_be_empty`.
    """
    seen: set[str] = set()
    name, line = "", 1
    with open_bytes(path) as handle:
        for is_header, raw in fasta_pieces(path, handle):
            if is_header:
                name = record_name(path, raw, line, seen if unique_names else set())
                line += 1
                yield name, None
            elif name:
                yield name, _normalise(path, name, raw, line, repairs)
                line += raw.count(b"\n")
            elif raw.strip():
                raise DataError(f"{path.name} line 1: a FASTA begins with '>' and a name, found {_excerpt(raw)}.")
    if not name and not may_be_empty:
        raise DataError(f"{path}: no FASTA record. Give a FASTA with at least one sequence.")


def _chunks(handle: IO[bytes]) -> Iterator[bytes]:
    """Read a file by chunks with every line end as newline and without a byte-order mark."""
    is_first = True
    while chunk := handle.read(CHUNK_BYTES):
        if is_first:
            chunk = chunk.removeprefix(b"\xef\xbb\xbf")
            is_first = False
        if b"\r" in chunk:
            if chunk.endswith(b"\r"):  # the newline that belongs to it may open the next chunk
                chunk += handle.read(1)
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        yield chunk


def fasta_pieces(path: Path, handle: IO[bytes]) -> Iterator[tuple[bool, bytes]]:
    """Cut a FASTA into header lines and stretches of sequence, a chunk at a time; newlines stay on the sequence."""
    pending, at_line_start = b"", True
    for fresh in _chunks(handle):
        chunk, pending, at = pending + fresh, b"", 0
        while at < len(chunk):
            if at_line_start and chunk[at] == ord(">"):
                end = chunk.find(b"\n", at)
                if end < 0:
                    pending = chunk[at:]
                    if len(pending) > MAX_HEADER_BYTES:
                        raise DataError(f"{path}: a line after '>' never ends. Give a FASTA, not a binary file.")
                    break
                yield True, chunk[at:end]
            else:
                header = chunk.find(b"\n>", at)
                end = len(chunk) - 1 if header < 0 else header
                yield False, chunk[at : end + 1]
            at_line_start = chunk[end] == ord("\n")
            at = end + 1
    if pending:
        yield True, pending


def record_name(path: Path, header: bytes, line: int, seen: set[str]) -> str:
    """First word of a header line, added to `seen`; DataError where it is missing or was seen before."""
    words = header[1:].split()
    if not words:
        raise DataError(f"{path.name} line {line}: the record has no name. Write one after '>'.")
    name = words[0].decode("utf-8", "replace")
    if name in seen:
        raise DataError(f"{path.name} line {line}: the name '{name}' occurs twice. Remove or rename one record.")
    seen.add(name)
    return name


def _normalise(path: Path, name: str, raw: bytes, line: int, repairs: FastaRepairs) -> bytes:
    plain = raw.translate(None, b"\r\n\t ")
    block = plain.translate(_NORMAL_BYTES)
    bad = block.find(b"\0")
    if bad >= 0:
        bad_line = line + raw.count(b"\n", 0, raw.index(plain[bad : bad + 1]))
        raise DataError(
            f"{path.name} line {bad_line}, record '{name}': {chr(plain[bad])!r} is no nucleotide code. "
            "Give DNA or RNA letters (IUPAC codes allowed)."
        )
    if block != plain:
        repairs.count(plain)
    return block


def _excerpt(raw: bytes) -> str:
    return repr(raw.strip()[:20].decode("utf-8", "replace"))
