"""Exon space: the exons of a gene laid end to end, so that a place is a distance along spliced RNA.

The rules are exomePeak2's (Wei et al., Bioconductor 1.16): genes that share exon bases form one unit, named by all of
them. Exon space runs from the lowest genomic coordinate upwards on both strands.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.genome.annotation import Annotation, FeatureTable
from ribolm.genome.contigs import shown
from ribolm.genome.coordinates import Int64, overlap_clusters, overlapping_pairs, ranges


@dataclass(frozen=True)
class ExonSpace:
    """Merged exons grouped into units ("genes"), units in byte order of their names.

    Per unit: `names` (gene ids, byte-sorted, comma-joined), `members` (indices into `Annotation.genes`), `chrom` int32,
    `strand` int8, `length_nt` int64, `first_exon` int64 [n + 1]. Per exon, sorted by unit then coordinate:
    `exon_unit` int32, `exon_start0`, `exon_end0`, `exon_offset_nt` int64 (place of its lowest base in exon space).
    `scattered`: ids of the genes that are no part of it, because they lie on several places.
    """

    chroms: tuple[str, ...]
    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    chrom: npt.NDArray[np.int32]
    strand: npt.NDArray[np.int8]
    length_nt: Int64
    first_exon: Int64
    exon_unit: npt.NDArray[np.int32]
    exon_start0: Int64
    exon_end0: Int64
    exon_offset_nt: Int64
    scattered: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def transcribed_nt(self) -> int:
        """Number of genomic bases under exons, each strand counted by itself."""
        return int(self.length_nt.sum())

    def blocks(self, unit: int, start_nt: int, end_nt: int) -> list[tuple[int, int]]:
        """Return the genomic blocks (start0, end0), ascending, of [start_nt, end_nt) of a unit's exon space."""
        exons = slice(int(self.first_exon[unit]), int(self.first_exon[unit + 1]))
        offset, start0, end0 = self.exon_offset_nt[exons], self.exon_start0[exons], self.exon_end0[exons]
        low = start0 + np.maximum(start_nt - offset, 0)
        high = np.minimum(start0 + (end_nt - offset), end0)
        return [(int(a), int(b)) for a, b in zip(low, high, strict=True) if a < b]


@dataclass(frozen=True)
class Blocks:
    """Genomic blocks of k stretches: stretch i owns blocks first[i] to first[i + 1].

    first: int64[k + 1]; start0, size: int32.
    """

    first: Int64
    start0: npt.NDArray[np.int32]
    size: npt.NDArray[np.int32]


def genomic_blocks(space: ExonSpace, unit: Int64, start_nt: Int64, end_nt: Int64) -> Blocks:
    """Blocks on the genome of stretches [start_nt, end_nt) of exon space; exons that touch give one block."""
    base = np.cumsum(space.length_nt) - space.length_nt
    place = base[space.exon_unit] + space.exon_offset_nt
    low, high = base[unit] + start_nt, base[unit] + end_nt
    first_exon = np.searchsorted(place, low, side="right") - 1
    n_exons = np.searchsorted(place, high, side="left") - first_exon
    exon = ranges(first_exon, n_exons)
    owner = np.repeat(np.arange(unit.size), n_exons)
    start0 = space.exon_start0[exon] + np.maximum(low[owner] - place[exon], 0)
    end0 = np.minimum(space.exon_start0[exon] + high[owner] - place[exon], space.exon_end0[exon])
    opens = np.ones(exon.size, dtype=np.bool_)
    opens[1:] = (owner[1:] != owner[:-1]) | (start0[1:] > end0[:-1])
    at = np.flatnonzero(opens)
    last = np.r_[at[1:], exon.size] - 1 if at.size else at
    first = np.r_[0, np.cumsum(np.bincount(owner[at], minlength=unit.size))]
    size = end0[last] - start0[at]
    return Blocks(first.astype(np.int64), start0[at].astype(np.int32), size.astype(np.int32))


def build_exon_space(annotation: Annotation, contigs: Collection[str] | None = None) -> ExonSpace:
    """Group and merge the exons of an annotation.

    Transcripts with exons on two strands, then genes on more than one contig or strand, are left out with a notice.
    `contigs`: those that the other files know; a gene with one place on them lies there, whatever the GTF says of
    further ones. Raises DataError when nothing is left. Cost: a sort of the exons.
    """
    exons, gene, scattered = _usable_exons(annotation, contigs)
    rank = _byte_ranks(annotation.genes)
    place = _places(exons)
    neighbours = _neighbours(gene, place, exons, rank)
    order, cluster = overlap_clusters(place, exons.start0, exons.end0)
    first = np.flatnonzero(np.r_[True, cluster[1:] != cluster[:-1]])
    start0 = exons.start0[order][first]
    end0 = np.maximum.reduceat(exons.end0[order], first)
    last_rank = np.maximum.reduceat(rank[gene[order]], first)
    by_rank = np.argsort(rank)
    owner = by_rank[last_rank]
    space = _assemble(annotation, neighbours, owner, place[order][first], start0, end0)
    return replace(space, scattered=scattered)


