"""Model directories: what is written comes back, transformers reads it, and damage is refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ribolm.errors import DataError
from ribolm.models import verification
from ribolm.models.heads import HeadSpec
from ribolm.models.hyena.configuration import HyenaConfig
from ribolm.models.mosaicbert_config import MosaicBertConfig
from ribolm.models.network import Network, new_network
from ribolm.models.pair_maps.configuration import PairMapConfig, base_ids
from ribolm.models.ragged import pack
from ribolm.models.verification import verify_model
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.tokenizers import Tokenizer, make_tokenizer

from .conftest import sequences

Headed = Callable[[HeadSpec], Network]
TASK = {"task": "m6a_sites", "level": "token", "labels": ["m6a"], "window_nt": 510, "pooling": None}
WEIGHT = "esm.encoder.layer.1.output.dense.weight"


@pytest.fixture
def model(tmp_path: Path, network: Network, tokenizer: Tokenizer) -> Path:
    return save_model(tmp_path / "model", network, tokenizer, manifest={"seeds": {"init": 1}}, card="# A model\n")


@torch.no_grad()
def test_a_pretrained_model_comes_back(model: Path, network: Network, tokenizer: Tokenizer) -> None:
    loaded = load_model(model)
    batch = pack(sequences((30, 40)))
    assert torch.equal(loaded.network(batch), network(batch))
    assert (loaded.tokenizer, loaded.task, loaded.manifest["seeds"]) == (tokenizer, None, {"init": 1})
    assert loaded.sha256 == loaded.manifest["files"]["model.safetensors"]["sha256"]
    assert not loaded.network.training
    assert sorted(path.name for path in model.iterdir()) == [
        "README.md",
        "config.json",
        "manifest.json",
        "model.safetensors",
        "vocab.json",
    ]
    assert load_model(model, head=None).network.head is None


@torch.no_grad()
def test_a_task_comes_back(tmp_path: Path, headed: Headed, tokenizer: Tokenizer) -> None:
    network = headed(HeadSpec("token"))
    save_model(tmp_path / "model", network, tokenizer, TASK)
    loaded = load_model(tmp_path / "model")
    batch = pack(sequences((30, 40)))
    assert torch.equal(loaded.network(batch), network(batch))
    assert loaded.task == {**TASK, "tokenizer": tokenizer.identity()}
    with pytest.raises(DataError, match="no masked LM head"):
        load_model(tmp_path / "model", head="masked_lm")


def test_a_task_that_spells_its_vocabulary_out_is_read_and_another_vocabulary_refused(
    tmp_path: Path, headed: Headed, tokenizer: Tokenizer
) -> None:
    model = save_model(tmp_path / "model", headed(HeadSpec("token")), tokenizer, TASK)
    rewrite(model, "task.json", json.dumps({**TASK, "tokenizer": tokenizer.to_dict()}))  # as version 0.1.0 wrote it
    assert load_model(model).tokenizer == tokenizer
    for other in ({**tokenizer.identity(), "sha256": "0" * 64}, {**tokenizer.identity(), "kind": "bpe"}, None):
        rewrite(model, "task.json", json.dumps({**TASK, "tokenizer": other}))
        with pytest.raises(DataError, match="name different tokenizers"):
            load_model(model)


@pytest.mark.parametrize(
    ("spec", "task"),
    [
        (HeadSpec("token", 1), TASK),
        (HeadSpec("sequence", 2, "cls"), {**TASK, "level": "sequence", "labels": ["a", "b"], "pooling": "cls"}),
        (HeadSpec("regression", 1, "cls"), {**TASK, "level": "regression", "pooling": "cls"}),
        (HeadSpec("multilabel", 3, "mean"), {**TASK, "level": "multilabel", "labels": [*"abc"], "pooling": "mean"}),
        (HeadSpec("pair", 1), {**TASK, "level": "pair"}),
    ],
    ids=lambda value: value.kind if isinstance(value, HeadSpec) else "",
)
def test_transformers_reads_every_head(
    tmp_path: Path, headed: Headed, tokenizer: Tokenizer, spec: HeadSpec, task: dict[str, Any]
) -> None:
    pytest.importorskip("transformers")
    save_model(tmp_path / "model", headed(spec), tokenizer, task)
    verify_model(tmp_path / "model", against_transformers=True)


def test_transformers_reads_the_masked_lm(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("transformers")
    verify_model(model, against_transformers=True)
    assert "hidden states and logits equal transformers'" in capsys.readouterr().err


def test_verify_refuses_what_transformers_computes_otherwise(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setattr(verification, "outputs", lambda model, batch: [torch.ones(len(batch.tokens), 32)] * 2)
    monkeypatch.setattr(verification, "outputs_of_transformers", lambda model, batch: [torch.zeros(150, 32)] * 2)
    with pytest.raises(DataError, match=r"outputs differ from transformers' by 1\.0e\+00"):
        verify_model(model, against_transformers=True)


def test_saving_again_leaves_nothing_of_the_model_before(
    tmp_path: Path, headed: Headed, network: Network, tokenizer: Tokenizer
) -> None:
    save_model(tmp_path / "model", headed(HeadSpec("token")), tokenizer, TASK, card="# Old\n")
    save_model(tmp_path / "model", network, tokenizer)
    assert load_model(tmp_path / "model").task is None
    assert not (tmp_path / "model" / "README.md").exists()


def test_files_that_are_no_models_stay_where_a_model_is_saved(
    tmp_path: Path, network: Network, tokenizer: Tokenizer
) -> None:
    (tmp_path / "README.md").write_text("# My project\n")
    save_model(tmp_path, network, tokenizer)
    assert (tmp_path / "README.md").read_text() == "# My project\n"
    assert load_model(tmp_path).task is None


def test_a_model_whose_place_is_taken_is_gone_as_a_whole(
    tmp_path: Path, headed: Headed, network: Network, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = save_model(tmp_path / "model", headed(HeadSpec("token")), tokenizer, TASK)

    def stopped(*_paths: Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="no space"):
        patched.setattr("ribolm.files._settle", lambda path: stopped() if path.name == "model.safetensors" else None)
        save_model(model, network, tokenizer)
    assert not (model / "manifest.json").exists() and not (model / "task.json").exists()


def test_every_head_is_verified(tmp_path: Path, headed: Headed, tokenizer: Tokenizer) -> None:
    shape = PairMapConfig(base_ids(tokenizer), width=8, dilations=(1,), side_width=8, map_width=4, attention=True)
    structure = {**TASK, "level": "structure", "labels": ["pair"], "pair_map": shape.to_dict()}
    bert = MosaicBertConfig(tokenizer.vocab_size, tokenizer.pad_id, tokenizer.mask_id, 0, 2, 32, 1, 2, 24)
    hyena = HyenaConfig(16, 1, 130, 3, 10.0)
    pair, strands = HeadSpec("pair"), HeadSpec("token", delay_nt=3, both_strands=True)
    made = {
        "structure": (headed(HeadSpec("structure", pair_map=shape)), tokenizer, structure),
        "pair": (new_network(bert, pair, 1), tokenizer, {**TASK, "level": "pair"}),
        "strands": (
            new_network(hyena, strands, 1),
            make_tokenizer("hyena"),
            {**TASK, "delay_nt": 3, "both_strands": True},
        ),
    }
    for name, (network, its_tokenizer, task) in made.items():
        verify_model(save_model(tmp_path / name, network, its_tokenizer, task), against_transformers=False)


def test_answers_that_are_no_numbers_are_refused(tmp_path: Path, headed: Headed, tokenizer: Tokenizer) -> None:
    network = headed(HeadSpec("sequence", 1, "mean"))
    with torch.no_grad():
        signs = 1.0 - 2.0 * (torch.arange(32) % 2)
        network.head.dense.weight.zero_()
        network.head.dense.bias.copy_(10 * signs)  # the sum of what is finite, each for itself, is not
        network.head.out_proj.weight.copy_(5e37 * signs[None])
    task = {**TASK, "level": "sequence", "pooling": "mean"}
    with pytest.raises(DataError, match="outputs are not finite"):
        verify_model(save_model(tmp_path / "model", network, tokenizer, task), against_transformers=False)


def rewrite(model: Path, name: str, content: str | bytes) -> None:
    """Change a file and the manifest with it, as somebody does who makes a directory by hand."""
    import hashlib

    data = content.encode() if isinstance(content, str) else content
    (model / name).write_bytes(data)
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (model / "manifest.json").write_text(json.dumps(manifest))


def rewrite_weights(model: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    state = load_file(model / "model.safetensors")
    change(state)
    save_file(state, model / "changed")
    rewrite(model, "model.safetensors", (model / "changed").read_bytes())


CHANGES: dict[str, tuple[Callable[[dict[str, torch.Tensor]], None], str]] = {
    "missing": (lambda state: [state.pop(WEIGHT)] and None, rf"weights are missing \({WEIGHT}\)"),
    "extra": (lambda state: state.update(more=torch.zeros(1)), r"weights are unknown \(more\)"),
    "shape": (
        lambda state: state.update({WEIGHT: torch.zeros(2, 3)}),
        rf"of another shape \({WEIGHT}: \(2, 3\) instead of \(32, 64\)\)",
    ),
    "nan": (lambda state: state[WEIGHT].view(-1)[5:6].fill_(float("nan")) and None, f"weight {WEIGHT} holds NaN"),
    "infinite": (lambda state: state[WEIGHT].view(-1)[5:6].fill_(float("inf")) and None, f"weight {WEIGHT} holds NaN"),
    "integer": (lambda state: state.update({WEIGHT: torch.zeros(32, 64, dtype=torch.int8)}), "int8"),
    "many": (lambda state: [state.pop(name) for name in list(state)[:9]] and None, r", and 4 more\)"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_wrong_weights_are_named(model: Path, kind: str) -> None:
    change, told = CHANGES[kind]
    rewrite_weights(model, lambda state: change(state))
    with pytest.raises(DataError, match=told) as caught:
        load_model(model)
    assert "\n" not in str(caught.value)


@torch.no_grad()
def test_weights_of_half_precision_are_widened(model: Path, network: Network) -> None:
    rewrite_weights(model, lambda state: state.update({name: value.half() for name, value in state.items()}))
    loaded = load_model(model).network
    assert all(parameter.dtype == torch.float32 for parameter in loaded.parameters())
    batch = pack(sequences((30,)))
    assert torch.allclose(loaded(batch), network(batch), atol=0.05)


def test_a_file_cut_short_is_refused(model: Path) -> None:
    data = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(data[:-1000])
    with pytest.raises(DataError, match=r"not the file that manifest\.json describes"):
        load_model(model)
    rewrite(model, "model.safetensors", data[:-1000])
    with pytest.raises(DataError, match="cut short or no safetensors file"):
        load_model(model)


def test_a_changed_file_is_refused(model: Path) -> None:
    data = bytearray((model / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (model / "model.safetensors").write_bytes(data)
    with pytest.raises(DataError, match="Copy the whole model again"):
        load_model(model)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocab.json"])
def test_a_missing_file_is_refused(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(DataError, match=f"{name}: is missing, though"):
        load_model(model)


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(DataError, match="a pickle, which may run code"):
        load_model(tmp_path)
    with pytest.raises(DataError, match="no model directory"):
        load_model(tmp_path / "absent")


@pytest.mark.parametrize("content", ["{", "[]", '{"format_version": 99, "files": {}}'])
def test_a_manifest_of_another_kind_is_refused(model: Path, content: str) -> None:
    (model / "manifest.json").write_text(content)
    with pytest.raises(DataError, match=r"manifest\.json"):
        load_model(model)


def test_parts_of_different_models_are_refused(tmp_path: Path, network: Network, headed: Headed) -> None:
    nucleotide = make_tokenizer("nucleotide")
    with pytest.raises(DataError, match="Use the vocabulary that the model was trained with"):
        save_model(tmp_path / "a", network, make_tokenizer("kmer", k=3))
    with pytest.raises(DataError, match="the task asks for"):
        save_model(tmp_path / "a", headed(HeadSpec("token", 2)), nucleotide, TASK)
    with pytest.raises(DataError, match="is no task"):
        save_model(tmp_path / "a", network, nucleotide, {"level": "word", "labels": ["x"]})
    assert not (tmp_path / "a").exists()
