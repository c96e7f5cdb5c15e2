import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from ribolm.training.recipes.calibration import best_threshold, decide, fit_platt


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Logits and truths of which P(1) = logistic(0.7 · logit − 2)."""
    random = np.random.default_rng(5)
    logits = random.normal(1, 3, 4000)
    return logits, random.random(4000) < 1 / (1 + np.exp(-(0.7 * logits - 2)))


def test_platt_scaling_is_a_logistic_regression_on_smoothed_targets(drawn) -> None:
    logits, truth = drawn
    positives, n = truth.sum(), len(truth)
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (n - positives + 2))
    rows = np.concatenate([logits, logits])[:, None]
    classes, weights = np.repeat([1, 0], n), np.concatenate([target, 1 - target])
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(rows, classes, weights)
    found = fit_platt(logits, truth)
    assert found == pytest.approx((oracle.coef_[0, 0], oracle.intercept_[0]), rel=1e-4)
    assert found == pytest.approx((0.7, -2), abs=0.2)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_units_of_the_logits_do_not_matter(drawn, scale: float, offset: float) -> None:
    logits, truth = drawn
    slope, intercept = fit_platt(logits * scale + offset, truth)
    plain = fit_platt(logits, truth)
    assert slope * scale == pytest.approx(plain[0], rel=1e-5)
    assert intercept + slope * offset == pytest.approx(plain[1], rel=1e-5)


def test_the_threshold_has_the_largest_f1_of_all(drawn) -> None:
    logits, truth = drawn
    logits = np.round(logits, 1)  # many ties
    probability = 1 / (1 + np.exp(-logits))
    threshold, f1 = best_threshold(probability, truth)
    scores = {t: f1_score(truth, probability >= t) for t in np.unique(probability)}
    assert f1 == pytest.approx(max(scores.values())) and scores[threshold] == pytest.approx(f1)


def test_separable_classes_have_a_finite_answer() -> None:
    logits = np.array([-3.0, -2.0, 2.0, 3.0])
    decision = decide(logits, np.array([0.0, 0.0, 1.0, 1.0]))
    assert decision.fitted and 0 < decision.slope < 50 and decision.f1 == 1.0


@pytest.mark.parametrize("targets", [[], [0.0, 0.0], [1.0, 1.0], [np.nan, np.nan]])
def test_dev_that_cannot_tell_leaves_logits_as_they_are(targets: list[float]) -> None:
    decision = decide(np.arange(float(len(targets))), np.array(targets))
    assert not decision.fitted and decision.to_task()["calibration"]["slope"] == 1.0 and decision.threshold == 0.5


def test_a_model_worse_than_chance_is_not_turned_around() -> None:
    decision = decide(np.array([3.0, 2.0, -2.0, -3.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert not decision.fitted and decision.slope == 1.0


def test_constant_logits_are_no_problem() -> None:
    decision = decide(np.zeros(10), np.array([1.0] * 3 + [0.0] * 7))
    assert np.isfinite([decision.slope, decision.intercept, decision.threshold]).all()
