"""Published HyenaDNA folders become model directories: both layouts, shared tensors once, thrice or left out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ribolm.cli.weights import main
from ribolm.errors import DataError
from ribolm.models.conversion import convert_model
from ribolm.models.heads import HeadSpec
from ribolm.models.network import Network
from ribolm.models.ragged import pack
from ribolm.models.weights import load_model

from .test_hyena import COMPUTED, FREQUENCY, TINY, drawn_network

ORIGINAL = {
    "d_model": 16, "n_layer": 2, "d_inner": 64, "vocab_size": 12, "resid_dropout": 0.0, "embed_dropout": 0.1,
    "residual_in_fp32": True, "pad_vocab_size_multiple": 8, "checkpoint_mixer": True,
    "layer": {
        "_name_": "hyena", "emb_dim": 5, "filter_order": 8, "local_order": 3, "l_max": 320, "modulate": True, "w": 10,
        "lr": 6e-4, "wd": 0.0, "lr_pos_emb": 0.0,
    },
}  # fmt: skip
SINE = re.compile(r"implicit_filter\.1\.freq$")


@pytest.fixture
def network() -> Network:
    return drawn_network(TINY, HeadSpec("causal_lm"))


def upstream_state(network: Network) -> dict[str, Tensor]:
    """The weights as upstream's class has them: the frequencies under three names."""
    state = {name: value.clone() for name, value in network.state_dict().items()}
    for name in [name for name in state if name.endswith(FREQUENCY)]:
        for number in (3, 5):
            state[SINE.sub(f"implicit_filter.{number}.freq", name)] = state[name].clone()
    return state


def folder(path: Path, config: dict[str, Any], state: dict[str, Tensor]) -> Path:
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config))
    save_file(state, path / "model.safetensors", metadata={"format": "pt"})
    return path


def assert_same_network(directory: Path, network: Network) -> None:
    model = load_model(directory)
    assert model.tokenizer.kind == "hyena"
    batch = pack([np.array([7, 8, 9, 10, 11, 1]), np.full(300, 8)])
    with torch.no_grad():
        assert torch.equal(model.network(batch), network(batch))


@pytest.mark.parametrize("kept", [("1", "3", "5"), ("1",), ("5",)])
def test_the_shared_frequencies_may_stand_once_or_thrice(
    tmp_path: Path, network: Network, kept: tuple[str, ...]
) -> None:
    state = {
        name: value for name, value in upstream_state(network).items()
        if not name.endswith("freq") or name.split(".")[-2] in kept
    }  # fmt: skip
    convert_model(folder(tmp_path / "hf", TINY, state), tmp_path / "model")
    assert_same_network(tmp_path / "model", network)
    stored = load_file(tmp_path / "model" / "model.safetensors")
    assert sum(name.endswith("freq") for name in stored) == 2
    left_out = load_model(tmp_path / "model").manifest["parent"]["left_out"]
    assert len(left_out) == 2 * (len(kept) - 1)


def test_what_safetensors_shared_is_found_again(tmp_path: Path, network: Network) -> None:
    """Upstream's state with one tensor behind three names, written by the function that keeps one name of them."""
    from safetensors.torch import save_model as save_shared

    holder = torch.nn.Module()
    for name, value in upstream_state(network).items():
        parts = name.split(".")
        place = holder
        for part in parts[:-1]:
            if part not in dict(place.named_children()):
                place.add_module(part, torch.nn.Module())
            place = place.get_submodule(part)
        place.register_parameter(parts[-1], torch.nn.Parameter(value))
        if parts[-1] == "freq" and parts[-2] != "1":
            place.freq = holder.get_submodule(".".join([*parts[:-2], "1"])).freq
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "config.json").write_text(json.dumps(TINY))
    save_shared(holder, str(tmp_path / "hf" / "model.safetensors"))
    assert len(load_file(tmp_path / "hf" / "model.safetensors")) < len(upstream_state(network))
    convert_model(tmp_path / "hf", tmp_path / "model")
    assert_same_network(tmp_path / "model", network)


