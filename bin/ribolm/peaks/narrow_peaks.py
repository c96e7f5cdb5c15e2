"""Unstranded peaks of another caller (MACS3 narrowPeak) get strand, genes and feature by overlapping exons."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ribolm.alphabet import DRACH_A_OFFSET, motif_starts
from ribolm.console import notice
from ribolm.errors import DataError, ToolError, bad_value
from ribolm.files import atomic_directory, open_text
from ribolm.genome.annotation import Annotation, read_gtf
from ribolm.genome.contigs import require_one_naming_style, require_shared_contigs, shown
from ribolm.genome.coordinates import STRAND_SIGN
from ribolm.genome.fasta import Genome
from ribolm.genome.transcripts import build_transcript_models
from ribolm.peaks.annotate import EXON, ExonIndex, PlaceFinder
from ribolm.peaks.output import write_peaks
from ribolm.peaks.peak_table import AMBIGUOUS, PeakRow, count_ambiguous, sort_rows
from ribolm.peaks.summary import Summary

NARROWPEAK_COLUMNS = ("chrom", "start", "end", "name", "score", "strand", "signalValue", "pValue", "qValue", "peak")
INTRON = "intron"
INTERGENIC = "intergenic"
DRACH_REACH_NT = 500


@dataclass(frozen=True)
class NarrowPeak:
    """One line (from 1): 0-based half-open, fold enrichment, p and q as probabilities."""

    chrom: str
    start0: int
    end0: int
    fold_enrichment: float
    p_value: float
    q_value: float
    line: int


def annotate_narrow_peaks(narrowpeak: Path, gtf: Path, fasta: Path | None, name: str, outdir: Path) -> None:
    """Write peaks.bed, peaks.tsv, summary.json of the peaks of another caller.

    A peak takes the strand that has more exon bases under it, else the strand of the gene it lies in, else "."; where
    both strands have any it is flagged `ambiguous`. Raises DataError naming line and column.
    """
    peaks = read_narrow_peaks(narrowpeak)
    annotation = read_gtf(gtf)
    genome = Genome.open(fasta) if fasta else None
    _require_one_genome(narrowpeak, peaks, annotation, genome)
    rows = sort_rows(_annotate(peaks, annotation, genome))
    lengths = [row.length_nt for row in rows]
    calls: dict[str, Any] = {
        "peaks": len(rows),
        "ambiguous": count_ambiguous(name, rows),
        "without_strand": sum(row.strand == "." for row in rows),
        "features": dict(Counter(row.feature for row in rows)),
        "median_length_nt": float(np.median(lengths)) if lengths else None,
    }
    parameters = {"narrowpeak": narrowpeak.name, "gtf": gtf.name, "fasta": fasta.name if fasta else None}
    summary = Summary(name, "macs3", parameters, [], {}, {}, calls)
    with atomic_directory(outdir) as folder:
        write_peaks(folder, name, rows)
        summary.write(folder)


def _require_one_genome(path: Path, peaks: Sequence[NarrowPeak], annotation: Annotation, genome: Genome | None) -> None:
    """Refuse peaks of another genome; that no gene lies on their contigs is no fault and is told."""
    label, names = f"peaks {path.name}", list(dict.fromkeys(peak.chrom for peak in peaks))
    require_one_naming_style(annotation.label, annotation.chroms, label, names)
    if peaks and not set(names) & set(annotation.chroms):
        notice(
            f"{label}: {annotation.label} has no gene on any of their contigs ({shown(names)}); they are intergenic."
        )
    if genome is None:
        return
    require_shared_contigs(genome.label, genome.names, annotation.label, annotation.chroms)
    require_shared_contigs(genome.label, genome.names, label, names)
    for peak in peaks:
        length_nt = genome.lengths.get(peak.chrom)
        if length_nt is None:
            problem = f"is no contig of {genome.label}"
            raise bad_value(path, peak.line, "chrom", peak.chrom, problem, "Give the FASTA that was aligned to.")
        if peak.end0 > length_nt:
            problem = f"lies beyond the {length_nt:,} nt of contig '{peak.chrom}' in {genome.label}"
            raise bad_value(path, peak.line, "end", peak.end0, problem, "Use files of one genome build.")


def read_narrow_peaks(path: Path) -> list[NarrowPeak]:
    """Read a plain or gzip narrowPeak; several summits of one peak (same place) become one, the best."""
    best: dict[tuple[str, int, int], NarrowPeak] = {}
    with open_text(path) as handle:
        for row, line in enumerate(handle, start=1):
            if not line.strip() or line.startswith(("#", "track", "browser")):
                continue
            peak = _narrow_peak(path, row, line.rstrip("\n").split("\t"))
            place = (peak.chrom, peak.start0, peak.end0)
            if place not in best or peak.p_value < best[place].p_value:
                best[place] = peak
    return list(best.values())


def _narrow_peak(path: Path, row: int, fields: list[str]) -> NarrowPeak:
    if len(fields) != len(NARROWPEAK_COLUMNS):
        raise DataError(f"{path.name} line {row}: {len(fields)} columns instead of 10. Give the narrowPeak of MACS3.")
    start0, end0 = (int(_number(path, row, column, fields)) for column in (1, 2))
    if not 0 <= start0 < end0:
        raise bad_value(path, row, "end", fields[2], f"is not above the start {start0}", "Write start < end.")
    fold, minus_log10_p, minus_log10_q = (_number(path, row, column, fields) for column in (6, 7, 8))
    return NarrowPeak(fields[0], start0, end0, fold, _probability(minus_log10_p), _probability(minus_log10_q), row)


def _number(path: Path, row: int, column: int, fields: list[str]) -> float:
    try:
        value = float(fields[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        name = NARROWPEAK_COLUMNS[column]
        raise bad_value(path, row, name, fields[column], "is not a number", "Give the narrowPeak of MACS3.")
    return value


def _probability(minus_log10: float) -> float:
    """narrowPeak writes −1 where a value is unknown; that counts as 1."""
    return 1.0 if minus_log10 < 0 else float(10.0**-minus_log10)


def _annotate(peaks: Sequence[NarrowPeak], annotation: Annotation, genome: Genome | None) -> list[PeakRow]:
    if not peaks:
        return []
    exons = ExonIndex(annotation)
    finder = PlaceFinder(build_transcript_models(annotation), bool(len(annotation.cds)))
    spans = overlapping_gene_spans(peaks, annotation)
    rows = []
    for i, peak in enumerate(peaks):
        under = {s: exons.exon_bases(peak.chrom, s, peak.start0, peak.end0) for s in "+-"}
        on_exons = any(under.values())
        strands = [s for s in "+-" if (under[s] if on_exons else spans.get((i, s)))]
        strand = max(strands, key=lambda s: under[s]) if strands else "."
        blocks = ((peak.start0, peak.end0),)
        near = exons.genes(peak.chrom, strand, blocks) if on_exons else spans.get((i, strand), ())
        genes = sorted(near, key=str.encode)
        feature = INTRON if strands else INTERGENIC
        distance = None
        if on_exons:
            place = finder.find(peak.chrom, strand, blocks)
            feature, distance = (place.feature, place.distance_to_stop_nt) if place else (EXON, None)
        rows.append(_row(peak, strand, tuple(genes), feature, distance, len(strands) > 1, genome))
    return rows


def _row(
    peak: NarrowPeak,
    strand: str,
    genes: tuple[str, ...],
    feature: str,
    distance_nt: int | None,
    ambiguous: bool,
    genome: Genome | None,
) -> PeakRow:
    return PeakRow(
        chrom=peak.chrom,
        strand=strand,
        blocks=((peak.start0, peak.end0),),
        genes=genes,
        feature=feature,
        distance_to_stop_nt=distance_nt,
        n_bins=None,
        count_ip=None,
        count_input=None,
        rpm_ip=None,
        rpm_input=None,
        log2_fold_change=math.log2(peak.fold_enrichment) if peak.fold_enrichment > 0 else None,
        p_value=peak.p_value,
        p_adjusted=peak.q_value,
        nearest_drach_nt=_nearest_drach_on_genome(genome, peak, strand) if genome is not None else None,
        length_nt=peak.end0 - peak.start0,
        flag=AMBIGUOUS if ambiguous else "",
    )


def _nearest_drach_on_genome(genome: Genome, peak: NarrowPeak, strand: str) -> int | None:
    """Signed distance from the middle base to the nearest DRACH's A on the genome, within 500 nt, else None."""
    length_nt = genome.lengths.get(peak.chrom)
    if strand == "." or length_nt is None:
        return None
    middle = (peak.start0 + peak.end0 - 1) // 2
    low, high = max(0, middle - DRACH_REACH_NT), min(length_nt, middle + DRACH_REACH_NT + 1)
    if low >= high:
        return None
    adenosines = motif_starts(genome.fetch(peak.chrom, low, high, strand)) + DRACH_A_OFFSET
    if not adenosines.size:
        return None
    away = adenosines - (middle - low if strand == "+" else high - 1 - middle)
    return int(away[np.argmin(np.abs(away))])


