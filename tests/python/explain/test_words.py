"""Words in windows are found wherever they stand."""

from __future__ import annotations

import numpy as np
import pytest

from ribolm.explain.words import NO_WORD, find_words, number_of, spelled, word_numbers

from .conftest import drawn_windows


@pytest.mark.parametrize("k", [1, 3, 6])
def test_numbers_spell_the_letters(k: int) -> None:
    windows = drawn_windows(20, 30, letters=b"ACGTN")
    numbers = word_numbers(windows, k)
    assert numbers.shape == (20, 31 - k)
    for row, at in np.ndindex(*numbers.shape):
        text = windows[row, at : at + k].tobytes().decode()
        assert numbers[row, at] == (NO_WORD if "N" in text else number_of(text))
        assert "N" in text or spelled(int(numbers[row, at]), k) == text


def test_windows_shorter_than_a_word_have_none() -> None:
    assert word_numbers(drawn_windows(3, 4)).shape == (3, 0)
    assert len(find_words(drawn_windows(3, 4), ["AATAAA"]).row) == 0


def test_overlapping_words_are_all_found() -> None:
    windows = np.frombuffer(b"AATAAATAAACC" + b"CCCCCCCCCCCC", dtype=np.uint8).reshape(2, 12)
    found = find_words(windows, ["AATAAA", "ATAAAT"])
    assert [column.tolist() for column in found] == [[0, 0, 0], [0, 1, 4], [0, 1, 0]]
