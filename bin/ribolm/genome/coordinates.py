"""Intervals and the array arithmetic on them; the one place where 1-based positions become 0-based."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
STRANDS = ("+", "-", ".")
STRAND_CODE = {"+": 1, "-": -1, ".": 0}
OTHER_STRAND = {"+": "-", "-": "+"}
STRAND_SIGN = {1: "+", -1: "-", 0: "."}


@dataclass(frozen=True, order=True, slots=True)
class Interval:
    """A stretch of one strand of a contig: 0-based, half-open, `strand` one of + - ."""

    chrom: str
    start0: int
    end0: int
    strand: str = "."

    def __post_init__(self) -> None:
        if not 0 <= self.start0 < self.end0:
            raise ValueError(f"interval {self.chrom}:{self.start0}-{self.end0} is empty, reversed or negative")
        if self.strand not in STRANDS:
            raise ValueError(f"strand {self.strand!r} is not one of + - .")

    @classmethod
    def from_one_based(cls, chrom: str, start1: int, end1: int, strand: str = ".") -> "Interval":
        """Convert the 1-based inclusive coordinates of GTF, VCF and SAM text."""
        return cls(chrom, start1 - 1, end1, strand)

    def to_one_based(self) -> tuple[str, int, int, str]:
        """Return (chrom, start1, end1, strand), 1-based inclusive."""
        return self.chrom, self.start0 + 1, self.end0, self.strand

    @property
    def length_nt(self) -> int:
        """Number of bases."""
        return self.end0 - self.start0

    def overlap_nt(self, other: "Interval", ignore_strand: bool = False) -> int:
        """Number of shared bases; 0 on another contig or, unless ignored or unknown, another strand."""
        same_strand = ignore_strand or "." in (self.strand, other.strand) or self.strand == other.strand
        if self.chrom != other.chrom or not same_strand:
            return 0
        return max(0, min(self.end0, other.end0) - max(self.start0, other.start0))


def ranges(starts: Int64, counts: Int64) -> Int64:
    """Concatenate `arange(start, start + count)` for every row.

    ranges([3, 10], [2, 3]) = [3, 4, 10, 11, 12]. Cost: one pass over the result.
    """
    counts = np.asarray(counts, dtype=np.int64)
    first = np.cumsum(counts) - counts
    return np.repeat(np.asarray(starts, dtype=np.int64) - first, counts) + np.arange(counts.sum(), dtype=np.int64)


def overlap_clusters(group: Int64, start0: Int64, end0: Int64) -> tuple[npt.NDArray[np.intp], Int64]:
    """Number the clusters of intervals that share bases, directly or through others.

    Touching intervals stay apart. Arrays of one length n; `group` separates contigs and strands; starts may be < 0.
    Returns (order, cluster): `order` sorts by group, start, end; `cluster` int64 [n], in that order, from 0 upwards.
    """
    order = np.lexsort((end0, start0, group))
    group, start0, end0 = group[order], start0[order], end0[order]
    if not len(order):
        return order, np.zeros(0, dtype=np.int64)
    span = _span_nt(start0, end0)
    rank = np.cumsum(np.r_[0, group[1:] != group[:-1]])
    reach = np.maximum.accumulate(end0 + rank * span)  # groups are laid one behind the other
    opens = np.r_[True, start0[1:] + rank[1:] * span >= reach[:-1]]
    return order, np.cumsum(opens) - 1


def _span_nt(start0: Int64, end0: Int64) -> int:
    """How far apart groups are laid so that none reaches the next; starts may lie before 0, as of widened intervals."""
    return int(end0.max(initial=0)) - min(int(start0.min(initial=0)), 0) + 1


def overlapping_pairs(group: Int64, start0: Int64, end0: Int64) -> tuple[Int64, Int64]:
    """Return index arrays (i, j), i before j, of all interval pairs of one group that share at least one base."""
    order = np.lexsort((end0, start0, group))
    g, s, e = group[order], start0[order], end0[order]
    span = _span_nt(s, e)
    rank = np.cumsum(np.r_[0, g[1:] != g[:-1]]) if len(g) else np.zeros(0, dtype=np.int64)
    after = np.searchsorted(s + rank * span, e + rank * span, side="left")
    n_partners = np.maximum(after - np.arange(len(s)) - 1, 0)
    i = np.repeat(np.arange(len(s)), n_partners)
    j = ranges(np.arange(len(s)) + 1, n_partners)
    return order[i].astype(np.int64), order[j].astype(np.int64)
