"""Which strand of the transcript read 1 comes from, told from fragments on exons of one strand only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.genome.exon_space import ExonSpace
from ribolm.reads import bam_records, counting_kernel, kernels, mate_table, segment_index
from ribolm.reads.alignments import ReadFilter, Strandedness, counting_rules, damaged_record
from ribolm.reads.bam_records import (
    DAMAGED,
    MATE_UNMAPPED,
    NEED_BYTES,
    PAIRED,
    READ1,
    Bytes,
    record_end,
    uint16_at,
)
from ribolm.reads.bam_stream import ENOUGH, feed_records, open_bam
from ribolm.reads.bin_grid import MINUS, PLUS, BinGrid, sort_segments
from ribolm.reads.counting_kernel import (
    KEPT,
    NEED_RANGES,
    CountingRules,
    bins_of_alignment,
    left_out_reason,
    transcript_strand,
)
from ribolm.reads.kernels import Integer, inner, kernel, source_digest
from ribolm.reads.segment_index import SegmentIndex, build_segment_index

MAX_FRAGMENTS = 200_000
MIN_FRAGMENTS = 100
CLEAR_SHARE = 0.8
FORWARD_VOTES, REVERSE_VOTES, RECORDS = 0, 1, 2
ENOUGH_VOTES = -20

Int64Array = npt.NDArray[np.int64]
VoteRecords = Callable[..., tuple[Integer, Integer]]


@dataclass(frozen=True)
class StrandednessEstimate:
    """What the fragments say. fraction_forward + fraction_reverse = 1 (both 0 without fragments); reason in words."""

    strandedness: Strandedness
    fraction_forward: float
    fraction_reverse: float
    fragments: int
    reason: str

    @property
    def is_told(self) -> bool:
        """Whether there were fragments enough to tell."""
        return self.fragments >= MIN_FRAGMENTS


def infer_strandedness(
    bam: Path | str, space: ExonSpace, *, read_filter: ReadFilter | None = None, max_fragments: int = MAX_FRAGMENTS
) -> StrandednessEstimate:
    """Infer the strandedness of a library from its first `max_fragments` fragments on exons of one strand only.

    Read 1 (or the only read) of a fragment votes forward when it has the strand of the exons, else reverse. A share of
    at least 0.8 decides; less, or fewer than 100 fragments, is called unstranded. Raises DataError like
    `count_fragments`. Cost: 1 µs per record up to the last vote.
    """
    start = open_bam(bam)
    rules = counting_rules(start, "unstranded", read_filter or ReadFilter())
    index = build_segment_index(_one_bin_per_unit(space), space.chroms, start.contigs)
    votes = np.zeros(3, np.int64)
    ranges = np.zeros((64, 2), np.int64)

    def consume(buffer: Bytes, n_bytes: int) -> int:
        nonlocal ranges
        place: Integer = 0
        while True:
            place, status = vote_records(buffer, place, n_bytes, rules, index, ranges, votes, max_fragments)
            if status == DAMAGED:
                raise damaged_record(start.path, int(votes[RECORDS]) + 1)
            if status != NEED_RANGES:
                return int(place) if status == NEED_BYTES else ENOUGH
            ranges = np.zeros((2 * len(ranges), 2), np.int64)

    feed_records(start, consume)
    return judge_votes(int(votes[FORWARD_VOTES]), int(votes[REVERSE_VOTES]))


def judge_votes(forward: int, reverse: int) -> StrandednessEstimate:
    """Turn votes into a strandedness and the reason for it."""
    fragments = forward + reverse
    share_forward = forward / fragments if fragments else 0.0
    share_reverse = reverse / fragments if fragments else 0.0
    strandedness: Strandedness = "unstranded"
    shares = f"read 1 has the strand of the exons in {share_forward:.1%} of {fragments:,} fragments"
    if fragments < MIN_FRAGMENTS:
        reason = f"only {fragments} fragments lie on exons of one strand, {MIN_FRAGMENTS} are needed to tell"
    elif max(share_forward, share_reverse) < CLEAR_SHARE:
        reason = f"{shares}: neither orientation reaches {CLEAR_SHARE:.0%}"
    else:
        strandedness = "forward" if share_forward >= CLEAR_SHARE else "reverse"
        reason = f"{shares}: at least {CLEAR_SHARE:.0%} one way"
    return StrandednessEstimate(strandedness, share_forward, share_reverse, fragments, reason)


def _one_bin_per_unit(space: ExonSpace) -> BinGrid:
    unit, n_units = space.exon_unit, len(space)
    longest_nt = max(int(space.length_nt.max(initial=1)), 1)
    return BinGrid(
        **sort_segments(
            segment_chrom=space.chrom[unit].astype(np.int32),
            segment_strand=space.strand[unit].astype(np.int8),
            segment_start0=space.exon_start0,
            segment_end0=space.exon_end0,
            segment_exon_offset=space.exon_offset_nt,
            segment_gene=unit.astype(np.int32),
        ),
        gene_first_bin=np.arange(n_units, dtype=np.int64),
        gene_n_bins=np.ones(n_units, np.int64),
        gene_length_nt=space.length_nt,
        bin_size=longest_nt,
        step_size=longest_nt,
    )


@inner
def exon_strand(
    buffer: Bytes, place: Integer, end: Integer, index: SegmentIndex, ranges: Int64Array
) -> tuple[Integer, Integer]:
    """(strand of the exons under an alignment, 0 where there are none or both; 0 or why it failed)."""
    n_plus = bins_of_alignment(buffer, place, end, PLUS, index, ranges, 0)
    n_minus = bins_of_alignment(buffer, place, end, MINUS, index, ranges, 0)
    if n_plus < 0 or n_minus < 0:
        return 0, min(n_plus, n_minus)
    if (n_plus > 0) == (n_minus > 0):
        return 0, 0
    return (1 if n_plus > 0 else -1), 0


@inner
def vote_all_records(
    buffer: Bytes,
    place: Integer,
    n_bytes: Integer,
    rules: CountingRules,
    index: SegmentIndex,
    ranges: Int64Array,
    votes: Int64Array,
    max_votes: Integer,
) -> tuple[Integer, Integer]:
    """Let the records of buffer[place:n_bytes] vote; return (place of the first record without, why it stopped)."""
    while votes[FORWARD_VOTES] + votes[REVERSE_VOTES] < max_votes:
        end = record_end(buffer, place, n_bytes, rules.n_contigs)
        if end < 0:
            return place, end
        flag = uint16_at(buffer, place + 18)
        reason = left_out_reason(buffer, place, end, flag, rules)
        if reason < 0:
            return place, reason
        speaks = flag & PAIRED == 0 or flag & READ1 != 0 or flag & MATE_UNMAPPED != 0
        if reason == KEPT and speaks:
            strand, status = exon_strand(buffer, place, end, index, ranges)
            if status < 0:
                return place, status
            if strand != 0:
                votes[FORWARD_VOTES if transcript_strand(flag, 1) == strand else REVERSE_VOTES] += 1
        votes[RECORDS] += 1
        place = end
    return place, ENOUGH_VOTES


def _voting_kernel(sources: int) -> VoteRecords:
    @kernel
    def vote_records(
        buffer: Bytes,
        place: int,
        n_bytes: int,
        rules: CountingRules,
        index: SegmentIndex,
        ranges: Int64Array,
        votes: Int64Array,
        max_votes: int,
    ) -> tuple[Integer, Integer]:
        """Let records vote. votes, int64 (3,): forward, reverse, records read.

        Stops with NEED_BYTES, DAMAGED, NEED_RANGES or, at max_votes, ENOUGH_VOTES.
        """
        if sources == 0:
            return place, DAMAGED
        return vote_all_records(buffer, place, n_bytes, rules, index, ranges, votes, max_votes)

    return vote_records


_MODULES = (bam_records, counting_kernel, mate_table, segment_index, kernels)
vote_records = _voting_kernel(source_digest(__file__, *(module.__file__ for module in _MODULES)))
