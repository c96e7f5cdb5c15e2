"""The best antiparallel stretch of a map of two RNAs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.inference.interactions.stretches import best_stretch


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 9))
def test_it_is_that_of_the_highest_mean_over_all_places(n: int, m: int, width: int, seed: int) -> None:
    block = np.random.default_rng(seed).normal(size=(n, m))
    found = best_stretch(block, width)
    width = min(width, n, m)
    assert found.query_end0 - found.query_start0 == found.target_end0 - found.target_start0 == width
    means = {
        (i, j): np.mean([block[i + step, j + width - 1 - step] for step in range(width)])
        for i in range(n - width + 1)
        for j in range(m - width + 1)
    }
    assert found.mean == pytest.approx(max(means.values()), abs=1e-5)
    assert means[found.query_start0, found.target_start0] == pytest.approx(found.mean)


def test_a_planted_helix_is_found_and_a_parallel_one_is_not() -> None:
    block = np.full((30, 50), -4.0)
    steps = np.arange(12)
    block[5 + steps, 40 - steps] = 2
    block[5 + steps, 10 + steps] = 9
    assert best_stretch(block, 12)[:4] == (5, 17, 29, 41)


def test_turning_the_map_turns_the_stretch() -> None:
    block = np.random.default_rng(3).normal(size=(20, 33)).astype(np.float32)
    one, other = best_stretch(block, 6), best_stretch(block.T, 6)
    assert one[:4] == (other.target_start0, other.target_end0, other.query_start0, other.query_end0)


def test_an_empty_map_has_none() -> None:
    with pytest.raises(ValueError, match="no stretch"):
        best_stretch(np.zeros((0, 5)))
