"""What chance gives is estimated as its definitions say, and rates and shares come out where they were put in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import HEXAMERS, CandidateRule
from ribolm.inference.scan.gathered import read_scored
from ribolm.inference.scan.nulls import composition_null, distances_to, draw_groups, false_discovery_rates
from ribolm.inference.scan.prevalence import at_bound, at_prevalence, estimate_prevalence, null_offset
from ribolm.inference.scan.scored import scan_candidates, scan_provenance
from ribolm.inference.scan.suppression import suppress
from ribolm.labels.polya.strand_letters import Places

from .conftest import Scanned, WeighedLetters

RULE = CandidateRule()
places = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 60), st.sampled_from([-1, 1])), max_size=25)


@dataclass(frozen=True)
class Remembering(WeighedLetters):
    """The same, and every window that was scored."""

    seen: list[Letters] = field(default_factory=list)

    def score(self, windows: Letters) -> np.ndarray:
        self.seen.append(windows.copy())
        return super().score(windows)


@pytest.mark.parametrize("anchor", ["cleavage", "hexamer"])
def test_shuffled_windows_are_still_candidates_of_the_same_composition(
    scanned: Callable[..., Scanned], tmp_path: Path, anchor: str
) -> None:
    where, scorer = scanned(), Remembering(anchor=anchor, window_nt=101, anchor_offset0=50)
    scan_candidates(scorer, where.genome, where.candidates, tmp_path / "s.parquet", RULE)
    real = np.concatenate(scorer.seen)
    found = read_scored([tmp_path / "s.parquet"], where.genome, scan_provenance(scorer, where.genome, RULE))
    owner = suppress(found.places, found.logit)
    drawn = draw_groups(where.genome, found, owner, 10_000, 1)
    assert drawn[0].tolist() == np.flatnonzero(owner == np.arange(len(owner))).tolist()
    scorer.seen.clear()
    null = composition_null(scorer, where.genome, found, owner, drawn, RULE)
    assert len(null) == len(drawn[0]) and np.isfinite(null).all()
    made = np.concatenate(scorer.seen)
    texts = [row.tobytes().decode() for row in made]
    if anchor == "cleavage":
        assert all(text[50] == "A" and text[49] in "CG" for text in texts)
        assert all(any(text[50 - d : 56 - d] in HEXAMERS for d in range(10, 36)) for text in texts)
    else:
        assert all(text[47:53] in HEXAMERS for text in texts)
    shares = [np.array([(rows == base).mean() for base in b"ACGT"]) for rows in (real, made)]
    np.testing.assert_allclose(*shares, atol=0.02)
    assert (made[: len(real)] != real[: len(made)]).any()
    again = composition_null(scorer, where.genome, found, owner, (drawn[0][5:9], drawn[1][5:9]), RULE)
    assert np.array_equal(again, null[5:9]), "a group's null does not depend on the others"


def test_rate_is_the_share_of_nulls_over_the_share_of_calls_and_falls_with_the_score() -> None:
    rng = np.random.default_rng(3)
    calls = np.r_[rng.normal(0, 1, 900), rng.normal(5, 1, 100)].astype(np.float32)
    null = rng.normal(0, 1, 5000).astype(np.float32)
    found = false_discovery_rates(calls, null)
    plain = np.array(
        [min(1.0, 1000 * (1 + (null >= t).sum()) / 5001 / (calls >= t).sum()) for t in np.sort(np.unique(calls))]
    )
    expected = dict(zip(np.sort(np.unique(calls)), np.minimum.accumulate(plain), strict=True))
    np.testing.assert_allclose(found, [expected[t] for t in calls])
    at_ten = calls[found <= 0.1]
    assert 0.02 < (np.flatnonzero(found <= 0.1) < 900).mean() < 0.15 and len(at_ten) > 90
    assert (false_discovery_rates(calls, null[:0]) == 1).all()
    assert len(false_discovery_rates(calls[:0], null)) == 0


def test_share_of_sites_is_found_although_the_model_misjudges_what_is_no_site() -> None:
    rng = np.random.default_rng(4)
    share, n = 0.03, 200_000
    is_site = rng.random(n) < share
    likelihood = np.where(is_site, rng.normal(1.125, 1.5, n), rng.normal(-1.125, 1.5, n))  # true log likelihood ratio
    skewed, null = likelihood + 1.0, rng.normal(-1.125, 1.5, 20_000) + 1.0
    offset = null_offset(null)
    assert offset == pytest.approx(-1.0, abs=0.1)
    found = estimate_prevalence(skewed + offset)
    assert found == pytest.approx(share, abs=0.008)
    assert estimate_prevalence(skewed) > 2 * share, "without the null it would be far off"
    chance = 1 / (1 + np.exp(-at_prevalence(likelihood, share)))
    for low, high in ((0.02, 0.1), (0.1, 0.5), (0.5, 0.9)):
        rows = (chance >= low) & (chance < high)
        assert is_site[rows].mean() == pytest.approx(chance[rows].mean(), rel=0.15)


def test_no_candidate_has_no_share() -> None:
    assert np.isnan(estimate_prevalence(np.zeros(0))) and null_offset(np.zeros(0)) == 0


def test_an_estimate_at_its_bound_is_known_as_one() -> None:
    assert at_bound(estimate_prevalence(np.full(50, -3.0))) and at_bound(estimate_prevalence(np.full(50, 3.0)))
    assert not at_bound(0.01) and not at_bound(float("nan"))


def arrays(rows: list[tuple[int, int, int]]) -> Places:
    contig, at0, strand = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Places(contig, at0, strand.astype(np.int8))


@settings(max_examples=100, deadline=None)
@given(asked=places, targets=places)
def test_nearest_known_site_is_of_the_same_strand_and_the_upstream_one_of_two(
    asked: list[tuple[int, int, int]], targets: list[tuple[int, int, int]]
) -> None:
    row, distance = distances_to(arrays(asked), arrays(targets))
    for (contig, at0, strand), found, signed in zip(asked, row, distance, strict=True):
        apart = [(at0 - t[1]) * strand for t in targets if (t[0], t[2]) == (contig, strand)]
        if not apart:
            assert found == -1
            continue
        assert signed == min(apart, key=lambda d: (abs(d), -d))
        assert (targets[found][0], targets[found][2]) == (contig, strand)
        assert (at0 - targets[found][1]) * strand == signed
