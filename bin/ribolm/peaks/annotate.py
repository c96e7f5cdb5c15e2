"""What lies under a peak: genes, transcript feature, distance to the stop codon, nearest DRACH."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ribolm.alphabet import DRACH_A_OFFSET, motif_starts, reverse_complement
from ribolm.genome.annotation import Annotation
from ribolm.genome.coordinates import STRAND_CODE, STRAND_SIGN, overlap_clusters
from ribolm.genome.exon_space import Blocks, ExonSpace
from ribolm.genome.fasta import Genome
from ribolm.genome.transcripts import CDS, NONCODING, REGIONS, UTR3, UTR5, TranscriptModels
from ribolm.peaks.bins import exon_letters

STOP_CODON = "stop codon"
EXON = "exon"
STOP_CODON_NT = 3

Int64Array = NDArray[np.int64]
GenomicBlocks = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Place:
    """Feature of one peak and the distance of its middle base to the stop codon (None without a coding transcript)."""

    feature: str
    distance_to_stop_nt: int | None


class ExonIndex:
    """Which genes have an exon under a block, for many look-ups; transcripts left out of units are in it too."""

    def __init__(self, annotation: Annotation) -> None:
        exons = annotation.exons
        gene = annotation.transcript_gene[exons.transcript]
        order = np.lexsort((exons.end0, exons.start0, exons.strand, exons.chrom))
        columns = np.stack([exons.chrom, exons.strand, exons.start0, exons.end0, gene])[:, order]
        self._annotation = annotation
        self._chrom = {name: i for i, name in enumerate(annotation.chroms)}
        self._groups: dict[tuple[int, int], tuple[Int64Array, Int64Array, Int64Array, Int64Array]] = {}
        borders = 1 + np.flatnonzero((np.diff(columns[:2], axis=1) != 0).any(axis=0))
        for first, last in pairwise((0, *borders.tolist(), len(exons))):
            (chrom, strand), (start0, end0, gene) = columns[:2, first], columns[2:, first:last]
            self._groups[int(chrom), int(strand)] = (start0, end0, np.maximum.accumulate(end0), gene)

    def genes(self, chrom: str, strand: str, blocks: GenomicBlocks) -> list[str]:
        """Ids of the genes with exon bases under the blocks on that strand, byte-sorted."""
        found: set[int] = set()
        group = self._groups.get((self._chrom.get(chrom, -1), STRAND_CODE[strand]))
        if group is None:
            return []
        start0, end0, reach, gene = group
        for low, high in blocks:
            near = slice(int(np.searchsorted(reach, low, side="right")), int(np.searchsorted(start0, high)))
            found.update(gene[near][end0[near] > low].tolist())
        return sorted((self._annotation.genes[g] for g in found), key=str.encode)

    def exon_bases(self, chrom: str, strand: str, start0: int, end0: int) -> int:
        """Bases of [start0, end0) under any exon of that strand."""
        group = self._groups.get((self._chrom.get(chrom, -1), STRAND_CODE[strand]))
        if group is None:
            return 0
        starts, ends, reach, _ = group
        near = slice(int(np.searchsorted(reach, start0, side="right")), int(np.searchsorted(starts, end0, side="left")))
        low, high = np.maximum(starts[near], start0), np.minimum(ends[near], end0)
        inside = low < high
        low, high = low[inside], high[inside]
        order, cluster = overlap_clusters(np.zeros(low.size, dtype=np.int64), low, high)
        if not order.size:
            return 0
        first = np.flatnonzero(np.r_[True, cluster[1:] != cluster[:-1]])
        return int((np.maximum.reduceat(high[order], first) - low[order][first]).sum())


class PlaceFinder:
    """Features and distances on the first-choice transcript under a peak's middle base (`TranscriptModels.rank`)."""

    def __init__(self, models: TranscriptModels, has_cds: bool) -> None:
        self._models, self._has_cds = models, has_cds
        self._exons = np.argsort(models.exon_model, kind="stable")
        self._first = np.searchsorted(models.exon_model[self._exons], np.arange(len(models) + 1))

    def find(self, chrom: str, strand: str, blocks: GenomicBlocks) -> Place | None:
        """Place of a peak; None where no exon holds its middle base.

        The feature is `stop codon` where a block covers a base of it, else the region with most of the peak's bases;
        `exon` where the annotation has no coding region at all. The distance counts along the transcript from the first
        base of the stop codon: negative upstream, positive downstream.
        """
        located = self._models.locate(chrom, middle_base(blocks), strand)
        if located is None:
            return None
        model, place_nt = located
        if not self._has_cds:
            return Place(EXON, None)
        end_nt = int(self._models.cds_end_nt[model])
        if end_nt < 0:
            return Place(REGIONS[NONCODING], None)
        return Place(self._feature(model, blocks), place_nt - (end_nt - STOP_CODON_NT))

    def _feature(self, model: int, blocks: GenomicBlocks) -> str:
        start_nt, end_nt = int(self._models.cds_start_nt[model]), int(self._models.cds_end_nt[model])
        length_nt = int(self._models.length_nt[model])
        stretches = self._stretches(model, blocks)
        if any(low < end_nt and high > end_nt - STOP_CODON_NT for low, high in stretches):
            return STOP_CODON
        bounds = {UTR5: (0, start_nt), CDS: (start_nt, end_nt), UTR3: (end_nt, length_nt)}
        covered = {
            region: sum(max(0, min(high, last) - max(low, first)) for low, high in stretches)
            for region, (first, last) in bounds.items()
        }
        return REGIONS[max(covered, key=lambda region: covered[region])]

    def _stretches(self, model: int, blocks: GenomicBlocks) -> list[tuple[int, int]]:
        """Parts of the blocks that lie on the model's exons, in its own 5' to 3' frame."""
        models = self._models
        exons = self._exons[self._first[model] : self._first[model + 1]]
        start0, end0, offset = models.exon_start0[exons], models.exon_end0[exons], models.exon_offset_nt[exons]
        length_nt = int(models.length_nt[model])
        found = []
        for low0, high0 in blocks:
            low, high = np.maximum(start0, low0), np.minimum(end0, high0)
            for i in np.flatnonzero(low < high):
                a, b = int(offset[i] + low[i] - start0[i]), int(offset[i] + high[i] - start0[i])
                found.append((a, b) if models.strand[model] > 0 else (length_nt - b, length_nt - a))
        return found