@pytest.mark.parametrize("checkpointed", [True, False])
def test_the_original_checkpoint_is_read(tmp_path: Path, network: Network, checkpointed: bool) -> None:
    """Names with `model.` before them, and `.layer` behind mixer and mlp where gradients were checkpointed."""
    state = {}
    for name, value in upstream_state(network).items():
        new = "model." + name.removeprefix("hyena.")
        state[re.sub(r"\.(mixer|mlp)\.", r".\1.layer.", new) if checkpointed else new] = value
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "config.json").write_text(json.dumps(ORIGINAL))
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "raw" / "weights.ckpt")
    convert_model(tmp_path / "raw", tmp_path / "model")
    assert_same_network(tmp_path / "model", network)
    written = json.loads((tmp_path / "model" / "config.json").read_text())
    assert {name: written[name] for name in TINY} == TINY
    assert written["architectures"] == ["HyenaDNAForCausalLM"]


def test_positions_that_a_file_leaves_out_are_computed(tmp_path: Path, network: Network) -> None:
    state = {name: value for name, value in upstream_state(network).items() if not name.endswith(COMPUTED)}
    convert_model(folder(tmp_path / "hf", TINY, state), tmp_path / "model")
    assert_same_network(tmp_path / "model", network)
    assert len(load_model(tmp_path / "model").manifest["parent"]["set"]) == 6


def test_positions_of_a_file_are_kept(tmp_path: Path, network: Network) -> None:
    """Upstream's port trains them where it is told to."""
    with torch.no_grad():
        network.get_buffer("hyena.backbone.layers.0.mixer.filter_fn.pos_emb.z").mul_(0.9)
    convert_model(folder(tmp_path / "hf", TINY, upstream_state(network)), tmp_path / "model")
    assert_same_network(tmp_path / "model", network)


def test_a_classifier_keeps_its_labels(tmp_path: Path) -> None:
    scored = drawn_network(TINY, HeadSpec("sequence", 2, "last"))
    config = {**TINY, "id2label": {"0": "no", "1": "yes"}}
    convert_model(folder(tmp_path / "hf", config, upstream_state(scored)), tmp_path / "model")
    assert_same_network(tmp_path / "model", scored)
    task = load_model(tmp_path / "model").task
    assert task is not None and (task["level"], task["labels"], task["pooling"]) == ("sequence", ["no", "yes"], "last")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("hyena.backbone.layers.1.mixer.filter_fn.implicit_filter.3.freq", torch.zeros(1, 8), "one frequency tensor"),
        ("hyena.backbone.ln_f.bias", None, r"missing \(hyena.backbone.ln_f.bias\)"),
        ("hyena.backbone.more", torch.zeros(1), r"unknown \(hyena.backbone.more\)"),
        ("lm_head.weight", torch.zeros(12, 16), r"of another shape \(lm_head.weight: \(12, 16\) instead of \(16, 16\)"),
    ],
)
def test_surprises_are_refused(tmp_path: Path, network: Network, name: str, value: Tensor | None, told: str) -> None:
    state = upstream_state(network)
    state.pop(name, None)
    source = folder(tmp_path / "hf", TINY, state if value is None else {**state, name: value})
    with pytest.raises(DataError, match=told):
        convert_model(source, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_init_verify_show_and_convert_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--preset", "hyenadna-tiny-1k", "--out", str(tmp_path / "a")]) == 0
    assert "438,144 random weights" in capsys.readouterr().err
    assert main(["verify", str(tmp_path / "a")]) == 0
    assert main(["show", str(tmp_path / "a")]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["family"], shown["head"], shown["parameters"]) == ("HyenaDNA", "causal_lm", 438_144)
    assert "unverified against published weights" in shown["parity"]
    assert main(["convert", "--from", str(tmp_path / "a"), "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (tmp_path / "b" / "model.safetensors").read_bytes()
    assert main(["verify", str(tmp_path / "a"), "--against-transformers"]) == 2
    assert "without --against-transformers" in capsys.readouterr().err
    wrong = ["init", "--preset", "hyenadna-tiny-1k", "--out", str(tmp_path / "c")]
    assert main([*wrong, "--tokenizer", "kmer"]) == 2
    assert main([*wrong, "--token-dropout"]) == 2
    assert "has no token dropout" in capsys.readouterr().err
