"""A window's logit is that of the network on it, whatever is scored with it; records become windows by fixed rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ribolm.alphabet import letters, reverse_complement
from ribolm.errors import DataError
from ribolm.inference.sequences import score_windows, windows_around
from ribolm.inference.window_models import WindowModel, forward_of, load_window_model
from ribolm.models.ragged import pack

WINDOW = {"level": "sequence", "pooling": "mean", "window_nt": 41, "anchor": "hexamer", "anchor_offset0": 18}


@pytest.fixture(scope="module")
def window_model(make_model: Callable[..., Path]) -> WindowModel:
    return load_window_model(make_model(task="polya", labels=["polya"], universe=None, **WINDOW))


def some_windows(n: int, width: int = 41) -> np.ndarray:
    return np.random.default_rng(4).choice(np.frombuffer(b"ACGTN", np.uint8), (n, width), p=[0.3, 0.2, 0.2, 0.28, 0.02])


def test_a_logit_is_that_of_the_network_on_the_window_alone(window_model: WindowModel) -> None:
    windows = some_windows(7)
    found = score_windows(window_model, forward_of(window_model, "cpu"), windows)
    tokenizer, network = window_model.loaded.tokenizer, window_model.loaded.network
    for row, logit in zip(windows, found, strict=True):
        batch = pack([np.r_[tokenizer.cls_id, tokenizer.encode(row), tokenizer.eos_id]])
        with torch.inference_mode():
            assert float(network(batch)[0, 0]) == pytest.approx(float(logit), abs=1e-5)
    assert len(set(found.tolist())) == 7


def test_neither_number_nor_order_nor_company_changes_a_logit(window_model: WindowModel) -> None:
    windows = some_windows(200)
    forward = forward_of(window_model, "cpu")
    forward.tokens_per_batch = 43 * 32
    whole = score_windows(window_model, forward, windows)
    order = np.random.default_rng(1).permutation(200)
    assert np.array_equal(score_windows(window_model, forward, windows[order]), whole[order])
    pieces = [score_windows(window_model, forward, windows[a:b]) for a, b in ((0, 1), (1, 33), (33, 200))]
    assert np.array_equal(np.concatenate(pieces), whole)
    assert len(score_windows(window_model, forward, windows[:0])) == 0
    asked = [score_windows(window_model, forward_of(window_model, "cpu", "fp32", n), windows) for n in (None, 1, 99)]
    assert np.array_equal(asked[0], asked[1]) and np.array_equal(asked[0], asked[2])
    np.testing.assert_allclose(asked[0], whole, atol=1e-5)


def test_windows_are_read_on_their_strand_and_padded_with_n(window_model: WindowModel) -> None:
    contig = letters("ACGTTTACGGATCAATAAAGCATTTGCACCAGTGTTTGCAACGTAGCAT" * 2)
    anchors = np.array([0, 18, 50, len(contig) - 1])
    plus = windows_around(window_model, contig, anchors, np.zeros(4, dtype=bool))
    assert (plus[:, 18] == contig[anchors]).all() and (plus[0, :18] == ord("N")).all()
    mirrored = reverse_complement(contig)
    minus = windows_around(window_model, mirrored, len(contig) - 1 - anchors, np.ones(4, dtype=bool))
    assert np.array_equal(plus, minus)


def test_a_model_may_refuse_windows_that_leave_the_sequence(make_model: Callable[..., Path]) -> None:
    model = load_window_model(make_model(task="polya", labels=["polya"], universe=None, padding="refuse", **WINDOW))
    with pytest.raises(DataError, match="base 3"):
        windows_around(model, letters("ACGT" * 30), np.array([60, 3]), np.zeros(2, dtype=bool))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"anchor": "middle"}, "anchor is 'middle'"),
        ({"anchor_offset0": 41}, "anchor_offset0 is 41"),
        ({"window_nt": None}, "window_nt is None"),
        ({"padding": "zero"}, "padding is 'zero'"),
        ({"threshold": 2}, "threshold is 2"),
    ],
)
def test_an_unsound_task_is_refused(make_model: Callable[..., Path], changes: dict, message: str) -> None:
    model = make_model(task="polya", labels=["polya"], universe=None, **(WINDOW | changes))
    with pytest.raises(DataError, match=message):
        load_window_model(model)


def test_a_model_of_sites_is_refused(model: Path) -> None:
    with pytest.raises(DataError, match="not one per sequence"):
        load_window_model(model)


def test_the_remedy_for_a_model_of_values_is_not_another_model_of_values(make_model: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"1 labels per regression.* trained with --level sequence\.$"):
        load_window_model(make_model(level="regression", pooling="mean"))
