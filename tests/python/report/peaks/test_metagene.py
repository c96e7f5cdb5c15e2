"""Places along transcripts on both strands, and what chance gives."""

import numpy as np
import pytest

from ribolm.genome.annotation import read_gtf
from ribolm.genome.exon_space import build_exon_space
from ribolm.genome.regions import Region, read_bed
from ribolm.genome.transcripts import build_transcript_models
from ribolm.report.peaks.metagene import (
    expected_region_shares,
    locate_middles,
    measure_metagene,
    metagene_axis,
    metagene_density,
    stop_profile,
)


def positions(run, peaks, gtf=None):
    annotation = read_gtf(gtf or run.gtf)
    return locate_middles("g", build_exon_space(annotation), build_transcript_models(annotation), peaks)


def base(position0: int, strand: str) -> Region:
    return Region("chr1", position0, position0 + 1, "p", 0, strand)


@pytest.mark.parametrize(
    ("position0", "strand", "place_nt", "from_stop_nt"),
    [
        (1000, "+", 0, -897),
        (1599, "+", 599, -298),
        (2000, "+", 600, -297),
        (2297, "+", 897, 0),
        (2599, "+", 1199, 302),
        (7599, "-", 0, -897),
        (7000, "-", 599, -298),
        (6599, "-", 600, -297),
        (6302, "-", 897, 0),
        (6000, "-", 1199, 302),
    ],
)
def test_places_count_from_the_5_prime_end_and_from_the_stop_codon(
    small_run, position0: int, strand: str, place_nt: int, from_stop_nt: int
) -> None:
    group = positions(small_run, [base(position0, strand)])
    assert group.place_nt.tolist() == [place_nt]
    assert group.from_stop_nt().tolist() == [from_stop_nt]


def test_regions_and_near_stop_are_counted_beside_chance(small_run) -> None:
    peaks = [base(1000, "+"), base(1400, "+"), base(2297, "+"), base(6000, "-"), base(6250, "-"), base(4000, "+")]
    result = measure_metagene(positions(small_run, peaks))
    assert (result.peaks, result.unplaced, result.on_coding) == (6, 1, 5)
    assert {name: share.value for name, share in result.regions.items()} == {"5'UTR": 0.2, "CDS": 0.4, "3'UTR": 0.4}
    assert result.regions_expected == {"5'UTR": 0.25, "CDS": 0.5, "3'UTR": 0.25}
    assert result.near_stop.value == pytest.approx(0.4) and result.near_stop.n == 5
    assert result.near_stop_expected == pytest.approx(401 / 1200)


def test_density_has_mean_one_and_expected_density_too(small_run) -> None:
    peaks = [base(p, "+") for p in range(1000, 1600, 20)] + [base(p, "-") for p in range(6000, 6600, 30)]
    group = positions(small_run, peaks)
    axis = metagene_axis([group])
    assert axis.lengths_nt == (300.0, 600.0, 300.0)
    assert axis.borders.tolist() == pytest.approx([0, 0.25, 0.75, 1])
    density, expected = metagene_density(group, axis)
    width = np.diff(axis.edges)
    assert np.sum(density * width) == pytest.approx(1) and np.sum(expected * width) == pytest.approx(1)
    assert expected == pytest.approx(np.ones(len(width)))


def test_expected_shares_around_the_stop_codon_sum_to_the_whole_transcript(small_run) -> None:
    found, expected = stop_profile(positions(small_run, read_bed(small_run.folders[0] / "peaks.bed")))
    assert sum(y for _, y in found) == pytest.approx(100)
    assert sum(y for _, y in expected) == pytest.approx(100, abs=1e-2)  # all 1,200 nt lie within 1,000 nt
    assert dict(found)[25.0] + dict(found)[-25.0] == pytest.approx(200 / 3, abs=1e-3)


def test_without_cds_relative_positions_are_shown(small_run) -> None:
    group = positions(small_run, [base(1000, "+"), base(2599, "+"), base(6000, "-")], small_run.gtf_without_cds)
    axis = metagene_axis([group])
    assert axis.lengths_nt == () and axis.borders.tolist() == [0, 1]
    density, expected = metagene_density(group, axis)
    assert density[0] == pytest.approx(len(density) / 3) and density[-1] == pytest.approx(2 * len(density) / 3)
    assert expected.tolist() == [1.0] * len(density)
    assert stop_profile(group) == ([], [])
    assert measure_metagene(group).near_stop.value is None


def test_no_peak_gives_empty_numbers(small_run) -> None:
    group = positions(small_run, [])
    assert expected_region_shares(group).tolist() == [0, 0, 0]
    assert measure_metagene(group).on_coding == 0
    density, _ = metagene_density(group, metagene_axis([group]))
    assert density.sum() == 0
