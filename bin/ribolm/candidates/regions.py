"""Where to look for candidates: stretches of a genome, on one strand or both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.candidates.search import Candidates
from ribolm.console import notice
from ribolm.genome.coordinates import Int64, overlap_clusters
from ribolm.genome.regions import Region, read_bed, require_inside

Stretches = tuple[Int64, Int64]


class SearchRegions:
    """Regions by contig: those of a strand take candidates of that strand, those without take both.

    Of a BED12 region the blocks count. An anchor must lie inside; its window may reach out.
    """

    def __init__(self, regions: Iterable[Region]) -> None:
        parts: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for region in regions:
            for sign in {"+": (1,), "-": (-1,)}.get(region.strand, (1, -1)):
                parts.setdefault((region.chrom, sign), []).extend(region.blocks)
        self._merged = {place: _merged(blocks) for place, blocks in parts.items()}

    def holds(self, contig: str, found: Candidates) -> npt.NDArray[np.bool_]:
        """Which candidates of a contig lie in a region of their strand, bool [n]."""
        return self.covers(contig, found.anchor0, found.strand)

    def covers(self, contig: str, at0: Int64, strand: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
        """Which bases of a contig lie in a region of their strand, bool [n]."""
        kept = np.zeros(len(at0), dtype=bool)
        for sign in (1, -1):
            start0, end0 = self._stretches(contig, sign)
            rows = np.flatnonzero(strand == sign)
            at = np.searchsorted(start0, at0[rows], side="right") - 1
            if len(start0):
                kept[rows] = (at >= 0) & (at0[rows] < end0[np.maximum(at, 0)])
        return kept

    def length_nt(self, contig: str) -> float:
        """Bases of a contig inside, mean of both strands: a region of one strand counts half."""
        stretches = [self._stretches(contig, sign) for sign in (1, -1)]
        return sum(int((end0 - start0).sum()) for start0, end0 in stretches) / 2

    def hulls(self, contig: str, apart_nt: int) -> Iterator[tuple[int, int]]:
        """Stretches of a contig to search, ascending; regions less than `apart_nt` apart share one."""
        both = [self._stretches(contig, sign) for sign in (1, -1)]
        start0 = np.concatenate([part[0] for part in both])
        end0 = np.concatenate([part[1] for part in both])
        order = np.argsort(start0, kind="stable")
        begin = end = -1
        for low, high in zip(start0[order].tolist(), end0[order].tolist(), strict=True):
            if begin >= 0 and low - end >= apart_nt:
                yield begin, end
                begin = -1
            begin, end = (low, high) if begin < 0 else (begin, max(end, high))
        if begin >= 0:
            yield begin, end

    def _stretches(self, contig: str, sign: int) -> Stretches:
        none = np.zeros(0, dtype=np.int64)
        return self._merged.get((contig, sign), (none, none))


def read_search_regions(path: Path, lengths: Mapping[str, int], genome_label: str) -> SearchRegions:
    """Read a BED file whose regions all lie inside the genome (contig lengths by name).

    Raises DataError for contigs that the genome lacks or calls otherwise, and for an end beyond a contig. A file
    without a region is told: nothing will be found.
    """
    regions = read_bed(path)
    require_inside(path, regions, lengths, genome_label)
    if not regions:
        notice(f"{path.name}: holds no region, so nothing is searched.")
    return SearchRegions(regions)


def _merged(blocks: list[tuple[int, int]]) -> Stretches:
    start0, end0 = np.array(blocks, dtype=np.int64).T
    order, cluster = overlap_clusters(np.zeros(len(start0), dtype=np.int64), start0, end0)
    first = np.flatnonzero(np.r_[True, cluster[1:] != cluster[:-1]])
    return start0[order][first], np.maximum.reduceat(end0[order], first)
