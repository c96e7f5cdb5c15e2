"""Shares of letters add up to the difference of two logits, for every family."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ribolm.explain.gradients import integrated_gradients
from ribolm.explain.tokens import token_batches, token_letters

from .conftest import FAMILIES, byte_pairs, drawn_windows, window_model


@pytest.mark.parametrize("name", FAMILIES)
def test_shares_add_up(name: str) -> None:
    network, tokenizer = window_model(name)
    windows = drawn_windows(4, 40)
    found = integrated_gradients(network, tokenizer, windows, steps=24)
    assert found.shares.shape == (4, 40)
    difference = found.logits - found.baseline_logits
    assert np.abs(difference).min() > 1e-3
    assert np.abs(found.missing).max() < 0.02 * np.abs(difference).max()
    assert np.allclose(found.shares.sum(axis=1) + found.missing, difference, atol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_company_moves_nothing(name: str) -> None:
    network, tokenizer = window_model(name)
    windows = drawn_windows(5, 40)
    together = integrated_gradients(network, tokenizer, windows, steps=4)
    apart = integrated_gradients(network, tokenizer, windows[::-1], steps=4, tokens_at_once=1)
    assert np.allclose(together.shares, apart.shares[::-1], atol=1e-5)
    assert np.allclose(together.logits, apart.logits[::-1], atol=1e-5)


def test_unknown_letters_have_no_share() -> None:
    network, tokenizer = window_model("nucleotide")
    windows = drawn_windows(1, 40)
    windows[0, 10:15] = ord("N")
    assert (integrated_gradients(network, tokenizer, windows, steps=4).shares[0, 10:15] == 0).all()


def test_weights_keep_no_gradient() -> None:
    network, tokenizer = window_model("bpe")
    integrated_gradients(network, tokenizer, drawn_windows(1, 40), steps=2)
    assert all(weight.grad is None for weight in network.parameters())


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("tokens_at_once", [1, 30, 1000])
def test_tokens_stand_on_their_letters(name: str, tokens_at_once: int) -> None:
    _, tokenizer = window_model(name)
    windows = drawn_windows(7, 33)
    rows = []
    for part in token_batches(tokenizer, windows, tokens_at_once):
        rows += list(part.rows)
        tokens = part.batch.tokens[torch.from_numpy(part.place)].tolist()
        for token, window, start0, length_nt in zip(tokens, part.window, part.start0, part.length_nt, strict=True):
            letters = windows[part.rows.start + window, start0 : start0 + length_nt].tobytes().decode()
            assert tokenizer.tokens[token] == letters
    assert rows == list(range(7))


def test_words_have_as_many_letters_as_they_are_long() -> None:
    assert token_letters(byte_pairs()).tolist() == [1] * 9 + [2, 2, 4, 6, 2]
