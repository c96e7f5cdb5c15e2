"""Validation metrics out of sums, so that any number of batches and processes adds up and memory stays constant.

Ranking metrics come from histograms of logits; values in one of the fine bins count as tied. The final numbers of a
report are those of ribolm-evaluate, which sorts every score.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Statistics = dict[str, FloatArray]  # all of them are added up over batches

BINS_ONE_LABEL, BINS_MANY_LABELS = 2**16, 2**12


def add(total: Statistics, part: Statistics) -> Statistics:
    """The sum of two sets of statistics, either of which may be empty."""
    return {key: np.asarray(total.get(key, 0.0) + part.get(key, 0.0)) for key in {**total, **part}}


def ranking_statistics(logits: FloatArray, targets: FloatArray) -> Statistics:
    """Histograms of positives and negatives over the logits, float64 [labels, bins]; a soft target counts in both.

    logits, targets: [N, labels], NaN targets are left out. Bins are even in x / (1 + |x|).
    """
    n_labels = logits.shape[1]
    bins = BINS_ONE_LABEL if n_labels == 1 else BINS_MANY_LABELS
    squashed = logits / (1 + np.abs(logits))
    column = np.clip(((squashed + 1) * (bins / 2)).astype(np.int64), 0, bins - 1) + np.arange(n_labels) * bins
    known = ~np.isnan(targets)
    column, target = column[known], targets[known]
    positive, negative = (
        np.bincount(column, weight, n_labels * bins).astype(np.float64).reshape(n_labels, bins)
        for weight in (target, 1 - target)
    )
    return {"positive": positive, "negative": negative}


def ranking_metrics(statistics: Statistics) -> dict[str, float]:
    """Mean average precision and ROC-AUC over labels that have both classes (NaN without any), prevalence and n."""
    positive, negative = statistics["positive"][:, ::-1], statistics["negative"][:, ::-1]
    n_positive, n_negative = positive.sum(axis=1), negative.sum(axis=1)
    both = (n_positive > 0) & (n_negative > 0)
    true, false = positive[both].cumsum(axis=1), negative[both].cumsum(axis=1)
    recalled, avoided = positive[both] / n_positive[both, None], negative[both] / n_negative[both, None]
    precision = (recalled * true / np.maximum(true + false, 1e-300)).sum(axis=1)
    # A negative outranked by a positive counts one, a tie a half.
    area = (avoided * (true - positive[both] / 2) / n_positive[both, None]).sum(axis=1)
    n = float(n_positive.sum() + n_negative.sum())
    return {
        "average_precision": float(precision.mean()) if both.any() else float("nan"),
        "roc_auc": float(area.mean()) if both.any() else float("nan"),
        "prevalence": float(n_positive.sum()) / n if n else float("nan"),
        "n": n,
    }


def confusion_statistics(predicted: NDArray[np.int64], target: NDArray[np.int64], n_classes: int) -> Statistics:
    """Counts of (true class, predicted class), float64 [C, C]."""
    counts = np.bincount(target * n_classes + predicted, minlength=n_classes**2)
    return {"confusion": counts.reshape(n_classes, n_classes).astype(np.float64)}


def confusion_metrics(statistics: Statistics) -> dict[str, float]:
    """Accuracy, macro F1 over the classes that occur, and n."""
    confusion = statistics["confusion"]
    n, right = confusion.sum(), np.diag(confusion)
    occurs = confusion.sum(axis=1) > 0
    f1 = 2 * right / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
    nan = float("nan")
    return {
        "accuracy": float(right.sum() / n) if n else nan,
        "macro_f1": float(f1[occurs].mean()) if n else nan,
        "n": float(n),
    }


def moment_statistics(predicted: FloatArray, target: FloatArray) -> Statistics:
    """Sums for correlation and explained variance, float64 [labels, 6]; [N, labels] in, NaN targets left out."""
    known = ~np.isnan(target)
    x, y = np.where(known, predicted, 0.0), np.where(known, target, 0.0)
    columns = (known.astype(np.float64), x, y, x * x, y * y, x * y)
    return {"moments": np.stack([column.sum(axis=0) for column in columns], axis=1)}


def moment_metrics(statistics: Statistics) -> dict[str, float]:
    """Mean Pearson correlation and R² over the outputs that vary, root mean squared error, n."""
    n, x, y, xx, yy, xy = statistics["moments"].T
    safe = np.maximum(n, 1)
    variance_x, variance_y = xx / safe - (x / safe) ** 2, yy / safe - (y / safe) ** 2
    squared_error = np.maximum((xx - 2 * xy + yy) / safe, 0.0)
    varies = (variance_x > 0) & (variance_y > 0)
    covariance = xy / safe - x * y / safe**2
    nan = float("nan")
    pearson = covariance[varies] / np.sqrt(variance_x[varies] * variance_y[varies])
    explained = 1 - squared_error[variance_y > 0] / variance_y[variance_y > 0]
    return {
        "pearson": float(pearson.mean()) if varies.any() else nan,
        "r2": float(explained.mean()) if explained.size else nan,
        "rmse": float(np.sqrt(squared_error[n > 0].mean())) if (n > 0).any() else nan,
        "n": float(n.sum()),
    }
