import numpy as np
import pytest

from ribolm.labels.resampling import METHODS, class_counts, copies
from ribolm.training.objectives import relabelling
from ribolm.training.objectives.relabelling import Relabelled, resampled

NAN = np.nan
TOKENS = np.array([4, 4, 4, 5, 8, 7], np.uint8)  # A A A C N T
LABELS = np.array([1, NAN, NAN, 0, NAN, 0], np.float32)
BASES = np.array([4, 5, 6, 7], np.uint8)
PREDICTED = np.array([0.1, 0.9, NAN, 0.9, 0.9, 0.9], np.float32)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("as_negative", [1, 0, 0, 0, NAN, 0]),
        ("ignore_unlabeled", [1, NAN, NAN, 0, NAN, 0]),
        ("hard", [1, 1, NAN, 0, NAN, 0]),
        ("soft", [1, np.float32(0.9), NAN, 0, NAN, 0]),
    ],
)
def test_each_mode_says_what_becomes_of_the_unknown_and_never_moves_the_known(mode, expected) -> None:
    seen = Relabelled(LABELS, TOKENS, BASES, mode, PREDICTED)
    np.testing.assert_array_equal(seen[np.arange(6)], np.array(expected, np.float32))
    np.testing.assert_array_equal(seen[np.array([4, 0])], np.array(expected, np.float32)[[4, 0]])
    assert len(seen) == 6 and seen[:2].dtype == np.float32
    assert np.isnan(LABELS[1])  # the labels themselves are as they were


def test_validation_can_set_known_sites_against_the_unknown_alone() -> None:
    seen = Relabelled(LABELS, TOKENS, BASES, "as_negative", certain=False)
    np.testing.assert_array_equal(seen[:], np.array([1, 0, 0, NAN, NAN, NAN], np.float32))


def test_unannotated_are_unknown_labels_of_bases() -> None:
    assert Relabelled(LABELS, TOKENS, BASES, "soft").unannotated(slice(None)).tolist() == [0, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("method", METHODS)
def test_copies_of_some_rows_are_those_of_the_formula(method, monkeypatch) -> None:
    monkeypatch.setattr(relabelling, "PIECE_ROWS", 3)
    random = np.random.default_rng(1)
    offsets = np.concatenate(([0], np.cumsum(random.integers(1, 40, 12))))
    labels = random.choice([0, 1, NAN], offsets[-1]).astype(np.float32)
    labels[offsets[4] : offsets[5]] = 0
    rows = np.array([0, 3, 4, 5, 6, 9, 11])
    counts = class_counts(labels, offsets)[rows]
    expected = copies(counts, np.diff(offsets)[rows], method)
    found = resampled(labels, offsets, rows, method)
    np.testing.assert_array_equal(found, expected)
    assert found[2] == 1
