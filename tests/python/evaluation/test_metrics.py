"""Metrics equal scikit-learn's on random and tied scores, with and without weights; chance gives the prevalence."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, precision_recall_curve, roc_auc_score

from ribolm.evaluation.bootstrap import interval_note
from ribolm.evaluation.calibration import calibration
from ribolm.evaluation.metrics import average_precision, precision_recall_points, rank, roc_auc, roc_points

CLUSTERS = 5


@st.composite
def ranked_data(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels with both classes, scores with few or many ties, clusters, and integer weights of clusters."""
    n = draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from([1, 2, 5, 1_000]))
    labels = rng.random(n) < rng.random()
    labels[:2] = [True, False]
    clusters = rng.integers(CLUSTERS, size=n)
    weights = rng.integers(0, 4, size=CLUSTERS).astype(float)
    weights[clusters[:2]] += 1
    return labels, rng.integers(levels, size=n) / levels, clusters, weights


@given(ranked_data())
@settings(max_examples=150, deadline=None)
def test_equal_to_scikit_learn(data: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> None:
    labels, scores, clusters, weights = data
    ranking = rank(labels, scores, clusters)
    assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    assert roc_auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    counts, of_row = ranking.counts(weights), weights[clusters]
    expected = average_precision_score(labels, scores, sample_weight=of_row)
    assert counts.average_precision() == pytest.approx(expected, abs=1e-12)
    expected = roc_auc_score(labels, scores, sample_weight=of_row)
    assert counts.roc_auc() == pytest.approx(expected, abs=1e-12)
    precision, recall, _ = precision_recall_curve(labels, scores, sample_weight=of_row)
    for level in (0.1, 0.5, 0.9):
        expected = precision[np.flatnonzero(recall >= level - 1e-12)[-1]]
        assert counts.precision_at_recall(level) == pytest.approx(expected, abs=1e-12)


@given(ranked_data())
@settings(max_examples=50, deadline=None)
def test_whole_weights_are_repeated_rows(data: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> None:
    labels, scores, clusters, weights = data
    rows = np.repeat(np.arange(len(labels)), weights[clusters].astype(int))
    counts = rank(labels, scores, clusters).counts(weights)
    assert counts.average_precision() == pytest.approx(average_precision(labels[rows], scores[rows]), abs=1e-12)
    assert counts.roc_auc() == pytest.approx(roc_auc(labels[rows], scores[rows]), abs=1e-12)


def test_infinite_scores_rank_and_nan_is_refused() -> None:
    labels = np.array([True, False, True, False])
    assert average_precision(labels, [np.inf, 1.0, 0.0, -np.inf]) == pytest.approx((1 + 2 / 3) / 2)
    with pytest.raises(ValueError, match="NaN"):
        rank(labels, [0.0, np.nan, 1.0, 2.0])


def test_without_positives_or_negatives_metrics_are_undefined() -> None:
    nothing = rank(np.zeros(3, bool), [1, 2, 3]).counts()
    assert np.isnan([nothing.average_precision(), nothing.roc_auc(), nothing.precision_at_recall(0.5)]).all()
    everything = rank(np.ones(3, bool), [1, 2, 3]).counts()
    assert everything.average_precision() == 1 and np.isnan(everything.roc_auc())
    empty = rank(np.zeros(0, bool), np.zeros(0))
    assert np.isnan(empty.counts().average_precision()) and not len(precision_recall_points(empty)[0])


@pytest.mark.parametrize("prevalence", [0.01, 0.17, 0.5])
def test_shuffled_labels_give_the_prevalence(prevalence: float) -> None:
    """Stated bound: 4 standard deviations of the mean of the ranks of positives, about 4 √(prevalence / n)."""
    rng = np.random.default_rng(7)
    n = 40_000
    labels = rng.permutation(np.arange(n) < prevalence * n)
    scores = rng.normal(size=n)
    assert abs(average_precision(labels, scores) - prevalence) <= 4 * np.sqrt(prevalence / n)
    assert abs(roc_auc(labels, scores) - 0.5) <= 4 * np.sqrt(1 / (12 * prevalence * (1 - prevalence) * n))


def test_curves_end_where_they_must_and_keep_the_area() -> None:
    rng = np.random.default_rng(3)
    labels = rng.random(5_000) < 0.1
    ranking = rank(labels, labels + rng.normal(size=5_000))
    recall, precision = precision_recall_points(ranking)
    assert recall[-1] == 1 and precision[-1] >= labels.mean() and len(recall) <= 202
    x, y = roc_points(ranking)
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1) and (np.diff(x) >= 0).all() and (np.diff(y) >= 0).all()
    assert np.trapezoid(y, x) == pytest.approx(ranking.counts().roc_auc(), abs=2e-3)


@pytest.mark.parametrize("n_sites", [2, 5, 50])
def test_the_curve_of_few_sites_has_the_area_that_is_reported(n_sites: int) -> None:
    rng = np.random.default_rng(n_sites)
    labels = np.r_[np.ones(n_sites, bool), np.zeros(6 * n_sites, bool)]
    scores = np.round(rng.normal(size=len(labels)) + 0.5 * labels, 1)  # with ties
    ranking = rank(labels, scores)
    x, y = roc_points(ranking)
    assert np.trapezoid(y, x) == pytest.approx(ranking.counts().roc_auc(), abs=1e-3 if n_sites > 20 else 1e-12)


@pytest.mark.parametrize("levels", [4, 10_000])
def test_calibration_equals_scikit_learn(levels: int) -> None:
    rng = np.random.default_rng(5)
    p = rng.integers(levels + 1, size=4_000) / levels
    labels = rng.random(4_000) < p**1.5
    found = calibration(labels, p)
    assert found.brier == pytest.approx(brier_score_loss(labels, p))
    assert found.log_loss == pytest.approx(log_loss(labels, np.clip(p, 1e-7, 1 - 1e-7)))
    assert sum(b.n for b in found.bins) == 4_000
    if levels > 10:
        observed, mean = calibration_curve(labels, p, n_bins=10, strategy="quantile")
        assert [b.observed for b in found.bins] == pytest.approx(list(observed), abs=5e-3)
        assert [b.mean_probability for b in found.bins] == pytest.approx(list(mean), abs=5e-3)
    by_hand = sum(b.n * abs(b.mean_probability - b.observed) for b in found.bins) / 4_000
    assert found.expected_error == pytest.approx(by_hand) and found.expected_error > 0.05
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration(labels, p + 1)


def test_one_draw_over_100k_candidates_is_quick() -> None:
    """Bound for 1,000 draws in seconds: a draw costs one pass, measured about 1 ms, refused from 20 ms."""
    rng = np.random.default_rng(2)
    labels = rng.random(100_000) < 0.05
    ranking = rank(labels, labels + rng.normal(size=100_000), rng.integers(2_000, size=100_000))
    weights = np.bincount(rng.integers(2_000, size=2_000), minlength=2_000).astype(float)
    best_s = float("inf")
    for _ in range(5):
        started_s = time.process_time()
        counts = ranking.counts(weights)
        counts.average_precision(), counts.roc_auc()
        best_s = min(best_s, time.process_time() - started_s)
    assert best_s < 0.02


def test_intervals_of_few_draws_or_few_clusters_say_so() -> None:
    assert interval_note(1000, 20, "genes") is None and interval_note(0, 5, "genes") is None
    assert interval_note(99, 1, "genes") is None, "there is no interval"
    assert interval_note(99, 20, "genes") == "Intervals are rough: they come of only 99 draws (take 1,000)."
    assert interval_note(1000, 19, "genes") == "Intervals are rough: they come of only 19 genes."
    both = interval_note(10, 3, "families")
    assert both == "Intervals are rough: they come of only 10 draws (take 1,000) and only 3 families."
