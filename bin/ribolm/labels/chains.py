"""Chain files (UCSC): which stretch of one genome build lies where in another, read whole and looked up by arrays."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ribolm.errors import DataError
from ribolm.files import open_text
from ribolm.genome.coordinates import Int64

Block = tuple[str, int, int, str, int, int]  # contig, start0, end0, target contig, target position, direction
HEADER_FIELDS = (12, 13)


@dataclass(frozen=True)
class Chain:
    """Blocks without gaps, sorted by contig and start; a base maps to `target0 + direction · (position0 - start0)`.

    `first` int64 [contigs + 1] bounds the blocks of each of `contigs`; `start0`, `end0`, `target0`, `direction` (+1 or
    -1, the latter where the target is read on its other strand) int64 [n]; `target` is an index into `targets`.
    """

    path: Path
    contigs: tuple[str, ...]
    first: Int64
    start0: Int64
    end0: Int64
    targets: tuple[str, ...]
    target: Int64
    target0: Int64
    direction: Int64

    def lookup(self, contig: str, position0: Int64) -> tuple[Int64, Int64]:
        """Number of blocks that hold each position, and the block of those held by exactly one (else -1)."""
        if contig not in self.contigs:
            return np.zeros(len(position0), dtype=np.int64), np.full(len(position0), -1, dtype=np.int64)
        k = self.contigs.index(contig)
        low = int(self.first[k])
        start0, end0 = (x[low : int(self.first[k + 1])] for x in (self.start0, self.end0))
        below = np.searchsorted(start0, position0, side="right")
        n_hits = below - np.searchsorted(np.sort(end0), position0, side="right")
        block = np.where(n_hits == 1, below - 1, -1)
        # Blocks of other chains may begin between the start of the one that holds a position and the position.
        while len(short := np.flatnonzero((block >= 0) & (end0[block] <= position0))):
            block[short] -= 1
        return n_hits.astype(np.int64), np.where(block >= 0, low + block, -1).astype(np.int64)


def read_chain(path: Path) -> Chain:
    """Read a plain or gzip chain file. Raises DataError, naming the line, for one that is empty or not sound."""
    with open_text(path) as handle:
        lines = ((number, line.split()) for number, line in enumerate(handle, start=1))
        blocks = list(_blocks(path, ((n, x) for n, x in lines if x and not x[0].startswith("#"))))
    if not blocks:
        raise DataError(f"{path}: holds no chain. Give UCSC's chain format, as hg19ToHg38.over.chain.gz.")
    contig, start0, end0, target, target0, direction = zip(*blocks, strict=True)
    contigs, code = np.unique(np.array(contig), return_inverse=True)
    targets, target_code = np.unique(np.array(target), return_inverse=True)
    columns = [np.array(x, dtype=np.int64) for x in (start0, end0, target_code, target0, direction)]
    order = np.lexsort((columns[1], columns[0], code))
    begin, end, of_target, place, sense = (column[order] for column in columns)
    first = np.searchsorted(code[order], np.arange(len(contigs) + 1)).astype(np.int64)
    names = tuple(str(name) for name in contigs)
    return Chain(path, names, first, begin, end, tuple(str(x) for x in targets), of_target, place, sense)


def _blocks(path: Path, lines: Iterator[tuple[int, list[str]]]) -> Iterator[Block]:
    for number, fields in lines:
        if fields[0] != "chain" or len(fields) not in HEADER_FIELDS:
            raise DataError(f"{path.name} line {number}: begins with {fields[0][:30]!r}, a chain begins with 'chain'.")
        try:
            yield from _chain(fields, lines)
        except (ValueError, StopIteration) as error:
            problem = str(error) or "it ends too early"
            raise DataError(
                f"{path.name} line {number}: the chain is not sound ({problem}). Copy the file again."
            ) from None


def _chain(fields: list[str], lines: Iterator[tuple[int, list[str]]]) -> list[Block]:
    """Blocks of one chain; ValueError or StopIteration where it is not sound."""
    contig, target, strand = fields[2], fields[7], fields[9]
    source0, end0, size_nt, target0, target_end0 = (int(fields[k]) for k in (5, 6, 8, 10, 11))
    if fields[4] != "+" or strand not in ("+", "-"):
        raise ValueError("strands must be + and + or -")
    found: list[Block] = []
    gaps = [0, 0]
    while len(gaps) == 2:
        length, *gaps = [int(x) for x in next(lines)[1]]
        # A target on the minus strand is counted from the end of its contig.
        place, direction = (target0, 1) if strand == "+" else (size_nt - 1 - target0, -1)
        found.append((contig, source0, source0 + length, target, place, direction))
        source0 += length + (gaps[0] if gaps else 0)
        target0 += length + (gaps[1] if gaps else 0)
    if gaps or (source0, target0) != (end0, target_end0):
        raise ValueError("its blocks do not add up to its ends")
    return found
