"""Every substitution is scored once and lands in its place."""

from __future__ import annotations

import numpy as np
import pytest

from ribolm.alphabet import Letters
from ribolm.explain import mutagenesis as module
from ribolm.explain.mutagenesis import Float32, importance, mutagenesis

from .conftest import drawn_windows

WEIGHTS = np.random.default_rng(3).normal(size=(12, 256)).astype(np.float32)


def adds_up(windows: Letters) -> Float32:
    """A model whose logit is a sum over letters, N included."""
    return WEIGHTS[np.arange(12), windows].sum(axis=1)


@pytest.mark.parametrize("letters_at_once", [1, 1000, 1 << 24])
def test_changes_of_an_additive_model_are_its_weights(monkeypatch: pytest.MonkeyPatch, letters_at_once: int) -> None:
    monkeypatch.setattr(module, "LETTERS_AT_ONCE", letters_at_once)
    windows = drawn_windows(5, 12, letters=b"ACGTN")
    changes = mutagenesis(windows, adds_up)
    bases = np.frombuffer(b"ACGT", dtype=np.uint8)
    expected = WEIGHTS[:, bases][None] - WEIGHTS[np.arange(12), windows][:, :, None]
    assert changes.shape == (5, 12, 4)
    assert np.allclose(changes, expected, atol=1e-5)
    assert (changes[windows[:, :, None] == bases] == 0).all()


def test_no_more_letters_are_scored_at_once_than_may_be_however_long_a_window_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows, sizes = drawn_windows(3, 12), []

    def counts(part: Letters) -> Float32:
        sizes.append(part.size)
        return adds_up(part)

    whole = mutagenesis(windows, counts)
    assert sizes == [3 * 37 * 12], "short windows are scored together"
    sizes.clear()
    monkeypatch.setattr(module, "LETTERS_AT_ONCE", 100)
    assert np.array_equal(mutagenesis(windows, counts), whole)
    assert max(sizes) <= 100 and sum(sizes) == 3 * 37 * 12


def test_importance_is_minus_the_mean_of_three_changes() -> None:
    changes = np.zeros((1, 2, 4), dtype=np.float32)
    changes[0, 0] = [0, -1, -2, -3]
    assert importance(changes).tolist() == [[2.0, 0.0]]


def test_no_window_gives_no_change() -> None:
    assert mutagenesis(drawn_windows(0, 12), adds_up).shape == (0, 12, 4)
