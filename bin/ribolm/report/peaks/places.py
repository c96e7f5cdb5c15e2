"""Peaks as stretches of exon space, where "the same gene elsewhere" is a plain range of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.errors import DataError, UsageError
from ribolm.genome.coordinates import STRAND_CODE, Int64
from ribolm.genome.exon_space import ExonSpace
from ribolm.genome.regions import Region, read_bed
from ribolm.reads.libraries import check_name, split_name


@dataclass(frozen=True)
class PeakPlaces:
    """Peaks in exon space, m of them: `peak` (index into the input), `unit`, `start_nt`, `end_nt`, int64 [m].

    Low coordinate first on both strands. `unplaced` counts the peaks that touch no exon of their strand.
    """

    peak: Int64
    unit: Int64
    start_nt: Int64
    end_nt: Int64
    unplaced: int

    def __len__(self) -> int:
        return len(self.peak)


def read_named_peaks(arguments: Sequence[str], name: str = "") -> dict[str, list[Region]]:
    """Read `NAME=PATH` or `PATH` arguments into peaks by group, sorted by name.

    A bare path is called `name`, or else like its folder (peaks.bed) or file stem. Raises UsageError for equal names.
    """
    paths: dict[str, Path] = {}
    for argument in arguments:
        given, path_text = split_name(argument)
        path = Path(path_text)
        own = check_name(
            given or name or (path.resolve().parent.name if path.name == "peaks.bed" else path.stem),
        )
        if own in paths:
            raise UsageError(f"Two peak files are called '{own}'. Write NAME=PATH with different names.")
        paths[own] = path
    return {own: read_bed(paths[own]) for own in sorted(paths)}


def place_peaks(space: ExonSpace, peaks: Sequence[Region]) -> PeakPlaces:
    """Find each peak in exon space: the unit with most of its bases, from its first to its last base there.

    A peak without a strand is looked for on both. Raises DataError when no contig of the peaks is in the annotation.
    """
    if peaks and not {peak.chrom for peak in peaks} & set(space.chroms):
        raise DataError(
            f"No peak lies on a contig of the GTF: the peaks have '{peaks[0].chrom}', the GTF has '{space.chroms[0]}'. "
            "Use files of the same genome and naming style."
        )
    chrom_index = {name: i for i, name in enumerate(space.chroms)}
    lookup = _ExonLookup(space)
    found = [lookup.place(peak, chrom_index[peak.chrom]) if peak.chrom in chrom_index else None for peak in peaks]
    rows = np.array([(i, *place) for i, place in enumerate(found) if place], dtype=np.int64).reshape(-1, 4).T
    return PeakPlaces(rows[0], rows[1], rows[2], rows[3], sum(place is None for place in found))


class _ExonLookup:
    """Merged exons by contig and strand, sorted by coordinate, for overlap with single blocks."""

    def __init__(self, space: ExonSpace) -> None:
        self.space = space
        place = space.chrom.astype(np.int64)[space.exon_unit] * 2 + (space.strand[space.exon_unit] > 0)
        self.exons: dict[tuple[int, int], Int64] = {}
        for key in np.unique(place):
            rows = np.flatnonzero(place == key)
            self.exons[int(key) // 2, 1 if key % 2 else -1] = rows[np.argsort(space.exon_start0[rows])]

    def place(self, peak: Region, chrom: int) -> tuple[int, int, int] | None:
        """(unit, start_nt, end_nt) of the unit that holds most bases of the peak."""
        covered: dict[int, list[int]] = {}
        strands = [STRAND_CODE[peak.strand]] if peak.strand != "." else [1, -1]
        for strand in strands:
            rows = self.exons.get((chrom, strand))
            for start0, end0 in peak.blocks if rows is not None else ():
                self._cover(rows, start0, end0, covered)
        if not covered:
            return None
        unit = min(covered, key=lambda u: (-covered[u][0], u))
        return unit, covered[unit][1], covered[unit][2]

    def _cover(self, rows: Int64 | None, start0: int, end0: int, covered: dict[int, list[int]]) -> None:
        assert rows is not None
        space = self.space
        first = int(np.searchsorted(space.exon_end0[rows], start0, side="right"))
        for exon in rows[first:]:
            low, high = max(start0, int(space.exon_start0[exon])), min(end0, int(space.exon_end0[exon]))
            if low >= high:
                break
            shift = int(space.exon_offset_nt[exon] - space.exon_start0[exon])
            seen = covered.setdefault(int(space.exon_unit[exon]), [0, low + shift, high + shift])
            seen[:] = [seen[0] + high - low, min(seen[1], low + shift), max(seen[2], high + shift)]


def middle_bases(space: ExonSpace, places: PeakPlaces) -> list[tuple[str, int, str]]:
    """(chrom, position0, strand) of the middle base of every placed peak along spliced RNA."""
    middles = []
    for unit, start_nt, end_nt in zip(places.unit, places.start_nt, places.end_nt, strict=True):
        middle = int(start_nt + (end_nt - start_nt - 1) // 2)
        ((start0, _end0),) = space.blocks(int(unit), middle, middle + 1)
        middles.append((space.chroms[space.chrom[unit]], start0, "+" if space.strand[unit] > 0 else "-"))
    return middles


def free_mask(length_nt: int, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which bases of a unit lie in no peak; bool [length_nt]."""
    free = np.ones(length_nt, dtype=bool)
    for start, end in zip(starts, ends, strict=True):
        free[start:end] = False
    return free
