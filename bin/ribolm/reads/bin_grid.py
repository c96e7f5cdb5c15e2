"""Bins in exon space as arrays: the places over which fragments are counted.

A gene is a run of merged exons of one chromosome and strand, laid end to end ("exon space", 0 at its lowest genomic
base on both strands). Its bins start at 0, step_size, 2·step_size … and are bin_size wide, trimmed to the gene.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

PLUS, MINUS = 1, -1

Int8Array = npt.NDArray[np.int8]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BinGrid:
    """Exon segments and the bins of their genes.

    Segments, shape (n_segments,), ordered by (chrom, strand, start0), disjoint within one (chrom, strand):
        segment_chrom: int32, index into the caller's list of chromosome names.
        segment_strand: int8, +1 or -1.
        segment_start0, segment_end0: int64, genomic, 0-based half-open.
        segment_exon_offset: int64, place of the segment's lowest base in its gene's exon space.
        segment_gene: int32, index of the gene.
    Genes, shape (n_genes,):
        gene_first_bin: int64, index of the gene's first bin; a gene's bins are contiguous.
        gene_n_bins: int64; gene_length_nt: int64, length of its exon space.
    """

    segment_chrom: Int32Array
    segment_strand: Int8Array
    segment_start0: Int64Array
    segment_end0: Int64Array
    segment_exon_offset: Int64Array
    segment_gene: Int32Array
    gene_first_bin: Int64Array
    gene_n_bins: Int64Array
    gene_length_nt: Int64Array
    bin_size: int = 25
    step_size: int = 25

    def __post_init__(self) -> None:
        """Check what counting relies on: raises ValueError naming the broken promise."""
        if self.bin_size < 1 or self.step_size < 1:
            raise ValueError(f"bin_size {self.bin_size} and step_size {self.step_size} must be at least 1")
        if np.any(self.segment_start0 >= self.segment_end0):
            raise ValueError("a segment is empty: segment_start0 must lie below segment_end0")
        if np.any((self.segment_strand != PLUS) & (self.segment_strand != MINUS)):
            raise ValueError("segment_strand must be +1 or -1")
        if np.any(self.segment_gene < 0) or np.any(self.segment_gene >= len(self.gene_n_bins)):
            raise ValueError("segment_gene points beyond the genes")
        if np.any(self.gene_first_bin < 0) or np.any(self.gene_n_bins < 0):
            raise ValueError("gene_first_bin and gene_n_bins must not be negative")
        same_group = (np.diff(self.segment_chrom) == 0) & (np.diff(self.segment_strand) == 0)
        if np.any(same_group & (self.segment_start0[1:] < self.segment_end0[:-1])):
            raise ValueError("segments of one chromosome and strand must be sorted and disjoint")

    @property
    def n_bins(self) -> int:
        """Number of bins of all genes (length of the vector of counts)."""
        if len(self.gene_n_bins) == 0:
            return 0
        return int(np.max(self.gene_first_bin + self.gene_n_bins))

    @property
    def n_segments(self) -> int:
        """Number of exon segments."""
        return len(self.segment_start0)


def sort_segments(**columns: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """Return segment columns in the order that BinGrid requires (chrom, strand, start0)."""
    order = np.lexsort((columns["segment_start0"], columns["segment_strand"], columns["segment_chrom"]))
    return {name: column[order] for name, column in columns.items()}
