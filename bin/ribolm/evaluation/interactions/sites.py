"""Where targets are bound: every method's place on every target held against the known site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ribolm.errors import DataError
from ribolm.evaluation.bootstrap import DRAWS, Draws, cluster_weights, interval_note
from ribolm.evaluation.interactions.places import BY_CHANCE, METRICS, WIDTH, Place, measured
from ribolm.genome.coordinates import Int64
from ribolm.labels.interactions.pairs import Interaction

Row = dict[str, Any]

ALL, SHARED = "all pairs", "pairs that all methods were run on"


@dataclass(frozen=True)
class SiteMethod:
    """Places of one method by number of the pair; a pair that is not there was not run (None: nothing pairs).

    `kind`: model, random, floor. `about`: facts of the method by name, for the tables.
    """

    name: str
    kind: str
    places: Mapping[int, Place | None]
    about: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class SiteAssessment:
    """Pairs with a known site, and what every method makes of them; `found[method][pair]`: metrics."""

    pairs: tuple[Interaction, ...]
    target: Int64  # [pairs] number of the target's sequence: pairs of one target are drawn together
    methods: tuple[SiteMethod, ...]
    found: Mapping[str, Mapping[int, Mapping[str, float]]]
    draws: int
    seed: int

    def universes(self) -> dict[str, list[int]]:
        """Numbers of the pairs: all, and where these are fewer, those that every method was run on that ran at all."""
        everything = list(range(len(self.pairs)))
        ran = [method for method in self.methods if method.places]
        shared = [at for at in everything if all(at in method.places for method in ran)]
        return {ALL: everything, **({SHARED: shared} if 0 < len(shared) < len(everything) else {})}

    def interval_note(self) -> str | None:
        """A sentence on intervals that are rough, or None."""
        return interval_note(self.draws, int(self.target.max(initial=-1)) + 1, "targets")

    def method_rows(self) -> list[Row]:
        """One row per universe and method that was run on all of it, with intervals over targets."""
        rows: list[Row] = []
        for universe, numbers in self.universes().items():
            drawn, names = self._drawn(numbers)
            for method in self.methods:
                if method.name not in names:
                    continue
                values = [self.found[method.name][at] for at in numbers]
                row: Row = {"universe": universe, "method": method.name, "kind": method.kind}
                row |= {"n": len(numbers), "n_targets": len(np.unique(self.target[numbers]))}
                for metric in METRICS:
                    interval = drawn.interval(method.name, metric)
                    row |= {metric: interval.value, f"{metric}_low": interval.low, f"{metric}_high": interval.high}
                row |= {name: float(np.mean([one[name] for one in values])) for name in (BY_CHANCE, WIDTH)}
                rows.append(row | dict(method.about))
        return rows

    def difference_rows(self) -> list[Row]:
        """Every model minus every other method, paired over targets."""
        rows: list[Row] = []
        for universe, numbers in self.universes().items():
            drawn, names = self._drawn(numbers)
            for method in self.methods:
                if method.kind != "model" or method.name not in names:
                    continue
                for other in sorted(names - {method.name}):
                    for metric in METRICS:
                        found = drawn.difference(method.name, other, metric)
                        row: Row = {"universe": universe, "method": method.name, "other": other, "metric": metric}
                        row |= {"difference": found.value, "low": found.low, "high": found.high}
                        rows.append(row | {"p_value": found.p_value})
        return rows

    def stratum_rows(self) -> list[Row]:
        """Means by type of query over the pairs that a method was run on; no intervals."""
        rows: list[Row] = []
        for kind in sorted({pair.kind for pair in self.pairs}):
            own = [at for at, pair in enumerate(self.pairs) if pair.kind == kind]
            for method in self.methods:
                values = [self.found[method.name][at] for at in own if at in method.places]
                row: Row = {"type": kind, "method": method.name, "n": len(values), "n_not_run": len(own) - len(values)}
                means = {name: float(np.mean([one[name] for one in values])) if values else None for name in METRICS}
                rows.append(row | means)
        return rows

    def pair_rows(self) -> list[Row]:
        """One row per pair and method: the known site, the place, its metrics; empty where nothing was run."""
        rows: list[Row] = []
        for at, pair in enumerate(self.pairs):
            for method in self.methods:
                place = method.places.get(at)
                site0 = pair.site0 or (None, None)
                row: Row = {"name": pair.name, "type": pair.kind, "target_nt": len(pair.target.letters)}
                row |= {"site_start0": site0[0], "site_end0": site0[1], "method": method.name}
                row |= {"ran": int(at in method.places), "start0": place.start0 if place else None}
                row |= {"end0": place.end0 if place else None, "score": place.score if place else None}
                values = self.found[method.name].get(at, {})
                rows.append(row | {name: values.get(name) for name in METRICS})
        return rows

    def _drawn(self, numbers: Sequence[int]) -> tuple[Draws, set[str]]:
        """Values and draws of the methods that were run on all pairs of a universe, and their names."""
        whole = [method.name for method in self.methods if set(numbers) <= set(method.places)]
        _, cluster = np.unique(self.target[list(numbers)], return_inverse=True)
        n_clusters = int(cluster.max(initial=-1)) + 1
        weights = cluster_weights(n_clusters, self.draws, self.seed)[:, cluster]
        values, draws = {}, {}
        for name in whole:
            matrix = np.array([[self.found[name][at][metric] for metric in METRICS] for at in numbers])
            matrix = matrix.reshape(len(numbers), len(METRICS))
            with np.errstate(invalid="ignore"):
                values[name] = matrix.sum(axis=0, keepdims=True) / len(numbers)
                draws[name] = (weights @ matrix) / weights.sum(axis=1, keepdims=True)
        return Draws(METRICS, values, draws), set(whole)


def with_sites(pairs: Sequence[Interaction]) -> tuple[Interaction, ...]:
    """The pairs whose site is known; DataError where there is none."""
    known = tuple(pair for pair in pairs if pair.site0 is not None)
    if not known:
        raise DataError(f"None of {len(pairs):,} pairs has a known site. Give target_start0 and target_end0.")
    return known


def assess_sites(
    pairs: tuple[Interaction, ...], methods: Sequence[SiteMethod], draws: int = DRAWS, seed: int = 1
) -> SiteAssessment:
    """Measure every method on pairs that all have a site."""
    number: dict[str, int] = {}
    target = np.array([number.setdefault(pair.target.letters, len(number)) for pair in pairs], dtype=np.int64)
    found: dict[str, dict[int, dict[str, float]]] = {}
    for method in methods:
        found[method.name] = {}
        for at, place in method.places.items():
            site0 = pairs[at].site0
            assert site0 is not None
            found[method.name][at] = measured(place, site0, len(pairs[at].target.letters))
    return SiteAssessment(pairs, target, tuple(methods), found, draws, seed)
