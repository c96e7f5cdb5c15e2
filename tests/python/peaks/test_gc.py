"""GC curves: the spline's defining properties, and the grouped fit against a GLM on every bin."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.interpolate import CubicSpline

from ribolm.peaks.gc import MIN_FACTOR, fit_curve, natural_spline


def truncated_powers(x, knots=(0.0, 0.4, 0.5, 0.6, 1.0)):
    """Natural cubic splines by another formula (Hastie, Tibshirani, Friedman, eq. 5.4 and 5.5)."""
    last = knots[-1]

    def d(k):
        return (np.maximum(x - knots[k], 0) ** 3 - np.maximum(x - last, 0) ** 3) / (last - knots[k])

    return np.column_stack([np.ones_like(x), x, *(d(k) - d(len(knots) - 2) for k in range(len(knots) - 2))])


def test_the_basis_spans_the_natural_cubic_splines():
    x = np.linspace(0, 1, 201)
    basis, other = natural_spline(x), truncated_powers(x)
    assert basis.shape == (201, 5)
    assert np.linalg.matrix_rank(basis) == 5
    for a, b in ((basis, other), (other, basis)):
        assert np.abs(a @ np.linalg.lstsq(a, b, rcond=None)[0] - b).max() < 1e-9


def test_every_column_is_a_cubic_spline_of_zero_curvature_at_both_ends():
    knots = np.array([0, 0.4, 0.5, 0.6, 1])
    x = np.linspace(0, 1, 301)
    at_knots, values = natural_spline(knots), natural_spline(x)
    for column in range(5):
        assert CubicSpline(knots, at_knots[:, column], bc_type="natural")(x) == pytest.approx(
            values[:, column], abs=1e-9
        )


def test_the_basis_equals_that_of_r():
    """splines::ns(c(0, .3, .45, .55, .8, 1), knots = c(.4, .5, .6), Boundary.knots = 0:1, intercept = TRUE)."""
    x = np.array([0, 0.3, 0.45, 0.55, 0.8, 1])
    expected = [
        [-0.362142984170, 0.0, -0.29508196721, 0.66393442623, -0.36885245902],
        [0.514253679201, 0.225, -0.09023850698, 0.20303664069, -0.11279813372],
        [0.229582848701, 0.73333333333, -0.01041503384, 0.04687132614, -0.02603962563],
        [0.009476252114, 0.73333333333, 0.21900831997, 0.07754378008, -0.04030210004],
        [0.0, 0.06666666667, 0.42076502732, 0.30327868852, 0.20928961749],
        [0.0, 0.0, -0.16393442623, 0.36885245902, 0.79508196721],
    ]
    assert natural_spline(x) == pytest.approx(np.array(expected), abs=1e-10)


def simulated(seed, bins=4000):
    random = np.random.default_rng(seed)
    gc = random.integers(0, 226, bins) / 225
    counts = random.poisson(3 * np.exp(-((gc - 0.45) ** 2) / 0.02) + 0.05)
    return gc, counts


def test_the_grouped_fit_equals_a_glm_on_every_bin():
    gc, counts = simulated(1)
    distinct, where = np.unique(gc, return_inverse=True)
    curve = fit_curve(distinct, np.bincount(where).astype(float), np.bincount(where, counts))
    slow = sm.GLM(counts, truncated_powers(gc), family=sm.families.Poisson()).fit(tol=1e-14, maxiter=200).fittedvalues
    assert curve.factor[where] == pytest.approx(np.maximum(slow / slow.mean(), MIN_FACTOR), rel=1e-6)
    assert curve.factor[where].mean() == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("gc", [[0.0], [0.45], [0.0, 1.0], [0.1, 0.45, 0.9]])
def test_few_distinct_gc_values_are_fitted_as_they_are(gc):
    bins, total = np.full(len(gc), 10.0), np.arange(1, len(gc) + 1) * 10.0
    curve = fit_curve(np.array(gc), bins, total)
    rate = total / bins
    assert curve.factor == pytest.approx(rate / rate.mean(), rel=1e-6)


def test_no_count_is_a_flat_curve():
    assert fit_curve(np.array([0.1, 0.6]), np.array([5.0, 5.0]), np.zeros(2)).factor.tolist() == [1, 1]


def test_a_region_without_counts_keeps_a_positive_factor():
    gc = np.linspace(0, 1, 226)
    total = np.where(gc > 0.7, 50.0, 0.0)
    curve = fit_curve(gc, np.full(226, 20.0), total)
    assert curve.factor.min() >= MIN_FACTOR
    assert np.isfinite(curve.factor).all()
