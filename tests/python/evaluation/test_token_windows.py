"""Windows of a tolerance: single bases at 0, the same on the mirrored genome, chance alike for both classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.evaluation.candidates import Candidates
from ribolm.evaluation.metrics import average_precision, roc_auc
from ribolm.evaluation.positions import Contigs
from ribolm.evaluation.token_level.windows import windows

CONTIGS = Contigs(("one", "two"))
LENGTH = 400


def bases_of(places: list[tuple[int, int, bool]], sites: set[int], cluster: list[int] | None = None) -> Candidates:
    """Labelled bases (contig, start0, is_minus); `sites` are indices of the sorted places."""
    places = sorted(set(places))
    chrom, start0, is_minus = (np.array(column) for column in zip(*places, strict=True))
    n = len(places)
    keys = CONTIGS.keys(chrom.astype(np.int64), start0.astype(np.int64), is_minus.astype(bool))
    order = np.argsort(keys)
    number = np.zeros(n, dtype=np.int64) if cluster is None else np.array(cluster, dtype=np.int64)
    nothing = np.zeros(n, dtype=np.int64)
    return Candidates(
        CONTIGS, keys[order], np.isin(np.arange(n), list(sites)), np.ones(n, dtype=bool), nothing, nothing,
        number, np.zeros((n, 5), dtype=np.uint8),
    )  # fmt: skip


def test_a_hand_made_strand_is_cut_around_its_sites() -> None:
    bases = bases_of([(0, at0, False) for at0 in range(10, 24)], {4})  # the site at 14
    cut = windows(bases, 2)
    held = [cut.order[low:high].tolist() for low, high in zip(cut.first, cut.last, strict=True)]
    assert held == [[2, 3, 4, 5, 6], [0, 1], [7, 8, 9, 10, 11, 12, 13]], "7 bases are one window, not 5 and 2"
    assert cut.is_site.tolist() == [True, False, False]
    assert cut.best(np.arange(14)).tolist() == [6, 1, 13]


def test_the_minus_strand_is_cut_from_its_own_five_prime_end() -> None:
    cut = windows(bases_of([(0, at0, True) for at0 in range(10, 17)], {6}), 1)
    held = [cut.order[low:high].tolist() for low, high in zip(cut.first, cut.last, strict=True)]
    assert held == [[6, 5], [4, 3, 2], [1, 0]], "the RNA begins at the highest place"


def test_strands_contigs_and_gaps_share_no_window() -> None:
    places = [(0, 5, False), (0, 6, True), (0, 7, False), (1, 6, False)]
    cut = windows(bases_of(places, set()), 25)
    assert len(cut) == 4 and not cut.is_site.any()
    near = windows(bases_of(places, {0}), 2)
    assert near.best(np.array([0.0, 9.0, 5.0, 9.0]))[0] == 5.0, "5 and 7 of the + strand, never 6 of the other"


def test_neighbouring_clusters_of_genes_share_no_negative() -> None:
    cut = windows(bases_of([(0, at0, False) for at0 in range(6)], set(), [0, 0, 0, 1, 1, 1]), 10)
    assert cut.cluster.tolist() == [0, 1]


def test_nothing_is_cut_into_nothing() -> None:
    bases = bases_of([(0, 1, False)], set()).take(np.zeros(1, dtype=bool))
    cut = windows(bases, 5)
    assert len(cut) == 0 and len(cut.best(np.zeros(0))) == 0


place = st.tuples(st.integers(0, 1), st.integers(0, LENGTH - 1), st.booleans())


@given(st.sets(place, min_size=1, max_size=120), st.randoms(use_true_random=False), st.integers(0, 30))
def test_every_base_counts_and_mirrored_genomes_give_mirrored_windows(
    places: set[tuple[int, int, bool]], random: object, tolerance: int
) -> None:
    rng = np.random.default_rng(random.randrange(1 << 30))  # type: ignore[attr-defined]
    listed = sorted(places)
    truth = {one: rng.random() < 0.1 for one in listed}
    score = {one: float(rng.integers(5)) for one in listed}
    found = []
    for mirrored in (False, True):
        asked = [(c, LENGTH - 1 - at0, not minus) if mirrored else (c, at0, minus) for c, at0, minus in listed]
        back = dict(zip(asked, listed, strict=True))
        ordered = [back[one] for one in sorted(asked)]
        bases = bases_of(asked, {k for k, one in enumerate(ordered) if truth[one]})
        cut = windows(bases, tolerance)
        values = np.array([score[one] for one in ordered])
        rows = np.concatenate([np.zeros(0, int), *(cut.order[a:b] for a, b in zip(cut.first, cut.last, strict=True))])
        assert set(rows.tolist()) == set(range(len(listed))), "every base is in a window"
        assert np.diff(np.c_[cut.first, cut.last]).max() < 1.5 * (2 * tolerance + 1) + 1
        assert int(cut.is_site.sum()) == sum(truth.values())
        found.append(sorted(zip(cut.is_site.tolist(), cut.best(values).tolist(), strict=True)))
        if tolerance == 0:
            metrics = [f(cut.is_site, cut.best(values)) for f in (average_precision, roc_auc)]
            np.testing.assert_equal(metrics, [f(bases.is_site, values) for f in (average_precision, roc_auc)])
    assert found[0] == found[1]


@pytest.mark.parametrize("tolerance", [0, 5, 25])
def test_scores_by_chance_gain_nothing_from_a_tolerance(tolerance: int) -> None:
    rng = np.random.default_rng(7)
    bases = bases_of([(0, at0, False) for at0 in range(200_000)], set(range(200, 200_000, 211)))
    cut = windows(bases, tolerance)
    assert abs(roc_auc(cut.is_site, cut.best(rng.normal(size=len(bases)))) - 0.5) < 0.03
