"""What the four modes make of an unknown label."""

import numpy as np
import pytest

from ribolm.errors import UsageError
from ribolm.labels.incomplete import MODES, first_mode, targets

NAN = float("nan")
LABELS = np.array([1, 0, NAN, NAN, NAN], dtype=np.float32)
PREDICTED = np.array([0.1, 0.9, 0.7, 0.2, NAN], dtype=np.float32)


@pytest.mark.parametrize(
    "mode, expected",
    [
        ("as_negative", [1, 0, 0, 0, 0]),
        ("ignore_unlabeled", [1, 0, NAN, NAN, NAN]),
        ("hard", [1, 0, 1, 0, NAN]),
        ("soft", [1, 0, np.float32(0.7), np.float32(0.2), NAN]),
    ],
)
def test_each_mode_fills_unknown_places_in_its_own_way_and_leaves_known_ones(mode, expected):
    found = targets(LABELS, mode, PREDICTED)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))


@pytest.mark.parametrize("mode", MODES)
def test_a_token_that_cannot_be_judged_stays_out_of_the_loss(mode):
    usable = np.array([True, True, False, True, True])
    assert np.isnan(targets(LABELS, mode, PREDICTED, usable)[2])


def test_labels_are_not_written_to():
    before = LABELS.copy()
    targets(LABELS, "as_negative")
    np.testing.assert_array_equal(LABELS, before)


def test_cross_prediction_begins_with_unlabelled_as_negative():
    assert [first_mode(mode) for mode in MODES] == ["as_negative", "as_negative", "ignore_unlabeled", "as_negative"]


def test_soft_without_predictions_and_unknown_modes_are_refused():
    with pytest.raises(UsageError, match="needs predictions"):
        targets(LABELS, "soft")
    with pytest.raises(UsageError, match="--unlabeled maybe is not known"):
        first_mode("maybe")
