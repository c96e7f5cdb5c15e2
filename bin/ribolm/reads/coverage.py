"""Depth of the aligned blocks of a BAM along each contig, as runs: memory follows the reads, not the genome."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ribolm.errors import DataError
from ribolm.reads import alignments as counting
from ribolm.reads import bam_records, counting_kernel, kernels
from ribolm.reads.bam_records import (
    CIGAR_D,
    CIGAR_EQUAL,
    CIGAR_M,
    CIGAR_N,
    CIGAR_X,
    DAMAGED,
    MATE_UNMAPPED,
    NEED_BYTES,
    PAIRED,
    Bytes,
    find_cigar,
    int32_at,
    record_end,
    uint16_at,
    uint32_at,
)
from ribolm.reads.bam_stream import feed_records, open_bam
from ribolm.reads.counting_kernel import KEPT, CountingRules, left_out_reason
from ribolm.reads.kernels import Integer, inner, kernel, source_digest

NEED_ROOM = -12
BLOCK_ROWS = 1 << 20

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]


class AlignedReads(NamedTuple):
    """What of a BAM went into its depth: alignments that counted, those of them whose mate is aligned too, their bases.

    bases: aligned bases of all blocks, each mate's for itself (deletions inside a block count, introns do not).
    """

    alignments: int
    mates: int
    bases: int

    @property
    def fragments(self) -> float:
        """Fragments: lone reads, and pairs as two halves."""
        return self.alignments - self.mates / 2

    @property
    def bases_per_fragment(self) -> float:
        """Mean number of aligned bases that a fragment brings into the depth; 0 without a read."""
        return self.bases / self.fragments if self.alignments else 0.0


class Depth(NamedTuple):
    """Runs of equal depth on a contig: depth[i] holds from position0[i] to position0[i + 1]; the last depth is 0.

    position0 int32 [k], ascending, no two neighbouring depths equal; depth int32 [k].
    """

    position0: Int32Array
    depth: Int32Array


@inner
def add_blocks(buffer: Bytes, place: Integer, end: Integer, blocks: Int32Array, n: Integer) -> Integer:
    """Append the aligned blocks of a record (M = X, with D inside, cut at N) as rows (contig, start0, end0)."""
    contig, position0 = int32_at(buffer, place + 4), int32_at(buffer, place + 8)
    cigar_place, n_operations = find_cigar(buffer, place, end)
    if cigar_place < 0:
        return DAMAGED
    if n + n_operations + 1 > len(blocks):
        return NEED_ROOM
    block_start0 = position0
    for i in range(n_operations + 1):
        operation = uint32_at(buffer, cigar_place + 4 * i) if i < n_operations else CIGAR_N
        kind, length_nt = operation & 15, operation >> 4
        if kind == CIGAR_M or kind == CIGAR_EQUAL or kind == CIGAR_X or kind == CIGAR_D:
            position0 += length_nt
        elif kind == CIGAR_N:
            if position0 > block_start0:
                blocks[n, 0], blocks[n, 1], blocks[n, 2] = contig, block_start0, position0
                n += 1
            position0 += length_nt
            block_start0 = position0
    return n


def _block_kernel(sources: int) -> Callable[..., tuple[Integer, Integer, Integer]]:
    @kernel
    def collect_blocks(
        buffer: Bytes, place: int, n_bytes: int, rules: CountingRules, blocks: Int32Array, tally: Int64Array
    ) -> tuple[Integer, Integer, Integer]:
        """Write the blocks of the records that count; return (place of the next record, rows written, why it stopped).

        tally int64 [3]: records read, records kept, those of them whose mate is aligned too. Reasons: NEED_BYTES,
        NEED_ROOM, DAMAGED.
        """
        n: Integer = np.int64(0)
        if sources == 0:
            return place, n, DAMAGED
        while True:
            end = record_end(buffer, place, n_bytes, rules.n_contigs)
            if end < 0:
                return place, n, end
            reason = left_out_reason(buffer, place, end, uint16_at(buffer, place + 18), rules)
            if reason == DAMAGED:
                return place, n, DAMAGED
            if reason == KEPT:
                status = add_blocks(buffer, place, end, blocks, n)
                if status < 0:
                    return place, n, status
                n = status
                tally[1] += 1
                flag = uint16_at(buffer, place + 18)
                if flag & PAIRED and not flag & MATE_UNMAPPED:
                    tally[2] += 1
            tally[0] += 1
            place = end  # type: ignore[assignment]

    return collect_blocks


_collect_blocks = _block_kernel(
    source_digest(__file__, bam_records.__file__, counting_kernel.__file__, kernels.__file__)
)


def read_depth(
    bam: Path | str,
    sink: Callable[[str, Depth], None],
    read_filter: counting.ReadFilter | None = None,
    threads: int = 1,
) -> AlignedReads:
    """Hand the depth of every contig that has reads to `sink(contig, depth)`; return what of the BAM counted.

    Every aligned base of a read counts, also where mates overlap; introns do not. The BAM must be sorted by position:
    DataError otherwise, and for a damaged file. Cost: about 0.5 µs per alignment; memory 30 MB + 16 bytes per distinct
    block end on the deepest contig.
    """
    start = open_bam(bam)
    rules = counting.counting_rules(start, "unstranded", read_filter or counting.ReadFilter())
    reader = _DepthReader(start.path, start.contigs, rules, sink)
    feed_records(start, reader.consume, threads)
    reader.finish_contig()
    return AlignedReads(int(reader.tally[1]), int(reader.tally[2]), reader.bases)


class _DepthReader:
    """Gathers the ends of blocks of the present contig and passes it on when the next one begins."""

    def __init__(
        self, path: Path, contigs: tuple[str, ...], rules: CountingRules, sink: Callable[[str, Depth], None]
    ) -> None:
        self.path, self.contigs, self.rules, self.sink = path, contigs, rules, sink
        self.blocks = np.zeros((BLOCK_ROWS, 3), np.int32)
        self.tally = np.zeros(3, np.int64)
        self.bases = 0
        self.contig = -1
        self.ends = np.zeros(0, np.int32)
        self.steps = np.zeros(0, np.int32)

    def consume(self, buffer: Bytes, n_bytes: int) -> int:
        place: Integer = 0
        status: Integer = 0
        while status != NEED_BYTES:
            place, n, status = _collect_blocks(buffer, place, n_bytes, self.rules, self.blocks, self.tally)
            if status == DAMAGED:
                raise counting.damaged_record(self.path, int(self.tally[0]) + 1)
            if n == 0 and status == NEED_ROOM:
                self.blocks = np.zeros((2 * len(self.blocks), 3), np.int32)
            self._add(self.blocks[:n])
        return int(place)

    def _add(self, blocks: Int32Array) -> None:
        if not len(blocks):
            return
        self.bases += int((blocks[:, 2] - blocks[:, 1]).sum(dtype=np.int64))
        cuts = np.flatnonzero(np.diff(blocks[:, 0])) + 1
        for piece in np.split(blocks, cuts):
            contig = int(piece[0, 0])
            if contig < self.contig:
                raise DataError(f"{self.path}: is not sorted by position. Sort it with `samtools sort`.")
            if contig > self.contig:
                self.finish_contig()
                self.contig = contig
            steps = np.repeat(np.array([1, -1], np.int32), len(piece))
            ends = np.concatenate([self.ends, piece[:, 1], piece[:, 2]])
            self.ends, self.steps = sum_steps(ends, np.concatenate([self.steps, steps]))

    def finish_contig(self) -> None:
        if len(self.ends):
            self.sink(self.contigs[self.contig], Depth(self.ends, np.cumsum(self.steps, dtype=np.int32)))
        self.ends, self.steps = np.zeros(0, np.int32), np.zeros(0, np.int32)


def sum_steps(position0: Int32Array, step: Int32Array) -> tuple[Int32Array, Int32Array]:
    """Add up the steps of equal positions, sort, and drop those that cancel; int32 both."""
    order = np.argsort(position0, kind="stable")
    position0, step = position0[order], step[order]
    first = np.flatnonzero(np.r_[True, position0[1:] != position0[:-1]])
    total = np.add.reduceat(step, first).astype(np.int32)
    return position0[first][total != 0], total[total != 0]