def overlapping_gene_spans(peaks: Sequence[NarrowPeak], annotation: Annotation) -> dict[tuple[int, str], set[str]]:
    """Ids of the genes, introns included, that each peak (by index) overlaps on each strand.

    bedtools does the join on sorted files; its temporary files live in a folder that is removed.
    """
    import pybedtools

    if shutil.which("bedtools") is None:
        raise ToolError("bedtools is not on PATH. Install it (apt install bedtools) or use a container profile.")
    found: dict[tuple[int, str], set[str]] = {}
    with tempfile.TemporaryDirectory(prefix="ribolm-annotate-") as folder, _pybedtools_in(folder):
        left = _sorted_bed(Path(folder) / "peaks.bed", ((p.chrom, p.start0, p.end0, i) for i, p in enumerate(peaks)))
        right = _sorted_bed(Path(folder) / "genes.bed", _gene_spans(annotation))
        joined = pybedtools.BedTool(str(left)).intersect(str(right), wa=True, wb=True, sorted=True)
        for line in Path(joined.fn).read_text("utf-8").splitlines():
            fields = line.split("\t")
            gene, strand = int(fields[7]), fields[9]
            found.setdefault((int(fields[3]), strand), set()).add(annotation.genes[gene])
    return found


def _gene_spans(annotation: Annotation) -> Iterable[tuple[object, ...]]:
    """BED6 of every gene's reach on each contig and strand; its index stands for its name."""
    exons = annotation.exons
    gene = annotation.transcript_gene[exons.transcript].astype(np.int64)
    keys = np.stack([gene, exons.chrom, exons.strand])
    groups, where = np.unique(keys, axis=1, return_inverse=True)
    low = np.full(groups.shape[1], np.iinfo(np.int64).max)
    high = np.zeros(groups.shape[1], dtype=np.int64)
    np.minimum.at(low, where.ravel(), exons.start0)
    np.maximum.at(high, where.ravel(), exons.end0)
    for (g, chrom, strand), start0, end0 in zip(groups.T.tolist(), low.tolist(), high.tolist(), strict=True):
        yield annotation.chroms[chrom], start0, end0, g, 0, STRAND_SIGN[strand]


@contextmanager
def _pybedtools_in(folder: str) -> Iterator[None]:
    """Let pybedtools write to a folder; it does so by moving Python's own temporary folder, which is put back."""
    import pybedtools

    before = tempfile.tempdir
    pybedtools.set_tempdir(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def _sorted_bed(path: Path, rows: Iterable[tuple[object, ...]]) -> Path:
    ordered = sorted(rows, key=lambda row: (str(row[0]).encode(), row[1], row[2]))
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in ordered), "utf-8")
    return path
