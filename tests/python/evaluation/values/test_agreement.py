"""R² and correlations are those of scikit-learn and scipy, under any weights; draws of clusters pair methods."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import r2_score, root_mean_squared_error

from ribolm.evaluation.values.agreement import METRICS, Agreement, resample


def some(n: int = 80, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Values with ties, and predictions that know something of them."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 12, n).astype(float)
    return truth, np.round(truth + rng.normal(0, 4, n))


def test_metrics_are_those_of_scikit_learn_and_scipy() -> None:
    truth, predicted = some()
    found = dict(zip(METRICS, Agreement.of(truth, predicted).metrics(), strict=True))
    assert found["r2"] == pytest.approx(r2_score(truth, predicted), abs=1e-12)
    assert found["rmse"] == pytest.approx(root_mean_squared_error(truth, predicted), abs=1e-12)
    assert found["spearman"] == pytest.approx(stats.spearmanr(truth, predicted).statistic, abs=1e-12)
    assert found["pearson"] == pytest.approx(stats.pearsonr(truth, predicted).statistic, abs=1e-12)


@given(st.lists(st.integers(0, 3), min_size=30, max_size=30))
def test_a_row_of_weight_two_is_that_row_twice(counts: list[int]) -> None:
    truth, predicted = some(30)
    weights = np.array(counts, dtype=float)
    again = np.repeat(np.arange(30), counts)
    found = Agreement.of(truth, predicted).metrics(weights)
    if len(again):
        np.testing.assert_allclose(found, Agreement.of(truth[again], predicted[again]).metrics(), atol=1e-9)
    else:
        assert np.isnan(found).all()


def test_what_does_not_vary_has_no_correlation() -> None:
    found = dict(zip(METRICS, Agreement.of(np.ones(5), np.arange(5.0)).metrics(), strict=True))
    assert np.isnan(found["r2"]) and np.isnan(found["spearman"]) and found["rmse"] > 0
    constant = dict(zip(METRICS, Agreement.of(np.arange(5.0), np.full(5, 2.0)).metrics(), strict=True))
    assert constant["r2"] == 0 and np.isnan(constant["pearson"])


def test_a_row_without_a_prediction_leaves_nothing_to_tell() -> None:
    truth, predicted = np.arange(6.0), np.r_[np.arange(5.0), np.nan]
    agreement = Agreement.of(truth, predicted, np.arange(6) // 2)
    assert np.isnan(agreement.metrics()).all()


def test_methods_are_compared_on_the_same_draws() -> None:
    truth, predicted = some(200)
    cluster = np.arange(200) // 4
    good = Agreement.of(truth, predicted, cluster)
    draws = resample(
        {"good": [good, good], "same": [good], "none": [Agreement.of(truth, truth * 0, cluster)]}, 50, 99, 3
    )
    interval = draws.interval("good", "r2")
    assert interval.low < interval.value < interval.high
    same = draws.difference("good", "same", "spearman")
    assert same.value == same.low == same.high == 0
    assert draws.difference("good", "none", "r2").low > 0
    assert resample({"good": [good]}, 1, 99, 3).interval("good", "r2").low is None
