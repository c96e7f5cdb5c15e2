"""Weights of fair-esm's names, from any of the files that they were published in, give what fair-esm's code gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from ribolm.cli.weights import main
from ribolm.errors import DataError, UsageError
from ribolm.files import sha256_of
from ribolm.models.conversion import convert_model
from ribolm.models.pickles import read_pickle
from ribolm.models.presets import ESM2_PARAMETERS, PRESETS
from ribolm.models.ragged import Ragged, pack, ragged
from ribolm.models.token_dropout import use_token_dropout
from ribolm.models.verification import verify_model
from ribolm.models.weights import LoadedModel, load_model
from ribolm.sequences.tokenizers import make_tokenizer

from .ports import FOLDER, assert_close
from .upstream import LAYOUTS, fair_esm_shapes, fair_esm_state, script_class, write_layout

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SHAPE = (2, 40, 4)
REFERENCES = {"fair_esm": SHAPE, "fair_esm_8m": (6, 320, 20)}


@pytest.fixture(scope="session")
def state() -> dict[str, Tensor]:
    return fair_esm_state(*SHAPE)


def reference(name: str) -> tuple[Ragged, dict[str, Tensor], dict[str, Any]]:
    with safe_open(FOLDER / f"{name}.safetensors", framework="pt") as handle:
        told = {key: value for key, value in handle.metadata().items()}
        found = {key: handle.get_tensor(key) for key in handle.keys()}
    return ragged(found.pop("tokens"), json.loads(told["lengths"])), found, told


@torch.no_grad()
def contacts(model: LoadedModel, batch: Ragged) -> Tensor:
    """Contact probabilities of the first sequence by ESM-2's stored regression: APC of symmetric maps (fair-esm)."""
    maps: list[Tensor] = []
    model.network.encoder(
        batch, on_attention=lambda _layer, sequence, found: maps.append(found) if sequence == 0 else None
    )
    inner = torch.cat(maps)[:, 1:-1, 1:-1].double()
    summed = inner + inner.mT
    rows = summed.sum(-1, keepdim=True)
    corrected = summed - rows * rows.mT / summed.sum((-1, -2), keepdim=True)
    regression = model.network.encoder.contact_head.regression
    weighted = (regression.weight.double().view(-1, 1, 1) * corrected).sum(0)
    return torch.sigmoid(weighted + regression.bias.double()).float()


@pytest.mark.parametrize("token_dropout", [True, False], ids=["token dropout on", "off"])
@pytest.mark.parametrize("name", REFERENCES)
def test_outputs_are_those_of_fair_esm(tmp_path: Path, name: str, token_dropout: bool) -> None:
    shape = REFERENCES[name]
    batch, expected, told = reference(name)
    weights = fair_esm_state(*shape, seed=int(told["seed"]), scale=float(told["scale"]))
    assert set(weights) == set(json.loads(told["keys"]))
    assert {k: list(v) for k, v in fair_esm_shapes(*shape).items()} == json.loads(told["shapes"])
    convert_model(write_layout(tmp_path / "source", "RESM .pt", weights, *shape), tmp_path / "model")
    model = load_model(tmp_path / "model")
    use_token_dropout(model.network, token_dropout)
    word = "on" if token_dropout else "off"
    with torch.no_grad():
        hidden = model.network.encoder(batch)
        assert_close(hidden, expected.get(f"hidden_{word}", hidden))
        assert_close(model.network.answer(hidden, batch), expected[f"logits_{word}"])
    assert_close(contacts(model, batch), expected[f"contacts_{word}"])
    assert (expected["logits_on"] - expected["logits_off"]).abs().max() > 0.1


def test_all_layouts_of_one_set_of_weights_give_one_model(tmp_path: Path, state: dict[str, Tensor]) -> None:
    written = []
    for number, layout in enumerate(LAYOUTS):
        source = write_layout(tmp_path / f"source{number}", layout, state, *SHAPE)
        out = tmp_path / f"model{number}"
        convert_model(source, out, allow_stubs=layout == "Lightning .ckpt")
        written.append(sha256_of(out / "model.safetensors"))
        model = load_model(out)
        assert (model.mapping, model.network.config.token_dropout) == ("KDNY", True), layout
        verify_model(out, against_transformers=True)
        parent = model.manifest["parent"]
        file = source / "model.safetensors" if source.is_dir() else source
        assert parent["sha256"][file.name] == sha256_of(file)
    assert len(set(written)) == 1


