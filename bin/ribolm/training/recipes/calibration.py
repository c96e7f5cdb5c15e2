"""What turns a logit into a frequency, and the probability from which on a place is called: fitted on dev alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

STEPS = 100


@dataclass(frozen=True)
class Decision:
    """Calibrated logit = slope · logit + intercept; `threshold` on its probability with the largest F1 on dev.

    `n` labelled places with `positives` of them; `fitted` False: dev could not tell, and the logit stands as it is.
    """

    slope: float = 1.0
    intercept: float = 0.0
    threshold: float = 0.5
    f1: float | None = None
    n: int = 0
    positives: int = 0
    fitted: bool = False

    def to_task(self) -> dict[str, Any]:
        """The keys of task.json."""
        platt = {"method": "platt", "slope": self.slope, "intercept": self.intercept}
        counted = {"n": self.n, "positives": self.positives, "fitted": self.fitted}
        return {"threshold": self.threshold, "calibration": {**platt, **counted}, "threshold_f1": self.f1}


def decide(logits: Float64, targets: Float64) -> Decision:
    """Fit calibration and threshold. logits, targets: [N], targets 0 or 1 (soft ones are rounded), NaN left out."""
    known = np.isfinite(targets) & np.isfinite(logits)
    logits, truth = logits[known], targets[known] >= 0.5
    n, positives = len(truth), int(truth.sum())
    if positives in (0, n):
        return Decision(n=n, positives=positives)
    slope, intercept = fit_platt(logits, truth)
    fitted = slope > 0
    if not fitted:  # worse than chance on dev: its order must not be turned around
        slope, intercept = 1.0, 0.0
    probability = 1.0 / (1.0 + np.exp(-np.clip(slope * logits + intercept, -500, 500)))
    threshold, f1 = best_threshold(probability, truth)
    return Decision(slope, intercept, threshold, f1, n, positives, fitted)


def fit_platt(logits: Float64, truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept that maximise the likelihood, by Newton's method with halved steps (Platt 1999).

    The targets are Platt's, (n₊ + 1)/(n₊ + 2) and 1/(n₋ + 2), so that separable classes have a finite answer; the
    stable form of the likelihood is that of Lin, Lin and Weng 2007.
    """
    positives = int(truth.sum())
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (len(truth) - positives + 2))
    # in units of the logits' own spread, so that the start and the ridge mean the same for every network
    centre, spread = float(logits.mean()), float(logits.std()) or 1.0
    design = np.stack([(logits - centre) / spread, np.ones(len(logits))], axis=1)
    weights = np.array([0.0, np.log((positives + 1) / (len(truth) - positives + 1))])
    loss = _loss(design @ weights, target)
    for _ in range(STEPS):
        margin = design @ weights
        probability = 1.0 / (1.0 + np.exp(-np.clip(margin, -500, 500)))
        gradient = design.T @ (probability - target)
        if np.abs(gradient).max() < 1e-9 * len(target):
            break
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-12 * len(target) * np.eye(2), gradient)
        scale = 1.0
        while scale > 1e-10 and (new := _loss(design @ (weights - scale * step), target)) > loss:
            scale /= 2
        if scale <= 1e-10:
            break
        weights, loss = weights - scale * step, new
    slope = float(weights[0] / spread)
    return slope, float(weights[1] - slope * centre)


def best_threshold(probability: Float64, truth: NDArray[np.bool_]) -> tuple[float, float]:
    """(threshold, F1): the highest threshold among those with the largest F1 of `probability >= threshold`."""
    order = np.argsort(-probability, kind="stable")
    sorted_probability, hits = probability[order], np.cumsum(truth[order])
    last_of_tie = np.flatnonzero(np.diff(sorted_probability, append=-1.0) != 0)
    f1 = 2 * hits[last_of_tie] / (last_of_tie + 1 + hits[-1])
    best = int(np.argmax(f1))
    return float(sorted_probability[last_of_tie[best]]), float(f1[best])


def _loss(margin: Float64, target: Float64) -> float:
    return float((np.logaddexp(0.0, margin) - target * margin).sum())
