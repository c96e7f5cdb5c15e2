"""Candidates of a genome as BED6 in blocked gzip, sorted as `tabix -p bed` wants it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import CandidateRule
from ribolm.candidates.regions import SearchRegions
from ribolm.candidates.search import CHUNK_NT, Candidates, candidate_chunks
from ribolm.console import Progress, notice
from ribolm.errors import UsageError
from ribolm.genome.bgzf import bgzf_file
from ribolm.genome.fasta import Genome

MANY_UNKNOWN = 0.1


@dataclass
class SearchCounts:
    """What a search saw: candidates per strand, bases, bases that are N, contigs shorter than a window."""

    plus: int = 0
    minus: int = 0
    bases_nt: int = 0
    unknown_nt: int = 0
    short_contigs: int = 0

    @property
    def candidates(self) -> int:
        """Of both strands."""
        return self.plus + self.minus


def genome_candidates(
    genome: Genome,
    rule: CandidateRule,
    regions: SearchRegions | None = None,
    chunk_nt: int = CHUNK_NT,
    counts: SearchCounts | None = None,
) -> Iterator[tuple[str, Candidates]]:
    """Yield (contig, its candidates) chunk by chunk, in the order of the FASTA; those inside `regions` where given."""
    counts = counts or SearchCounts()
    for k, name in enumerate(genome.names):
        sequence = genome.data[genome.offsets[k] : genome.offsets[k + 1]]
        counts.short_contigs += len(sequence) < rule.window_nt
        for begin, end in regions.hulls(name, chunk_nt) if regions else ((0, len(sequence)),):
            for found in candidate_chunks(sequence, rule, chunk_nt, begin, end):
                kept = found.take(regions.holds(name, found)) if regions else found
                counts.plus += int(np.count_nonzero(kept.strand > 0))
                counts.minus += int(np.count_nonzero(kept.strand < 0))
                yield name, kept
            counts.bases_nt += end - begin
            counts.unknown_nt += _unknown_nt(sequence, begin, end)


def _unknown_nt(sequence: Letters, begin: int, end: int) -> int:
    """Bases of a stretch that are N, counted a chunk at a time."""
    chunks = (sequence[first : min(first + CHUNK_NT, end)] for first in range(begin, end, CHUNK_NT))
    return sum(int(np.count_nonzero(chunk == ord("N"))) for chunk in chunks)


def write_candidates(
    path: Path,
    genome: Genome,
    rule: CandidateRule,
    regions: SearchRegions | None = None,
    chunk_nt: int = CHUNK_NT,
) -> SearchCounts:
    """Write one line per candidate: contig, A, A + 1, `HEXAMER@-d`, 0, strand. Nothing to find is an empty file.

    Memory: one chunk, beside the genome. Raises UsageError for a name that promises no compression.
    """
    if path.suffix not in (".gz", ".bgz"):
        raise UsageError(f"--out {path}: is written as blocked gzip. Let the name end with .bed.gz.")
    counts = SearchCounts()
    names = pl.Series([rule.name(hexamer, d) for hexamer in range(len(rule.hexamers)) for d in range(64)])
    with (
        bgzf_file(path) as writer,
        Progress("searching", len(genome.data), "nt") as progress,
    ):
        for contig, found in genome_candidates(genome, rule, regions, chunk_nt, counts):
            writer.write(bed_lines(contig, found, names))
            progress.advance(chunk_nt)
    _tell(genome, rule, counts)
    return counts


def bed_lines(contig: str, found: Candidates, names: pl.Series) -> bytes:
    """BED6 text of candidates; `names` by hexamer * 64 + distance."""
    strands = pl.Series(["-", "+"])
    table = pl.DataFrame(
        {
            "chrom": pl.repeat(contig, len(found), eager=True),
            "start0": found.anchor0,
            "end0": found.anchor0 + 1,
            "name": names.gather(found.hexamer.astype(np.int64) * 64 + found.distance_nt),
            "score": pl.repeat(0, len(found), eager=True),
            "strand": strands.gather((found.strand > 0).astype(np.int64)),
        }
    )
    text = io.BytesIO()
    table.write_csv(text, include_header=False, separator="\t", quote_style="never")
    return text.getvalue()


def _tell(genome: Genome, rule: CandidateRule, counts: SearchCounts) -> None:
    if counts.short_contigs:
        notice(f"{genome.label}: {counts.short_contigs:,} contigs are shorter than a window of {rule.window_nt} nt.")
    if counts.unknown_nt > MANY_UNKNOWN * counts.bases_nt:
        share = 100 * counts.unknown_nt / counts.bases_nt
        notice(f"{genome.label}: {share:.0f} % of the bases searched are N; windows that hold one give no candidate.")
    if not counts.candidates:
        notice(f"{genome.label}: no candidate was found; the result is empty.")
