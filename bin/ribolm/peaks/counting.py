"""Everything a call reads: annotation, genome, and the fragments of every library over the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from ribolm.console import Progress, notice
from ribolm.files import require_file
from ribolm.genome.annotation import Annotation, read_gtf
from ribolm.genome.exon_space import ExonSpace, build_exon_space
from ribolm.genome.fasta import Genome
from ribolm.peaks.bins import GcContent, build_grid, gc_content, genomic_blocks
from ribolm.peaks.call import Peaks
from ribolm.peaks.inputs import compare_bams, compare_genome, read_bam_header
from ribolm.peaks.libraries import IP
from ribolm.peaks.options import AUTO, CallOptions
from ribolm.peaks.summary import Choices
from ribolm.reads.alignments import LibraryCounts, ReadFilter, Strandedness, count_fragments
from ribolm.reads.bin_grid import BinGrid, sort_segments
from ribolm.reads.libraries import Library
from ribolm.reads.strandedness import infer_strandedness

SOURCE_GIVEN = "given"
SOURCE_INFERRED = "inferred"


@dataclass(frozen=True)
class Reference:
    """Annotation, its exon space with bins, and where a FASTA is given the genome and the GC of every bin."""

    annotation: Annotation
    space: ExonSpace
    grid: BinGrid
    genome: Genome | None
    gc: GcContent | None


@dataclass(frozen=True)
class CountedLibrary:
    """One library with its counts over the grid."""

    library: Library
    strandedness: Strandedness
    strandedness_source: str
    counts: LibraryCounts

    @property
    def is_ip(self) -> bool:
        """Whether this is an IP library."""
        return self.library.assay == IP


def require_inputs(options: CallOptions) -> None:
    """Raise DataError for the first file that is missing, before any is read."""
    others = (options.gtf, options.fasta, options.size_factors)
    for path in (*(library.path for library in options.libraries), *others):
        if path is not None:
            require_file(path)


def load_reference(options: CallOptions) -> Reference:
    """Read GTF and FASTA and compare them with the headers of the BAMs before anything long begins.

    Raises DataError for missing files and files of different genomes.
    """
    headers = [read_bam_header(library.path) for library in options.libraries]
    annotation = read_gtf(options.gtf)
    compare_bams(headers, annotation)
    genome = Genome.open(options.fasta) if options.fasta else None
    if genome is not None:
        compare_genome(headers, annotation, genome)
    space = build_exon_space(annotation)
    grid = build_grid(space, options.bin_size, options.step_size)
    gc = gc_content(space, grid, genome, options.fragment_length) if genome is not None else None
    return Reference(annotation, space, grid, genome, gc)


def count_libraries(options: CallOptions, reference: Reference, choices: Choices) -> list[CountedLibrary]:
    """Count every library; IP first, then by name in byte order, so that no sum depends on the order given."""
    ordered = sorted(options.libraries, key=lambda library: (library.assay != IP, library.name.encode()))
    counted = []
    with Progress("counting", len(ordered), "libraries") as progress:
        for library in ordered:
            counted.append(_count_library(library, options, reference, choices))
            progress.advance()
    return counted


def _count_library(library: Library, options: CallOptions, reference: Reference, choices: Choices) -> CountedLibrary:
    wanted, source = options.library_strandedness.get(library.name, options.strandedness), SOURCE_GIVEN
    if wanted == AUTO:
        inferred = infer_strandedness(library.path, reference.space, read_filter=options.read_filter)
        wanted, source = inferred.strandedness, SOURCE_INFERRED
        choices.add(f"strandedness of {library.name}", wanted, inferred.reason)
    strandedness = cast(Strandedness, wanted)
    counts = _count(library, reference.grid, reference.space, strandedness, options.read_filter, options.threads)
    for sentence in counts.notices:
        notice(sentence)
    if not counts.fragments_on_exons:
        notice(f"{library.name}: none of {counts.fragments:,} fragments lies on an exon; it stays out of the test.")
    return CountedLibrary(library, strandedness, source, counts)


def _count(
    library: Library,
    grid: BinGrid,
    space: ExonSpace,
    strandedness: Strandedness,
    read_filter: ReadFilter,
    threads: int,
) -> LibraryCounts:
    return count_fragments(
        library.path, grid, space.chroms, strandedness=strandedness, read_filter=read_filter, threads=threads
    )


def count_in_peaks(
    options: CallOptions, space: ExonSpace, peaks: Peaks, counted: Sequence[CountedLibrary]
) -> list[int]:
    """Fragments of each library that touch a peak, each counted once; a second pass over the BAM files."""
    if not len(peaks):
        return [0] * len(counted)
    grid = peak_grid(space, peaks)
    return [
        _count(e.library, grid, space, e.strandedness, options.read_filter, options.threads).fragments_on_exons
        if e.counts.fragments_on_exons
        else 0
        for e in counted
    ]


def peak_grid(space: ExonSpace, peaks: Peaks) -> BinGrid:
    """A grid with one bin per peak and nothing beside the peaks."""
    blocks = genomic_blocks(space, peaks.unit, peaks.start_nt, peaks.end_nt)
    number = np.diff(blocks.first)
    peak = np.repeat(np.arange(len(peaks)), number)
    size = blocks.size.astype(np.int64)
    before = np.cumsum(size) - size
    length = peaks.end_nt - peaks.start_nt
    segments = sort_segments(
        segment_chrom=space.chrom[peaks.unit][peak].astype(np.int32),
        segment_strand=space.strand[peaks.unit][peak].astype(np.int8),
        segment_start0=blocks.start0.astype(np.int64),
        segment_end0=blocks.start0 + size,
        segment_exon_offset=before - before[blocks.first[:-1]][peak],
        segment_gene=peak.astype(np.int32),
    )
    widest = int(length.max())
    return BinGrid(
        **segments,
        gene_first_bin=np.arange(len(peaks), dtype=np.int64),
        gene_n_bins=np.ones(len(peaks), dtype=np.int64),
        gene_length_nt=length,
        bin_size=widest,
        step_size=widest,
    )
