"""Features are counted from the end of a sequence, where a coding sequence begins."""

from __future__ import annotations

import numpy as np
import pytest

from ribolm.alphabet import letters
from ribolm.evaluation.values.features import Sequences, kmer_shares, one_hot, start_strata, upstream_starts


def sequences(*texts: str) -> Sequences:
    return Sequences(letters("".join(texts)), np.r_[0, np.cumsum([len(text) for text in texts])].astype(np.int64))


def test_one_hot_letters_are_aligned_at_the_end() -> None:
    found = one_hot(sequences("ACGT", "GT", "NT")).reshape(3, 4, 4)
    assert found[0].argmax(axis=1).tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(found[1], np.r_[np.zeros((2, 4)), np.eye(4)[[2, 3]]])
    assert found[2].sum() == 1 and found[2, 3, 3] == 1
    assert one_hot(sequences("ACGT", "GT"), 2).shape == (2, 8)


def test_fewer_letters_than_the_longest_word_have_shares_all_the_same() -> None:
    assert kmer_shares(Sequences(np.zeros(0, np.uint8), np.zeros(1, np.int64))).shape == (0, 340)
    assert kmer_shares(Sequences(np.frombuffer(b"AC", np.uint8), np.array([0, 2]))).sum() == 2


def test_shares_of_words_stay_inside_a_sequence_and_leave_n_out() -> None:
    found = kmer_shares(sequences("ACAC", "A", "ANCG"), (1, 2))
    assert found.shape == (3, 20)
    np.testing.assert_allclose(found[0, :4], [0.5, 0.5, 0, 0])
    np.testing.assert_allclose(found[0, 4:][[1, 4]], [2 / 3, 1 / 3])
    assert found[1, 0] == 1 and not found[1, 4:].any()
    np.testing.assert_allclose(found[2, 4:].nonzero()[0], [6])


@pytest.mark.parametrize(
    ("text", "counts", "unstopped", "stratum"),
    [
        ("CCCCCC", [0, 0, 0], [0, 0, 0], "none"),
        ("ATGCCC", [1, 0, 0], [1, 0, 0], "in frame"),
        ("ATGTAA", [1, 0, 0], [0, 0, 0], "in frame"),
        ("ATGCCCC", [0, 1, 0], [0, 1, 0], "out of frame"),
        ("ATGTAAC", [0, 1, 0], [0, 0, 0], "out of frame"),
        ("ATGATGCC", [0, 0, 2], [0, 0, 2], "out of frame"),
        ("CATGATGTAA", [2, 0, 0], [0, 0, 0], "in frame"),
        ("ATG", [1, 0, 0], [1, 0, 0], "in frame"),
    ],
)
def test_upstream_starts_by_frame(text: str, counts: list[int], unstopped: list[int], stratum: str) -> None:
    found = upstream_starts(sequences(text, "AT"))
    assert found[0, :3].tolist() == counts and found[0, 3:6].tolist() == unstopped and not found[1].any()
    assert start_strata(sequences(text))[0] == stratum
    last = text.rfind("ATG")
    frame = (len(text) - last) % 3
    assert last < 0 or found[0, 6 + frame] == pytest.approx((len(text) - last) / 3)
