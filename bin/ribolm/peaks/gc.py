"""How counts depend on the GC share of a bin's surroundings: one Poisson curve per library.

Algorithm: exomePeak2 1.16, step 7 of its description. The likelihood of a Poisson GLM whose only covariate is g needs
no more than the number of bins and the sum of counts at each distinct g, so the fit over all bins is exact and takes
milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FLANK_NT = 100
KNOTS = (0.4, 0.5, 0.6)
BOUNDARY = (0.0, 1.0)
MIN_FACTOR = 1e-3
CONVERGED = 1e-10
MAX_ROUNDS = 50

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class GcCurve:
    """Relative rate of one library at each distinct g: fitted / mean(fitted over all bins), at least 0.001."""

    gc: FloatArray
    factor: FloatArray


def natural_spline(
    x: FloatArray, knots: tuple[float, ...] = KNOTS, boundary: tuple[float, float] = BOUNDARY
) -> FloatArray:
    """Natural cubic spline basis with intercept, float64[n, len(knots) + 2].

    The columns equal R's `splines::ns(x, knots = knots, Boundary.knots = boundary, intercept = TRUE)`: cubic B-splines
    projected on the functions whose second derivative is 0 at both boundary knots. x must lie within the boundary.
    """
    full = np.concatenate([[boundary[0]] * 4, knots, [boundary[1]] * 4])
    basis = _bspline(np.asarray(x, dtype=np.float64), full, 4)
    curvature = _second_derivative_at(np.array(boundary), full)
    orthogonal, _ = np.linalg.qr(curvature.T, mode="complete")
    return np.asarray((basis @ orthogonal)[:, 2:])


def _bspline(x: FloatArray, knots: FloatArray, order: int) -> FloatArray:
    """B-splines of `order` by the recursion of Cox and de Boor, float64[n, len(knots) - order]."""
    last = np.searchsorted(knots, knots[-1], side="left") - 1
    inside = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, last)
    basis = np.zeros((x.size, knots.size - 1))
    basis[np.arange(x.size), inside] = 1.0
    for degree in range(1, order):
        raised = np.zeros((x.size, knots.size - 1 - degree))
        for k in range(raised.shape[1]):
            left, right = knots[k + degree] - knots[k], knots[k + degree + 1] - knots[k + 1]
            if left > 0:
                raised[:, k] += (x - knots[k]) / left * basis[:, k]
            if right > 0:
                raised[:, k] += (knots[k + degree + 1] - x) / right * basis[:, k + 1]
        basis = raised
    return basis


def _second_derivative_at(x: FloatArray, knots: FloatArray) -> FloatArray:
    """Second derivatives of the cubic B-splines at x, float64[len(x), len(knots) - 4]."""
    weights = _bspline(x, knots, 2)
    for order in (3, 4):
        raised = np.zeros((x.size, knots.size - order))
        for k in range(raised.shape[1]):
            left, right = knots[k + order - 1] - knots[k], knots[k + order] - knots[k + 1]
            if left > 0:
                raised[:, k] += (order - 1) / left * weights[:, k]
            if right > 0:
                raised[:, k] -= (order - 1) / right * weights[:, k + 1]
        weights = raised
    return weights


def fit_curve(gc: FloatArray, bins: FloatArray, total: FloatArray) -> GcCurve:
    """Fit counts ~ spline(g) by Poisson maximum likelihood.

    gc: distinct g, float64[m]; bins: bins at each; total: summed count of one library at each. A library without counts
    gets the flat curve. Where g is too poor for the spline the shortest solution of the normal equations is used, which
    has the same fitted values as leaving columns out.
    """
    if total.sum() <= 0:
        return GcCurve(gc, np.ones(gc.size))
    fitted = _poisson_fit(natural_spline(gc), bins, total)
    mean = float((fitted * bins).sum() / bins.sum())
    return GcCurve(gc, np.maximum(fitted / mean, MIN_FACTOR))


def _poisson_fit(basis: FloatArray, bins: FloatArray, total: FloatArray) -> FloatArray:
    """Fitted mean count per bin at each row of `basis`; starts as R's glm does, halves bad steps."""
    mean: FloatArray = (total + 0.1 * bins) / bins
    eta = np.log(mean)
    coefficients: FloatArray | None = None
    deviance = float("inf")
    for _ in range(MAX_ROUNDS):
        weights = mean * bins
        working = eta + (total - weights) / weights
        root = np.sqrt(weights)
        proposed = np.asarray(np.linalg.lstsq(basis * root[:, None], working * root, rcond=1e-10)[0], np.float64)
        eta, reached = _advance(basis, bins, total, coefficients, proposed, deviance)
        coefficients, previous = reached, deviance
        deviance = _deviance(eta, bins, total)
        mean = np.exp(eta)
        if abs(deviance - previous) < CONVERGED * (abs(deviance) + 0.1):
            break
    return np.asarray(mean)


def _advance(
    basis: FloatArray,
    bins: FloatArray,
    total: FloatArray,
    current: FloatArray | None,
    proposed: FloatArray,
    deviance: float,
) -> tuple[FloatArray, FloatArray]:
    """Linear predictor and coefficients after a step that does not raise the deviance."""
    if current is not None:
        for _ in range(30):
            if _deviance(_predictor(basis, proposed), bins, total) <= deviance * (1 + 1e-12) + 1e-12:
                break
            proposed = (proposed + current) / 2.0
    return _predictor(basis, proposed), proposed


def _predictor(basis: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Linear predictor; where no count pulls at the curve it stops at a rate of e^-30."""
    return np.clip(basis @ coefficients, -30.0, 30.0)


def _deviance(eta: FloatArray, bins: FloatArray, total: FloatArray) -> float:
    """Twice the negative log likelihood without the terms that do not depend on eta."""
    saturated = np.where(total > 0, total * np.log(np.maximum(total, 1.0) / bins) - total, 0.0).sum()
    return float(2.0 * (saturated - (total * eta - bins * np.exp(eta)).sum()))
