"""The batched solver against the recipe written out, and against statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import norm

from ribolm.peaks.glm import benjamini_hochberg, fit_group, wald_test


def slow_group(counts, offsets, phi=0.0):
    """One bin of one group, line by line as published."""
    eta = np.log(max(sum(counts), 0.1) / sum(offsets))
    for _ in range(100):
        mean = np.maximum(np.exp(eta) * offsets, 0.5)
        weight = mean / (1 + phi * mean)
        after = sum(weight * (np.log(mean / offsets) + (counts - mean) / mean)) / sum(weight)
        change, eta = abs(after - eta), after
        if change < 1e-10:
            break
    mean = np.maximum(np.exp(eta) * offsets, 0.5)
    return eta, sum(mean / (1 + phi * mean))


def random_bins(seed, libraries, bins, level=3.0):
    random = np.random.default_rng(seed)
    offsets = random.gamma(4, 0.5, (libraries, bins)) + 0.05
    return random.poisson(offsets * random.gamma(1, level, bins)).astype(np.int32), offsets


@pytest.mark.parametrize("phi", [None, 0.3])
def test_every_bin_equals_the_recipe(phi):
    counts, offsets = random_bins(1, 3, 400)
    dispersion = None if phi is None else np.full(400, phi)
    eta, information = fit_group(counts, offsets, dispersion)
    slow = np.array([slow_group(counts[:, i], offsets[:, i], phi or 0.0) for i in range(400)])
    assert np.abs(eta - slow[:, 0]).max() < 1e-9
    assert information == pytest.approx(slow[:, 1], rel=1e-9)


@pytest.mark.parametrize("phi", [0.0, 0.05, 0.5])
def test_well_filled_bins_equal_statsmodels(phi):
    ip, ip_offsets = random_bins(2, 3, 40, level=60)
    control, control_offsets = random_bins(3, 2, 40, level=60)
    dispersion = np.full(40, phi) if phi else None
    test = wald_test(fit_group(ip, ip_offsets, dispersion), fit_group(control, control_offsets, dispersion))
    family = sm.families.NegativeBinomial(alpha=phi) if phi else sm.families.Poisson()
    design = sm.add_constant(np.array([1, 1, 1, 0, 0.0]))
    compared = 0
    for i in range(40):
        offsets = np.r_[ip_offsets[:, i], control_offsets[:, i]]
        counts = np.r_[ip[:, i], control[:, i]]
        fit = sm.GLM(counts, design, family=family, offset=np.log(offsets)).fit(tol=1e-14, maxiter=200)
        if fit.mu.min() < 0.6:
            continue
        compared += 1
        assert test.log2_fold_change[i] == pytest.approx(fit.params[1] / np.log(2), abs=1e-6)
        assert test.standard_error[i] == pytest.approx(fit.bse[1] / np.log(2), rel=1e-5)
        assert test.p_value[i] == pytest.approx(norm.sf(fit.params[1] / fit.bse[1]), rel=1e-3)
    assert compared > 25


def test_numbers_of_a_known_bin():
    ip, control = np.array([[140], [120]], np.int32), np.array([[19], [22]], np.int32)
    test = wald_test(fit_group(ip, np.array([[7.0], [6.0]])), fit_group(control, np.array([[7.0], [7.0]])))
    eta = np.log(260 / 13) - np.log(41 / 14)
    assert test.log2_fold_change[0] == pytest.approx(eta / np.log(2), abs=1e-12)
    assert test.standard_error[0] == pytest.approx(np.sqrt(1 / 260 + 1 / 41) / np.log(2), abs=1e-12)
    assert test.p_value[0] == pytest.approx(norm.sf(eta / np.sqrt(1 / 260 + 1 / 41)), rel=1e-10)


def test_a_bin_does_not_depend_on_the_others_or_on_the_chunking():
    counts, offsets = random_bins(4, 2, 20_000)
    whole = fit_group(counts, offsets)
    some = np.random.default_rng(0).choice(20_000, 500, replace=False)
    part = fit_group(counts[:, some], offsets[:, some])
    assert np.array_equal(whole[0][some], part[0])
    assert np.array_equal(whole[1][some], part[1])


def test_zero_counts_and_far_tails_stay_finite():
    counts = np.array([[0, 0, 10_000_000, 1], [0, 1, 10_000_000, 0]], np.int32)
    eta, information = fit_group(counts, np.array([[7.0] * 4, [1e-3] * 4]))
    assert np.isfinite(eta).all() and (information >= 1.0 - 1e-12).all()
    test = wald_test((eta, information), (eta - 30.0, information))
    assert np.isfinite(test.p_value).all()
    assert (test.p_value >= 0).all()


def test_benjamini_hochberg_equals_statsmodels_in_any_order():
    from statsmodels.stats.multitest import multipletests

    p_values = np.random.default_rng(5).random(500) ** 4
    p_values[100:120] = p_values[7]
    adjusted = benjamini_hochberg(p_values)
    assert adjusted == pytest.approx(multipletests(p_values, method="fdr_bh")[1], abs=1e-15)
    turned = np.random.default_rng(6).permutation(500)
    assert benjamini_hochberg(p_values[turned]) == pytest.approx(adjusted[turned], abs=1e-16)
    assert benjamini_hochberg(np.zeros(0)).size == 0
