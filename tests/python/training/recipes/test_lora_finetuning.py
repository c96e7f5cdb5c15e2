"""Fine-tuning of adapters alone: cut and resumed exactly, merged into a plain model, predicted with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from ribolm.cli.predict import main as predict
from ribolm.cli.train import main as train
from ribolm.models.initial import write_initial_model
from ribolm.models.weights import load_model
from ribolm.sequences.store import LabelSpec, StoreWriter
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training import faults

pytest.importorskip("peft")
RANK = 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of 64 sequences in which every A before C is a site, one FASTA record, and a model to begin with."""
    tokenizer, chance = make_tokenizer("nucleotide"), np.random.default_rng(1)
    source = {"options": {"window_nt": 60, "overlap_nt": 10}}
    with StoreWriter(tmp_path / "store", tokenizer, {"sites": LabelSpec("token")}, source) as writer:
        for row in range(64):
            tokens = chance.integers(4, 8, 50).astype(np.uint8)
            sites = ((tokens == 4) & (np.roll(tokens, -1) == 5)).astype(np.float32)
            writer.add(tokens, f"s{row}", None, {"sites": sites})
    (tmp_path / "words.fa").write_text(">r\n" + "GGACTTACAGGAC" * 9 + "\n")
    write_initial_model(tmp_path / "init", "tiny", tokenizer, 1)
    return tmp_path


def finetune(folder: Path, name: str, *more: str) -> int:
    """Train adapters for eight steps with a checkpoint after every third; the model is `folder/name`."""
    places = {"--store": "store", "--init": "init", "--out": name, "--checkpoint-dir": f"{name}-checkpoints"}
    options = [text for option, place in places.items() for text in (option, str(folder / place))]
    options += ["--task", "sites", "--unlabeled", "ignore_unlabeled", "--lora", str(RANK), "--device", "cpu"]
    options += ["--steps", "8", "--tokens-per-step", "500", "--learning-rate", "0.02", "--checkpoint-every-steps", "3"]
    return train(["finetune", *options, *more])


def logits(folder: Path, model: str) -> np.ndarray:
    """What `ribolm-predict sites` gives for the FASTA record."""
    table = folder / f"{model}.parquet"
    places = ["--sequences", str(folder / "words.fa"), "--out", str(folder / f"{model}.bed"), "--table", str(table)]
    assert predict(["sites", "--model", str(folder / model), *places, "--universe", "adenosine"]) == 0
    return pl.read_parquet(table)["logit"].to_numpy()


def test_adapters_are_trained_resumed_exactly_and_merged_into_a_plain_model(folder: Path) -> None:
    assert finetune(folder, "whole") == 0
    faults.plan("step.update@6=full")
    assert finetune(folder, "cut") == 1
    faults.plan("")
    assert not (folder / "cut").exists() and (folder / "cut-checkpoints/step-00000003").exists()
    assert finetune(folder, "cut", "--resume", "require") == 0
    assert (folder / "whole/model.safetensors").read_bytes() == (folder / "cut/model.safetensors").read_bytes()

    before, after = (load_model(folder / name, "as stored").network.encoder.state_dict() for name in ("init", "whole"))
    assert list(before) == list(after)
    changes = {name: (after[name] - old).double() for name, old in before.items() if not torch.equal(after[name], old)}
    changed = {name: int(torch.linalg.matrix_rank(change, rtol=1e-4)) for name, change in changes.items()}
    assert changed and all(".layer." in name and name.endswith(".weight") for name in changed)
    assert set(changed.values()) == {RANK}
    assert json.loads((folder / "whole/manifest.json").read_text())["settings"]["network"]["lora"] == RANK

    assert finetune(folder, "barely", "--steps", "1") == 0
    found = logits(folder, "whole")
    assert (found == logits(folder, "cut")).all() and not np.allclose(found, logits(folder, "barely"), atol=0.1)
