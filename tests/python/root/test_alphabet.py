import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.alphabet import letters, motif_starts, reverse_complement


def test_letters_are_normalised() -> None:
    assert letters("acguRn").tobytes() == b"ACGTNN"
    with pytest.raises(ValueError, match="'E' at position 2"):
        letters("ACE")


@given(st.text("ACGTN"))
def test_reverse_complement_is_its_own_inverse(text: str) -> None:
    sequence = letters(text)
    assert np.array_equal(reverse_complement(reverse_complement(sequence)), sequence)


@given(st.text("ACGTN", max_size=60))
def test_drach_is_found_where_a_plain_reading_finds_it(text: str) -> None:
    allowed = ("AGT", "AG", "A", "C", "ACT")
    windows = [text[i : i + 5] for i in range(len(text) - 4)]
    expected = [i for i, w in enumerate(windows) if all(x in ok for x, ok in zip(w, allowed, strict=True))]
    assert motif_starts(letters(text)).tolist() == expected
