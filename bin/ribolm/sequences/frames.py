"""Frames: the exon space of genes and the strands of contigs, the coordinates that tiles are laid in.

A base on an exon belongs to its gene's frame, any other base to the frame of its contig and strand. The annotation
alone decides that, so that a base is always read in the same context.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.genome.contigs import require_shared_contigs
from ribolm.genome.coordinates import STRAND_CODE, STRAND_SIGN, Int64, overlap_clusters, ranges
from ribolm.genome.exon_space import ExonSpace
from ribolm.genome.regions import Region

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Stretches:
    """Pieces [low_nt, high_nt) of frames, and the region each comes from; int64 arrays of one length."""

    unit: Int64
    low_nt: Int64
    high_nt: Int64
    region: Int64

    def __len__(self) -> int:
        return len(self.unit)


@dataclass(frozen=True)
class Frames:
    """Units of exon space: first `n_genes` of an annotation, then the strands of contigs, each one "exon" long.

    `space.chroms` are the contigs in the genome's order. Contig c is unit n_genes + c on strand +, and on strand −
    unit n_genes + n_contigs + c, except for sequences, which have one strand.
    """

    space: ExonSpace
    n_genes: int

    @classmethod
    def of_genome(
        cls, lengths: Mapping[str, int], exon_space: ExonSpace | None = None, labels: tuple[str, str] = ("FASTA", "GTF")
    ) -> Frames:
        """Frames of a genome (contig lengths by name) and, where given, of its genes.

        Genes on contigs that the genome lacks are left out with a notice. Raises DataError when no contig is shared
        and for an exon beyond the end of its contig. `labels`: how messages call genome and annotation.
        """
        contigs = [_contig_units(lengths, strand) for strand in (1, -1)]
        if exon_space is None:
            return cls(_joined(tuple(lengths), contigs), 0)
        genes = _known_genes(exon_space, lengths, labels)
        return cls(_joined(tuple(lengths), [genes, *contigs]), len(genes))

    @classmethod
    def of_sequences(cls, lengths: Mapping[str, int]) -> Frames:
        """Every record is a frame of its own, strand +."""
        return cls(_joined(tuple(lengths), [_contig_units(lengths, 1)]), 0)

    def place(self, regions: Sequence[Region]) -> tuple[Stretches, int]:
        """Find the bases of regions in the frames.

        A stranded base on an exon of its strand goes to the gene, any other to its contig. A region without strand
        goes to the genes of both strands; where no gene has an exon, its bases belong to no frame. The regions lie on
        known contigs. Returns (pieces, number of bases of strandless regions left out).
        """
        rows = _rows(regions, {name: i for i, name in enumerate(self.space.chroms)})
        exon, owner = self._exons_under(rows)
        low0 = np.maximum(rows.start0[owner], self.space.exon_start0[exon])
        high0 = np.minimum(rows.end0[owner], self.space.exon_end0[exon])
        shift = self.space.exon_offset_nt[exon] - self.space.exon_start0[exon]
        gap_row, gap_low0, gap_high0 = _gaps(rows, owner, low0, high0)
        pieces = Stretches(
            np.r_[self.space.exon_unit[exon], self.contig_units(rows.chrom[gap_row], rows.strand[gap_row])],
            np.r_[low0 + shift, gap_low0],
            np.r_[high0 + shift, gap_high0],
            np.r_[rows.region[owner], rows.region[gap_row]],
        )
        return pieces, _lost_nt(rows, owner, low0, high0)

    @cached_property
    def first_key(self) -> Int64:
        """Key of the lowest base of every unit, int64 [n units + 1]: all frames laid end to end."""
        return np.asarray(np.r_[0, np.cumsum(self.space.length_nt)], dtype=np.int64)

    def locate(self, keys: Int64) -> tuple[Int64, Int64]:
        """(unit, position0 on its contig) of bases given by key = first_key[unit] + place in the frame."""
        exon_key = self.first_key[self.space.exon_unit] + self.space.exon_offset_nt
        exon = np.searchsorted(exon_key, keys, side="right") - 1
        return self.space.exon_unit[exon].astype(np.int64), self.space.exon_start0[exon] + keys - exon_key[exon]

    def contig_units(self, chrom: Int64, strand: Int64) -> Int64:
        """Unit of a contig's strand (contig index, +1 or −1)."""
        return self.n_genes + chrom + np.where(strand < 0, len(self.space.chroms), 0)

    def _exons_under(self, rows: _Rows) -> tuple[Int64, Int64]:
        """All pairs (merged exon, row) that share bases, in the order of rows, exons ascending."""
        order, starts, ends, span = self._exon_order
        place = (rows.chrom * 2 + (rows.strand > 0)) * span
        first = np.searchsorted(ends, place + rows.start0, side="right")
        last = np.searchsorted(starts, place + rows.end0, side="left")
        count = np.maximum(last - first, 0)
        return order[ranges(first, count)], np.repeat(np.arange(len(count)), count)

    @cached_property
    def _exon_order(self) -> tuple[Int64, Int64, Int64, int]:
        """Exons of genes in the order of contig, strand, start; keys of their starts and ends; keys per place."""
        n = int(self.space.first_exon[self.n_genes])
        unit = self.space.exon_unit[:n]
        span = int(self.space.exon_end0.max(initial=0)) + 2
        place = (self.space.chrom[unit].astype(np.int64) * 2 + (self.space.strand[unit] > 0)) * span
        starts = place + self.space.exon_start0[:n]
        order = np.argsort(starts, kind="stable")
        return order, starts[order], (place + self.space.exon_end0[:n])[order], span


