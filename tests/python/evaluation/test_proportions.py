"""Shares and ratios with their intervals, against statsmodels and against the formulas."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.evaluation.proportions import ratio_of_shares, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (3, 10), (8902, 21831), (1, 1)])
def test_wilson_interval_equals_that_of_statsmodels(hits: int, n: int) -> None:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, n, method="wilson")
    share = wilson(hits, n)
    assert share.value == hits / n
    assert share.low == pytest.approx(low, abs=1e-12) and share.high == pytest.approx(high, abs=1e-12)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share_and_stays_between_0_and_1(pair: tuple[int, int]) -> None:
    share = wilson(*pair)
    assert share.value is not None and share.low is not None and share.high is not None
    assert 0 <= share.low <= share.value <= share.high <= 1


def test_nothing_counted_is_not_defined_rather_than_zero() -> None:
    assert wilson(0, 0).value is None
    assert ratio_of_shares(0, 10, 3, 10).value is None
    assert str(wilson(0, 0)) == "not defined"


def test_ratio_of_shares_has_the_log_interval_of_katz() -> None:
    ratio = ratio_of_shares(40, 100, 10, 100)
    error = math.sqrt(1 / 40 - 1 / 100 + 1 / 10 - 1 / 100)
    assert ratio.value == pytest.approx(4.0)
    assert ratio.low == pytest.approx(4 * math.exp(-1.959963984540054 * error))
    assert ratio.high == pytest.approx(4 * math.exp(1.959963984540054 * error))
    assert ratio.n == 200