def test_the_report_tells_of_every_name(
    tmp_path: Path, state: dict[str, Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_layout(tmp_path / "source", "fair-esm", state, *SHAPE)
    convert_model(source, tmp_path / "model")
    parent = load_model(tmp_path / "model").manifest["parent"]
    n = len(state)
    assert parent["names"] == {"stored": n, "mapped": n - 2, "dropped": 2, "missing": 0, "unexpected": 0}
    assert parent["left_out"] == ["layers.1.self_attn.rot_emb.inv_freq", "lm_head.weight"] and parent["set"] == []
    assert set(parent["sha256"]) == {"esm2_random.pt", "esm2_random-contact-regression.pt"}
    said = capsys.readouterr().err
    assert f"{n} names: {n - 2} mapped, 2 dropped; 0 set; 0 missing, 0 unexpected" in said
    assert "contact regression of esm2_random-contact-regression.pt is taken too" in said
    assert "chosen: mapping = KDNY (RESM's; ESM-2 itself has none)" in said


def test_what_a_file_leaves_out_is_computed_and_told(tmp_path: Path, state: dict[str, Tensor]) -> None:
    layers, width, _ = REFERENCES["fair_esm_8m"]
    bare = {
        k: v for k, v in fair_esm_state(*REFERENCES["fair_esm_8m"]).items() if k in fair_esm_shapes(layers, width, 20)
    }
    del bare["contact_head.regression.weight"], bare["contact_head.regression.bias"]
    torch.save({"state_dict": bare}, tmp_path / "bare.pt")
    convert_model(tmp_path / "bare.pt", tmp_path / "model")
    model = load_model(tmp_path / "model")
    assert model.network.config.num_attention_heads == 20  # by the shape, which is that of ESM-2 8M
    assert model.network.n_parameters() == ESM2_PARAMETERS["8m"]
    assert len(model.manifest["parent"]["set"]) == 3


def with_changes(**changes: Any) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    def change(state: dict[str, Tensor]) -> dict[str, Tensor]:
        found = {**state, **{name.replace("__", "."): value for name, value in changes.items()}}
        return {name: value for name, value in found.items() if value is not None}

    return change


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"layers__1__fc2__bias": None}, r"missing \(esm.encoder.layer.1.output.dense.bias\)"),
        ({"embed_positions__weight": torch.zeros(9, 40)}, r"unknown \(embed_positions.weight\)"),
        ({"layers__0__fc3__bias": torch.zeros(40)}, r"unknown \(layers.0.fc3.bias\)"),
        ({"lm_head__weight": torch.zeros(33, 40)}, "is not the embedding matrix"),
        ({"lm_head__decoder__weight": torch.zeros(33, 40)}, "is there under another name too"),
        ({"lm_head__bias": torch.zeros(32)}, r"of another shape \(lm_head.bias: \(32,\) instead of \(33,\)"),
        ({"embed_tokens__weight": torch.zeros(32, 40)}, "has 32 tokens, ESM-2 has 33"),
        ({"layers__1__self_attn__rot_emb__inv_freq": torch.ones(5)}, "differs from the other layers"),
        ({"layers__0__fc1__weight": None}, "has no weight layers.0.fc1.weight"),
        ({"contact_head__regression__weight": None}, "2 layers of 40 are no ESM-2"),
        ({"lm_head__bias": torch.full((33,), torch.nan)}, "holds NaN"),
        ({"num_updates": torch.tensor(3)}, "is torch.int64, not a floating-point type"),
    ],
)
def test_surprises_are_refused(tmp_path: Path, state: dict[str, Tensor], changes: dict[str, Any], told: str) -> None:
    torch.save({"state_dict": with_changes(**changes)(state)}, tmp_path / "weights.pt")
    with pytest.raises(DataError, match=told):
        convert_model(tmp_path / "weights.pt", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_settings_that_contradict_the_weights_are_refused(tmp_path: Path, state: dict[str, Tensor]) -> None:
    source = write_layout(tmp_path / "source", "fair-esm", state, 3, 40, 4)
    with pytest.raises(DataError, match="says num_hidden_layers 3, but its weights have 2"):
        convert_model(source, tmp_path / "model")


def test_classes_of_a_script_are_read_on_request_alone(
    tmp_path: Path, state: dict[str, Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = str(write_layout(tmp_path / "source", "Lightning .ckpt", state, *SHAPE)), str(tmp_path / "model")
    assert main(["convert", "--from", source, "--out", out]) == 65
    said = capsys.readouterr().err
    assert (
        "asks for __main__.Config, __main__.OptimizerConfig, classes of the script" in said and "--allow-pickle" in said
    )
    assert not (tmp_path / "model").exists()
    assert main(["convert", "--from", source, "--out", out, "--allow-pickle"]) == 0
    said = capsys.readouterr().err
    assert "empty classes stand in for __main__.Config, __main__.OptimizerConfig" in said
    assert "chosen: mapping = KDNY (by the name of the file)" in said


class Payload:
    """What a malicious file holds: a call when it is read."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call


def test_code_is_never_run_not_even_on_request(tmp_path: Path, state: dict[str, Tensor]) -> None:
    import os

    for number, payload in enumerate((Payload(os.system, f"touch {tmp_path}/ran"), Payload(eval, "1"), Path("x"))):
        with script_class("Config") as config:
            torch.save({"state_dict": state, "more": payload, "config": config}, tmp_path / f"{number}.ckpt")
        for allow in (False, True):
            with pytest.raises(DataError, match="asks for more than weights"):
                read_pickle(tmp_path / f"{number}.ckpt", allow_stubs=allow)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("text", ["version https://git-lfs.github.com/spec/v1", "<!DOCTYPE html>", "hello", ""])
def test_text_in_the_place_of_weights_is_called_no_weights(tmp_path: Path, text: str) -> None:
    (tmp_path / "weights.pt").write_text(text)
    with pytest.raises(DataError, match="is cut short or no file of weights") as caught:
        read_pickle(tmp_path / "weights.pt")
    assert "trust" not in str(caught.value) and "\n" not in str(caught.value)


def test_files_of_old_torch_are_refused_wherever_they_end(tmp_path: Path) -> None:
    import os

    weights, payload = {"a": torch.randn(4, 4)}, Payload(os.system, "true")
    torch.save(weights, tmp_path / "w.pt", _use_new_zipfile_serialization=False)
    whole = (tmp_path / "w.pt").read_bytes()
    assert torch.equal(read_pickle(tmp_path / "w.pt").state["a"], weights["a"])
    for end in range(0, len(whole), 7):
        (tmp_path / "cut.pt").write_bytes(whole[:end])
        with pytest.raises(DataError):
            read_pickle(tmp_path / "cut.pt")
    torch.save({**weights, "more": payload}, tmp_path / "p.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(DataError, match=r"asks for more than weights \(names \w+\.system\)"):
        read_pickle(tmp_path / "p.pt")


def test_weights_without_names_are_refused(tmp_path: Path) -> None:
    torch.save({1: torch.zeros(2)}, tmp_path / "w.pt")
    with pytest.raises(DataError, match="1 is no name of a weight"):
        read_pickle(tmp_path / "w.pt")


def test_a_stub_takes_any_state_and_keeps_none(tmp_path: Path, state: dict[str, Tensor]) -> None:
    from enum import Enum

    import __main__

    made = Enum("Precision", {"half": 16})
    made.__module__ = "__main__"
    __main__.Precision = made  # type: ignore[attr-defined]
    try:
        torch.save({"state_dict": state, "precision": made.half}, tmp_path / "weights.ckpt")
    finally:
        del __main__.Precision  # type: ignore[attr-defined]
    found = read_pickle(tmp_path / "weights.ckpt", allow_stubs=True)
    assert type(found.beside["precision"]).__name__ == "Precision" and not vars(found.beside["precision"])


@pytest.mark.parametrize(
    ("name", "mapping", "expected"),
    [
        ("RESM-150M-KDNY.pt", None, "KDNY"),
        ("mine-kedr.pt", None, "KEDR"),
        ("mine-kedr.pt", "KEDR", "KEDR"),
        ("plain.pt", "AUCG=WFHM", "WFHM"),
        ("plain.pt", "unmapped", "unmapped"),
        ("RESM-150M-KDNY.pt", "KEDR", UsageError),
        ("RESM-150M-KDNY.pt", "unmapped", UsageError),
        ("plain.pt", "KDNN", UsageError),
    ],
)
def test_the_mapping_is_that_of_the_file_or_refused(
    tmp_path: Path, state: dict[str, Tensor], name: str, mapping: str | None, expected: Any
) -> None:
    torch.save({"state_dict": state}, tmp_path / name)
    if expected is UsageError:
        with pytest.raises(UsageError, match=r"is of mapping KDNY by its name|not four distinct"):
            convert_model(tmp_path / name, tmp_path / "model", mapping=mapping)
        return
    convert_model(tmp_path / name, tmp_path / "model", mapping=mapping)
    assert load_model(tmp_path / "model").mapping == expected


def test_a_directory_of_ours_keeps_its_mapping(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save({"state_dict": state}, tmp_path / "w.pt")
    convert_model(tmp_path / "w.pt", tmp_path / "a", mapping="KEDR")
    convert_model(tmp_path / "a", tmp_path / "b")
    assert load_model(tmp_path / "b").mapping == "KEDR"
    with pytest.raises(DataError, match="has the tokenizer esm, mapping KEDR, not esm, mapping KDNY"):
        convert_model(tmp_path / "a", tmp_path / "c", make_tokenizer("esm"))


def test_files_of_other_names_and_folders_without_configuration_are_told_apart(tmp_path: Path) -> None:
    torch.save({"bert.weight": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(DataError, match=r"its weights \(bert.weight, …\) have not fair-esm's names"):
        convert_model(tmp_path / "other.pt", tmp_path / "model")
    with pytest.raises(DataError, match=r"To convert other.pt alone give its path"):
        convert_model(tmp_path, tmp_path / "model")


@pytest.mark.parametrize("preset", ESM2_PARAMETERS)
def test_fair_esms_shapes_hold_as_many_weights_as_esm2(preset: str) -> None:
    shape = PRESETS[preset]
    shapes = fair_esm_shapes(shape["num_hidden_layers"], shape["hidden_size"], shape["num_attention_heads"])
    assert sum(int(np.prod(found)) for found in shapes.values()) == ESM2_PARAMETERS[preset]


def test_gaps_and_unknown_bases_have_their_rows(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save({"state_dict": state}, tmp_path / "w.pt")
    convert_model(tmp_path / "w.pt", tmp_path / "a")
    network = load_model(tmp_path / "a").network
    network(pack([np.array([0, 24, 30, 15, 2])]))
