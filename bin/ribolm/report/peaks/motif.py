"""Is DRACH enriched in peaks? One odds ratio with its interval and test, and where the motif lies."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from ribolm.evaluation.proportions import Estimate, wilson
from ribolm.genome.coordinates import Int64
from ribolm.report.peaks.motif_background import DRAWS, Background, SplicedUnit, kept_windows

BOOTSTRAP_DRAWS = 1000
FLANK_NT = 10  # letters shown on either side of the A
REACH_NT = 100  # a DRACH counts as a peak's own up to here from its middle
PROFILE_NT = 300
PROFILE_STEP_NT = 20
BASES = "ACGT"
TEST = f"one-sided Monte Carlo permutation of peaks and disjoint windows within genes, {DRAWS:,} draws"
INTERVAL = f"percentile bootstrap over genes, {BOOTSTRAP_DRAWS:,} draws"


@dataclass(frozen=True)
class MotifResult:
    """DRACH of one group. `odds_ratio.n` is the number of peaks; shares are of peaks, or of windows, with a DRACH."""

    name: str
    peaks: int
    peaks_used: int
    genes: int
    unplaced: int
    without_sequence: int
    without_place: int
    matched_on_region: int
    matched_on_gene_only: int
    drach_in_peaks: int
    places_in_peaks: int
    per_100_nt_in_peaks: float | None
    per_100_nt_in_background: float | None
    odds_ratio: Estimate
    p_value: float | None
    share_with_drach: Estimate
    background_share_with_drach: float | None
    seed: int

    def as_json(self) -> dict[str, object]:
        """All numbers, with the names of test and interval."""
        return {**asdict(self), "motif": "DRACH", "test": TEST, "interval": INTERVAL, "draws": DRAWS}


def measure_motif(name: str, n_peaks: int, found: Background, seed: int) -> MotifResult:
    """Compare DRACH per place between peaks and their matched windows.

    Odds = DRACH : other places whose five letters are known. p = (1 + draws at least as high) / (1 + draws), where in a
    draw every peak stands for itself with chance 1 / (1 + disjoint windows) and is replaced by a window otherwise, as
    if its place were one of many alike.
    """
    table = _per_peak(found, np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(3,)))))
    units, owner = np.unique([peak.unit for peak in found.peaks], return_inverse=True)
    inside, valid, expected, expected_valid = table.sums.sum(axis=0) if len(found.peaks) else np.zeros(4)
    observed = _odds(np.array([inside]), np.array([valid]))[0]
    drawn = _odds(table.drawn_sites, table.drawn_valid)
    as_high = int(np.sum(drawn >= observed - 1e-12)) if len(found.peaks) else 0
    return MotifResult(
        name=name,
        peaks=n_peaks,
        peaks_used=len(found.peaks),
        genes=len(units),
        unplaced=found.unplaced,
        without_sequence=found.without_sequence,
        without_place=found.without_place,
        matched_on_region=found.matched_on_region,
        matched_on_gene_only=found.matched_on_gene_only,
        drach_in_peaks=int(inside),
        places_in_peaks=int(valid),
        per_100_nt_in_peaks=float(100 * inside / valid) if valid else None,
        per_100_nt_in_background=float(100 * expected / expected_valid) if expected_valid else None,
        odds_ratio=_odds_ratio(table.sums, owner, len(units), seed),
        p_value=(1 + as_high) / (1 + DRAWS) if len(found.peaks) else None,
        share_with_drach=wilson(int(np.sum(table.sums[:, 0] > 0)), len(found.peaks)),
        background_share_with_drach=float(table.drawn_with.mean()) if len(found.peaks) else None,
        seed=seed,
    )


@dataclass(frozen=True)
class _Counts:
    """`sums` [peaks, 4]: DRACH and places in the peak, then means over its windows; totals over peaks per draw."""

    sums: npt.NDArray[np.float64]
    drawn_with: npt.NDArray[np.float64]
    drawn_sites: npt.NDArray[np.float64]
    drawn_valid: npt.NDArray[np.float64]


def _per_peak(found: Background, random: np.random.Generator) -> _Counts:
    sums = np.zeros((len(found.peaks), 4))
    drawn_with = np.zeros(len(found.peaks))
    drawn_sites, drawn_valid = np.zeros(DRAWS), np.zeros(DRAWS)
    for i, peak in enumerate(found.peaks):
        unit = found.units[peak.unit]
        inside, valid = unit.count(np.array([peak.start_nt]), np.array([peak.end_nt]))
        sites, places = unit.count(peak.draws, peak.draws + peak.end_nt - peak.start_nt)
        sums[i] = inside[0], valid[0], sites.mean(), places.mean()
        drawn_with[i] = np.mean(sites > 0)
        stays = random.random(DRAWS) < 1 / (1 + peak.disjoint)
        drawn_sites += np.where(stays, inside[0], sites)
        drawn_valid += np.where(stays, valid[0], places)
    return _Counts(sums, drawn_with, drawn_sites, drawn_valid)


def _odds(sites: npt.NDArray[np.float64], valid: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(sites) / np.maximum(np.asarray(valid) - sites, 1e-9)


def _odds_ratio(sums: npt.NDArray[np.float64], owner: Int64, n_genes: int, seed: int) -> Estimate:
    """Pooled odds ratio; the interval resamples genes, because peaks of one gene are not independent."""
    if not len(sums) or sums[:, 2].sum() == 0:
        return Estimate(None, None, None, len(sums))
    by_gene = np.zeros((n_genes, 4))
    np.add.at(by_gene, owner, sums)
    value = float(_ratio(by_gene.sum(axis=0)[None])[0])
    if n_genes < 2:
        return Estimate(value, None, None, len(sums))
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(2,))))
    totals = np.array(
        [by_gene[random.integers(n_genes, size=n_genes)].sum(axis=0) for _ in range(BOOTSTRAP_DRAWS)], dtype=float
    )
    drawn = _ratio(totals[totals[:, 2] > 0])
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(value, float(low), float(high), len(sums))


def _ratio(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return _odds(sums[:, 0], sums[:, 1]) / _odds(sums[:, 2], sums[:, 3])


def motif_profile(found: Background) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """DRACH per 100 nt by distance from the middle, 5' to 3', in steps of 20 nt: (of peaks, of windows)."""
    edges = np.arange(-PROFILE_NT, PROFILE_NT + 1, PROFILE_STEP_NT)
    totals = np.zeros((2, 2, len(edges) - 1))
    for unit, peak, starts in kept_windows(found):
        half = (peak.end_nt - peak.start_nt - 1) // 2
        for which, middles in enumerate((np.array([peak.start_nt + half]), starts + half)):
            sites, valid = unit.count(middles[:, None] + edges[:-1], middles[:, None] + edges[1:])
            totals[which] += sites.sum(axis=0), valid.sum(axis=0)
    centre = (edges[:-1] + edges[1:]) / 2
    lines = [
        [(float(x), round(float(100 * s / v), 4)) for x, s, v in zip(centre, *totals[which], strict=True) if v]
        for which in (0, 1)
    ]
    return lines[0], lines[1]


def motif_letters(found: Background) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Letter counts [2 * FLANK_NT + 1, 4 (ACGT)] around the DRACH nearest to the middle: (of peaks, of windows).

    A DRACH further than `REACH_NT` from the middle, or too near to an end or unknown letters, is not taken.
    """
    counts = np.zeros((2, 2 * FLANK_NT + 1, len(BASES)), dtype=np.int64)
    for unit, peak, starts in kept_windows(found):
        half = (peak.end_nt - peak.start_nt - 1) // 2
        _add_letters(counts[0], unit, peak.start_nt + half)
        for start in starts:
            _add_letters(counts[1], unit, int(start) + half)
    return counts[0], counts[1]


def nearest_site(unit: SplicedUnit, middle_nt: int) -> int | None:
    """Place of the DRACH A nearest to `middle_nt` (the 5' one of two at equal distance), None beyond `REACH_NT`."""
    at = int(np.searchsorted(unit.sites, middle_nt))
    near = unit.sites[max(at - 1, 0) : at + 1]
    if not len(near):
        return None
    site = int(near[np.argmin(np.abs(near - middle_nt))])
    return site if abs(site - middle_nt) <= REACH_NT else None


def _add_letters(counts: npt.NDArray[np.int64], unit: SplicedUnit, middle_nt: int) -> None:
    site = nearest_site(unit, middle_nt)
    if site is None or site < FLANK_NT or site + FLANK_NT >= len(unit.letters):
        return
    window = unit.letters[site - FLANK_NT : site + FLANK_NT + 1]
    hits = window[:, None] == np.frombuffer(BASES.encode(), dtype=np.uint8)
    if hits.any(axis=1).all():
        counts += hits
