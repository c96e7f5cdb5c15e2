"""The grid of bins over exon space, and where its bins lie on the genome.

Algorithm: exomePeak2 1.16, step 2 of its description; bins over a splice junction are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ribolm.genome.coordinates import ranges
from ribolm.genome.exon_space import ExonSpace
from ribolm.genome.fasta import Genome
from ribolm.reads.bin_grid import BinGrid, sort_segments

MIN_BIN_NT = 10
CHUNK_NT = 1 << 24

Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]


@dataclass(frozen=True)
class GcContent:
    """GC and length of every bin's surroundings, int32[n_bins]; `known` bool[n_bins]: its contig is there."""

    gc_nt: Int32Array
    width_nt: Int32Array
    known: NDArray[np.bool_]

    def share(self, bins: Int64Array) -> NDArray[np.float64]:
        """GC share of the chosen bins, NaN where unknown."""
        share = self.gc_nt[bins] / np.maximum(self.width_nt[bins], 1)
        share[~self.known[bins]] = np.nan
        return np.asarray(share)


def bins_per_unit(length_nt: Int64Array, bin_size: int, step_size: int) -> Int64Array:
    """Bins of each unit: ceil(max((L − size)/step, 1)) + 1, less those under 10 nt; int64 like `length_nt`."""
    laid = np.maximum(-((bin_size - length_nt) // step_size), 1) + 1
    wide_enough = (length_nt - min(MIN_BIN_NT, bin_size)) // step_size + 1
    return np.asarray(np.clip(np.minimum(laid, wide_enough), 0, None), dtype=np.int64)


def build_grid(space: ExonSpace, bin_size: int = 25, step_size: int = 25) -> BinGrid:
    """Lay bins over every unit of `space`, in the order of its units."""
    number = bins_per_unit(space.length_nt, bin_size, step_size)
    unit = space.exon_unit
    segments = sort_segments(
        segment_chrom=space.chrom[unit].astype(np.int32),
        segment_strand=space.strand[unit].astype(np.int8),
        segment_start0=space.exon_start0,
        segment_end0=space.exon_end0,
        segment_exon_offset=space.exon_offset_nt,
        segment_gene=unit.astype(np.int32),
    )
    return BinGrid(
        **segments,
        gene_first_bin=np.cumsum(number) - number,
        gene_n_bins=number,
        gene_length_nt=space.length_nt,
        bin_size=bin_size,
        step_size=step_size,
    )


def unit_of_bins(grid: BinGrid, bins: Int64Array) -> Int64Array:
    """Unit of each bin, int64."""
    ends = grid.gene_first_bin + grid.gene_n_bins
    return np.asarray(np.searchsorted(ends, bins, side="right"), dtype=np.int64)


def stretch_of_bins(grid: BinGrid, bins: Int64Array, unit: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Start and end of each bin in its unit's exon space, int64."""
    start = (bins - grid.gene_first_bin[unit]) * grid.step_size
    return start, np.minimum(start + grid.bin_size, grid.gene_length_nt[unit])


def exon_letters(space: ExonSpace, genome: Genome, first_unit: int, end_unit: int) -> NDArray[np.uint8]:
    """Letters of the exon space of units [first_unit, end_unit), low coordinate first, plus strand; N where unknown."""
    exons = slice(int(space.first_exon[first_unit]), int(space.first_exon[end_unit]))
    chroms, which = np.unique(space.chrom[space.exon_unit[exons]], return_inverse=True)
    first_letter = np.array([genome.first_letter(space.chroms[chrom]) for chrom in chroms], dtype=np.int64)[which]
    lengths = space.exon_end0[exons] - space.exon_start0[exons]
    letters = genome.data.view(np.ndarray)  # slices of a memory map cost ten times as much
    pieces = [
        letters[first : first + length] if first >= 0 else np.full(length, ord("N"), dtype=np.uint8)
        for first, length in zip(
            np.where(first_letter >= 0, first_letter + space.exon_start0[exons], -1).tolist(),
            lengths.tolist(),
            strict=True,
        )
    ]
    return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.uint8)


def gc_content(space: ExonSpace, grid: BinGrid, genome: Genome, flank_nt: int) -> GcContent:
    """GC of every bin ± flank_nt in exon space, clipped at the unit's ends; N is not GC."""
    gc_nt, width_nt = np.zeros(grid.n_bins, np.int32), np.zeros(grid.n_bins, np.int32)
    on_genome = np.array([genome.first_letter(chrom) >= 0 for chrom in space.chroms], dtype=np.bool_)
    known = np.repeat(on_genome[space.chrom], grid.gene_n_bins)
    reach = np.cumsum(space.length_nt)
    begin = 0
    while begin < len(space):
        laid = int(reach[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(reach, laid + CHUNK_NT, side="right")))
        part = slice(int(grid.gene_first_bin[begin]), int(grid.gene_first_bin[end - 1] + grid.gene_n_bins[end - 1]))
        gc_nt[part], width_nt[part] = _gc_of_units(space, grid, genome, flank_nt, begin, end)
        begin = end
    return GcContent(gc_nt, width_nt, known)


def _gc_of_units(
    space: ExonSpace, grid: BinGrid, genome: Genome, flank_nt: int, begin: int, end: int
) -> tuple[Int64Array, Int64Array]:
    letters = exon_letters(space, genome, begin, end)
    is_gc = (letters == ord("G")) | (letters == ord("C"))
    before = np.zeros(letters.size + 1, dtype=np.int32)
    np.cumsum(is_gc, out=before[1:])
    length = space.length_nt[begin:end]
    base = np.cumsum(length) - length
    number = grid.gene_n_bins[begin:end]
    unit = np.repeat(np.arange(end - begin), number)
    start = ranges(np.zeros(end - begin, dtype=np.int64), number) * grid.step_size
    low = np.maximum(start - flank_nt, 0)
    high = np.minimum(np.minimum(start + grid.bin_size, length[unit]) + flank_nt, length[unit])
    return (before[base[unit] + high] - before[base[unit] + low]).astype(np.int64), high - low
