"""Transcripts as distances along spliced RNA: where a genomic base lies on each, and in which of its regions."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.genome.annotation import Annotation, FeatureTable
from ribolm.genome.contigs import shown
from ribolm.genome.coordinates import Int64
from ribolm.genome.exon_space import ExonSpace

REGIONS = ("5'UTR", "CDS", "3'UTR", "non-coding")
UTR5, CDS, UTR3, NONCODING = range(4)


@dataclass(frozen=True)
class TranscriptModels:
    """All transcripts that lie on one contig and strand, n in number, with their exons in one table.

    Per transcript: `transcript` int32 (index into `Annotation.transcripts`), `gene` int32, `chrom` int32,
    `strand` int8, `length_nt` int64, `cds_start_nt`, `cds_end_nt` int64 (0-based half-open, 5' to 3', stop codon
    included; -1 without CDS), `rank` int64 (0 = first choice: longest CDS, then longest transcript, then byte order of
    names).
    Per exon, ordered by (chrom, start0): `exon_model` int32, `exon_chrom` int32, `exon_start0`, `exon_end0` and
    `exon_offset_nt` int64 (bases of its transcript below it on the genome). `longest_exon_nt` bounds a look-up.
    """

    chroms: tuple[str, ...]
    names: tuple[str, ...]
    transcript: npt.NDArray[np.int32]
    gene: npt.NDArray[np.int32]
    chrom: npt.NDArray[np.int32]
    strand: npt.NDArray[np.int8]
    length_nt: Int64
    cds_start_nt: Int64
    cds_end_nt: Int64
    rank: Int64
    exon_model: npt.NDArray[np.int32]
    exon_chrom: npt.NDArray[np.int32]
    exon_start0: Int64
    exon_end0: Int64
    exon_offset_nt: Int64
    longest_exon_nt: int

    def __len__(self) -> int:
        return len(self.transcript)

    @property
    def has_cds(self) -> bool:
        """Whether any transcript has a coding region."""
        return bool((self.cds_start_nt >= 0).any())

    @cached_property
    def _chrom_number(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.chroms)}

    def locate(self, chrom: str, position0: int, strand: str) -> tuple[int, int] | None:
        """Return (model, place_nt) of a genomic base on the first-choice transcript whose exon holds it, else None.

        `place_nt` counts from the 5' end, from 0. Strand "." asks both strands.
        """
        c = self._chrom_number.get(chrom)
        if c is None:
            return None
        first, last = np.searchsorted(self.exon_chrom, [c, c + 1])
        starts = self.exon_start0[first:last]
        low = first + np.searchsorted(starts, position0 - self.longest_exon_nt, side="left")
        high = first + np.searchsorted(starts, position0, side="right")
        near = np.arange(low, high)[self.exon_end0[low:high] > position0]
        if strand != ".":
            near = near[self.strand[self.exon_model[near]] == (1 if strand == "+" else -1)]
        if not len(near):
            return None
        exon = int(near[np.argmin(self.rank[self.exon_model[near]])])
        model = int(self.exon_model[exon])
        from_low = int(self.exon_offset_nt[exon] + position0 - self.exon_start0[exon])
        return model, from_low if self.strand[model] > 0 else int(self.length_nt[model]) - 1 - from_low

    def region(self, model: int, place_nt: int) -> int:
        """The region of a place: UTR5, CDS, UTR3 or NONCODING."""
        start, end = int(self.cds_start_nt[model]), int(self.cds_end_nt[model])
        if start < 0:
            return NONCODING
        return UTR5 if place_nt < start else CDS if place_nt < end else UTR3

    def region_lengths(self, model: int) -> tuple[int, int, int]:
        """Lengths in nt of 5'UTR, CDS and 3'UTR of a coding transcript."""
        start, end = int(self.cds_start_nt[model]), int(self.cds_end_nt[model])
        return start, end - start, int(self.length_nt[model]) - end


def build_transcript_models(annotation: Annotation) -> TranscriptModels:
    """Lay every transcript out in spliced coordinates; those on two contigs or strands are left out.

    Exon rows that are given twice count once, and transcripts whose exons overlap are left out, both with a notice. The
    coding region reaches from the lowest to the highest CDS or stop codon base that lies on the transcript's exons.
    """
    exons = _distinct_exons(annotation)
    transcript, first, model = np.unique(exons.transcript, return_index=True, return_inverse=True)
    length = exons.end0 - exons.start0
    before = np.cumsum(length) - length
    total = np.add.reduceat(length, first)
    offset = before - before[first][model]
    strand = exons.strand[first]
    cds_start, cds_end = _coding(annotation, exons, transcript, model, offset, total, strand)
    order = np.lexsort((exons.start0, exons.chrom))
    return TranscriptModels(
        chroms=annotation.chroms,
        names=tuple(annotation.transcripts[t] for t in transcript),
        transcript=transcript.astype(np.int32),
        gene=annotation.transcript_gene[transcript],
        chrom=exons.chrom[first],
        strand=strand,
        length_nt=total,
        cds_start_nt=cds_start,
        cds_end_nt=cds_end,
        rank=_ranks(annotation, transcript, cds_end - cds_start, total),
        exon_model=model[order].astype(np.int32),
        exon_chrom=exons.chrom[order],
        exon_start0=exons.start0[order],
        exon_end0=exons.end0[order],
        exon_offset_nt=offset[order],
        longest_exon_nt=int(length.max(initial=0)),
    )


def _distinct_exons(annotation: Annotation) -> FeatureTable:
    """Exons by transcript and start, each once, of transcripts that can be laid end to end."""
    exons = annotation.exons
    exons = exons.take(np.lexsort((exons.end0, exons.start0, exons.strand, exons.chrom, exons.transcript)))
    again = _follows(exons) & (np.diff(exons.start0, prepend=-1) == 0) & (np.diff(exons.end0, prepend=-1) == 0)
    if again.any():
        notice(
            f"{annotation.path.name}: {int(again.sum()):,} exon rows repeat another of their transcript, the first in "
            f"line {int(exons.line[again].min())}; they are read once."
        )
        exons = exons.take(~again)
    n = len(annotation.transcripts)
    scattered, overlapping = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    inside = np.diff(exons.transcript, prepend=-1) == 0
    scattered[exons.transcript[inside & ~_follows(exons)]] = True
    reaches_in = np.r_[False, exons.start0[1:] < exons.end0[:-1]]
    overlapping[exons.transcript[_follows(exons) & reaches_in]] = True
    overlapping &= ~scattered
    if overlapping.any():
        names = [annotation.transcripts[t] for t in np.flatnonzero(overlapping)]
        notice(
            f"{annotation.path.name}: {len(names):,} transcripts have exons that overlap each other and give peaks no "
            f"place ({shown(names)}). Mend their rows to keep them."
        )
    return exons.take(~(scattered | overlapping)[exons.transcript])


def _follows(exons: FeatureTable) -> npt.NDArray[np.bool_]:
    """Whether a row has transcript, contig and strand of the row before."""
    columns = (exons.transcript, exons.chrom, exons.strand)
    return np.asarray(np.all([np.r_[False, column[1:] == column[:-1]] for column in columns], axis=0))


def _ranks(annotation: Annotation, transcript: npt.NDArray[np.int32], cds_nt: Int64, total_nt: Int64) -> Int64:
    names = np.array([annotation.transcripts[t].encode() for t in transcript])
    order = np.lexsort((names, -total_nt, -cds_nt))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _coding(
    annotation: Annotation,
    exons: FeatureTable,
    transcript: npt.NDArray[np.int32],
    model: npt.NDArray[np.intp],
    offset: Int64,
    total: Int64,
    strand: npt.NDArray[np.int8],
) -> tuple[Int64, Int64]:
    """The coding region of every transcript in its own 5' to 3' frame; -1, -1 without one."""
    low0 = np.full(len(annotation.transcripts), np.iinfo(np.int64).max)
    high0 = np.full(len(annotation.transcripts), -1)
    for table in (annotation.cds, annotation.stop_codons):
        if len(annotation.cds):
            np.minimum.at(low0, table.transcript, table.start0)
            np.maximum.at(high0, table.transcript, table.end0)
    coded = np.zeros(len(annotation.transcripts), dtype=bool)
    coded[annotation.cds.transcript] = True
    low0, high0, coded = low0[transcript], high0[transcript], coded[transcript]
    low0[~coded], high0[~coded] = np.iinfo(np.int64).max, -1
    covered = np.minimum(exons.end0, high0[model]) - np.maximum(exons.start0, low0[model])
    inside = covered > 0
    start = np.full(len(transcript), np.iinfo(np.int64).max)
    end = np.full(len(transcript), -1)
    from_low = offset + np.maximum(low0[model] - exons.start0, 0)
    to_high = offset + np.minimum(high0[model], exons.end0) - exons.start0
    np.minimum.at(start, model[inside], from_low[inside])
    np.maximum.at(end, model[inside], to_high[inside])
    coded = end > 0
    minus = coded & (strand < 0)
    flipped_start, flipped_end = total - end, total - start
    start, end = np.where(minus, flipped_start, start), np.where(minus, flipped_end, end)
    return np.where(coded, start, -1), np.where(coded, end, -1)


def paint_regions(
    space: ExonSpace, models: TranscriptModels, units: Int64 | None = None
) -> list[npt.NDArray[np.uint8]]:
    """Region of every base of exon space: per unit (or per unit of `units`) uint8 [length_nt], low coordinate first.

    Where transcripts disagree, the first-choice transcript (see `TranscriptModels.rank`) decides.
    Cost: about 3 µs per exon of the annotation.
    """
    wanted = np.arange(len(space)) if units is None else np.asarray(units)
    painted = [np.full(int(space.length_nt[unit]), NONCODING, dtype=np.uint8) for unit in wanted]
    slot = np.full(len(space), -1)
    slot[wanted] = np.arange(len(wanted))
    holder = locate_exons(space, models.chrom[models.exon_model], models.strand[models.exon_model], models.exon_start0)
    rows = np.flatnonzero((holder >= 0) & (slot[space.exon_unit[holder]] >= 0))
    for exon in rows[np.argsort(-models.rank[models.exon_model[rows]], kind="stable")]:
        merged = holder[exon]
        low = int(space.exon_offset_nt[merged] + models.exon_start0[exon] - space.exon_start0[merged])
        regions = _exon_regions(models, int(exon))
        painted[slot[space.exon_unit[merged]]][low : low + len(regions)] = regions
    return painted


def locate_exons(
    space: ExonSpace, chrom: npt.NDArray[np.int32], strand: npt.NDArray[np.int8], position0: Int64
) -> Int64:
    """Index of the merged exon that holds each base (contig index, strand +1 or -1, position0); -1 outside exons."""
    span = int(max(space.exon_end0.max(), position0.max(initial=0))) + 1
    unit_place = space.chrom.astype(np.int64) * 2 + (space.strand > 0)
    key = unit_place[space.exon_unit] * span + space.exon_start0
    order = np.argsort(key)
    asked = (chrom.astype(np.int64) * 2 + (strand > 0)) * span + position0
    at = np.searchsorted(key[order], asked, side="right") - 1
    found = order[np.maximum(at, 0)]
    same_place = unit_place[space.exon_unit[found]] == chrom.astype(np.int64) * 2 + (strand > 0)
    inside = (at >= 0) & same_place & (position0 < space.exon_end0[found])
    return np.where(inside, found, -1).astype(np.int64)


def _exon_regions(models: TranscriptModels, exon: int) -> npt.NDArray[np.uint8]:
    """Regions of the bases of one exon, low coordinate first; uint8 [exon length]."""
    model = int(models.exon_model[exon])
    length = int(models.exon_end0[exon] - models.exon_start0[exon])
    if models.cds_start_nt[model] < 0:
        return np.full(length, NONCODING, dtype=np.uint8)
    from_low = int(models.exon_offset_nt[exon]) + np.arange(length)
    places = from_low if models.strand[model] > 0 else int(models.length_nt[model]) - 1 - from_low
    after_stop = np.where(places < models.cds_end_nt[model], CDS, UTR3)
    return np.where(places < models.cds_start_nt[model], UTR5, after_stop).astype(np.uint8)
