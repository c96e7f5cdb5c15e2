"""Everything a call reads: annotation, genome, and the fragments of every library over the grid."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from ribolm.console import Progress, notice
from ribolm.files import require_file, require_folder_possible
from ribolm.genome.annotation import Annotation, read_gtf
from ribolm.genome.coordinates import ranges
from ribolm.genome.exon_space import ExonSpace, build_exon_space
from ribolm.genome.fasta import Genome
from ribolm.peaks.bins import GcContent, build_grid, gc_content
from ribolm.peaks.call import ExaminedBins, Peaks
from ribolm.peaks.inputs import compare_bams, compare_genome, read_bam_header
from ribolm.peaks.libraries import IP
from ribolm.peaks.options import CallOptions
from ribolm.peaks.strandedness import choose_strandedness
from ribolm.peaks.summary import Choices
from ribolm.reads.alignments import LibraryCounts, Strandedness, count_fragments
from ribolm.reads.bin_grid import BinGrid
from ribolm.reads.fragment_bins import FragmentBins
from ribolm.reads.libraries import Library


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
    """One library with its counts over the grid, and what each of its fragments touches."""

    library: Library
    strandedness: Strandedness
    strandedness_source: str
    counts: LibraryCounts
    fragment_bins: FragmentBins

    @property
    def is_ip(self) -> bool:
        """Whether this is an IP library."""
        return self.library.assay == IP


def require_inputs(options: CallOptions) -> None:
    """Raise DataError for the first file that is missing, or an output folder that cannot be, before any is read."""
    require_folder_possible(options.outdir)
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
    space = build_exon_space(annotation, {name for header in headers for name in header.lengths})
    grid = build_grid(space, options.bin_size, options.step_size)
    gc = gc_content(space, grid, genome, options.fragment_length) if genome is not None else None
    return Reference(annotation, space, grid, genome, gc)


def count_libraries(
    options: CallOptions, reference: Reference, choices: Choices, open_files: ExitStack
) -> list[CountedLibrary]:
    """Count every library; IP first, then by name in byte order, so that no sum depends on the order given.

    What each fragment touches is kept in temporary files until `open_files` closes.
    """
    strandedness = choose_strandedness(options, reference.space, choices)
    ordered = sorted(options.libraries, key=lambda library: (library.assay != IP, library.name.encode()))
    counted = []
    with Progress("counting", len(ordered), "libraries") as progress:
        for library in ordered:
            bins = open_files.enter_context(FragmentBins(tempfile.gettempdir()))
            counted.append(_count_library(library, strandedness[library.name], options, reference, bins))
            progress.advance()
    return counted


def _count_library(
    library: Library,
    strandedness: tuple[Strandedness, str],
    options: CallOptions,
    reference: Reference,
    fragment_bins: FragmentBins,
) -> CountedLibrary:
    counts = count_fragments(
        library.path,
        reference.grid,
        reference.space.chroms,
        strandedness=strandedness[0],
        read_filter=options.read_filter,
        threads=options.threads,
        fragment_bins=fragment_bins,
    )
    for sentence in counts.notices:
        notice(sentence)
    if not counts.fragments_on_exons:
        notice(f"{library.name}: none of {counts.fragments:,} fragments lies on an exon; it stays out of the test.")
    return CountedLibrary(library, *strandedness, counts, fragment_bins)


def count_in_peaks(counted: Sequence[CountedLibrary], tested: ExaminedBins, peaks: Peaks, n_bins: int) -> list[int]:
    """Fragments of each library that touch a bin of a peak, each counted once."""
    in_peak = np.zeros(n_bins, dtype=np.bool_)
    in_peak[tested.bins[ranges(peaks.first, peaks.end - peaks.first)]] = True
    return [entry.fragment_bins.count_touching(in_peak) for entry in counted]
