"""Copies of training rows, against the worked example and a row-by-row reckoning."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.errors import UsageError
from ribolm.labels.resampling import METHODS, class_counts, class_weights, copies


@pytest.mark.parametrize("method, expected", [("none", 1), ("sc", 4), ("sCR", 5), ("sCRD", 2), ("nsCRD", 1)])
def test_the_worked_example_of_three_sites_in_400_nt_at_a_share_of_one_in_200(method, expected):
    # 3 sites here and 7 elsewhere in 2,000 tokens: a share of 0.005.
    assert copies(np.array([3, 7]), np.array([400, 1600]), method)[0] == expected


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(20, 600)), min_size=1, max_size=8))
def test_two_classes_follow_the_formulas(rows):
    counts, lengths = np.array([row[:2] for row in rows]), np.array([row[2] for row in rows])
    share = counts.sum(axis=0) / lengths.sum()
    w = [-math.log2(x) if x else 0.0 for x in share]
    for k, (a, b, length) in enumerate(rows):
        information = 1 + w[0] * a + w[1] * b
        expected = {
            "none": 1,
            "sc": 1 + a + b,
            "sCR": math.ceil(math.sqrt(information)),
            "sCRD": math.ceil(information / math.sqrt(length)),
            "nsCRD": math.ceil((1 + w[0] * math.sqrt(a) + w[1] * math.sqrt(b)) / math.sqrt(length)),
        }
        for method in METHODS:
            found = copies(counts, lengths, method)[k]
            assert found == (expected[method] if a + b else 1), method


def test_a_row_without_a_site_is_shown_once():
    assert copies(np.array([0, 5]), np.array([100, 100]), "sc").tolist() == [1, 6]


def test_sites_are_counted_per_row_and_unknown_places_are_none():
    labels = np.array([1, 0, np.nan, 1, 1, 0], dtype=np.float32)
    assert class_counts(labels, np.array([0, 2, 2, 5, 6])).tolist() == [[1], [0], [2], [0]]


def test_a_class_that_never_occurs_weighs_nothing():
    assert class_weights(np.array([[1, 0], [1, 0]]), 8).tolist() == [2.0, 0.0]


def test_an_unknown_formula_is_refused():
    with pytest.raises(UsageError, match="--resampling more is not known"):
        copies(np.array([1]), np.array([10]), "more")
