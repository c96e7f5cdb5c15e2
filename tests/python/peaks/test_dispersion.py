"""Negative-binomial dispersion: recovered where it is known, and its likelihood against a slow one."""

import math

import numpy as np
import pytest

from ribolm.peaks.dispersion import adjusted_profile_likelihood, estimate_trend
from ribolm.peaks.glm import fit_group, wald_test


def simulated(seed, phi, bins=4000, replicates=2, fold=1.0):
    """Two groups of negative-binomial counts; abundance log-normal, offsets unequal."""
    random = np.random.default_rng(seed)
    mean = np.exp(random.normal(3.2, 1.0, bins))
    groups = []
    for enrichment in (fold, 1.0):
        offsets = np.exp(random.normal(0, 0.2, (replicates, 1))) * np.exp(random.normal(0, 0.1, (replicates, bins)))
        mu = mean * offsets * enrichment
        size = 1 / np.broadcast_to(phi, bins)
        groups.append((random.negative_binomial(size, size / (size + mu)).astype(np.int32), offsets))
    return tuple(groups), mean


@pytest.mark.parametrize("phi", [0.02, 0.1, 0.4])
@pytest.mark.parametrize("replicates", [2, 4])
def test_a_common_dispersion_is_recovered(phi, replicates):
    trend = estimate_trend(simulated(1, phi, replicates=replicates)[0])
    assert trend.bins.sum() > 3500
    assert np.average(trend.dispersion, weights=trend.bins) == pytest.approx(phi, rel=0.1)


def test_enrichment_does_not_count_as_dispersion():
    trend = estimate_trend(simulated(2, 0.1, fold=8.0)[0])
    assert np.average(trend.dispersion, weights=trend.bins) == pytest.approx(0.1, rel=0.1)


def test_poisson_counts_have_next_to_none():
    random = np.random.default_rng(3)
    mean = np.exp(random.normal(3, 1, 4000))
    groups = tuple((random.poisson(mean, (2, 4000)).astype(np.int32), np.ones((2, 4000))) for _ in range(2))
    assert estimate_trend(groups).dispersion.max() < 0.01


def test_a_trend_over_abundance_is_followed():
    random = np.random.default_rng(4)
    mean = np.exp(random.uniform(2, 6, 8000))
    phi = 0.05 + 2 / mean
    size = 1 / phi
    groups = tuple(
        (random.negative_binomial(size, size / (size + mean), (3, 8000)).astype(np.int32), np.ones((3, 8000)))
        for _ in range(2)
    )
    at = np.array([12.0, 40.0, 250.0])
    assert estimate_trend(groups).at(at) == pytest.approx(0.05 + 2 / at, rel=0.2)


def test_without_replicates_or_counts_there_is_no_trend():
    counts = np.full((1, 50), 20, np.int32)
    assert estimate_trend(((counts, np.ones((1, 50))), (counts, np.ones((1, 50))))).dispersion.size == 0
    none = np.zeros((2, 50), np.int32)
    trend = estimate_trend(((none, np.ones((2, 50))), (none, np.ones((2, 50)))))
    assert trend.at(np.ones(3)).tolist() == [0, 0, 0]


def test_replicates_of_one_assay_are_enough():
    (ip, control), _ = simulated(5, 0.1, replicates=3)
    trend = estimate_trend((ip, (control[0][:1], control[1][:1])))
    assert np.average(trend.dispersion, weights=trend.bins) == pytest.approx(0.1, rel=0.1)


def test_the_adjusted_profile_likelihood_equals_a_slow_one():
    counts, offsets, phi = np.array([[12, 40], [20, 31], [9, 55]], np.int32), np.full((3, 2), 1.0), 0.2
    slow = 0.0
    for column in counts.T:
        mean = column.mean()  # equal offsets: the fitted mean is the mean
        for k in column:
            size = 1 / phi
            slow += math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
            slow += k * math.log(mean / (mean + size)) + size * math.log(size / (mean + size))
        slow -= 0.5 * math.log(3 * mean / (1 + phi * mean))
    assert adjusted_profile_likelihood(counts, offsets, phi) == pytest.approx(slow, rel=1e-10)


def test_with_the_right_dispersion_null_p_values_are_fair():
    (ip, control), _ = simulated(6, 0.1, bins=20_000)
    phi = np.full(20_000, 0.1)
    p_values = wald_test(fit_group(*ip, phi), fit_group(*control, phi)).p_value
    assert (p_values < 0.05).mean() == pytest.approx(0.05, abs=0.015)
    poisson = wald_test(fit_group(*ip), fit_group(*control)).p_value
    assert (poisson < 0.05).mean() > 0.1
