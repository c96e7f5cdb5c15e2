"""Count the fragments of a BAM file over bins in exon space, in one pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pysam

from ribolm.reads.bin_grid import BinGrid

Strandedness = Literal["unstranded", "forward", "reverse"]


@dataclass(frozen=True)
class ReadFilter:
    """Which alignments count, beyond those that never do (unmapped, supplementary, QC-failed).

    min_mapq: least mapping quality. multimappers: "primary" leaves secondary alignments out, "unique" also asks for
    NH = 1 (without the tag: MAPQ > 0), "all" takes secondary alignments too. duplicates: those flagged so.
    """

    min_mapq: int = 0
    multimappers: Literal["primary", "unique", "all"] = "primary"
    duplicates: Literal["keep", "exclude"] = "keep"


class LibraryCounts(NamedTuple):
    """What one library says about a grid.

    counts: int32, shape (n_bins,), fragments that overlap each bin by at least 1 nt. fragments: alignment pairs and
    lone mates that passed the filter; fragments_on_exons: those that touch a bin. alignments: records in the file.
    left_out: alignments that did not count, per reason. notices: sentences for the user.
    """

    counts: npt.NDArray[np.int32]
    fragments: int
    fragments_on_exons: int
    alignments: int
    left_out: dict[str, int]
    notices: tuple[str, ...] = ()


def count_fragments(
    bam: Path,
    grid: BinGrid,
    chrom_names: Sequence[str],
    *,
    strandedness: Strandedness,
    read_filter: ReadFilter | None = None,
    threads: int = 1,
) -> LibraryCounts:
    """Count fragments over every bin they overlap, each fragment once per bin."""
    read_filter = read_filter or ReadFilter()
    counts = np.zeros(grid.n_bins, np.int32)
    left_out: dict[str, int] = defaultdict(int)
    groups = {}
    for c, name in enumerate(chrom_names):
        for s in (1, -1):
            groups[name, s] = np.flatnonzero((grid.segment_chrom == c) & (grid.segment_strand == s))
    pending: dict = {}
    fragments = on = n = 0
    with pysam.AlignmentFile(str(bam), check_sq=False) as reader:
        for r in reader.fetch(until_eof=True):
            n += 1
            if r.is_unmapped or r.is_qcfail or r.is_supplementary or (r.is_secondary and read_filter.multimappers != "all"):
                left_out["filtered"] += 1
                continue
            bins: set[int] = set()
            sense = 1 if r.is_reverse == (r.is_paired and r.is_read2) else -1
            if strandedness == "reverse":
                sense = -sense
            for a, b in r.get_blocks():
                for s in (1, -1) if strandedness == "unstranded" else (sense,):
                    seg = groups.get((r.reference_name, s), np.array([], int))
                    i = np.searchsorted(grid.segment_end0[seg], a, "right")
                    while i < len(seg) and grid.segment_start0[seg[i]] < b:
                        j = seg[i]
                        lo = max(a, grid.segment_start0[j]) - grid.segment_start0[j] + grid.segment_exon_offset[j]
                        hi = min(b, grid.segment_end0[j]) - grid.segment_start0[j] + grid.segment_exon_offset[j]
                        k0 = max(0, (lo - grid.bin_size) // grid.step_size + 1)
                        k1 = min(grid.gene_n_bins[grid.segment_gene[j]], -(-hi // grid.step_size))
                        bins |= {int(grid.gene_first_bin[grid.segment_gene[j]] + k) for k in range(k0, k1)}
                        i += 1
            own, mate = (r.reference_id, r.reference_start), (r.next_reference_id, r.next_reference_start)
            seen = pending.pop((r.query_name, r.is_read2, mate, own), None) if r.is_paired else None
            if seen is None:
                fragments += 1
                on += bool(bins)
                if r.is_paired and not r.mate_is_unmapped:
                    pending[r.query_name, r.is_read1, own, mate] = bins
            else:
                on += bool(bins) and not seen
                bins -= seen
            counts[list(bins)] += 1
    return LibraryCounts(counts, fragments, on, n, dict(left_out))
