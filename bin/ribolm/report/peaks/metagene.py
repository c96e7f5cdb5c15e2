"""Where peaks lie along transcripts, and where they would lie if each fell anywhere on its own transcript."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.evaluation.proportions import Estimate, wilson
from ribolm.genome.coordinates import Int64
from ribolm.genome.exon_space import ExonSpace
from ribolm.genome.regions import Region
from ribolm.genome.transcripts import NONCODING, REGIONS, UTR3, TranscriptModels
from ribolm.report.peaks.places import middle_bases, place_peaks

Float64 = npt.NDArray[np.float64]

STOP_CODON_NT = 3
NEAR_STOP_NT = 200
STOP_REACH_NT = 1000
STOP_STEP_NT = 50
CODING = tuple(REGIONS[:NONCODING])


@dataclass(frozen=True)
class PeakPositions:
    """Middle bases of peaks on transcripts, k of them: `model`, `place_nt` (from the 5' end), int64 [k].

    `cds_start_nt`, `cds_end_nt`, `length_nt` int64 [k] describe the transcript of each peak (-1 without CDS).
    `unplaced` peaks have no exon under their middle base.
    """

    name: str
    peaks: int
    unplaced: int
    model: Int64
    place_nt: Int64
    cds_start_nt: Int64
    cds_end_nt: Int64
    length_nt: Int64

    @property
    def coding(self) -> npt.NDArray[np.bool_]:
        """Which peaks lie on a transcript with a coding region; bool [k]."""
        return self.cds_start_nt >= 0

    def take(self, rows: npt.NDArray[np.bool_]) -> "PeakPositions":
        """Select peaks by mask."""
        columns = (self.model, self.place_nt, self.cds_start_nt, self.cds_end_nt, self.length_nt)
        return PeakPositions(self.name, self.peaks, self.unplaced, *(column[rows] for column in columns))

    def bounds(self) -> Int64:
        """Ends of the regions of every transcript: 0, start of CDS, end of CDS, length; int64 [4, k]."""
        return np.stack([np.zeros_like(self.length_nt), self.cds_start_nt, self.cds_end_nt, self.length_nt])

    def from_stop_nt(self) -> Int64:
        """Distance to the first base of the stop codon, negative upstream; int64 [k]."""
        return self.place_nt - (self.cds_end_nt - STOP_CODON_NT)


def locate_middles(name: str, space: ExonSpace, models: TranscriptModels, peaks: Sequence[Region]) -> PeakPositions:
    """Put the middle base of every peak on the first-choice transcript there."""
    places = place_peaks(space, peaks)
    found = [models.locate(*middle) for middle in middle_bases(space, places)]
    rows = np.array([place for place in found if place], dtype=np.int64).reshape(-1, 2).T
    model = rows[0]
    columns = (models.cds_start_nt[model], models.cds_end_nt[model], models.length_nt[model])
    return PeakPositions(name, len(peaks), len(peaks) - len(model), model, rows[1], *columns)


@dataclass(frozen=True)
class MetageneAxis:
    """A common axis from 0 to 1: `borders` float64 [regions + 1], and the bins, `edges` float64 [bins + 1].

    `lengths_nt`: median length of each region; () where relative position along the transcript is shown.
    """

    borders: Float64
    edges: Float64
    lengths_nt: tuple[float, ...]


def metagene_axis(groups: Sequence[PeakPositions]) -> MetageneAxis:
    """Scale regions to the median lengths over the coding transcripts that carry peaks; without CDS one region.

    About ten peaks of the smallest group per bin, 12 to 60 bins.
    """
    coding = [group.take(group.coding) for group in groups]
    sizes = [len(group.model) for group in coding if len(group.model)]
    if not sizes:
        sizes = [len(group.model) for group in groups if len(group.model)] or [0]
        return MetageneAxis(np.array([0.0, 1.0]), np.linspace(0, 1, _bin_count(min(sizes)) + 1), ())
    bounds = np.concatenate([group.bounds() for group in coding], axis=1)
    models = np.concatenate([group.model for group in coding])
    distinct = np.unique(models, return_index=True)[1]
    lengths = np.median(np.diff(bounds[:, distinct], axis=0), axis=1)
    borders = np.r_[0.0, np.cumsum(lengths)] / max(lengths.sum(), 1.0)
    per_region = np.maximum(np.round(np.diff(borders) * _bin_count(min(sizes))), np.diff(borders) > 0).astype(int)
    pieces = [np.linspace(a, b, n + 1)[:-1] for a, b, n in zip(borders[:-1], borders[1:], per_region, strict=True)]
    return MetageneAxis(borders, np.r_[np.concatenate(pieces), 1.0], tuple(float(x) for x in lengths))


def _bin_count(n_peaks: int) -> int:
    return int(np.clip(n_peaks // 10, 12, 60))


def metagene_density(group: PeakPositions, axis: MetageneAxis) -> tuple[Float64, Float64]:
    """Density of the peaks per bin of the axis, and the density if every peak fell anywhere on its transcript.

    Both float64 [bins], mean 1 over the axis. Only peaks of coding transcripts where the axis has regions.
    """
    if not axis.lengths_nt:
        scaled = (group.place_nt + 0.5) / np.maximum(group.length_nt, 1)
        return _density(scaled, axis.edges), np.ones(len(axis.edges) - 1)
    group = group.take(group.coding)
    bounds = group.bounds()
    region = np.sum(group.place_nt >= bounds[1:3], axis=0)
    k = np.arange(len(region))
    length = np.maximum(bounds[region + 1, k] - bounds[region, k], 1)
    inside = (group.place_nt + 0.5 - bounds[region, k]) / length
    width = np.diff(axis.borders)
    scaled = axis.borders[region] + inside * width[region]
    middle = (axis.edges[:-1] + axis.edges[1:]) / 2
    of_bin = np.clip(np.searchsorted(axis.borders, middle, side="right") - 1, 0, len(width) - 1)
    mass = expected_region_shares(group)
    return _density(scaled, axis.edges), (mass / np.where(width > 0, width, 1.0))[of_bin]


def _density(scaled: Float64, edges: Float64) -> Float64:
    counts = np.histogram(scaled, edges)[0]
    return np.asarray(counts / max(len(scaled), 1) / np.diff(edges), dtype=np.float64)


def expected_region_shares(group: PeakPositions) -> Float64:
    """Mean share of 5'UTR, CDS and 3'UTR in the length of the peaks' transcripts; float64 [3]."""
    if not len(group.model):
        return np.zeros(len(CODING))
    return np.asarray(np.mean(np.diff(group.bounds(), axis=0) / group.length_nt, axis=1), dtype=np.float64)


def stop_profile(group: PeakPositions) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Share (%) of coding peaks per 50 nt around the stop codon: (peaks, expected anywhere on their transcripts)."""
    group = group.take(group.coding)
    if not len(group.model):
        return [], []
    edges = np.arange(-STOP_REACH_NT, STOP_REACH_NT + 1, STOP_STEP_NT)
    found = np.histogram(group.from_stop_nt(), edges)[0] / len(group.model)
    expected = [_chance_between(group, int(a), int(b)) for a, b in pairwise(edges)]
    centre = (edges[:-1] + edges[1:]) / 2
    return (
        [(float(x), round(100 * float(y), 4)) for x, y in zip(centre, found, strict=True)],
        [(float(x), round(100 * y, 4)) for x, y in zip(centre, expected, strict=True)],
    )


def _chance_between(group: PeakPositions, low_nt: int, high_nt: int) -> float:
    """Mean chance that a random base of a peak's transcript lies in [low, high) from its stop codon."""
    stop = group.cds_end_nt - STOP_CODON_NT
    start, end = np.clip(stop + low_nt, 0, group.length_nt), np.clip(stop + high_nt, 0, group.length_nt)
    return float(np.mean((end - start) / group.length_nt))


@dataclass(frozen=True)
class MetageneResult:
    """Numbers of one group: shares of coding peaks by region, and near the stop codon, beside what chance gives."""

    name: str
    peaks: int
    unplaced: int
    on_coding: int
    on_non_coding: int
    near_stop: Estimate
    near_stop_expected: float | None
    regions: dict[str, Estimate]
    regions_expected: dict[str, float | None]

    def as_json(self) -> dict[str, Any]:
        """All numbers as plain objects."""
        plain = {key: value for key, value in vars(self).items() if key not in ("near_stop", "regions")}
        regions = {region: vars(share) for region, share in self.regions.items()}
        return {**plain, "near_stop": vars(self.near_stop), "regions": regions, "near_stop_nt": NEAR_STOP_NT}


def measure_metagene(group: PeakPositions) -> MetageneResult:
    """Count the peaks of a group by region and near the stop codon."""
    coding = group.take(group.coding)
    n = len(coding.model)
    region = np.sum(coding.place_nt >= coding.bounds()[1:3], axis=0)
    counts = np.bincount(region, minlength=UTR3 + 1)
    expected = expected_region_shares(coding)
    near = int(np.sum(np.abs(coding.from_stop_nt()) <= NEAR_STOP_NT))
    return MetageneResult(
        name=group.name,
        peaks=group.peaks,
        unplaced=group.unplaced,
        on_coding=n,
        on_non_coding=len(group.model) - n,
        near_stop=wilson(near, n),
        near_stop_expected=_chance_between(coding, -NEAR_STOP_NT, NEAR_STOP_NT + 1) if n else None,
        regions={name: wilson(int(c), n) for name, c in zip(CODING, counts, strict=True)},
        regions_expected={name: float(e) if n else None for name, e in zip(CODING, expected, strict=True)},
    )
