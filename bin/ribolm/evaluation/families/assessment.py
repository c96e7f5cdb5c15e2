"""All methods on one set of families, with intervals over families from the same draws, so that they pair."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.console import Progress
from ribolm.evaluation.bootstrap import DRAWS, Draws, cluster_weights, interval_note
from ribolm.evaluation.families.chosen import FamilySet
from ribolm.evaluation.families.likeness import N_BINS, Likeness, Measured, measure

Float64 = npt.NDArray[np.float64]
Row = dict[str, Any]

ACCURACY, PRECISION, OVERLAP = "nearest_neighbour_accuracy", "mean_average_precision", "overlap_ratio"
METRICS = (ACCURACY, PRECISION, OVERLAP)
BETTER = {ACCURACY: "higher", PRECISION: "higher", OVERLAP: "lower"}


@dataclass(frozen=True)
class Method:
    """A likeness with its name and kind (model, random, floor)."""

    name: str
    kind: str
    likeness: Likeness
    n_parameters: int = 0


@dataclass(frozen=True)
class FamilyAssessment:
    """Every method measured on one set; `seconds` by method: of likeness and measures, embedding left out."""

    chosen: FamilySet
    methods: tuple[Method, ...]
    measured: Mapping[str, Measured]
    draws: Draws
    seconds: Mapping[str, float]

    @property
    def best_floor(self) -> str:
        """The floor of highest accuracy of the nearest neighbour."""
        floors = [method.name for method in self.methods if method.kind == "floor"]
        return max(floors, key=lambda name: float(self.draws.values[name][0, METRICS.index(ACCURACY)]))

    @property
    def interval_note(self) -> str | None:
        """A sentence on intervals that are rough, or None."""
        n_draws = len(next(iter(self.draws.draws.values())))
        return interval_note(n_draws, len(self.chosen.names), "families")

    def method_rows(self) -> list[Row]:
        """One row per method: kind, parameters, every metric with its interval."""
        rows: list[Row] = []
        for method in self.methods:
            row: Row = {"method": method.name, "kind": method.kind, "n_parameters": method.n_parameters}
            row |= {"n": len(self.chosen.records), "n_families": len(self.chosen.names)}
            for metric in METRICS:
                found = self.draws.interval(method.name, metric)
                row |= {metric: found.value, f"{metric}_low": found.low, f"{metric}_high": found.high}
            rows.append(row)
        return rows

    def difference_rows(self) -> list[Row]:
        """Every model minus the best floor and minus the random encoders, paired over families."""
        others = [self.best_floor, *(method.name for method in self.methods if method.kind == "random")]
        rows: list[Row] = []
        for method in self.methods:
            for other in others if method.kind != "floor" else []:
                for metric in METRICS if other != method.name else ():
                    found = self.draws.difference(method.name, other, metric)
                    row: Row = {"method": method.name, "other": other, "metric": metric, "better": BETTER[metric]}
                    row |= {"difference": found.value, "low": found.low, "high": found.high, "p_value": found.p_value}
                    rows.append(row)
        return rows

    def family_rows(self) -> list[Row]:
        """Accuracy and average precision by family, one column per method."""
        rows: list[Row] = []
        for number, (name, kind) in enumerate(zip(self.chosen.names, self.chosen.kinds, strict=True)):
            own = self.chosen.family == number
            row: Row = {"family": name, "type": kind, "n": int(own.sum())}
            for method, found in self.measured.items():
                row[f"{ACCURACY} {method}"] = float(found.nearest[own].mean())
                row[f"average_precision {method}"] = float(found.retrieved[own].mean())
            rows.append(row)
        return rows

    def histogram_rows(self) -> list[Row]:
        """Shares of the likenesses in each bin, within and between families."""
        edges = np.linspace(-1, 1, N_BINS + 1)
        rows: list[Row] = []
        for method, found in self.measured.items():
            within, between = (counts[0] / max(counts[0].sum(), 1) for counts in (found.within, found.between))
            for at in np.flatnonzero((within > 0) | (between > 0)).tolist():
                row: Row = {"method": method, "low": round(float(edges[at]), 2), "high": round(float(edges[at + 1]), 2)}
                rows.append(row | {"within": float(within[at]), "between": float(between[at])})
        return rows


def assess_families(
    chosen: FamilySet, methods: tuple[Method, ...], draws: int = DRAWS, seed: int = 1
) -> FamilyAssessment:
    """Measure every method; intervals from `draws` draws of families with replacement.

    Who is whose nearest is decided once, on the whole set: a draw weighs families, it does not remove rivals.
    """
    n_families = len(chosen.names)
    weights = np.concatenate([np.ones((1, n_families)), cluster_weights(n_families, draws, seed)])
    measured: dict[str, Measured] = {}
    values: dict[str, Float64] = {}
    seconds: dict[str, float] = {}
    with Progress("comparing", len(methods), "methods") as progress:
        for method in methods:
            started_s = time.monotonic()
            measured[method.name] = found = measure(method.likeness, chosen.family, weights)
            values[method.name] = _metrics(found, chosen, weights)
            seconds[method.name] = time.monotonic() - started_s
            progress.advance()
    first = {name: found[:1] for name, found in values.items()}
    paired = Draws(METRICS, first, {name: found[1:] for name, found in values.items()})
    return FamilyAssessment(chosen, methods, measured, paired, seconds)


def _metrics(found: Measured, chosen: FamilySet, weights: Float64) -> Float64:
    """The metrics by row of weights, float64 [w, 3]."""
    size = np.bincount(chosen.family)
    by_family = [np.bincount(chosen.family, values) for values in (found.nearest, found.retrieved)]
    ranked = [(weights @ sums) / (weights @ size) for sums in by_family]
    return np.stack([*ranked, found.overlap()], axis=1)