@dataclass(frozen=True)
class _Rows:
    """Blocks of regions on a strand; those of a strandless region stand twice and may not fall back on the contig."""

    chrom: Int64
    start0: Int64
    end0: Int64
    strand: Int64
    region: Int64
    block: Int64
    falls_back: Mask


def _rows(regions: Sequence[Region], chrom_index: Mapping[str, int]) -> _Rows:
    columns = [
        (chrom_index[region.chrom], start0, end0, STRAND_CODE[region.strand], number)
        for number, region in enumerate(regions)
        for start0, end0 in region.blocks
    ]
    chrom, start0, end0, strand, region = np.array(columns, dtype=np.int64).reshape(-1, 5).T
    block = np.arange(len(chrom), dtype=np.int64)
    both = strand == 0
    twice = np.r_[block, block[both]]
    on = np.r_[np.where(both, 1, strand), np.full(int(both.sum()), -1, dtype=np.int64)]
    return _Rows(chrom[twice], start0[twice], end0[twice], on, region[twice], twice, ~both[twice])


def _gaps(rows: _Rows, owner: Int64, low0: Int64, high0: Int64) -> tuple[Int64, Int64, Int64]:
    """What exons leave of the rows that may fall back on their contig: (row, start0, end0)."""
    count = np.bincount(owner, minlength=len(rows.chrom)) + 1
    first = np.cumsum(count) - count
    starts, ends = np.empty(int(count.sum()), dtype=np.int64), np.empty(int(count.sum()), dtype=np.int64)
    is_first, is_last = np.zeros(len(starts), dtype=bool), np.zeros(len(starts), dtype=bool)
    is_first[first], is_last[first + count - 1] = True, True
    starts[is_first], starts[~is_first] = rows.start0, high0
    ends[is_last], ends[~is_last] = rows.end0, low0
    row = np.repeat(np.arange(len(count)), count)
    kept = (starts < ends) & rows.falls_back[row]
    return row[kept], starts[kept], ends[kept]


def _lost_nt(rows: _Rows, owner: Int64, low0: Int64, high0: Int64) -> int:
    """Bases of strandless rows that no exon of either strand covers."""
    strandless = ~rows.falls_back
    total = int((rows.end0 - rows.start0)[strandless].sum()) // 2
    mine = strandless[owner]
    block, low0, high0 = rows.block[owner[mine]], low0[mine], high0[mine]
    order, cluster = overlap_clusters(block, low0, high0)
    if not len(order):
        return total
    first = np.flatnonzero(np.r_[True, cluster[1:] != cluster[:-1]])
    return total - int((np.maximum.reduceat(high0[order], first) - low0[order][first]).sum())


