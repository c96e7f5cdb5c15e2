"""A shuffled row keeps its pairs of bases and its fixed letters, and every possible order is as likely as another."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.alphabet import letters
from ribolm.sequences.shuffling import shuffle_dinucleotides


def pairs(row: np.ndarray) -> Counter[bytes]:
    text = row.tobytes()
    return Counter(text[i : i + 2] for i in range(len(text) - 1))


@settings(max_examples=60, deadline=None)
@given(text=st.text("AACGTTN", min_size=1, max_size=80), seed=st.integers(0, 2**32))
def test_pairs_and_fixed_letters_stay(text: str, seed: int) -> None:
    rows = np.repeat(letters(text)[None], 3, axis=0)
    fixed = np.random.default_rng(seed).random(rows.shape) < 0.1
    keys = np.arange(3, dtype=np.uint64) + np.uint64(seed)
    found = shuffle_dinucleotides(rows, fixed, keys)
    assert all(pairs(row) == pairs(rows[0]) for row in found)
    kept = fixed | (rows == ord("N"))
    assert np.array_equal(found[kept], rows[kept])
    assert np.array_equal(shuffle_dinucleotides(rows[1:], fixed[1:], keys[1:]), found[1:]), "rows are independent"


def test_every_order_with_the_same_pairs_is_equally_likely() -> None:
    n = 12_000
    rows = np.repeat(letters("ACATAGAC")[None], n, axis=0)
    found = shuffle_dinucleotides(rows, np.zeros(rows.shape, dtype=bool), np.arange(n, dtype=np.uint64))
    tally = Counter(row.tobytes() for row in found)
    assert len(tally) == 6, "AC ends every order; AC, AT and AG before it may stand in any"
    spread = np.array(list(tally.values())) - n / 6
    assert np.abs(spread).max() < 5 * np.sqrt(n / 6)
