"""Merging bins into peaks, against a walk along the bins."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.peaks.call import ExaminedBins, called_bins, merge_bins
from ribolm.peaks.glm import WaldTest


def make_bins(bins, unit, start, end, p_value, counts):
    p_value = np.array(p_value, dtype=float)
    change = np.linspace(1, 2, p_value.size)
    return ExaminedBins(
        bins=np.array(bins),
        unit=np.array(unit),
        start_nt=np.array(start),
        end_nt=np.array(end),
        counts=np.array(counts, dtype=np.int32),
        offsets=np.ones((2, p_value.size)),
        is_ip=np.array([True, False]),
        test=WaldTest(change, np.ones(p_value.size), p_value),
        p_adjusted=p_value * 2,
        outlier=np.zeros(p_value.size, bool),
        trend=None,
    )


@st.composite
def situations(draw):
    step, size = draw(st.sampled_from([(25, 25), (10, 25), (30, 25)]))
    bins, unit, start, end, at = [], [], [], [], 0
    for u in range(draw(st.integers(1, 4))):
        n = draw(st.integers(1, 12))
        length = (n - 1) * step + draw(st.integers(10, size))
        for k in range(n):
            if draw(st.booleans()):
                bins.append(at + k)
                unit.append(u)
                start.append(k * step)
                end.append(min(k * step + size, length))
        at += n
    p_value = [draw(st.sampled_from([1e-12, 1e-10, 0.5])) for _ in bins]
    counts = [[draw(st.integers(0, 3)) for _ in bins] for _ in range(2)]
    return make_bins(bins, unit, start, end, p_value, counts)


def slow_merge(tested, called, shortest):
    runs = []
    for i in np.flatnonzero(called):
        last = runs[-1][-1] if runs else None
        follows = (
            last is not None
            and tested.unit[last] == tested.unit[i]
            and tested.bins[i] == tested.bins[last] + 1
            and tested.start_nt[i] <= tested.end_nt[last]
        )
        if follows:
            runs[-1].append(i)
        else:
            runs.append([i])
    return [run for run in runs if tested.end_nt[run[-1]] - tested.start_nt[run[0]] >= shortest]


@settings(max_examples=150, deadline=None)
@given(situations(), st.sampled_from([1, 25]))
def test_runs_of_called_bins_become_peaks_with_plain_means_and_sums(tested, shortest):
    called = called_bins(tested, 1e-10)
    assert called.tolist() == [p <= 1e-10 and k > 0 for p, k in zip(tested.test.p_value, tested.counts[0], strict=True)]
    peaks = merge_bins(tested, called, shortest)
    runs = slow_merge(tested, called, shortest)
    assert len(peaks) == len(runs)
    for i, run in enumerate(runs):
        assert (peaks.first[i], peaks.end[i]) == (run[0], run[-1] + 1)
        assert (peaks.unit[i], peaks.start_nt[i]) == (tested.unit[run[0]], tested.start_nt[run[0]])
        assert peaks.end_nt[i] == tested.end_nt[run[-1]]
        assert (peaks.count_ip[i], peaks.count_input[i]) == tuple(tested.counts[:, run].sum(axis=1))
        assert np.isclose(peaks.log2_fold_change[i], tested.test.log2_fold_change[run].mean())
        assert np.isclose(peaks.p_value[i], tested.test.p_value[run].mean())
        assert np.isclose(peaks.p_adjusted[i], tested.p_adjusted[run].mean())
        assert np.isclose(peaks.rpm_ip[i], tested.counts[0, run].sum() / tested.counts[0].sum() * 1e6)


def test_nothing_tested_is_no_peak():
    tested = make_bins([], [], [], [], [], [[], []])
    assert len(merge_bins(tested, called_bins(tested, 1), 25)) == 0


def test_the_last_short_bin_of_a_gene_alone_is_no_peak_but_joins_one():
    arguments = ([3, 4], [0, 0], [75, 100], [100, 112])
    alone = make_bins(*arguments, [0.5, 1e-20], [[9, 9], [1, 1]])
    joined = make_bins(*arguments, [1e-20, 1e-20], [[9, 9], [1, 1]])
    assert len(merge_bins(alone, called_bins(alone, 1e-10), 25)) == 0
    peaks = merge_bins(joined, called_bins(joined, 1e-10), 25)
    assert (peaks.start_nt.tolist(), peaks.end_nt.tolist()) == ([75], [112])
