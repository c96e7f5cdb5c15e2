"""DRACH counts, matched windows and their statistics on sequences one can count by hand."""

import numpy as np
import pytest

from ribolm.alphabet import letters
from ribolm.genome.annotation import read_gtf
from ribolm.genome.exon_space import build_exon_space
from ribolm.genome.fasta import Genome
from ribolm.genome.regions import read_bed
from ribolm.genome.transcripts import build_transcript_models, paint_regions
from ribolm.report.peaks.motif import measure_motif, motif_letters, motif_profile, nearest_site
from ribolm.report.peaks.motif_background import (
    DRAWS,
    core,
    disjoint_windows,
    draw_background,
    spliced_unit,
    unit_of_letters,
)
from ribolm.report.peaks.places import place_peaks

# GGACT at 2..6 (A at 4), AAACC at 10..14 (A at 12), N at 16
TEXT = "TTGGACTTTTAAACCTNTTTGGACA"


def test_sites_and_known_places_are_counted_by_their_a() -> None:
    unit = unit_of_letters(letters(TEXT))
    assert unit.sites.tolist() == [4, 12, 22]
    starts, ends = np.array([0, 4, 5, 0]), np.array([5, 5, 12, 25])
    sites, places = unit.count(starts, ends)
    assert sites.tolist() == [1, 1, 0, 3]
    # of 25 places the first and last two have no five letters, and five are lost to the N at 17
    assert places.tolist() == [3, 1, 7, 16]


def test_windows_beyond_the_ends_are_clipped() -> None:
    sites, places = unit_of_letters(letters(TEXT)).count(np.array([-50, 20]), np.array([5, 90]))
    assert sites.tolist() == [1, 1] and places.tolist() == [3, 3]


@pytest.mark.parametrize(("middle", "site"), [(4, 4), (8, 4), (9, 12), (0, 4), (24, 22), (200, None)])
def test_the_nearest_site_is_taken_and_the_5_prime_one_of_two(middle: int, site: int | None) -> None:
    assert nearest_site(unit_of_letters(letters(TEXT)), middle) == site


@pytest.mark.parametrize(
    ("starts", "width", "n"),
    [([0], 10, 1), (range(10), 10, 1), (range(11), 10, 2), ([*range(11), *range(50, 61)], 10, 4), ([3, 40], 10, 2)],
)
def test_disjoint_windows_are_counted_run_by_run(starts, width: int, n: int) -> None:
    assert disjoint_windows(np.array(list(starts)), width) == n


def background(run, which: int = 0, seed: int = 1):
    annotation = read_gtf(run.gtf)
    space, models = build_exon_space(annotation), build_transcript_models(annotation)
    peaks = read_bed(run.folders[which] / "peaks.bed")
    return space, models, draw_background(space, models, Genome.open(run.fasta), place_peaks(space, peaks), seed)


def test_units_are_spliced_in_the_direction_of_the_rna(small_run) -> None:
    space, _, _ = background(small_run)
    genome = Genome.open(small_run.fasta)
    plus = spliced_unit(space, genome, space.names.index("PLUS"))
    minus = spliced_unit(space, genome, space.names.index("MINUS"))
    assert plus.sites.tolist() == [580, 610, 890, 900]
    # MINUS reads from 7599 down; 6310 and 6290 lie in the second exon from the 5' end
    assert minus.sites.tolist() == [600 + 6599 - 6310, 600 + 6599 - 6290]


def test_windows_touch_no_peak_and_lie_in_the_same_region(small_run) -> None:
    space, models, found = background(small_run)
    assert (found.matched_on_region, found.without_place, found.unplaced) == (3, 0, 0)
    for peak in found.peaks:
        regions = paint_regions(space, models, np.array([peak.unit]))[0]
        regions = regions if space.strand[peak.unit] > 0 else regions[::-1]
        width = peak.end_nt - peak.start_nt
        others = [(p.start_nt, p.end_nt) for p in found.peaks if p.unit == peak.unit]
        assert len(peak.draws) == DRAWS
        for start in peak.draws[:200]:
            assert all(start + width <= low or start >= high for low, high in others)
            assert regions[start + (width - 1) // 2] == regions[peak.start_nt + (width - 1) // 2]


def test_planted_motifs_are_counted_and_the_background_has_none(small_run) -> None:
    _, _, found = background(small_run)
    result = measure_motif("control", 3, found, 1)
    assert (result.peaks_used, result.genes, result.drach_in_peaks) == (3, 2, 6)
    assert result.places_in_peaks == 250
    assert result.per_100_nt_in_peaks == pytest.approx(2.4)
    assert result.per_100_nt_in_background == 0
    assert result.odds_ratio.value is None  # nothing to divide by
    assert result.share_with_drach.value == 1
    assert result.p_value is not None and result.p_value < 0.05


def test_equal_seeds_give_equal_draws(small_run) -> None:
    (_, _, one), (_, _, same), (_, _, other) = (background(small_run, seed=s) for s in (1, 1, 2))
    assert all(np.array_equal(a.draws, b.draws) for a, b in zip(one.peaks, same.peaks, strict=True))
    assert not all(np.array_equal(a.draws, b.draws) for a, b in zip(one.peaks, other.peaks, strict=True))


def test_odds_ratio_is_one_when_peaks_are_like_the_rest_of_their_genes() -> None:
    """Peaks laid at random on random sequence: the interval holds 1 and p is not small."""
    from ribolm.report.peaks.motif_background import Background, PlacedPeak

    random = np.random.Generator(np.random.Philox(5))
    found = Background()
    for unit in range(40):
        text = np.frombuffer(b"ACGT", dtype=np.uint8)[random.integers(4, size=3000)]
        found.units[unit] = unit_of_letters(text)
        start = int(random.integers(2900))
        found.peaks.append(PlacedPeak(unit, start, start + 100, random.integers(2900, size=DRAWS, dtype=np.int32), 29))
    result = measure_motif("null", 40, found, 1)
    assert result.odds_ratio.low is not None and result.odds_ratio.high is not None
    assert result.odds_ratio.low < 1 < result.odds_ratio.high
    assert result.p_value is not None and result.p_value > 0.05
    assert result.per_100_nt_in_background == pytest.approx(100 * 0.75 * 0.5 * 0.25 * 0.25 * 0.75, rel=0.05)


def test_letters_around_the_motif_are_those_of_the_planted_sites(small_run) -> None:
    _, _, found = background(small_run)
    of_peaks, of_windows = motif_letters(found)
    assert of_peaks.sum(axis=1).tolist() == [3] * 21
    assert of_peaks[8:13].argmax(axis=1).tolist() == [2, 2, 0, 1, 3]  # GGACT
    assert of_windows.sum() >= 0


def test_profile_rises_in_the_middle(small_run) -> None:
    _, _, found = background(small_run)
    of_peaks, _ = motif_profile(found)
    assert dict(of_peaks)[-10.0] + dict(of_peaks)[10.0] > 0
    assert dict(of_peaks)[-150.0] == 0


@pytest.mark.parametrize(("start", "end", "expected"), [(10, 60, (10, 60)), (0, 100, (0, 100)), (10, 261, (85, 185))])
def test_of_long_peaks_the_middle_is_compared(start: int, end: int, expected: tuple[int, int]) -> None:
    assert core(start, end) == expected
