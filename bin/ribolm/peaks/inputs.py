"""Do the files of one call fit together? Asked before anything is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam

from ribolm.console import notice
from ribolm.errors import DataError, bad_value
from ribolm.genome.annotation import Annotation
from ribolm.genome.contigs import require_equal_lengths, require_one_naming_style, require_shared_contigs
from ribolm.genome.fasta import Genome
from ribolm.reads.bam_stream import open_bam


@dataclass(frozen=True)
class BamHeader:
    """Contig lengths of a BAM, and whether its header says that it is sorted by coordinate."""

    path: Path
    lengths: Mapping[str, int]
    sorted_by_coordinate: bool

    @property
    def label(self) -> str:
        """How messages call this file."""
        return f"BAM {self.path.name}"


def read_bam_header(path: Path) -> BamHeader:
    """Read the header of a BAM. Raises DataError for a file that is missing, no BAM, truncated or without contigs."""
    open_bam(path)
    try:
        with pysam.AlignmentFile(str(path), "rb", check_sq=False) as reader:
            lengths = dict(zip(reader.references, (int(nt) for nt in reader.lengths), strict=True))
            order = reader.header.to_dict().get("HD", {}).get("SO", "unknown")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the BAM header cannot be read ({error}). Copy or make the BAM again.") from error
    if not lengths:
        raise DataError(f"{path}: the header names no contig. Give alignments to the genome of the GTF.")
    return BamHeader(path, lengths, order == "coordinate")


def compare_bams(headers: Sequence[BamHeader], annotation: Annotation) -> None:
    """Refuse BAMs and a GTF of different genomes; tell of unsorted ones, which are counted as they are."""
    for header in headers:
        if not header.sorted_by_coordinate:
            notice(f"{header.path.name}: is not marked as sorted by coordinate; it is counted in the order it has.")
    first = headers[0]
    for header in headers:
        names = list(header.lengths)
        require_shared_contigs(header.label, names, annotation.label, annotation.chroms)
        require_one_naming_style(header.label, names, annotation.label, annotation.chroms)
        require_equal_lengths(first.label, first.lengths, header.label, header.lengths)
        refuse_exons_beyond(annotation, header.label, header.lengths)


def compare_genome(headers: Sequence[BamHeader], annotation: Annotation, genome: Genome) -> None:
    """Refuse a FASTA of another genome than the GTF's or the BAMs'; tell of contigs that it lacks."""
    require_shared_contigs(genome.label, genome.names, annotation.label, annotation.chroms)
    require_one_naming_style(genome.label, genome.names, annotation.label, annotation.chroms)
    for header in headers:
        names = list(header.lengths)
        require_shared_contigs(genome.label, genome.names, header.label, names)
        require_one_naming_style(genome.label, genome.names, header.label, names)
        require_equal_lengths(genome.label, genome.lengths, header.label, header.lengths)
    refuse_exons_beyond(annotation, genome.label, genome.lengths)
    known = set(genome.names)
    missing = [chrom for chrom in annotation.chroms if chrom not in known]
    if missing:
        notice(f"{genome.label} lacks {len(missing)} contigs of the GTF, first '{missing[0]}'; their bins have no GC.")


def refuse_exons_beyond(annotation: Annotation, label: str, lengths: Mapping[str, int]) -> None:
    """Raise DataError for the first exon that ends beyond its contig: the files are of different genome builds."""
    exons = annotation.exons
    limit = np.array([lengths.get(chrom, np.iinfo(np.int64).max) for chrom in annotation.chroms], dtype=np.int64)
    beyond = np.flatnonzero(exons.end0 > limit[exons.chrom])
    if beyond.size:
        row = int(beyond[0])
        chrom = annotation.chroms[exons.chrom[row]]
        problem = f"lies beyond the {lengths[chrom]:,} nt of contig '{chrom}' in {label}"
        remedy = f"{beyond.size:,} exons do; use files of one genome build."
        raise bad_value(annotation.path, int(exons.line[row]), "end", int(exons.end0[row]), problem, remedy)
