"""Planes of bits say the same as the letters they were made of."""

from __future__ import annotations

import numpy as np
import pytest

from ribolm.candidates.kernel import last_set, next_set, pack
from ribolm.candidates.tables import CODES


def planes(text: np.ndarray) -> list[np.ndarray]:
    words = len(text) // 64
    made = [np.zeros(words + 2, dtype=np.uint64) for _ in range(3)]
    pack(text, 1, words, *made)
    return made


@pytest.mark.parametrize("first", [0, 1, 5])  # an address that no word begins at
def test_planes_hold_two_bits_of_each_base_and_mark_unknown_ones_in_either_case(first: int) -> None:
    text = np.random.default_rng(3).choice(np.frombuffer(b"ACGTNacgtn", dtype=np.uint8), 64 * 4 + first)[first:]
    low, high, unknown = (np.unpackbits(p[1:-1].view(np.uint8), bitorder="little") for p in planes(text))
    upper = text & 0xDF
    np.testing.assert_array_equal(unknown == 1, upper == ord("N"))
    for base, code in CODES.items():
        np.testing.assert_array_equal(
            (high * 2 + low == code)[upper != ord("N")], (upper == ord(base))[upper != ord("N")]
        )


def test_neighbouring_set_places_are_found_across_words() -> None:
    text = np.full(64 * 5, ord("A"), dtype=np.uint8)
    text[[0, 63, 64, 200]] = ord("N")
    unknown = planes(text)[2]
    assert [next_set(unknown, place, 320) for place in (0, 1, 64, 65, 200, 201)] == [0, 63, 64, 200, 200, 320]
    assert [next_set(unknown, place, 150) for place in (65, 149)] == [150, 150]
    assert [last_set(unknown, place) for place in (0, 1, 63, 64, 199, 319)] == [0, 0, 63, 64, 64, 200]
    assert last_set(np.zeros(7, dtype=np.uint64), 319) == -1
