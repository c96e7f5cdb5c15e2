"""How well predicted values agree with measured ones, over all rows and over resampled clusters of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.console import Progress
from ribolm.evaluation.bootstrap import Draws
from ribolm.genome.coordinates import Int64

Float64 = npt.NDArray[np.float64]
METRICS = ("r2", "spearman", "pearson", "rmse")


@dataclass(frozen=True)
class Ordered:
    """Values sorted once, so that ranks under new weights cost one pass: `order` int64 [n], `tie` int64 [n] ascending.

    `tie` numbers the groups of equal values in the order of `order`.
    """

    order: Int64
    tie: Int64

    @classmethod
    def of(cls, values: Float64) -> Ordered:
        """Sort values."""
        order = np.argsort(values, kind="stable")
        ranked = values[order]
        return cls(order, np.cumsum(np.r_[False, ranked[1:] != ranked[:-1]][: len(ranked)]))

    def ranks(self, weights: Float64) -> Float64:
        """Mid-ranks, float64 [n], when row i stands there `weights[i]` times (whole numbers)."""
        of_tie = np.bincount(self.tie, weights=weights[self.order])
        middle = np.cumsum(of_tie) - of_tie + (of_tie + 1) / 2
        found = np.empty(len(self.order))
        found[self.order] = middle[self.tie]
        return found


@dataclass(frozen=True)
class Agreement:
    """Measured and predicted values float64 [n], with their orders and clusters int64 [n] from 0.

    A prediction may be NaN: there is none.
    """

    truth: Float64
    predicted: Float64
    cluster: Int64
    truth_order: Ordered
    predicted_order: Ordered

    @classmethod
    def of(cls, truth: Float64, predicted: Float64, cluster: Int64 | None = None) -> Agreement:
        """Sort both; without clusters every row is one."""
        rows = np.arange(len(truth)) if cluster is None else cluster
        return cls(truth, predicted, rows, Ordered.of(truth), Ordered.of(predicted))

    def metrics(self, weights: Float64 | None = None) -> Float64:
        """Values of METRICS, float64 [4], rows counted `weights` float64 [clusters] times; NaN where undefined.

        They are of all rows: NaN where one has no prediction. r2 is 1 - (sum of squared errors) / (sum of squares about
        the mean), as scikit-learn's: below 0 where the mean is the better prediction. spearman: Pearson's correlation
        of mid-ranks.
        """
        counted = np.ones(len(self.truth)) if weights is None else weights[self.cluster]
        total = counted.sum()
        if not total or not np.isfinite(self.predicted).all():
            return np.full(len(METRICS), np.nan)
        error = float((counted * (self.truth - self.predicted) ** 2).sum())
        mean = float((counted * self.truth).sum() / total)
        spread = float((counted * (self.truth - mean) ** 2).sum())
        ranks = (self.truth_order.ranks(counted), self.predicted_order.ranks(counted))
        return np.array(
            [
                1 - error / spread if spread > 0 else np.nan,
                correlation(*ranks, counted),
                correlation(self.truth, self.predicted, counted),
                np.sqrt(error / total),
            ]
        )


def correlation(x: Float64, y: Float64, weights: Float64) -> float:
    """Weighted Pearson correlation; NaN where one of both does not vary."""
    total = weights.sum()
    dx, dy = x - (weights * x).sum() / total, y - (weights * y).sum() / total
    scale = float(np.sqrt((weights * dx * dx).sum() * (weights * dy * dy).sum()))
    return float((weights * dx * dy).sum() / scale) if scale > 0 else float("nan")


def resample(methods: Mapping[str, Sequence[Agreement]], n_clusters: int, draws: int, seed: int) -> Draws:
    """Measure all methods on the same draws of clusters with replacement; one agreement per seed of a model, averaged.

    With fewer than two clusters there are no draws. Cost: four passes over the rows per draw and method.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    n_draws = draws if n_clusters > 1 else 0
    values = {name: np.array([one.metrics() for one in seeds]) for name, seeds in methods.items()}
    found = {name: np.full((n_draws, len(METRICS)), np.nan) for name in methods}
    with Progress("bootstrap", n_draws, "draws") as progress:
        for draw in range(n_draws):
            weights = np.bincount(rng.integers(n_clusters, size=n_clusters), minlength=n_clusters).astype(np.float64)
            for name, seeds in methods.items():
                found[name][draw] = np.mean([one.metrics(weights) for one in seeds], axis=0)
            progress.advance()
    return Draws(METRICS, values, found)
