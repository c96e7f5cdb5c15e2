"""DRACH in the middle of peaks against matched windows: the same lengths, from the rest of the same genes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import DRACH, DRACH_A_OFFSET, Letters, motif_starts, reverse_complement
from ribolm.genome.coordinates import Int64
from ribolm.genome.exon_space import ExonSpace
from ribolm.genome.fasta import Genome
from ribolm.genome.transcripts import TranscriptModels, paint_regions
from ribolm.report.peaks.places import PeakPlaces, free_mask

DRAWS = 1000
CORE_NT = 100  # longer peaks are wider than their fragments tell: only their middle is compared
KEPT_DRAWS = 10  # of every peak's windows, these serve the profile and the logo
UNKNOWN = ord("N")


@dataclass(frozen=True)
class SplicedUnit:
    """One unit of exon space with its sequence, in RNA direction (5' to 3').

    `letters` uint8 [n]; `sites` int64: places of the A of every DRACH; `sites_before`, `valid_before` int64 [n + 1]:
    how many sites, and how many places whose five letters are all known, lie before each place.
    """

    letters: Letters
    sites: Int64
    sites_before: Int64
    valid_before: Int64
    known_before: Int64

    def count(self, start_nt: npt.NDArray[np.integer], end_nt: npt.NDArray[np.integer]) -> tuple[Int64, Int64]:
        """(DRACH, places that could hold one) of the windows [start_nt, end_nt), clipped to the unit."""
        n = len(self.letters)
        low, high = np.clip(start_nt, 0, n), np.clip(end_nt, 0, n)
        return self.sites_before[high] - self.sites_before[low], self.valid_before[high] - self.valid_before[low]


@dataclass(frozen=True)
class PlacedPeak:
    """The middle of a peak (at most `CORE_NT`) with its matched windows, places in RNA direction.

    `draws` int32 [DRAWS] are starts of windows. `disjoint` is how many windows that do not overlap each other the gene
    had room for, at least 1: the peak is one of 1 + `disjoint` places that are alike if its own is nothing special.
    """

    unit: int
    start_nt: int
    end_nt: int
    draws: npt.NDArray[np.int32]
    disjoint: int


class UnitStore:
    """Spliced units by number: sequences are kept, the index of sites only of the unit that was asked for last."""

    def __init__(self) -> None:
        self._letters: dict[int, Letters] = {}
        self._last: tuple[int, SplicedUnit] | None = None

    def __setitem__(self, unit: int, spliced: SplicedUnit) -> None:
        self._letters[unit] = spliced.letters
        self._last = (unit, spliced)

    def __getitem__(self, unit: int) -> SplicedUnit:
        if self._last is None or self._last[0] != unit:
            self._last = (unit, unit_of_letters(self._letters[unit]))
        return self._last[1]


@dataclass
class Background:
    """Peaks that have a matched background, and the count of those that do not."""

    units: UnitStore = field(default_factory=UnitStore)
    peaks: list[PlacedPeak] = field(default_factory=list)
    matched_on_region: int = 0
    matched_on_gene_only: int = 0
    without_place: int = 0
    without_sequence: int = 0
    unplaced: int = 0


def spliced_unit(space: ExonSpace, genome: Genome, unit: int) -> SplicedUnit:
    """Splice the exons of a unit. Raises DataError when an exon lies beyond its contig."""
    chrom = space.chroms[space.chrom[unit]]
    blocks = space.blocks(unit, 0, int(space.length_nt[unit]))
    letters = np.concatenate([genome.fetch(chrom, start0, end0) for start0, end0 in blocks])
    return unit_of_letters(reverse_complement(letters) if space.strand[unit] < 0 else letters)


def unit_of_letters(letters: Letters) -> SplicedUnit:
    """Index the DRACH sites of a spliced sequence that is given in RNA direction."""
    known = letters != UNKNOWN
    n, width = len(letters), len(DRACH)
    valid = np.zeros(n, dtype=bool)
    if n >= width:
        whole = np.lib.stride_tricks.sliding_window_view(known, width).all(axis=1)
        valid[DRACH_A_OFFSET : n - width + 1 + DRACH_A_OFFSET] = whole
    sites = motif_starts(letters) + DRACH_A_OFFSET
    is_site = np.zeros(n, dtype=bool)
    is_site[sites] = True
    return SplicedUnit(letters, sites, _before(is_site), _before(valid), _before(known))


def draw_background(
    space: ExonSpace, models: TranscriptModels, genome: Genome, places: PeakPlaces, seed: int
) -> Background:
    """For every peak draw `DRAWS` windows as long as its middle (at most `CORE_NT`) from its own gene.

    A window touches no peak and no unknown letter, and its middle lies in the same region (5'UTR, CDS, 3'UTR,
    non-coding) as the peak's; where the gene has no such place left, any other place of the gene will do.
    """
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(1,))))
    found = Background(unplaced=places.unplaced)
    units = np.unique(places.unit)
    for unit, regions in zip(units.tolist(), paint_regions(space, models, units), strict=True):
        rows = np.flatnonzero(places.unit == unit)
        found.units[unit] = spliced_unit(space, genome, unit)
        starts, ends = _rna_direction(space, unit, places.start_nt[rows], places.end_nt[rows])
        flipped = regions[::-1] if space.strand[unit] < 0 else regions
        _draw_for_unit(found, unit, starts, ends, flipped, random)
    return found


def _draw_for_unit(
    found: Background,
    unit: int,
    starts: Int64,
    ends: Int64,
    regions: npt.NDArray[np.uint8],
    random: np.random.Generator,
) -> None:
    sequence = found.units[unit]
    free_before = _before(free_mask(len(sequence.letters), starts, ends))
    for start, end in sorted(map(core, starts.tolist(), ends.tolist())):
        if sequence.valid_before[end] == sequence.valid_before[start]:
            found.without_sequence += 1
            continue
        width = end - start
        possible = np.flatnonzero(
            (free_before[width:] - free_before[:-width] == width)
            & (sequence.known_before[width:] - sequence.known_before[:-width] == width)
        )
        half = (width - 1) // 2
        alike = possible[regions[possible + half] == regions[start + half]]
        if not len(possible):
            found.without_place += 1
            continue
        found.matched_on_region += len(alike) > 0
        found.matched_on_gene_only += len(alike) == 0
        choice = alike if len(alike) else possible
        draws = choice[random.integers(len(choice), size=DRAWS)].astype(np.int32)
        found.peaks.append(PlacedPeak(unit, start, end, draws, disjoint_windows(choice, width)))


def core(start_nt: int, end_nt: int) -> tuple[int, int]:
    """The middle `CORE_NT` of a stretch, or all of it where it is shorter."""
    cut = max(end_nt - start_nt - CORE_NT, 0)
    return start_nt + cut // 2, start_nt + cut // 2 + min(end_nt - start_nt, CORE_NT)


def disjoint_windows(starts: Int64, width_nt: int) -> int:
    """How many windows without overlap fit among ascending starts of possible windows, counted run by run."""
    cuts = np.flatnonzero(np.diff(starts) > 1)
    runs = np.diff(np.concatenate([[0], cuts + 1, [len(starts)]]))
    return int(np.sum((runs + width_nt - 1) // width_nt))


def kept_windows(found: Background) -> Iterator[tuple[SplicedUnit, PlacedPeak, npt.NDArray[np.int32]]]:
    """(unit, peak, starts int32 [KEPT_DRAWS]) of every peak, for pictures."""
    for peak in found.peaks:
        yield found.units[peak.unit], peak, peak.draws[:KEPT_DRAWS]


def _rna_direction(space: ExonSpace, unit: int, start_nt: Int64, end_nt: Int64) -> tuple[Int64, Int64]:
    if space.strand[unit] > 0:
        return start_nt, end_nt
    length = int(space.length_nt[unit])
    return length - end_nt, length - start_nt


def _before(mask: npt.NDArray[np.bool_]) -> Int64:
    """How many are set before each place; int64 [n + 1]."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(mask, dtype=np.int64)])
