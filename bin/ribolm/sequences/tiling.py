"""Tiles: windows on a grid that is fixed per frame, so that how a peak was cut does not change what is read around it.

In a frame of L nt the grid has starts 0, stride, 2·stride, … (stride = window − overlap), counted from the lowest
coordinate on both strands, and its last tile ends at L: start max(0, L − window).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import COMPLEMENT, Letters
from ribolm.errors import UsageError
from ribolm.genome.coordinates import STRAND_SIGN, Int64, overlap_clusters, ranges
from ribolm.genome.exon_space import Blocks, ExonSpace, genomic_blocks
from ribolm.genome.fasta import Genome
from ribolm.sequences.frames import Frames, Stretches
from ribolm.sequences.placement import rna_order
from ribolm.sequences.places import PlaceBatch

WINDOW_NT = 510
OVERLAP_NT = 128


def check_window(window_nt: int, overlap_nt: int) -> None:
    """Raise UsageError unless 0 ≤ overlap < window."""
    if not 0 <= overlap_nt < window_nt:
        raise UsageError(
            f"An overlap of {overlap_nt} nt does not fit a window of {window_nt} nt. Choose 0 ≤ --overlap < --window."
        )


@dataclass(frozen=True)
class Grid:
    """All tiles of all frames, numbered from 0: tile j of unit u is first_tile[u] + j. Nothing per tile is held."""

    frames: Frames
    window_nt: int = WINDOW_NT
    overlap_nt: int = OVERLAP_NT

    def __post_init__(self) -> None:
        check_window(self.window_nt, self.overlap_nt)

    @property
    def stride_nt(self) -> int:
        """Distance between starts of tiles."""
        return self.window_nt - self.overlap_nt

    @cached_property
    def first_tile(self) -> Int64:
        """Number of the first tile of every unit, int64 [n units + 1]; a unit without bases has no tile."""
        length = self.frames.space.length_nt
        number = np.where(length > self.window_nt, -((self.window_nt - length) // self.stride_nt) + 1, length > 0)
        return np.asarray(np.r_[0, np.cumsum(number)], dtype=np.int64)

    def tiles_of_genes(self) -> Int64:
        """Numbers of the tiles of all genes, ascending."""
        return np.arange(self.first_tile[self.frames.n_genes], dtype=np.int64)

    def tiles_of_all(self) -> Int64:
        """Numbers of all tiles, ascending."""
        return np.arange(self.first_tile[-1], dtype=np.int64)

    def tiles_over(self, pieces: Stretches) -> Int64:
        """Numbers of the tiles that share a base with any of the pieces: ascending, each once."""
        last_start = np.maximum(self.frames.space.length_nt[pieces.unit] - self.window_nt, 0)
        last = self.first_tile[pieces.unit + 1] - self.first_tile[pieces.unit] - 1
        low = np.clip((pieces.low_nt - self.window_nt) // self.stride_nt + 1, 0, last)
        high = np.where(pieces.high_nt > last_start, last, np.minimum((pieces.high_nt - 1) // self.stride_nt, last - 1))
        count = np.where(pieces.high_nt > pieces.low_nt, high - low + 1, 0)
        return np.unique(ranges(self.first_tile[pieces.unit] + low, count))

    def stretches(self, tiles: Int64) -> tuple[Int64, Int64, Int64]:
        """(unit, start_nt, end_nt) of tiles in their frames, int64."""
        unit = np.searchsorted(self.first_tile, tiles, side="right") - 1
        length = self.frames.space.length_nt[unit]
        grid_start = (tiles - self.first_tile[unit]) * self.stride_nt
        start = np.minimum(grid_start, np.maximum(length - self.window_nt, 0))
        return unit, start, np.minimum(start + self.window_nt, length)

    def read(self, tiles: Int64, genome: Genome) -> TileBatch:
        """Letters and places of tiles, in the order given. Memory: about 30 bytes per nucleotide of them."""
        unit, start_nt, end_nt = self.stretches(tiles)
        letters, offsets, blocks = read_stretches(self.frames, genome, unit, start_nt, end_nt)
        return TileBatch(self, tiles, unit, start_nt, end_nt, blocks, offsets, letters)


@dataclass(frozen=True)
class TileBatch:
    """Some tiles, read: `letters` uint8 in the order of the RNA, tile i being letters[offsets[i]:offsets[i + 1]].

    `unit`, `start_nt`, `end_nt` int64 [n]: the stretch in the frame, low coordinate first on both strands.
    """

    grid: Grid
    tiles: Int64
    unit: Int64
    start_nt: Int64
    end_nt: Int64
    blocks: Blocks
    offsets: Int64
    letters: Letters

    def __len__(self) -> int:
        return len(self.tiles)

    @property
    def is_minus(self) -> npt.NDArray[np.bool_]:
        """Tiles on the minus strand, bool [n]."""
        return np.asarray(self.grid.frames.space.strand[self.unit] < 0)

    def n_share(self) -> npt.NDArray[np.float64]:
        """Share of N in every tile, [n]."""
        before = np.r_[0, np.cumsum(self.letters == ord("N"), dtype=np.int64)]
        share = np.diff(before[self.offsets]) / np.maximum(np.diff(self.offsets), 1)
        return np.asarray(share, dtype=np.float64)

    def take(self, rows: npt.NDArray[np.bool_]) -> TileBatch:
        """The tiles under a mask."""
        if rows.all():
            return self
        kept = np.flatnonzero(rows)
        size = np.diff(self.offsets)[kept]
        first = self.blocks.first
        n_blocks = np.diff(first)[kept]
        index = ranges(first[:-1][kept], n_blocks)
        first_block = np.r_[0, np.cumsum(n_blocks)].astype(np.int64)
        return TileBatch(
            self.grid,
            self.tiles[kept],
            self.unit[kept],
            self.start_nt[kept],
            self.end_nt[kept],
            Blocks(first_block, self.blocks.start0[index], self.blocks.size[index]),
            np.r_[0, np.cumsum(size)].astype(np.int64),
            self.letters[ranges(self.offsets[:-1][kept], size)],
        )

    def names(self) -> list[str]:
        """Name of every tile: its frame and the stretch in it."""
        names = self.grid.frames.space.names
        columns = (self.unit.tolist(), self.start_nt.tolist(), self.end_nt.tolist())
        return [f"{names[unit]}:{start}-{end}" for unit, start, end in zip(*columns, strict=True)]

    def places(self, clusters: list[str]) -> PlaceBatch:
        """Places for a store; `clusters` names the split unit of every tile."""
        space, n_genes = self.grid.frames.space, self.grid.frames.n_genes
        units = self.unit.tolist()
        return PlaceBatch(
            chrom=[space.chroms[c] for c in space.chrom[self.unit].tolist()],
            strand=[STRAND_SIGN[s] for s in space.strand[self.unit].tolist()],
            gene=[space.names[unit] if unit < n_genes else None for unit in units],
            cluster=clusters,
            first_block=self.blocks.first,
            block_starts0=self.blocks.start0.astype(np.int64),
            block_ends0=self.blocks.start0.astype(np.int64) + self.blocks.size,
        )


def read_stretches(
    frames: Frames, genome: Genome, unit: Int64, start_nt: Int64, end_nt: Int64
) -> tuple[Letters, Int64, Blocks]:
    """Letters of stretches of frames, each on its own strand, end to end; the genome is that of the frames.

    Returns (letters uint8 [T], offsets int64 [n + 1], blocks on the genome).
    """
    space = frames.space
    blocks = genomic_blocks(space, unit, start_nt, end_nt)
    offsets = np.r_[0, np.cumsum(end_nt - start_nt)].astype(np.int64)
    owner = np.repeat(np.arange(len(unit)), np.diff(blocks.first))
    first_letter = genome.offsets[space.chrom[unit][owner]] + blocks.start0
    letters = genome.data.view(np.ndarray)[ranges(first_letter, blocks.size.astype(np.int64))]
    is_minus = space.strand[unit] < 0
    if is_minus.any():
        letters = letters[rna_order(offsets, is_minus)]
        minus = np.repeat(is_minus, np.diff(offsets))
        letters[minus] = COMPLEMENT[letters[minus]]
    return letters, offsets, blocks


def split_clusters(grid: Grid, tiles: Int64) -> tuple[list[str], Int64]:
    """The split unit of every tile: genes and tiles that overlap on the genome, on either strand, share one.

    A gene counts from its first to its last base, even where its exons lie in several units of exon space. Returns
    (names, index into them [n]); a name is the span "chrom:start0-end0". Memory: about 60 bytes per gene and per tile
    outside genes.
    """
    space, n_genes = grid.frames.space, grid.frames.n_genes
    unit, start_nt, end_nt = grid.stretches(tiles)
    outside = unit >= n_genes
    chrom = np.r_[space.chrom[:n_genes], space.chrom[unit[outside]]].astype(np.int64)
    gene_start0, gene_end0 = _spans_of_genes(space, n_genes)
    start0, end0 = np.r_[gene_start0, start_nt[outside]], np.r_[gene_end0, end_nt[outside]]
    order, cluster = overlap_clusters(chrom, start0, end0)
    if not len(order):
        return [], np.zeros(0, dtype=np.int64)
    opens = np.flatnonzero(np.r_[True, cluster[1:] != cluster[:-1]])
    ends0 = np.maximum.reduceat(end0[order], opens)
    names = [
        f"{space.chroms[c]}:{a}-{b}"
        for c, a, b in zip(chrom[order][opens].tolist(), start0[order][opens].tolist(), ends0.tolist(), strict=True)
    ]
    of_item = np.empty(len(order), dtype=np.int64)
    of_item[order] = cluster
    index = np.empty(len(tiles), dtype=np.int64)
    index[~outside] = of_item[unit[~outside]]
    index[outside] = of_item[n_genes:]
    return names, index


def _spans_of_genes(space: ExonSpace, n_genes: int) -> tuple[Int64, Int64]:
    """The span (start0, end0) on the genome of all genes of each unit, int64 [n_genes]."""
    start0 = space.exon_start0[space.first_exon[:n_genes]]
    end0 = space.exon_end0[space.first_exon[1 : n_genes + 1] - 1]
    unit = np.repeat(np.arange(n_genes), [len(members) for members in space.members[:n_genes]])
    gene = np.array([gene for members in space.members[:n_genes] for gene in members], dtype=np.int64)
    n = int(gene.max(initial=-1)) + 1
    low, high = np.full(n, np.iinfo(np.int64).max), np.full(n, -1, dtype=np.int64)
    np.minimum.at(low, gene, start0[unit])
    np.maximum.at(high, gene, end0[unit])
    wide_start0, wide_end0 = start0.copy(), end0.copy()
    np.minimum.at(wide_start0, unit, low[gene])
    np.maximum.at(wide_end0, unit, high[gene])
    return wide_start0, wide_end0
