"""Duplicates are found within and across batches, the first stays."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ribolm.sequences.deduplication import SeenSequences


@given(st.lists(st.lists(st.text(alphabet="AC", max_size=3), max_size=6), max_size=6))
def test_first_sights_are_those_of_a_set(batches: list[list[str]]) -> None:
    seen, known = SeenSequences(), set()
    for texts in batches:
        letters = np.frombuffer("".join(texts).encode(), dtype=np.uint8)
        offsets = np.r_[0, np.cumsum([len(text) for text in texts])].astype(np.int64)
        expected = []
        for text in texts:
            expected.append(text not in known)
            known.add(text)
        assert seen.first_sights(letters, offsets).tolist() == expected
        assert len(seen) == len(known)


def test_tokens_of_two_bytes_are_compared_whole() -> None:
    tokens = np.array([1, 256, 1, 256, 256, 1], dtype=np.uint16)
    assert SeenSequences().first_sights(tokens, np.array([0, 2, 4, 6])).tolist() == [True, False, True]
