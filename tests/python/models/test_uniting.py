"""Trained networks as one directory: the mean of their logits; what does not belong together is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ribolm.cli.weights import main
from ribolm.errors import DataError, UsageError
from ribolm.inference.sequences import score_windows
from ribolm.inference.window_models import WindowModel, forward_of, load_window_model
from ribolm.models.convolution.configuration import ConvolutionConfig
from ribolm.models.heads import HeadSpec
from ribolm.models.network import new_network
from ribolm.models.presets import preset_config
from ribolm.models.ragged import Ragged, pack
from ribolm.models.uniting import unite_models
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.tokenizers import make_tokenizer

TOKENIZER = make_tokenizer("nucleotide")
SPEC = HeadSpec("sequence", 1, "mean")
WINDOW = {"window_nt": 40, "anchor": "hexamer", "anchor_offset0": 20, "padding": "N"}
TASK: dict[str, Any] = {"task": "polya", "level": "sequence", "labels": ["polya"], "pooling": "mean", **WINDOW}


def stored(directory: Path, seed: int, slope: float = 1.0, hidden_size: int = 8, **task: Any) -> Path:
    config = preset_config("convolution-101", TOKENIZER)
    assert isinstance(config, ConvolutionConfig)
    shape = replace(config, max_tokens=42, hidden_size=hidden_size, head_units=12, head_size=6)
    platt = {"method": "platt", "slope": slope, "intercept": slope - 1}
    own = {"threshold": slope / 4, "threshold_f1": 0.5, "calibration": platt}
    return save_model(directory, new_network(shape, SPEC, seed), TOKENIZER, {**TASK, **own, **task})


def batch() -> Ragged:
    rng = np.random.default_rng(2)
    return pack([np.r_[TOKENIZER.cls_id, rng.integers(4, 8, n - 2), TOKENIZER.eos_id] for n in (42, 42, 17)])


def scores(model: WindowModel) -> np.ndarray:
    letters = np.random.default_rng(3).choice(np.frombuffer(b"ACGT", np.uint8), (5, 40))
    return np.asarray(score_windows(model, forward_of(model, "cpu"), letters))


@torch.no_grad()
def test_the_logit_is_the_mean_of_the_logits(tmp_path: Path) -> None:
    parts = [stored(tmp_path / str(seed), seed, 1.0 + seed) for seed in (0, 1, 2)]
    pair = unite_models(parts[:2], tmp_path / "pair")
    assert main(["unite", "--model", str(pair), "--model", str(parts[2]), "--out", str(tmp_path / "all")]) == 0
    united = load_model(tmp_path / "all")
    logits = torch.stack([load_model(part).network(batch()) for part in parts])
    torch.testing.assert_close(united.network(batch()), logits.mean(dim=0), atol=1e-6, rtol=0)
    assert united.network.n_parameters() == 3 * load_model(parts[0]).network.n_parameters()
    loaded = load_window_model(tmp_path / "all")
    assert (loaded.calibration.slope, loaded.calibration.intercept, loaded.threshold) == (2.0, 1.0, 0.5)
    assert loaded.window_nt == 40 and "threshold_f1" not in (united.task or {})
    assert [part["sha256"] for part in united.manifest["parts"]] == [load_model(p).sha256 for p in (pair, parts[2])]
    np.testing.assert_allclose(scores(loaded), np.mean([scores(load_window_model(p)) for p in parts], 0), atol=1e-6)


def test_towers_are_trained_as_one_network() -> None:
    config = preset_config("convolution-101", TOKENIZER)
    assert isinstance(config, ConvolutionConfig)
    shape = replace(config, max_tokens=42, hidden_size=8, head_units=12, head_size=6).with_towers(2)
    assert shape.hidden_size == 16 and shape.one_tower.hidden_size == 8
    network = new_network(shape, SPEC, 1).train()
    network(batch()).sum().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in network.parameters())
    states = new_network(shape, None, 1)(batch())
    assert states.shape == (42 + 42 + 17, 16) and not torch.equal(states[:, :8], states[:, 8:])
    embedded = network.encoder.embed(batch())
    assert torch.equal(embedded, network.encoder.token_embeddings[batch().tokens])
    with pytest.raises(DataError, match="16 cannot be shared evenly by 3 towers"):
        replace(shape, towers=3)


def test_what_does_not_belong_together_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = stored(tmp_path / "1", 1), stored(tmp_path / "2", 2)
    for other in (stored(tmp_path / "wide", 2, hidden_size=10), stored(tmp_path / "late", 2, anchor_offset0=21)):
        with pytest.raises(DataError, match=f"{other.name}: has another shape, vocabulary or task"):
            unite_models([first, other], tmp_path / "out")
    for given in ([first], [first, first]):
        with pytest.raises(UsageError, match="two or more model directories, each once"):
            unite_models(given, tmp_path / "out")
    assert main(["init", "--preset", "tiny", "--tokenizer", "nucleotide", "--out", str(tmp_path / "esm")]) == 0
    with pytest.raises(DataError, match="no trained convolutional model"):
        unite_models([first, tmp_path / "esm"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert main(["unite", "--model", str(first), "--model", str(second), "--out", str(first)]) == 2
    assert "holds a model already" in capsys.readouterr().err


@torch.no_grad()
def test_towers_with_a_head_of_frames_are_united_too(tmp_path: Path) -> None:
    config = preset_config("convolution-50", TOKENIZER)
    assert isinstance(config, ConvolutionConfig)
    parts = []
    for seed in (1, 2):
        network = new_network(replace(config, hidden_size=8, head_size=6), HeadSpec("regression"), seed)
        parts.append(save_model(tmp_path / str(seed), network, TOKENIZER, {**TASK, "level": "regression"}))
    united = load_model(unite_models(parts, tmp_path / "all")).network
    logits = torch.stack([load_model(part).network(batch()) for part in parts])
    torch.testing.assert_close(united(batch()), logits.mean(dim=0), atol=1e-6, rtol=0)