def _usable_exons(
    annotation: Annotation, contigs: Collection[str] | None
) -> tuple[FeatureTable, npt.NDArray[np.int32], tuple[str, ...]]:
    """Exons of genes that lie on one place, the gene of each, and the names of the other genes."""
    exons = annotation.exons
    two_strands = _mixed(exons.transcript, exons.strand.astype(np.int64), len(annotation.transcripts))
    exons = exons.take(~two_strands[exons.transcript])
    if contigs is not None:
        exons = _on_contigs(annotation, exons, contigs)
    gene = annotation.transcript_gene[exons.transcript]
    scattered = _mixed(gene, _places(exons), len(annotation.genes))
    keep = ~scattered[gene]
    names = tuple(annotation.genes[g] for g in np.flatnonzero(scattered))
    if two_strands.any():
        turned = [annotation.transcripts[t] for t in np.flatnonzero(two_strands)]
        notice(
            f"{annotation.path.name}: {len(turned):,} transcripts have exons on two strands and are left out "
            f"({shown(turned)}). Mend their rows to keep them."
        )
    if names:
        notice(
            f"{annotation.path.name}: {len(names):,} genes lie on several places and are left out ({shown(names)}). "
            "Give each place a gene_id of its own to keep them, as GENCODE does with _PAR_Y."
        )
    if not keep.any():
        raise DataError(f"{annotation.path}: no gene lies on one contig and strand. Check the GTF.")
    return exons.take(keep), gene[keep], names


def _places(exons: FeatureTable) -> Int64:
    """Contig and strand of each exon as one number."""
    return exons.chrom.astype(np.int64) * 2 + (exons.strand > 0)


def _on_contigs(annotation: Annotation, exons: FeatureTable, contigs: Collection[str]) -> FeatureTable:
    """Exons without those on unknown contigs of genes that lie on known ones too."""
    names = set(contigs)
    known = np.array([chrom in names for chrom in annotation.chroms], dtype=np.bool_)[exons.chrom]
    gene = annotation.transcript_gene[exons.transcript]
    is_here = np.zeros(len(annotation.genes), dtype=np.bool_)
    is_here[gene[known]] = True
    return exons.take(known | ~is_here[gene])


def _mixed(owner: npt.NDArray[np.int32], value: Int64, n: int) -> npt.NDArray[np.bool_]:
    """Mask [n] of the owners that have more than one value."""
    low = np.full(n, np.iinfo(np.int64).max)
    high = np.full(n, np.iinfo(np.int64).min)
    np.minimum.at(low, owner, value)
    np.maximum.at(high, owner, value)
    return low < high


def _byte_ranks(names: tuple[str, ...]) -> Int64:
    order = sorted(range(len(names)), key=lambda i: names[i].encode())
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return rank


def _neighbours(
    gene: npt.NDArray[np.int32], place: Int64, exons: FeatureTable, rank: Int64
) -> dict[int, tuple[int, ...]]:
    """For every gene: itself and the genes that share exon bases with it on its strand, in byte order."""
    columns = np.unique(np.stack([gene.astype(np.int64), place, exons.start0, exons.end0]), axis=1)
    i, j = overlapping_pairs(columns[1], columns[2], columns[3])
    a, b = columns[0][i], columns[0][j]
    pairs = np.unique(np.stack([np.r_[a, b], np.r_[b, a]])[:, np.r_[a != b, a != b]], axis=1)
    found: dict[int, set[int]] = {int(g): {int(g)} for g in np.unique(gene)}
    for g, other in pairs.T:
        found[int(g)].add(int(other))
    return {g: tuple(sorted(others, key=lambda x: int(rank[x]))) for g, others in found.items()}


def _assemble(
    annotation: Annotation,
    neighbours: dict[int, tuple[int, ...]],
    owner: npt.NDArray[np.intp],
    place: Int64,
    start0: Int64,
    end0: Int64,
) -> ExonSpace:
    keys = sorted(
        {neighbours[int(g)] for g in np.unique(owner)},
        key=lambda key: (",".join(annotation.genes[g] for g in key).encode(), key),
    )
    index = {key: i for i, key in enumerate(keys)}
    of_gene = {g: index[key] for g, key in neighbours.items() if key in index}
    unit = np.array([of_gene[int(g)] for g in owner], dtype=np.int32)
    order = np.lexsort((start0, unit))
    unit, start0, end0, place = unit[order], start0[order], end0[order], place[order]
    length = end0 - start0
    first_exon = np.searchsorted(unit, np.arange(len(keys) + 1)).astype(np.int64)
    before = np.cumsum(length) - length
    offset = before - before[first_exon[:-1]][unit]
    return ExonSpace(
        chroms=annotation.chroms,
        names=tuple(",".join(annotation.genes[g] for g in key) for key in keys),
        members=tuple(keys),
        chrom=(place[first_exon[:-1]] // 2).astype(np.int32),
        strand=np.where(place[first_exon[:-1]] % 2 == 1, 1, -1).astype(np.int8),
        length_nt=np.add.reduceat(length, first_exon[:-1]),
        first_exon=first_exon,
        exon_unit=unit,
        exon_start0=start0,
        exon_end0=end0,
        exon_offset_nt=offset,
    )
