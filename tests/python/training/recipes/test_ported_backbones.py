"""Nucleotide Transformer and DNABERT-2 are fine-tuned and predicted with like any other model."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.predict import main as predict
from ribolm.cli.train import main as train
from ribolm.models.family import BackboneConfig
from ribolm.models.mosaicbert_config import MosaicBertConfig
from ribolm.models.network import MASKED_LM, new_network
from ribolm.models.nucleotide_transformer import NucleotideTransformerConfig
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.byte_pairs import BytePairTokenizer
from ribolm.sequences.kmers import ChunkTokenizer
from ribolm.sequences.store import LabelSpec, StoreWriter
from ribolm.sequences.tokenizers import Tokenizer

SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
WINDOW_NT = 40


def chunks() -> Tokenizer:
    words = ["".join(word) for word in product("ACGT", repeat=3)]
    return ChunkTokenizer.from_tokens(["<unk>", "<pad>", "<mask>", "<cls>", *words, *"ATCGN"], k=3)


def byte_pairs() -> Tokenizer:
    specials = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    merges = [("A", "A"), ("T", "A"), ("AA", "TA"), ("C", "C")]
    vocabulary = {word: i for i, word in enumerate([*specials, *"ACGT", *("".join(pair) for pair in merges)])}
    form = {"special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    added = [{"id": i, "content": word, **form} for i, word in enumerate(specials)]
    model = {"type": "BPE", "unk_token": "[UNK]", "vocab": vocabulary, "merges": merges}
    return BytePairTokenizer.create(json.dumps({"version": "1.0", "added_tokens": added, "model": model}))


def config_of(name: str, tokenizer: Tokenizer) -> BackboneConfig:
    size = tokenizer.vocab_size
    if name == "DNABERT-2":
        return MosaicBertConfig(vocab_size=size, **SHAPE)
    if name == "first":
        return NucleotideTransformerConfig(vocab_size=size, max_position_embeddings=60, **SHAPE)
    second = {"position_embedding_type": "rotary", "gated_feed_forward": True, "add_bias_fnn": False}
    return NucleotideTransformerConfig(vocab_size=size, **SHAPE, **second)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["first", "second", "DNABERT-2"])
def test_a_ported_backbone_learns_windows_and_scores_them(tmp_path: Path, name: str) -> None:
    """Windows with AATAAA in the middle against windows without; ten steps are enough to tell them apart somewhat."""
    tokenizer = byte_pairs() if name == "DNABERT-2" else chunks()
    save_model(tmp_path / "init", new_network(config_of(name, tokenizer), MASKED_LM, seed=1), tokenizer)
    chance = np.random.default_rng(1)
    windows = np.frombuffer(b"CGTA", dtype=np.uint8)[chance.integers(0, 4, (60, WINDOW_NT))]
    windows[::2, 17:23] = np.frombuffer(b"AATAAA", dtype=np.uint8)
    source = {"options": {"window_nt": WINDOW_NT, "overlap_nt": 0}}
    with StoreWriter(tmp_path / "store", tokenizer, {"polya": LabelSpec("sequence")}, source) as writer:
        for row, window in enumerate(windows):
            writer.add(tokenizer.encode(window), f"s{row}", None, {"polya": np.array([1.0 - row % 2], np.float32)})
    places = {"--store": "store", "--init": "init", "--out": "model", "--checkpoint-dir": "checkpoints"}
    options = [text for option, place in places.items() for text in (option, str(tmp_path / place))]
    options += ["--task", "polya", "--level", "sequence", "--device", "cpu", "--steps", "10", "--learning-rate", "0.01"]
    assert train(["finetune", *options, "--tokens-per-step", "600"]) == 0
    model = load_model(tmp_path / "model")
    assert model.network.spec is not None
    assert (model.network.spec.kind, type(model.network.config)) == ("sequence", type(config_of(name, tokenizer)))
    assert model.task is not None
    window = {"window_nt": WINDOW_NT, "anchor": "hexamer", "anchor_offset0": 20, "padding": "N"}
    save_model(tmp_path / "windows", model.network, tokenizer, {**model.task, **window})
    records = "".join(f">r{row}\n{window.tobytes().decode()}\n" for row, window in enumerate(windows))
    (tmp_path / "windows.fa").write_text(records)
    scored = ["--sequences", str(tmp_path / "windows.fa"), "--out", str(tmp_path / "scores.tsv")]
    assert predict(["sequences", "--model", str(tmp_path / "windows"), *scored, "--device", "cpu"]) == 0
    lines = (tmp_path / "scores.tsv").read_text().splitlines()
    assert lines[0] == "name\tlogit\tprobability"
    logits = np.array([float(line.split("\t")[1]) for line in lines[1:]])
    assert logits.shape == (60,)
    assert logits[::2].mean() > logits[1::2].mean()