def _contig_units(lengths: Mapping[str, int], strand: int) -> ExonSpace:
    n = len(lengths)
    length = np.fromiter(lengths.values(), dtype=np.int64, count=n)
    return ExonSpace(
        chroms=tuple(lengths),
        names=tuple(f"{name}({STRAND_SIGN[strand]})" for name in lengths),
        members=((),) * n,
        chrom=np.arange(n, dtype=np.int32),
        strand=np.full(n, strand, dtype=np.int8),
        length_nt=length,
        first_exon=np.arange(n + 1, dtype=np.int64),
        exon_unit=np.arange(n, dtype=np.int32),
        exon_start0=np.zeros(n, dtype=np.int64),
        exon_end0=length,
        exon_offset_nt=np.zeros(n, dtype=np.int64),
    )


def _joined(chroms: tuple[str, ...], spaces: Sequence[ExonSpace]) -> ExonSpace:
    """Units of several spaces one after the other; their chrom indices mean `chroms` already."""
    units = np.cumsum([0] + [len(space) for space in spaces])
    exons = np.cumsum([0] + [len(space.exon_unit) for space in spaces])
    whole = {
        key: np.concatenate([getattr(space, key) for space in spaces])
        for key in ("chrom", "strand", "length_nt", "exon_start0", "exon_end0", "exon_offset_nt")
    }
    return ExonSpace(
        chroms=chroms,
        names=tuple(name for space in spaces for name in space.names),
        members=tuple(member for space in spaces for member in space.members),
        first_exon=np.r_[0, *(s.first_exon[1:] + shift for s, shift in zip(spaces, exons, strict=False))],
        exon_unit=np.concatenate([s.exon_unit + np.int32(shift) for s, shift in zip(spaces, units, strict=False)]),
        **whole,
        scattered=tuple(name for space in spaces for name in space.scattered),
    )


def _known_genes(space: ExonSpace, lengths: Mapping[str, int], labels: tuple[str, str]) -> ExonSpace:
    """The units on contigs of the genome, their chrom index that of the genome's contigs."""
    require_shared_contigs(labels[0], list(lengths), labels[1], space.chroms)
    index = {name: i for i, name in enumerate(lengths)}
    chrom = np.array([index.get(name, -1) for name in space.chroms], dtype=np.int32)[space.chrom]
    keep = chrom >= 0
    if not keep.all():
        notice(f"{labels[1]}: {int((~keep).sum()):,} genes lie on contigs that {labels[0]} lacks and are left out.")
    end_of_contig = np.fromiter(lengths.values(), dtype=np.int64, count=len(lengths))
    n_exons = np.diff(space.first_exon)
    exon_kept = np.repeat(keep, n_exons)
    unit = space.exon_unit
    beyond = np.flatnonzero(exon_kept & (space.exon_end0 > end_of_contig[chrom[unit]]))
    if len(beyond):
        gene, name = int(unit[beyond[0]]), space.chroms[space.chrom[unit[beyond[0]]]]
        raise DataError(
            f"{labels[1]}: gene '{space.names[gene]}' ends at {int(space.exon_end0[beyond[0]]):,}, beyond the "
            f"{lengths[name]:,} nt of contig '{name}' in {labels[0]}. Use files of one genome build."
        )
    new_unit = np.cumsum(keep) - 1
    return ExonSpace(
        chroms=tuple(lengths),
        names=tuple(name for name, kept in zip(space.names, keep, strict=True) if kept),
        members=tuple(member for member, kept in zip(space.members, keep, strict=True) if kept),
        chrom=chrom[keep],
        strand=space.strand[keep],
        length_nt=space.length_nt[keep],
        first_exon=np.r_[0, np.cumsum(n_exons[keep])].astype(np.int64),
        exon_unit=new_unit[unit[exon_kept]].astype(np.int32),
        exon_start0=space.exon_start0[exon_kept],
        exon_end0=space.exon_end0[exon_kept],
        exon_offset_nt=space.exon_offset_nt[exon_kept],
    )
