"""A tiny HyenaDNA is fine-tuned and predicted with like any other model, per window and per token."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ribolm.cli.predict import main as predict
from ribolm.cli.train import main as train
from ribolm.models.backbones import family_of
from ribolm.models.heads import HeadSpec
from ribolm.models.hyena.configuration import HyenaConfig
from ribolm.models.network import new_network
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.places import Place
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.run.parameters import freeze

CONFIG = HyenaConfig(
    d_model=16, n_layer=2, max_seq_len=66, emb_dim=5, activation_freq=10, filter_order=16, embed_dropout=0.0,
    initializer_range=0.2,
)  # fmt: skip
TOKENIZER = make_tokenizer("hyena")
WINDOW_NT = 40


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, and 80 windows: every other one has a hexamer, whose last base is the site."""
    folder = tmp_path_factory.mktemp("data")
    save_model(folder / "init", new_network(CONFIG, HeadSpec("causal_lm"), seed=1), TOKENIZER)
    chance = np.random.default_rng(1)
    windows = np.frombuffer(b"CGTA", dtype=np.uint8)[chance.integers(0, 4, (80, WINDOW_NT))]
    starts = chance.integers(2, 30, 80)
    for window, start in zip(windows[::2], starts[::2], strict=True):
        window[start : start + 6] = np.frombuffer(b"AATAAA", dtype=np.uint8)
    source = {"options": {"window_nt": WINDOW_NT, "overlap_nt": 0}}
    specs = {"polya": LabelSpec("sequence"), "end": LabelSpec("token")}
    with StoreWriter(folder / "store", TOKENIZER, specs, source) as writer:
        for row, window in enumerate(windows):
            end = np.zeros(WINDOW_NT, np.float32)
            end[starts[row] + 5] = 1 - row % 2
            place = Place("chr1", "+", ((row * WINDOW_NT, (row + 1) * WINDOW_NT),))
            writer.add(TOKENIZER.encode(window), f"s{row}", place, {"polya": np.array([end.max()]), "end": end})
    (folder / "windows.fa").write_text("".join(f">r{i}\n{row.tobytes().decode()}\n" for i, row in enumerate(windows)))
    return folder


def tuned(data: Path, out: Path, task: str, *more: str) -> Path:
    options = ["--store", str(data / "store"), "--init", str(data / "init"), "--out", str(out / "model")]
    options += ["--task", task, "--checkpoint-dir", str(out / "checkpoints"), "--device", "cpu", "--seed", "1"]
    options += [
        "--tokens-per-step",
        "1100",
        "--learning-rate",
        "0.01",
        "--steps",
        "100",
        "--evaluate-every-steps",
        "20",
    ]
    assert train(["finetune", *options, *more]) == 0
    return out / "model"


def test_windows_are_learnt_and_scored(data: Path, tmp_path: Path) -> None:
    model = load_model(tuned(data, tmp_path, "polya", "--level", "sequence", "--pooling", "last"))
    assert model.task is not None and model.task["pooling"] == "last"
    window = {"window_nt": WINDOW_NT, "anchor": "hexamer", "anchor_offset0": 20, "padding": "N"}
    save_model(tmp_path / "windows", model.network, TOKENIZER, {**model.task, **window})
    options = ["--model", str(tmp_path / "windows"), "--sequences", str(data / "windows.fa"), "--device", "cpu"]
    assert predict(["sequences", *options, "--out", str(tmp_path / "scores.tsv")]) == 0
    logit = pl.read_csv(tmp_path / "scores.tsv", separator="\t")["logit"].to_numpy()
    assert logit[::2].mean() > logit[1::2].mean() + 0.1


@pytest.mark.parametrize("more", [[], ["--delay-nt", "2", "--both-strands"]])
def test_sites_are_learnt_and_scored(data: Path, tmp_path: Path, more: list[str]) -> None:
    """The hexamer stands before the site, so that a causal model can see it."""
    incomplete = ["--unlabeled", "as_negative", "--positive-weight", "0"]
    model = tuned(data, tmp_path, "end", "--level", "token", *incomplete, *more)
    table = tmp_path / "scores.parquet"
    options = ["--model", str(model), "--store", str(data / "store"), "--out", str(table), "--universe", "nucleotide"]
    assert predict(["store", *options, "--device", "cpu"]) == 0
    found = pl.read_parquet(table).sort("start0")
    is_end = TokenStore.open(data / "store").label("end") == 1
    logit = found["logit"].to_numpy()
    assert is_end.sum() == 40 and len(logit) == len(is_end)
    assert logit[is_end].mean() > logit[~is_end].mean() + 0.5


def test_windows_that_are_too_long_are_refused_first(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--store", str(data / "store"), "--init", str(data / "init"), "--out", str(tmp_path / "model")]
    options += ["--task", "end", "--checkpoint-dir", str(tmp_path / "checkpoints"), "--device", "cpu"]
    assert train(["finetune", *options, "--unlabeled", "as_negative", "--delay-nt", "26", "--steps", "2"]) == 65
    assert "has 67 tokens with special ones, but the model reads up to 66" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_layers_have_depths_and_are_frozen() -> None:
    network = new_network(CONFIG, HeadSpec("sequence"), seed=1)
    depths = {name: family_of(network.config).depth(name, 2) for name in dict(network.named_parameters())}
    assert depths["hyena.backbone.embeddings.word_embeddings.weight"] == 0
    assert depths["hyena.backbone.layers.1.mixer.filter_fn.implicit_filter.1.freq"] == 2
    assert depths["hyena.backbone.ln_f.weight"] == depths["score.weight"] == 3
    freeze(network, 2)
    assert [name for name, value in network.named_parameters() if value.requires_grad] == ["score.weight"]
