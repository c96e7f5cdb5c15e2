"""Percentile intervals from resampled clusters (genes), with the same draws for all methods, so that they pair."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.console import Progress
from ribolm.evaluation.metrics import RankedCounts, Ranking

Float64 = npt.NDArray[np.float64]
Metric = Callable[[RankedCounts], float]

DRAWS = 1_000
TAIL = 2.5  # per cent on either side of a 95 % interval
FEW_DRAWS = 100  # below, an end of an interval is one of the two outermost draws
FEW_CLUSTERS = 20  # below, percentile intervals cover less than they say


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % bootstrap interval (None where undefined); `p_value` only for differences.

    `p_value`: two-sided, twice the smaller share of draws on either side of zero, at least 1 / draws.
    """

    value: float | None
    low: float | None
    high: float | None
    p_value: float | None = None


@dataclass(frozen=True)
class Draws:
    """Metrics of all methods over the same resampled clusters.

    values[method] float64 [seeds, metrics] of the data themselves; draws[method] float64 [draws, metrics], the mean
    over seeds; NaN where a draw holds no positive. `metrics` names the last axis.
    """

    metrics: tuple[str, ...]
    values: Mapping[str, Float64]
    draws: Mapping[str, Float64]

    def interval(self, method: str, metric: str) -> Interval:
        """Mean over seeds of a metric with its percentile interval."""
        at = self.metrics.index(metric)
        return percentile_interval(float(self.values[method][:, at].mean()), self.draws[method][:, at])

    def difference(self, method: str, other: str, metric: str) -> Interval:
        """Metric of `method` minus that of `other`, from paired draws."""
        at = self.metrics.index(metric)
        value = float(self.values[method][:, at].mean() - self.values[other][:, at].mean())
        paired = self.draws[method][:, at] - self.draws[other][:, at]
        found = percentile_interval(value, paired)
        defined = paired[np.isfinite(paired)]
        if found.low is None or not len(defined):
            return found
        tail = min(float((defined <= 0).mean()), float((defined >= 0).mean()))
        return Interval(found.value, found.low, found.high, max(min(2 * tail, 1.0), 1 / len(defined)))


def percentile_interval(value: float, draws: Float64) -> Interval:
    """The 2.5 and 97.5 percentiles of the draws that are defined; no interval from fewer than half of them."""
    defined = draws[np.isfinite(draws)]
    if not np.isfinite(value):
        return Interval(None, None, None)
    if len(defined) < max(len(draws) / 2, 2):
        return Interval(value, None, None)
    low, high = np.percentile(defined, [TAIL, 100 - TAIL])
    return Interval(value, float(low), float(high))


def interval_note(draws: int, clusters: int, units: str) -> str | None:
    """One sentence on intervals of few draws or of few clusters (`units`: what they are); None where they are sound.

    None, too, without a draw or with fewer than two clusters: then there is no interval.
    """
    few = [f"{draws:,} draws (take {DRAWS:,})"] if draws < FEW_DRAWS else []
    few += [f"{clusters:,} {units}"] if clusters < FEW_CLUSTERS else []
    if not few or draws < 1 or clusters < 2:
        return None
    return f"Intervals are rough: they come of only {' and only '.join(few)}."


def drawn_weights(n_clusters: int, draws: int = DRAWS, seed: int = 1) -> Iterator[Float64]:
    """How often each cluster is drawn when as many are drawn with replacement: `draws` times float64 [clusters].

    With fewer than two clusters there are no draws.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    for _ in range(draws if n_clusters > 1 else 0):
        yield np.bincount(rng.integers(n_clusters, size=n_clusters), minlength=n_clusters).astype(np.float64)


def cluster_weights(n_clusters: int, draws: int = DRAWS, seed: int = 1) -> Float64:
    """The draws of `drawn_weights` together, float64 [draws, clusters]: for few clusters."""
    return np.stack([np.zeros(n_clusters), *drawn_weights(n_clusters, draws, seed)])[1:]


def bootstrap(
    methods: Mapping[str, Sequence[Ranking]],
    n_clusters: int,
    metrics: Mapping[str, Metric],
    draws: int = DRAWS,
    seed: int = 1,
) -> Draws:
    """Draw `n_clusters` clusters with replacement, `draws` times, and measure every method on each draw.

    `methods[name]` holds one ranking per seed of the model, all over the same candidates and cluster numbers
    0 … n_clusters - 1. With fewer than two clusters there are no draws. Cost: a pass over the candidates per draw,
    metric-free: about 1 ms per 100,000 candidates.
    """
    names = tuple(metrics)
    n_draws = draws if n_clusters > 1 else 0
    values = {name: np.array([_measure(r.counts(), metrics) for r in seeds]) for name, seeds in methods.items()}
    found = {name: np.full((n_draws, len(names)), np.nan) for name in methods}
    with Progress("bootstrap over genes", n_draws, "draws") as progress:
        for draw, weights in enumerate(drawn_weights(n_clusters, draws, seed)):
            for name, seeds in methods.items():
                found[name][draw] = np.mean([_measure(r.counts(weights), metrics) for r in seeds], axis=0)
            progress.advance()
    return Draws(names, values, found)


def _measure(counts: RankedCounts, metrics: Mapping[str, Metric]) -> Float64:
    return np.array([metric(counts) for metric in metrics.values()])