def middle_base(blocks: GenomicBlocks) -> int:
    """Genomic position of the middle base of spliced blocks (the lower of two)."""
    left = (sum(end0 - start0 for start0, end0 in blocks) - 1) // 2
    for start0, end0 in blocks:
        if left < end0 - start0:
            return start0 + left
        left -= end0 - start0
    raise ValueError("a peak has no base")


def nearest_drach(
    space: ExonSpace, genome: Genome, unit: Int64Array, start_nt: Int64Array, end_nt: Int64Array
) -> list[int | None]:
    """Signed distance in exon space from each stretch's middle base to the A of the nearest DRACH, 5' to 3'.

    None where the unit holds no DRACH (or no known sequence). Of two equally near the upstream one is taken.
    """
    found: list[int | None] = [None] * unit.size
    for one in np.unique(unit):
        letters = exon_letters(space, genome, int(one), int(one) + 1)
        minus = STRAND_SIGN[int(space.strand[one])] == "-"
        adenosines = motif_starts(reverse_complement(letters) if minus else letters) + DRACH_A_OFFSET
        if not adenosines.size:
            continue
        for row in np.flatnonzero(unit == one):
            middle = int(start_nt[row] + (end_nt[row] - start_nt[row] - 1) // 2)
            if minus:
                middle = letters.size - 1 - middle
            after = int(np.searchsorted(adenosines, middle))
            near = adenosines[max(after - 1, 0) : after + 1] - middle
            found[row] = int(near[np.argmin(np.abs(near))])
    return found


def block_list(blocks: Blocks, row: int) -> tuple[tuple[int, int], ...]:
    """Blocks (start0, end0) of one stretch."""
    own = range(int(blocks.first[row]), int(blocks.first[row + 1]))
    return tuple((int(blocks.start0[i]), int(blocks.start0[i]) + int(blocks.size[i])) for i in own)
