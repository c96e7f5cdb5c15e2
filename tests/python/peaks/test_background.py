"""Background bins: the EM against one written out observation by observation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.peaks.background import (
    SOURCE_ALL_ELIGIBLE,
    SOURCE_MIXTURE,
    SOURCE_NONE,
    find_background,
    fit_two_gaussians,
    median_nonzero,
)


def slow_mixture(observations, equal):
    """EM with lists and loops: hard start at the median, M-step first, |Δll| < 1e-5·(1 + |ll|)."""
    n, middle = len(observations), float(np.median(observations))
    low = [1.0 if x <= middle else 0.0 for x in observations]
    previous = math.inf
    while True:
        first = sum(low)
        sizes = [first, n - first]
        weights = [size / n for size in sizes]
        shares = [low, [1 - z for z in low]]
        means = [
            sum(z * x for z, x in zip(s, observations, strict=True)) / size
            for s, size in zip(shares, sizes, strict=True)
        ]
        squares = [
            sum(z * (x - mean) ** 2 for z, x in zip(s, observations, strict=True))
            for s, mean in zip(shares, means, strict=True)
        ]
        variances = [sum(squares) / n] * 2 if equal else [q / size for q, size in zip(squares, sizes, strict=True)]
        likelihood = 0.0
        for i, x in enumerate(observations):
            parts = [
                w * math.exp(-((x - m) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v)
                for w, m, v in zip(weights, means, variances, strict=True)
            ]
            low[i] = parts[0] / sum(parts)
            likelihood += math.log(sum(parts))
        if abs(likelihood - previous) < 1e-5 * (1 + abs(likelihood)):
            break
        previous = likelihood
    bic = 2 * likelihood - (4 if equal else 5) * math.log(n)
    return means, variances, likelihood, bic, low


def simulated_counts(seed, n=800, share=0.2, scale=6.0):
    random = np.random.default_rng(seed)
    control = random.poisson(random.gamma(4, 10, n))
    enriched = random.random(n) < share
    return random.poisson(control * np.where(enriched, scale, 1.0) * 0.9), control, enriched


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_mixture_equals_a_slow_one_with_the_same_start_and_stop(seed):
    ip, control, _ = simulated_counts(seed)
    chosen = (ip >= 5) & (control >= 5)
    ratios = np.log(ip[chosen] / control[chosen])
    slow = [slow_mixture(ratios.tolist(), equal) for equal in (False, True)]
    best = max(slow, key=lambda fit: fit[3])
    found = find_background(ip, control)
    assert found.source == SOURCE_MIXTURE
    assert found.mixture.means == pytest.approx(best[0], rel=1e-9)
    assert found.mixture.variances == pytest.approx(best[1], rel=1e-9)
    assert found.mixture.bic == pytest.approx(best[3], rel=1e-12)
    assert found.flags[chosen].tolist() == [z > 0.5 for z in best[4]]
    assert not found.flags[~chosen].any()


def test_most_background_is_found_and_most_enrichment_left_out():
    ip, control, enriched = simulated_counts(7, n=3000)
    found = find_background(ip, control)
    eligible = (ip >= 5) & (control >= 5)
    assert found.flags[eligible & ~enriched].mean() > 0.95
    assert found.flags[enriched].mean() < 0.05


def overdispersed_counts(share, log2_fold_change, n=20_000, phi=0.1, mean=20):
    """IP and input of two libraries each, negative binomial with dispersion phi; which bins are enriched."""
    random = np.random.default_rng(1)
    expected = np.exp(random.normal(np.log(mean), 1.5, n))
    enriched = random.random(n) < share
    fold = np.where(enriched, 2.0**log2_fold_change, 1.0)
    libraries = [
        random.negative_binomial(1 / phi, 1 / (1 + phi * expected * times)).astype(np.int32)
        for times in (fold, fold, 1.0, 1.0)
    ]
    return libraries, enriched


def log2_bias(libraries, flags):
    """How far IP is scaled above input by the flagged bins, where both are equally deep."""
    factors = [median_nonzero(counts, flags) for counts in libraries]
    return math.log2(sum(factors[:2]) / sum(factors[2:]))


def test_noise_alone_is_no_second_component_and_moves_no_size_factor():
    libraries, _ = overdispersed_counts(share=0, log2_fold_change=0)
    ip, control = libraries[0] + libraries[1], libraries[2] + libraries[3]
    found = find_background(ip, control)
    assert found.source == SOURCE_ALL_ELIGIBLE
    assert found.count == found.eligible == ((ip >= 5) & (control >= 5)).sum()
    assert abs(log2_bias(libraries, found.flags)) < 0.07
    assert found.mixture.means[1] - found.mixture.means[0] < np.sqrt(found.mixture.variances.min())


@pytest.mark.parametrize("share, log2_fold_change", [(0.1, 2), (0.2, 1), (0.4, 1.5), (0.03, 3)])
def test_enrichment_within_the_noise_still_is_a_second_component(share, log2_fold_change):
    libraries, enriched = overdispersed_counts(share, log2_fold_change)
    found = find_background(libraries[0] + libraries[1], libraries[2] + libraries[3])
    assert found.source == SOURCE_MIXTURE
    assert abs(log2_bias(libraries, found.flags)) < 0.1
    assert found.flags[enriched].mean() < 0.6 * found.flags[~enriched].mean()


def test_equal_variances_win_where_they_are_equal():
    values = np.sort(np.random.default_rng(5).normal(np.repeat([0.0, 4.0], 400), 0.5))
    mixture = fit_two_gaussians(values, np.ones(values.size))
    assert mixture.equal_variance
    assert mixture.means == pytest.approx([0, 4], abs=0.1)


def test_no_eligible_bin_is_no_background():
    found = find_background(np.array([4, 100, 0]), np.array([100, 4, 0]))
    assert (found.source, found.count, found.eligible) == (SOURCE_NONE, 0, 0)


@pytest.mark.parametrize("ip, control", [([50], [20]), ([10, 20, 40], [10, 20, 40])])
def test_one_ratio_makes_every_eligible_bin_background(ip, control):
    found = find_background(np.array([*ip, 1]), np.array([*control, 1]))
    assert found.source == SOURCE_ALL_ELIGIBLE
    assert found.flags.tolist() == [True] * len(ip) + [False]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=60), st.randoms(use_true_random=False))
def test_any_counts_give_flags_that_follow_the_bins(pairs, random):
    def flags(rows):
        return find_background(*np.array(rows, dtype=np.int64).reshape(-1, 2).T).flags

    found = flags(pairs)
    assert all(a >= 5 and b >= 5 for (a, b), flag in zip(pairs, found, strict=True) if flag)
    assert found.any() == any(a >= 5 and b >= 5 for a, b in pairs)
    order = list(range(len(pairs)))
    random.shuffle(order)
    assert flags([pairs[i] for i in order]).tolist() == found[order].tolist()


def test_the_size_factor_is_the_median_of_non_zero_background_counts():
    counts = np.array([0, 3, 9, 4, 100], dtype=np.int32)
    assert median_nonzero(counts, np.array([1, 1, 1, 1, 0], dtype=bool)) == 4
    assert median_nonzero(counts, np.array([1, 0, 0, 0, 0], dtype=bool)) == 0
