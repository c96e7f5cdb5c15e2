"""Peaks as rows: placed on the genome, annotated, sorted, named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ribolm.console import notice
from ribolm.genome.annotation import Annotation
from ribolm.genome.coordinates import OTHER_STRAND, STRAND_SIGN
from ribolm.genome.exon_space import ExonSpace, genomic_blocks
from ribolm.genome.fasta import Genome
from ribolm.genome.regions import Region
from ribolm.genome.transcripts import build_transcript_models
from ribolm.peaks.annotate import ExonIndex, Place, PlaceFinder, block_list, nearest_drach
from ribolm.peaks.call import Peaks

MAX_SCORE = 1000
AMBIGUOUS = "ambiguous"
PEAK_COLUMNS = (
    "chrom", "start0", "end0", "strand", "name", "length_nt", "genes", "feature", "distance_to_stop_nt", "n_bins",
    "count_ip", "count_input", "rpm_ip", "rpm_input", "log2_fold_change", "p_value", "p_adjusted", "nearest_drach_nt",
    "flag",
)  # fmt: skip


@dataclass(frozen=True)
class PeakRow:
    """One peak: genomic blocks (start0, end0), ascending, and the columns of peaks.tsv; None is written as nothing."""

    chrom: str
    strand: str
    blocks: tuple[tuple[int, int], ...]
    genes: tuple[str, ...]
    feature: str
    distance_to_stop_nt: int | None
    n_bins: int | None
    count_ip: int | None
    count_input: int | None
    rpm_ip: float | None
    rpm_input: float | None
    log2_fold_change: float | None
    p_value: float
    p_adjusted: float
    nearest_drach_nt: int | None
    length_nt: int
    flag: str = ""

    @property
    def start0(self) -> int:
        """Lowest base."""
        return self.blocks[0][0]

    @property
    def end0(self) -> int:
        """One past the highest base."""
        return self.blocks[-1][1]

    def region(self, name: str) -> Region:
        """The peak as a line of BED12."""
        return Region(self.chrom, self.start0, self.end0, name, bed_score(self.p_value), self.strand, self.blocks)

    def cells(self, name: str) -> list[str]:
        """The peak as cells in the order of `PEAK_COLUMNS`."""
        values = {**vars(self), "start0": self.start0, "end0": self.end0, "name": name, "genes": ",".join(self.genes)}
        return [cell(values[column]) for column in PEAK_COLUMNS]


def cell(value: object) -> str:
    """A value as text: nothing for None, the shortest form that reads back to the same number for floats."""
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def bed_score(p_value: float) -> int:
    """min(1000, round(−10·log10 p))."""
    return MAX_SCORE if p_value <= 0 else int(min(MAX_SCORE, max(0, round(-10.0 * np.log10(p_value)))))


def sort_rows(rows: Sequence[PeakRow]) -> list[PeakRow]:
    """Rows by contig name in byte order, then position: what sorted interval tools expect."""
    return sorted(rows, key=lambda row: (row.chrom.encode(), row.start0, row.end0, row.strand, row.blocks, row.genes))


def peak_names(prefix: str, number: int) -> list[str]:
    """Names of the peaks in their order, from 1."""
    return [f"{prefix}_peak_{i}" for i in range(1, number + 1)]


def count_ambiguous(name: str, rows: Sequence[PeakRow]) -> int:
    """How many peaks of a call may be of either strand; told."""
    number = sum(row.flag == AMBIGUOUS for row in rows)
    if number:
        notice(f"{name}: {number:,} of {len(rows):,} peaks have genes on both strands and are flagged {AMBIGUOUS}.")
    return number


def build_rows(
    peaks: Peaks, space: ExonSpace, annotation: Annotation, genome: Genome | None, is_stranded: bool
) -> list[PeakRow]:
    """Place and annotate peaks; sorted rows.

    Unless the counts are of one strand (`is_stranded`), a peak with exons on the other strand is `ambiguous`: its
    fragments were counted there too.
    """
    if not len(peaks):
        return []
    blocks = genomic_blocks(space, peaks.unit, peaks.start_nt, peaks.end_nt)
    index = ExonIndex(annotation)
    finder = PlaceFinder(build_transcript_models(annotation), bool(len(annotation.cds)))
    if not len(annotation.cds):
        notice(f"{annotation.path.name}: no CDS row, so peaks cannot be placed in 5'UTR, CDS or 3'UTR.")
    drach: Sequence[int | None] = [None] * len(peaks)
    if genome is not None:
        drach = nearest_drach(space, genome, peaks.unit, peaks.start_nt, peaks.end_nt)
    rows = []
    for i in range(len(peaks)):
        unit = int(peaks.unit[i])
        chrom, strand = space.chroms[space.chrom[unit]], STRAND_SIGN[int(space.strand[unit])]
        own = block_list(blocks, i)
        place = finder.find(chrom, strand, own) or Place("exon", None)
        row = _row(peaks, i, chrom, strand, own, tuple(index.genes(chrom, strand, own)), place, drach[i])
        other = OTHER_STRAND[strand]
        is_ambiguous = not is_stranded and any(index.exon_bases(chrom, other, *block) for block in own)
        rows.append(replace(row, flag=AMBIGUOUS) if is_ambiguous else row)
    return sort_rows(rows)


def _row(
    peaks: Peaks,
    i: int,
    chrom: str,
    strand: str,
    blocks: tuple[tuple[int, int], ...],
    genes: tuple[str, ...],
    place: Place,
    drach_nt: int | None,
) -> PeakRow:
    return PeakRow(
        chrom=chrom,
        strand=strand,
        blocks=blocks,
        genes=genes,
        feature=place.feature,
        distance_to_stop_nt=place.distance_to_stop_nt,
        n_bins=int(peaks.end[i] - peaks.first[i]),
        count_ip=int(peaks.count_ip[i]),
        count_input=int(peaks.count_input[i]),
        rpm_ip=float(peaks.rpm_ip[i]),
        rpm_input=float(peaks.rpm_input[i]),
        log2_fold_change=float(peaks.log2_fold_change[i]),
        p_value=float(peaks.p_value[i]),
        p_adjusted=float(peaks.p_adjusted[i]),
        nearest_drach_nt=drach_nt,
        length_nt=int(peaks.end_nt[i] - peaks.start_nt[i]),
    )
