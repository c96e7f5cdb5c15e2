"""Fragment counting written the obvious way, one alignment at a time: the oracle of the fast kernel."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pysam
import pytest

Block = tuple[str, int, int, int]


def left_out_reason(read: pysam.AlignedSegment, read_filter) -> str | None:
    """Why an alignment does not count, or None."""
    if read.is_unmapped:
        return "unmapped"
    if read.is_qcfail:
        return "qc_failed"
    if read.is_supplementary:
        return "supplementary"
    if read.is_secondary and read_filter.multimappers != "all":
        return "secondary"
    if read.is_duplicate and read_filter.duplicates == "exclude":
        return "duplicate"
    if read_filter.multimappers == "unique":
        unique = read.get_tag("NH") == 1 if read.has_tag("NH") else read.mapping_quality > 0
        if not unique:
            return "multimapped"
    if read.mapping_quality < read_filter.min_mapq:
        return "low_mapq"
    return None


def aligned_blocks(read: pysam.AlignedSegment, strandedness: str) -> list[Block]:
    """Blocks (chrom, start0, end0, transcript strand; 0 = any) of one alignment; D stays inside its block."""
    strand = 0
    if strandedness != "unstranded":
        strand = -1 if read.is_reverse else 1
        if read.is_paired and read.is_read2:
            strand = -strand
        if strandedness == "reverse":
            strand = -strand
    blocks, start0 = [], read.reference_start
    end0 = start0
    for operation, length in read.cigartuples or []:
        if operation in (0, 2, 7, 8):
            end0 += length
        elif operation == 3:
            if end0 > start0:
                blocks.append((read.reference_name, start0, end0, strand))
            start0 = end0 = end0 + length
    if end0 > start0:
        blocks.append((read.reference_name, start0, end0, strand))
    return blocks


def group_fragments(reads: list[pysam.AlignedSegment]) -> list[list[pysam.AlignedSegment]]:
    """Alignments joined into fragments: both mates of one alignment pair, or one alignment alone."""
    fragments: list[list[pysam.AlignedSegment]] = []
    waiting: dict[tuple, list[list[pysam.AlignedSegment]]] = defaultdict(list)
    for read in reads:
        if not read.is_paired or read.mate_is_unmapped or read.is_read1 == read.is_read2:
            fragments.append([read])
            continue
        own, mate = (read.reference_id, read.reference_start), (read.next_reference_id, read.next_reference_start)
        hit = read.get_tag("HI") if read.has_tag("HI") else None
        partners = waiting[(read.query_name, read.is_read2, mate, own, hit, read.is_secondary)]
        if partners:
            partners.pop(0).append(read)
            continue
        fragment = [read]
        fragments.append(fragment)
        waiting[(read.query_name, read.is_read1, own, mate, hit, read.is_secondary)].append(fragment)
    return fragments


def bins_of_block(block: Block, grid, chrom_names: list[str]) -> set[int]:
    """Indices of every bin that shares a base with a block, found base by base."""
    chrom, start0, end0, strand = block
    bins: set[int] = set()
    for i in range(len(grid.segment_start0)):
        if chrom_names[grid.segment_chrom[i]] != chrom or (strand and grid.segment_strand[i] != strand):
            continue
        gene = grid.segment_gene[i]
        for position in range(max(start0, grid.segment_start0[i]), min(end0, grid.segment_end0[i])):
            place = position - grid.segment_start0[i] + grid.segment_exon_offset[i]
            for k in range(grid.gene_n_bins[gene]):
                if k * grid.step_size <= place < k * grid.step_size + grid.bin_size:
                    bins.add(int(grid.gene_first_bin[gene] + k))
    return bins


def count_naively(bam: Path, grid, chrom_names: list[str], *, strandedness: str, read_filter):
    """Counts int32 (n_bins,), fragments, fragments on exons, alignments, left out per reason, bins of each fragment."""
    left_out: dict[str, int] = defaultdict(int)
    kept: list[pysam.AlignedSegment] = []
    alignments = 0
    with pysam.AlignmentFile(str(bam), check_sq=False) as reader:
        for read in reader.fetch(until_eof=True):
            alignments += 1
            reason = left_out_reason(read, read_filter)
            if reason is None:
                kept.append(read)
            else:
                left_out[reason] += 1
    counts = np.zeros(grid.n_bins, dtype=np.int32)
    fragments, on_exons, touched = group_fragments(kept), 0, []
    for fragment in fragments:
        bins: set[int] = set()
        for read in fragment:
            for block in aligned_blocks(read, strandedness):
                bins |= bins_of_block(block, grid, chrom_names)
        counts[sorted(bins)] += 1
        on_exons += bool(bins)
        touched.append(bins)
    return counts, len(fragments), on_exons, alignments, dict(left_out), touched


@pytest.fixture(scope="session", name="count_naively")
def _count_naively():
    return count_naively
