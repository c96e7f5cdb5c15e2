"""Accuracy, precision, recall and F1 of called windows: of the positive class, and as the mean over both classes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.evaluation.bootstrap import DRAWS, Interval, percentile_interval

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

METRICS = ("accuracy", "precision", "recall", "f1", "macro_precision", "macro_recall", "macro_f1")


@dataclass(frozen=True)
class Confusion:
    """Called and true windows counted per cluster: float64 [clusters, 4], true and false positives, then negatives."""

    counts: Float64

    @classmethod
    def of(cls, is_positive: Bool, is_called: Bool, cluster: Int64 | None = None) -> "Confusion":
        """Count windows; `cluster` int64 [n] from 0 (default: one for all)."""
        cell = np.where(is_called, np.where(is_positive, 0, 1), np.where(is_positive, 3, 2))
        of_row = np.zeros(len(cell), dtype=np.int64) if cluster is None else cluster
        n = int(of_row.max(initial=0)) + 1
        return cls(np.bincount(4 * of_row + cell, minlength=4 * n).reshape(n, 4).astype(np.float64))

    def metrics(self) -> dict[str, float]:
        """All of `METRICS`; NaN where a class is missing or nothing is called."""
        return dict(zip(METRICS, _metrics(self.counts.sum(axis=0)).tolist(), strict=True))

    def draws(self, draws: int = DRAWS, seed: int = 1) -> Float64:
        """Metrics over the clusters drawn as `bootstrap.bootstrap` draws them with this seed, float64 [draws, 7]."""
        rng, n = np.random.Generator(np.random.Philox(seed)), len(self.counts)
        found = np.full((draws if n > 1 else 0, len(METRICS)), np.nan)
        for draw in range(len(found)):
            weights = np.bincount(rng.integers(n, size=n), minlength=n).astype(np.float64)
            found[draw] = _metrics(weights @ self.counts)
        return found


def intervals(seeds: list[Confusion], draws: int = DRAWS, seed: int = 1) -> dict[str, Interval]:
    """Mean over the seeds of a model of every metric, with its 95 % interval over clusters."""
    values = np.mean([list(one.metrics().values()) for one in seeds], axis=0)
    drawn = np.mean([one.draws(draws, seed) for one in seeds], axis=0)
    return {name: percentile_interval(float(values[i]), drawn[:, i]) for i, name in enumerate(METRICS)}


def _metrics(counts: Float64) -> Float64:
    """Metrics of weighted counts (TP, FP, TN, FN): precision of nothing called is NaN, as recall of no positive."""
    tp, fp, tn, fn = counts.tolist()
    one, other = _of_class(tp, fp, fn), _of_class(tn, fn, fp)
    total = tp + fp + tn + fn
    return np.array(
        [(tp + tn) / total if total else np.nan, *one, *((a + b) / 2 for a, b in zip(one, other, strict=True))]
    )


def _of_class(hits: float, wrong: float, missed: float) -> tuple[float, float, float]:
    precision = hits / (hits + wrong) if hits + wrong else float("nan")
    recall = hits / (hits + missed) if hits + missed else float("nan")
    f1 = 2 * hits / (2 * hits + wrong + missed) if hits + wrong + missed else float("nan")
    return precision, recall, f1


def averaging(metric: str) -> str:
    """What a metric at a threshold is of: "macro" (mean of both classes), "all" (windows), "positive class"."""
    if metric.startswith("macro_"):
        return "macro"
    return "all" if metric == "accuracy" else "positive class"
