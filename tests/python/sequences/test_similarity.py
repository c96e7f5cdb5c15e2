"""Sequences that share a 51-mer, or nearly all of their bases, are one family; others are not."""

import numpy as np
import pytest

from ribolm.sequences.similarity import Likeness, shares_word, similarity_clusters


def joined(rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate(rows), np.cumsum([0, *map(len, rows)]).astype(np.int64)


def rows_of_families() -> list[np.ndarray]:
    rng = np.random.default_rng(6)
    rows = [rng.choice(np.frombuffer(b"ACGT", np.uint8), 206) for _ in range(30)]
    rows[7] = np.r_[rows[20][:51], rows[7][51:]]  # 51 bases of another, at another place below
    rows[9] = np.r_[rows[9][:100], rows[7][155:206], rows[9][151:]]
    rows[11] = rows[3].copy()
    rows[11][::40] = ord("N")  # no 51-mer is left, but nearly all 16-mers
    rows[13] = np.r_[rows[14][:50], ord("N"), rows[13][51:]]  # one base too few, but a quarter of all 16-mers
    return rows


def test_families_are_connected_by_words_and_by_identity() -> None:
    letters, offsets = joined(rows_of_families())
    found = similarity_clusters(letters, offsets)
    assert found[7] == found[20] == found[9] and found[3] == found[11]
    assert found[13] == found[14] and len(set(found.tolist())) == 30 - 4
    assert np.array_equal(np.unique(found, return_index=True)[1], np.sort(np.unique(found, return_index=True)[1]))
    exact = similarity_clusters(letters, offsets, Likeness(identity=None))
    assert exact[3] != exact[11] and exact[7] == exact[9] and exact[13] != exact[14]
    assert len(similarity_clusters(letters[:0], offsets[:1])) == 0


def test_families_do_not_depend_on_the_order_of_the_rows() -> None:
    rows = rows_of_families()
    order = np.random.default_rng(2).permutation(len(rows))
    one, other = similarity_clusters(*joined(rows)), similarity_clusters(*joined([rows[i] for i in order]))
    assert ((one[order][:, None] == one[order]) == (other[:, None] == other)).all()


def test_rows_that_hold_a_word_of_another_set_are_found() -> None:
    rows = rows_of_families()
    found = shares_word(*joined(rows), *joined([rows[20][:51], rows[13][60:120]]))
    assert found.tolist() == [7, 13, 20]


@pytest.mark.parametrize("width_nt", [12, 20, 22, 28, 50])
def test_short_sequences_stay_with_their_equals_and_near_equals(width_nt: int) -> None:
    rng = np.random.default_rng(width_nt)
    distinct = rng.choice(np.frombuffer(b"ACGT", np.uint8), (300, width_nt))
    near = distinct.copy()
    near[:, 0] = np.where(near[:, 0] == ord("A"), ord("C"), ord("A"))
    found = similarity_clusters(*joined([*distinct, *distinct, *near]))
    assert len(set(found[:300].tolist())) == 300 and (found[:300] == found[300:600]).all()
    assert (found[:300] == found[600:]).all() == (width_nt > 16)  # 16 letters or fewer have no other word


def test_a_stretch_of_one_letter_is_no_likeness() -> None:
    rng = np.random.default_rng(1)
    rows = [np.r_[rng.choice(np.frombuffer(b"ACGT", np.uint8), 40), np.full(18, ord("A"))] for _ in range(5)]
    found = similarity_clusters(*joined([*rows, np.full(22, ord("A"), np.uint8), np.full(30, ord("A"), np.uint8)]))
    assert len(set(found.tolist())) == 7


@pytest.mark.parametrize(("width_nt", "changed"), [(50, 0), (120, 3), (206, 6)])
def test_families_of_hundreds_of_copies_stay_together(width_nt: int, changed: int) -> None:
    """And apart from others that hold one stretch of theirs, as of a repeat."""
    rng = np.random.default_rng(5)
    letters = np.frombuffer(b"ACGT", np.uint8)
    copies = np.tile(rng.choice(letters, width_nt), (450, 1))
    for row in copies:
        row[rng.integers(width_nt, size=changed)] = rng.choice(letters, changed)
    others = rng.choice(letters, (50, width_nt))
    others[:, :16] = copies[0, :16]
    found = similarity_clusters(*joined([*copies, *others]))
    family = np.bincount(found).max()
    assert family >= 445 and len(set(found[450:].tolist())) == 50 and found[0] not in found[450:]
