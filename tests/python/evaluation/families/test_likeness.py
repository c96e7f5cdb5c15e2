"""Measures of a likeness between sequences of families: values by definition, ties, invariance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from ribolm.evaluation.families.floors import gc_and_length, kmer_shares, laid_out
from ribolm.evaluation.families.likeness import cosine, measure, nearness, overlap_ratio
from ribolm.sequences.rna import RnaRecord

Float64 = npt.NDArray[np.float64]


def drawn(seed: int, n_families: int = 4, size: int = 5, apart: float = 1.0) -> tuple[Float64, npt.NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(n_families), size)
    return rng.normal(size=(n_families, 6))[family] * apart + rng.normal(size=(len(family), 6)), family


def test_families_that_lie_apart_are_told_apart_and_shuffled_ones_are_not() -> None:
    vectors, family = drawn(1, apart=50)
    found = measure(cosine(vectors), family, np.ones((1, 4)))
    assert found.nearest.mean() == found.retrieved.mean() == 1
    assert found.overlap()[0] < 0.02
    noise = np.random.default_rng(2).normal(size=(1000, 300))
    found = measure(cosine(noise), np.repeat(np.arange(100), 10), np.ones((1, 100)))
    assert found.nearest.mean() < 0.05 and found.retrieved.mean() < 0.05
    assert found.overlap()[0] > 0.9


@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_of_the_definitions(seed: int) -> None:
    vectors, family = drawn(seed)
    unit = vectors - vectors.mean(axis=0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    likeness = np.round(unit @ unit.T, 6)
    found = measure(cosine(vectors), family, np.ones((1, 4)))
    others = ~np.eye(len(family), dtype=bool)
    for row in range(len(family)):
        rest = np.flatnonzero(others[row])
        best = rest[np.argmax(likeness[row, rest])]
        assert found.nearest[row] == (family[best] == family[row])
        wanted = average_precision_score(family[rest] == family[row], likeness[row, rest])
        assert found.retrieved[row] == pytest.approx(wanted, abs=1e-12)
    same = family[:, None] == family[None]
    edges = np.linspace(-1, 1, 101)
    within, between = (np.histogram(likeness[some & others], edges)[0] for some in (same, ~same))
    wanted = np.minimum(within / within.sum(), between / between.sum()).sum()
    assert found.overlap()[0] == pytest.approx(wanted, abs=0.02)  # a value on an edge may fall on either side of it


def test_weights_count_families_as_often_as_they_were_drawn() -> None:
    vectors, family = drawn(5)
    once, twice = measure(cosine(vectors), family, np.array([[1.0, 1, 1, 1], [2, 2, 2, 2], [0, 1, 1, 0]])), None
    assert np.allclose(once.within[1], 2 * once.within[0]) and np.allclose(once.between[1], 4 * once.between[0])
    twice = measure(lambda a, b: cosine(vectors)(a + 5, b + 5)[:, 5:15], family[:10], np.ones((1, 2)))
    assert np.allclose(once.within[2], twice.within[0]) and np.allclose(once.between[2], twice.between[0])


def test_equal_sequences_share_the_nearest_place_and_count_against_retrieval() -> None:
    vectors = np.array([[1.0, 0], [1, 0], [1, 0], [-1, 0.1], [-1, 0]])
    found = measure(cosine(vectors), np.array([0, 0, 1, 1, 1]), np.ones((1, 2)))
    assert found.nearest[:3].tolist() == [0.5, 0.5, 0.0]
    assert found.retrieved[0] == 0.5  # one of the two that are equally near


@given(st.permutations(range(4)), st.floats(0.1, 10))
def test_order_of_families_and_scale_change_nothing(order: list[int], scale: float) -> None:
    vectors, family = drawn(7)
    moved = np.concatenate([vectors[family == one] for one in order]) * scale + 3
    first = measure(cosine(vectors), family, np.ones((1, 4)))
    second = measure(cosine(moved), family, np.ones((1, 4)))
    assert sorted(first.nearest) == sorted(second.nearest)
    assert np.allclose(sorted(first.retrieved), sorted(second.retrieved))
    assert np.abs(first.within - second.within).sum() <= 4  # rounding may carry a value over an edge


def test_the_overlap_of_equal_and_of_separate_histograms() -> None:
    one, other = np.array([[1.0, 2, 0, 0]]), np.array([[0, 0, 5.0, 1]])
    assert overlap_ratio(one, one * 7) == pytest.approx(1)
    assert overlap_ratio(one, other) == pytest.approx(0)
    assert np.isnan(overlap_ratio(one, other * 0)).all()


def test_shares_of_kmers_leave_out_n_and_do_not_cross_records() -> None:
    records = [RnaRecord("a", "ACGU"), RnaRecord("b", "AANAA"), RnaRecord("c", "N")]
    shares = kmer_shares(*laid_out(records), 2)
    assert shares.shape == (3, 20)
    assert shares[0, :4].tolist() == [0.25] * 4
    assert shares[0, 4:].sum() == pytest.approx(1) and shares[0, 4 + 1] == pytest.approx(1 / 3)  # AC
    assert shares[1].tolist() == [1, 0, 0, 0, 1] + [0] * 15
    assert not shares[2].any()


def test_gc_and_length() -> None:
    found = gc_and_length(*laid_out([RnaRecord("a", "GCAU"), RnaRecord("b", "GGNNGGGG")]))
    assert found[:, 0].tolist() == [0.5, 1.0]
    assert found[:, 1].tolist() == [np.log(4), np.log(8)]
    alike = nearness(found)(0, 2)
    assert alike[0, 0] == alike[1, 1] == 1 and -1 < alike[0, 1] == alike[1, 0] < 1
