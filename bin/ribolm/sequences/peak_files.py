"""Peaks of users: BED files checked against a genome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.genome.regions import Region, read_bed, require_inside


def read_peaks(path: Path | str, lengths: Mapping[str, int], genome_label: str, has_genes: bool) -> list[Region]:
    """Read one BED file whose regions all lie inside the genome (contig lengths by name).

    Raises DataError for: a contig that the genome lacks or calls otherwise, an end beyond its contig, and regions
    without strand where no genes are given that could tell it. With genes, those are told in a notice and stand for
    both strands. An empty file gives no region.
    """
    path = Path(path)
    regions = read_bed(path)
    require_inside(path, regions, lengths, genome_label)
    _look_at_strands(path, regions, has_genes)
    return regions


def _look_at_strands(path: Path, regions: Sequence[Region], has_genes: bool) -> None:
    strandless = [region for region in regions if region.strand == "."]
    if not strandless:
        return
    first = strandless[0]
    if not has_genes:
        raise DataError(
            f"{path.name}: {len(strandless):,} regions have no strand, the first is '{first.name}' "
            f"({first.chrom}:{first.start0}-{first.end0}). Give --gtf, or a BED with + or - in column 6."
        )
    notice(f"{path.name}: {len(strandless):,} regions have no strand; the genes under them on both strands are read.")
