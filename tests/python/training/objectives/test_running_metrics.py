import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, r2_score, roc_auc_score

from ribolm.training.objectives.running_metrics import (
    add,
    confusion_metrics,
    confusion_statistics,
    moment_metrics,
    moment_statistics,
    ranking_metrics,
    ranking_statistics,
)


@pytest.mark.parametrize("tied", [False, True])
def test_ranking_equals_scikit_learn(tied) -> None:
    random = np.random.default_rng(1)
    targets = (random.random((3000, 1)) < 0.1).astype(float)
    logits = random.normal(size=(3000, 1)) * 3 + 2 * targets - 5
    if tied:
        logits = np.round(logits)
    found = ranking_metrics(ranking_statistics(logits, targets))
    assert found["average_precision"] == pytest.approx(average_precision_score(targets, logits), abs=1e-3)
    assert found["roc_auc"] == pytest.approx(roc_auc_score(targets, logits), abs=1e-4)
    assert found["prevalence"] == targets.mean() and found["n"] == 3000


def test_ranking_of_several_labels_is_the_mean_over_those_with_both_classes() -> None:
    random = np.random.default_rng(2)
    targets = (random.random((500, 3)) < 0.3).astype(float)
    targets[:, 2] = 0
    targets[::7, 0] = np.nan
    logits = random.normal(size=(500, 3)) + targets
    logits[::7, 0] = 99.0
    known = ~np.isnan(targets[:, 0])
    expected = [
        average_precision_score(targets[known, 0], logits[known, 0]),
        average_precision_score(targets[:, 1], logits[:, 1]),
    ]
    found = ranking_metrics(ranking_statistics(logits, targets))
    assert found["average_precision"] == pytest.approx(np.mean(expected), abs=2e-3)


def test_without_positives_there_is_no_ranking() -> None:
    found = ranking_metrics(ranking_statistics(np.zeros((5, 1)), np.zeros((5, 1))))
    assert np.isnan(found["average_precision"]) and np.isnan(found["roc_auc"]) and found["prevalence"] == 0
    assert np.isnan(ranking_metrics(ranking_statistics(np.zeros((0, 1)), np.zeros((0, 1))))["prevalence"])


def test_moments_equal_numpy_and_scikit_learn() -> None:
    random = np.random.default_rng(3)
    target = random.normal(size=(400, 2))
    predicted = target * 0.5 + random.normal(size=(400, 2)) * 0.3 + 0.2
    target[:20, 1] = np.nan
    found = moment_metrics(moment_statistics(predicted, target))
    pairs = [(predicted[:, 0], target[:, 0]), (predicted[20:, 1], target[20:, 1])]
    assert found["pearson"] == pytest.approx(np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs]))
    assert found["r2"] == pytest.approx(np.mean([r2_score(y, x) for x, y in pairs]))
    assert found["n"] == 780


def test_confusion_equals_scikit_learn() -> None:
    random = np.random.default_rng(4)
    true = random.integers(0, 4, 300)
    predicted = np.where(random.random(300) < 0.7, true, random.integers(0, 4, 300))
    found = confusion_metrics(confusion_statistics(predicted, true, 5))
    assert found["accuracy"] == pytest.approx((true == predicted).mean())
    assert found["macro_f1"] == pytest.approx(f1_score(true, predicted, average="macro"))


def test_statistics_of_parts_add_up() -> None:
    random = np.random.default_rng(5)
    logits, targets = random.normal(size=(100, 1)), random.integers(0, 2, (100, 1)).astype(float)
    total: dict = {}
    for part in range(4):
        total = add(total, ranking_statistics(logits[part::4], targets[part::4]))
    assert ranking_metrics(total) == ranking_metrics(ranking_statistics(logits, targets))
