"""What does not fit on a card goes through in smaller passes, or is told in a sentence that asks for a smaller one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ribolm.errors import OutOfMemory
from ribolm.inference import contacts
from ribolm.inference.batches import Forward
from ribolm.inference.embeddings import embed_rows
from ribolm.inference.sequences import score_windows
from ribolm.inference.structures import prediction
from ribolm.inference.values import predicted_values
from ribolm.inference.variants.marginals import masked_log_probabilities
from ribolm.models.configuration import EncoderConfig
from ribolm.models.network import language_model, new_network
from ribolm.models.presets import preset_config
from ribolm.models.weights import load_model
from ribolm.sequences.length_rule import LengthRule
from ribolm.sequences.rna import RnaRecord
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.machine.precision import Device

RNA = "ACGUACGUAC"


class SmallCard:
    """A network on a card that has room for so many tokens."""

    def __init__(self, network: Any, most_tokens: int) -> None:
        self.network, self.most_tokens, self.config = network, most_tokens, network.config

    def __call__(self, batch: Any, *more: Any) -> Any:
        if len(batch.tokens) > self.most_tokens:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return self.network(batch, *more)


def masked(tokens_per_batch: int, most_tokens: int) -> Forward:
    tokenizer = make_tokenizer("esm")
    config = preset_config("tiny", tokenizer)
    assert isinstance(config, EncoderConfig)
    forward = Forward.prepare(
        (new_network(config, language_model(config), seed=3),), tokenizer, "cpu", "fp32", tokens_per_batch
    )
    return on_small_card(forward, most_tokens)


def on_small_card(forward: Forward, most_tokens: int) -> Forward:
    """The passes of a card, computed here."""
    forward.networks = (SmallCard(forward.networks[0], most_tokens),)  # type: ignore[assignment]
    forward.device = Device("cpu", "cuda", "fp32")
    return forward


def test_masked_bases_go_through_in_smaller_passes(capsys: pytest.CaptureFixture[str]) -> None:
    alone = masked_log_probabilities(masked(0, 12), RNA, range(10))
    together = masked_log_probabilities(masked(12 * 8, 12 * 3), RNA, range(10))
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert "going on with 24 tokens per batch" in capsys.readouterr().err
    with pytest.raises(OutOfMemory, match="no memory for one sequence of 12 tokens"):
        masked_log_probabilities(masked(12 * 8, 11), RNA, range(10))


def test_windows_that_go_through_in_smaller_passes_are_told(
    make_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = load_model(make_model(level="sequence", pooling="mean"))
    letters = np.random.default_rng(1).choice(np.frombuffer(b"ACGT", dtype=np.uint8), (5, 20))
    scores = []
    for most_tokens in (1000, 50):
        forward = Forward.prepare((loaded.network,), loaded.tokenizer, "cpu", "fp32", 88)
        scores.append(score_windows(SimpleNamespace(window_nt=20), on_small_card(forward, most_tokens), letters))
    np.testing.assert_allclose(scores[1], scores[0], atol=1e-4)
    assert "going on with 44 tokens per batch" in capsys.readouterr().err


def test_rows_that_go_through_in_smaller_passes_are_read_alike(
    make_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(1)
    offsets = np.r_[0, np.cumsum(random.integers(1, 19, 12))]
    letters = random.choice(np.frombuffer(b"ACGT", dtype=np.uint8), int(offsets[-1]))
    tokenizer = make_tokenizer("nucleotide")
    tokens, wanted = tokenizer.encode(letters), letters == ord("A")
    network = load_model(make_model()).network
    bare = new_network(preset_config("tiny", tokenizer), None, seed=1)
    found = []
    for most_tokens in (1000, 50):
        classes = on_small_card(Forward.prepare((network,), tokenizer, "cpu", "fp32", 88), most_tokens)
        vectors = on_small_card(Forward.prepare((bare,), tokenizer, "cpu", "fp32", 88), most_tokens)
        of_one_length = embed_rows(vectors, tokens, np.arange(0, len(tokens), 18))
        found.append((classes.logits(tokens, offsets, wanted), of_one_length))
    for large, small in zip(*found, strict=True):
        np.testing.assert_allclose(small, large, atol=1e-5)
    assert capsys.readouterr().err.count("going on with 44 tokens per batch") == 2


def test_one_sequence_that_does_not_fit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    forward = masked(0, 0)
    told = pytest.raises(OutOfMemory, match=r"no memory for one sequence of 12 tokens.*--device cpu")
    with told:
        letters = np.frombuffer(RNA.replace("U", "T").encode(), dtype=np.uint8)
        values: Any = SimpleNamespace(rule=LengthRule(), window_nt=None)
        predicted_values(values, forward, letters, np.array([0, 10]))
    monkeypatch.setattr(contacts, "attention_channels", full)
    with told:
        contacts.contact_logits(SimpleNamespace(weights=None), forward, RNA)  # type: ignore[arg-type]
    monkeypatch.setattr(prediction, "states", full)
    model: Any = SimpleNamespace(
        loaded=SimpleNamespace(tokenizer=forward.tokenizer, network=None), device=forward.device
    )
    with told:
        prediction.predict_folded(model, RnaRecord("a", RNA), None, prediction.PredictionOptions())
