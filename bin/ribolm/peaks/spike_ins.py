"""Size factors from reads on spike-in contigs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.files import atomic_path, open_text
from ribolm.peaks.inputs import read_bam_header
from ribolm.peaks.libraries import SIZE_FACTOR_HEADER
from ribolm.reads.alignments import ReadFilter, count_fragments
from ribolm.reads.bin_grid import BinGrid
from ribolm.reads.libraries import Library

FEW_FRAGMENTS = 100


def write_spike_in_factors(
    libraries: Sequence[Library], contigs: Path, out: Path, read_filter: ReadFilter | None = None, threads: int = 1
) -> None:
    """Write `name, size_factor`: fragments on spike-in contigs over their geometric mean over libraries.

    `read_filter`: which alignments count, as in peak calling; primary ones of any quality by default.

    Raises DataError where no contig is named, a BAM lacks one, or a library has no fragment on them.
    """
    names = read_contig_names(contigs)
    fragments = [_spike_in_fragments(library, names, contigs, read_filter, threads) for library in libraries]
    factors = np.exp(np.log(fragments) - np.log(fragments).mean())
    with atomic_path(out) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write("\t".join(SIZE_FACTOR_HEADER) + "\n")
        for library, factor in zip(libraries, factors, strict=True):
            handle.write(f"{library.name}\t{float(factor)!r}\n")


def read_contig_names(path: Path) -> list[str]:
    """One name per line; empty lines are skipped. Raises DataError for a file without any."""
    with open_text(path) as handle:
        names = [line.split()[0] for line in handle if line.strip()]
    if not names:
        raise DataError(f"{path}: names no contig. Give one spike-in contig per line.")
    return list(dict.fromkeys(names))


def _spike_in_fragments(
    library: Library, names: Sequence[str], contigs: Path, read_filter: ReadFilter | None, threads: int
) -> int:
    lengths = read_bam_header(library.path).lengths
    for row, name in enumerate(names, start=1):
        if name not in lengths:
            raise DataError(
                f"{contigs.name} line {row}: contig '{name}' is not in the header of {library.path.name}. "
                "Align to the genome together with the spike-in sequences."
            )
    grid = whole_contig_grid([lengths[name] for name in names])
    counts = count_fragments(
        library.path, grid, names, strandedness="unstranded", read_filter=read_filter, threads=threads
    )
    found = counts.fragments_on_exons
    if not found:
        raise DataError(
            f"{library.path.name}: library '{library.name}' has no fragment on the {len(names)} spike-in contigs. "
            "Leave the spike-ins out, or remove the library."
        )
    if found < FEW_FRAGMENTS:
        notice(f"{library.name}: only {found} fragments lie on spike-in contigs; its size factor is uncertain.")
    return found


def whole_contig_grid(lengths: Sequence[int]) -> BinGrid:
    """A grid of one bin per contig, plus strand, in the order given."""
    number = len(lengths)
    length = np.array(lengths, dtype=np.int64)
    widest = int(length.max())
    return BinGrid(
        segment_chrom=np.arange(number, dtype=np.int32),
        segment_strand=np.ones(number, dtype=np.int8),
        segment_start0=np.zeros(number, dtype=np.int64),
        segment_end0=length,
        segment_exon_offset=np.zeros(number, dtype=np.int64),
        segment_gene=np.arange(number, dtype=np.int32),
        gene_first_bin=np.arange(number, dtype=np.int64),
        gene_n_bins=np.ones(number, dtype=np.int64),
        gene_length_nt=length,
        bin_size=widest,
        step_size=widest,
    )
