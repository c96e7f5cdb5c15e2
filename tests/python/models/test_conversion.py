"""Folders written by transformers become model directories, whatever spelling of the weights they use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ribolm.errors import DataError
from ribolm.models.conversion import convert_model
from ribolm.models.network import Network
from ribolm.models.verification import verify_model
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.tokenizers import Tokenizer, make_tokenizer

from .conftest import peer_of

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
EMBEDDING = "esm.embeddings.word_embeddings.weight"


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    transformers.logging.disable_progress_bar()


def written(tmp_path: Path, name: str, **more: Any) -> Path:
    """A folder of a class of transformers, with an ESM-2 configuration and random weights."""
    torch.manual_seed(1)
    config = transformers.EsmConfig(
        vocab_size=33,
        mask_token_id=32,
        pad_token_id=1,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        position_embedding_type="rotary",
        layer_norm_eps=1e-5,
        token_dropout=True,
        **more,
    )
    getattr(transformers, name)(config).save_pretrained(tmp_path / "source")
    return tmp_path / "source"


@pytest.mark.parametrize(
    ("name", "more", "head", "labels"),
    [
        ("EsmForMaskedLM", {}, "masked_lm", None),
        ("EsmForTokenClassification", {"num_labels": 3}, "token", ["LABEL_0", "LABEL_1", "LABEL_2"]),
        ("EsmForSequenceClassification", {"id2label": {0: "no", 1: "yes"}}, "sequence", ["no", "yes"]),
        ("EsmForSequenceClassification", {"problem_type": "regression", "num_labels": 1}, "regression", ["LABEL_0"]),
        ("EsmModel", {}, None, None),
    ],
)
def test_every_class_converts(
    tmp_path: Path, name: str, more: dict[str, Any], head: str | None, labels: list[str] | None
) -> None:
    source = written(tmp_path, name, **more)
    convert_model(source, tmp_path / "model", make_tokenizer("esm"))
    model = load_model(tmp_path / "model")
    assert (model.network.spec and model.network.spec.kind) == head
    assert (model.task and model.task["labels"]) == labels
    assert set(model.manifest["parent"]["sha256"]) == {"model.safetensors"}
    verify_model(tmp_path / "model", against_transformers=True)


def test_there_and_back_again_is_the_same_bit_for_bit(tmp_path: Path, network: Network, tokenizer: Tokenizer) -> None:
    save_model(tmp_path / "first", network, tokenizer)
    for original in (True, False):
        peer = transformers.EsmForMaskedLM.from_pretrained(tmp_path / "first")
        peer.save_pretrained(tmp_path / "theirs", save_original_format=original)
        convert_model(tmp_path / "theirs", tmp_path / "second", tokenizer)
        first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("first", "second"))
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_keys_on_disk_are_those_of_transformers(tmp_path: Path, network: Network, tokenizer: Tokenizer) -> None:
    save_model(tmp_path / "ours", network, tokenizer)
    peer_of(network).save_pretrained(tmp_path / "theirs", save_original_format=False)
    ours, theirs = (load_file(tmp_path / name / "model.safetensors") for name in ("ours", "theirs"))
    assert ours.keys() == theirs.keys()
    assert all(ours[name].shape == theirs[name].shape for name in ours)


def edited(source: Path, **changes: Any) -> Path:
    """The source with weights added, or taken out (None)."""
    state = load_file(source / "model.safetensors")
    for name, value in changes.items():
        state.pop(name, None)
        if value is not None:
            state[name] = value.clone()
    save_file(state, source / "model.safetensors", metadata={"format": "pt"})
    return source


def test_weights_that_esm2_carries_unused_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path, "EsmForMaskedLM")
    embedding = load_file(source / "model.safetensors")[EMBEDDING].clone()
    more = {
        "lm_head.decoder.weight": embedding,
        "esm.embeddings.position_ids": torch.arange(8),
        "esm.embeddings.position_embeddings.weight": torch.zeros(8, 32),
        "esm.contact_head.regression.weight": None,
    }
    convert_model(edited(source, **more), tmp_path / "model", make_tokenizer("esm"))
    parent = load_model(tmp_path / "model").manifest["parent"]
    assert parent["left_out"] == ["esm.embeddings.position_embeddings.weight", "lm_head.decoder.weight"]
    assert parent["set"] == ["esm.contact_head.regression.weight"]
    assert "2 weights left out" in capsys.readouterr().err


def test_rounded_frequencies_of_old_checkpoints_are_kept(tmp_path: Path) -> None:
    source = written(tmp_path, "EsmForMaskedLM")
    name = next(name for name in load_file(source / "model.safetensors") if name.endswith("inv_freq"))
    rounded = load_file(source / "model.safetensors")[name].half().float()
    old = {f"esm.encoder.layer.{n}.attention.self.rotary_embeddings.inv_freq": rounded for n in range(2)}
    convert_model(edited(source, **{name: None}, **old), tmp_path / "model", make_tokenizer("esm"))
    assert torch.equal(load_model(tmp_path / "model").network.encoder.rotary_embeddings.inv_freq, rounded)
    verify_model(tmp_path / "model", against_transformers=True)
    old["esm.encoder.layer.1.attention.self.rotary_embeddings.inv_freq"] = 2 * rounded
    with pytest.raises(DataError, match="differs from the other layers"):
        convert_model(edited(source, **old), tmp_path / "model", make_tokenizer("esm"))


def test_frequencies_that_bfloat16_rounded_are_computed_anew(tmp_path: Path) -> None:
    source = written(tmp_path, "EsmForMaskedLM")
    state = load_file(source / "model.safetensors")
    name = next(name for name in state if name.endswith("inv_freq"))
    save_file({key: value.bfloat16() for key, value in state.items()}, source / "model.safetensors")
    convert_model(source, tmp_path / "model", make_tokenizer("esm"))
    model = load_model(tmp_path / "model")
    assert torch.equal(model.network.encoder.rotary_embeddings.inv_freq, state[name])
    assert name in model.manifest["parent"]["left_out"]
    verify_model(tmp_path / "model", against_transformers=True)


@pytest.mark.parametrize("content", [{}, {"weight_map": None}, {"weight_map": []}, {"weight_map": {"a": 1}}])
def test_an_index_that_names_no_file_is_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    source = written(tmp_path, "EsmForMaskedLM")
    (source / "model.safetensors.index.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"model\.safetensors\.index\.json: names no files of weights"):
        convert_model(source, tmp_path / "model", make_tokenizer("esm"))


def test_shards_are_joined(tmp_path: Path) -> None:
    source = written(tmp_path, "EsmForMaskedLM")
    state = load_file(source / "model.safetensors")
    (source / "model.safetensors").unlink()
    names = sorted(state)
    files = {name: f"model-{number % 2}.safetensors" for number, name in enumerate(names)}
    for file in set(files.values()):
        save_file({name: state[name] for name in names if files[name] == file}, source / file)
    (source / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    convert_model(source, tmp_path / "model", make_tokenizer("esm"))
    assert torch.equal(load_file(tmp_path / "model" / "model.safetensors")[EMBEDDING], state[EMBEDDING])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"esm.encoder.emb_layer_norm_after.bias": None}, r"missing \(esm.encoder.emb_layer_norm_after.bias\)"),
        ({"esm.more": torch.zeros(1)}, r"unknown \(esm.more\)"),
        ({"lm_head.decoder.weight": torch.zeros(33, 32)}, "not the embedding matrix"),
        ({EMBEDDING: torch.zeros(20, 32)}, r"of another shape \(esm.embeddings"),
    ],
)
def test_surprises_are_refused(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    source = edited(written(tmp_path, "EsmForMaskedLM"), **changes)
    with pytest.raises(DataError, match=told):
        convert_model(source, tmp_path / "model", make_tokenizer("esm"))
    assert not (tmp_path / "model").exists()


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    source = written(tmp_path, "EsmForMaskedLM")
    with pytest.raises(DataError, match="not the 'nucleotide' tokenizer's"):
        convert_model(source, tmp_path / "model", make_tokenizer("nucleotide"))
    esm = make_tokenizer("esm")
    (source / "vocab.txt").write_text("\n".join(esm.tokens))
    convert_model(source, tmp_path / "model", esm)
    (source / "vocab.txt").write_text("\n".join(reversed(esm.tokens)))
    with pytest.raises(DataError, match="not the 'esm' tokenizer's"):
        convert_model(source, tmp_path / "model", esm)
