"""Signals are replaced level by level, and by nothing that is a signal again."""

from __future__ import annotations

import numpy as np
import pytest

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import HEXAMERS
from ribolm.explain.perturbation import (
    CANONICAL,
    LEVELS,
    Float32,
    free_of_signals,
    perturb,
    perturbation_table,
    plan_control,
    plan_signals,
)
from ribolm.explain.words import find_words

from .conftest import drawn_windows, placed

SEED = 5


@pytest.fixture
def windows() -> Letters:
    """Rich in signals, overlapping ones too, and in A and T."""
    drawn = drawn_windows(60, 101, letters=b"AAAATTTCG")
    drawn[:20] = placed(drawn[:20], "AATAAATAAA", 20)
    drawn[40:] = placed(drawn_windows(20, 101, seed=2, letters=b"CG"), "ATTAAA", 30)
    return drawn


def counts_signals(windows: Letters) -> Float32:
    """A model that knows nothing but how many signals there are: 2 for one or more, else −2."""
    found = np.bincount(find_words(windows, CANONICAL).row, minlength=len(windows))
    return np.where(found > 0, 2.0, -2.0).astype(np.float32)


def test_level_0_changes_nothing_and_level_1_leaves_no_signal(windows: Letters) -> None:
    plan = plan_signals(windows, SEED)
    assert np.array_equal(plan.at_level(windows, 0.0), windows)
    assert len(find_words(plan.at_level(windows, 1.0), CANONICAL).row) == 0
    assert len(find_words(windows[40:], CANONICAL).row) == 20  # the test would be empty otherwise


def test_replacements_are_no_signals_and_change_their_six_letters_alone(windows: Letters) -> None:
    plan = plan_signals(windows, SEED)
    assert len(find_words(plan.letters, HEXAMERS).row) == 0
    changed = plan.at_level(windows, 1.0) != windows
    allowed = np.zeros(windows.shape, dtype=bool)
    allowed[plan.row[:, None], plan.start0[:, None] + np.arange(6)] = True
    assert not (changed & ~allowed).any()
    assert changed[plan.row].any(axis=1).all()


def test_levels_nest_and_replace_their_share(windows: Letters) -> None:
    plan = plan_signals(np.concatenate([windows] * 10), SEED)
    before = np.zeros(len(plan.u), dtype=bool)
    for level in LEVELS:
        now = plan.u < level
        assert not (before & ~now).any()
        assert abs(now.mean() - level) < 0.06
        before = now


def test_the_control_touches_no_signal(windows: Letters) -> None:
    signals = plan_signals(windows, SEED)
    control = plan_control(windows, signals, SEED)
    changed = control.at_level(windows, 1.0)
    found = find_words(windows, HEXAMERS)
    places = found.row[:, None], found.start0[:, None] + np.arange(6)
    assert np.array_equal(changed[places], windows[places])
    assert (changed != windows).any()
    assert len(find_words(control.letters, HEXAMERS).row) == 0
    assert set(control.u.tolist()) <= set(signals.u.tolist())
    per_window = np.bincount(control.row, minlength=60)
    assert (per_window[40:] == 1).all()
    assert (per_window <= np.bincount(signals.row, minlength=60)).all()


def test_room_for_a_control_is_where_no_letter_is_of_a_signal_or_unknown() -> None:
    windows = np.frombuffer(b"CCCCCCAATAAACCCCCCCN", dtype=np.uint8)[None]
    assert np.flatnonzero(free_of_signals(windows)[0]).tolist() == [0, 12, 13]
    assert free_of_signals(windows[:, :4]).shape == (1, 0)


def test_a_plan_is_a_function_of_the_seed(windows: Letters) -> None:
    first, again, other = (plan_signals(windows, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.letters, again.letters)
    assert not np.array_equal(first.letters, other.letters)


def test_a_model_that_sees_signals_only_falls_and_its_control_does_not(windows: Letters) -> None:
    found = perturb(windows[40:], counts_signals, SEED)
    table = perturbation_table(found)
    assert table.height == 2 * len(LEVELS)
    signal = table.filter(table["kind"] == "signal")
    assert signal["level"].to_list() == list(LEVELS)
    assert signal["misclassified"].to_list() == sorted(signal["misclassified"].to_list())
    assert (signal["misclassified"][0], signal["flipped"][0], signal["mean_change"][0]) == (0, 0, 0.0)
    assert (signal["misclassified"][-1], signal["flipped"][-1], signal["mean_change"][-1]) == (20, 20, -4.0)
    assert signal["probability_q50"][-1] == pytest.approx(1 / (1 + np.exp(2)))
    control = table.filter(table["kind"] == "control")
    assert set(control["misclassified"].to_list()) == {0}
    assert signal["n_with_signal"].to_list() == [20] * len(LEVELS)


def test_no_window_and_no_signal_are_no_mistakes() -> None:
    for windows in (drawn_windows(0, 101), drawn_windows(3, 101, letters=b"CG")):
        found = perturb(windows, lambda drawn: np.zeros(len(drawn), dtype=np.float32), SEED)
        assert np.array_equal(found.signals, found.control)
        assert perturbation_table(found)["n"].to_list() == [len(windows)] * 22


def test_levels_begin_with_the_untouched_windows(windows: Letters) -> None:
    with pytest.raises(ValueError, match="do not begin with 0"):
        perturbation_table(perturb(windows, counts_signals, SEED, levels=(0.5, 1.0)))
