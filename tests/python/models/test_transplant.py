"""Rows move into the compact vocabulary and back without loss, and make the controls of a mapping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from ribolm.cli.weights import main
from ribolm.errors import DataError, UsageError
from ribolm.models.network import MASKED_LM, new_network
from ribolm.models.presets import preset_config
from ribolm.models.ragged import Ragged, pack
from ribolm.models.transplant import transplant
from ribolm.models.weights import LoadedModel, load_model, save_model
from ribolm.sequences.tokenizers import make_tokenizer

from .conftest import lively

EMBEDDING, BIAS = "esm.embeddings.word_embeddings.weight", "lm_head.bias"
ROWS = {"KDNY": [0, 1, 2, 3, 15, 19, 17, 13, 24, 30, 32], "KEDR": [0, 1, 2, 3, 15, 10, 13, 9, 24, 30, 32]}
RNA = np.frombuffer(b"GGGAAACCCUUUNACGU", dtype=np.uint8)


@pytest.fixture
def esm(tmp_path: Path) -> Path:
    return model_of(tmp_path / "esm", "KDNY")


def model_of(folder: Path, mapping: str) -> Path:
    tokenizer = make_tokenizer("esm", mapping=mapping)
    return save_model(folder, lively(new_network(preset_config("tiny", tokenizer), MASKED_LM, seed=1)), tokenizer)


def batch_of(model: LoadedModel) -> Ragged:
    tokenizer = model.tokenizer
    ids = tokenizer.encode(RNA).astype(np.int64)
    ids[4] = tokenizer.mask_id
    return pack([np.r_[tokenizer.cls_id, ids, tokenizer.eos_id]])


@torch.no_grad()
def logits(directory: Path) -> Tensor:
    model = load_model(directory)
    return model.network(batch_of(model))


def weights(directory: Path) -> dict[str, Tensor]:
    return load_file(directory / "model.safetensors")


@pytest.mark.parametrize("mapping", ["KDNY", "KEDR"])
def test_eleven_rows_give_the_same_logits(tmp_path: Path, mapping: str) -> None:
    source = model_of(tmp_path / "esm", mapping)
    compact = transplant(source, tmp_path / "compact", "compact")
    assert torch.equal(weights(compact)[EMBEDDING], weights(source)[EMBEDDING][ROWS[mapping]])
    torch.testing.assert_close(logits(compact), logits(source)[:, ROWS[mapping]], atol=1e-6, rtol=0)
    model = load_model(compact)
    assert (model.mapping, model.tokenizer.kind, model.network.config.vocab_size) == (mapping, "rna", 11)
    assert model.manifest["transplant"] == {"rows": "kept", "vocabulary": "compact"}
    assert model.manifest["parent"] == load_model(source).sha256


@pytest.mark.parametrize("mapping", ["KDNY", "unmapped"])
def test_there_and_back_again_is_the_same_bit_for_bit(tmp_path: Path, mapping: str) -> None:
    source = model_of(tmp_path / "esm", mapping)
    transplant(source, tmp_path / "compact", "compact")
    transplant(tmp_path / "compact", tmp_path / "back", "esm", rows_of=source)
    assert (tmp_path / "back" / "model.safetensors").read_bytes() == (source / "model.safetensors").read_bytes()
    assert load_model(tmp_path / "back").tokenizer == load_model(source).tokenizer


def test_what_a_compact_model_learnt_comes_back(tmp_path: Path, esm: Path) -> None:
    compact = load_model(transplant(esm, tmp_path / "compact", "compact"))
    with torch.no_grad():
        for parameter in compact.network.parameters():
            parameter.mul_(1.01)
    save_model(tmp_path / "trained", compact.network, compact.tokenizer)
    transplant(tmp_path / "trained", tmp_path / "back", "esm", rows_of=esm)
    theirs = logits(tmp_path / "trained")
    torch.testing.assert_close(logits(tmp_path / "back")[:, ROWS["KDNY"]], theirs, atol=1e-6, rtol=0)
    unread = [row for row in range(33) if row not in ROWS["KDNY"]]
    assert torch.equal(weights(tmp_path / "back")[EMBEDDING][unread], weights(esm)[EMBEDDING][unread])


@pytest.mark.parametrize(("rows", "ids"), [("KEDR", [15, 10, 13, 9]), ("unmapped", [5, 6, 23, 11])])
def test_bases_may_begin_as_other_amino_acids(tmp_path: Path, esm: Path, rows: str, ids: list[int]) -> None:
    compact = transplant(esm, tmp_path / "compact", "compact", rows)
    assert torch.equal(weights(compact)[EMBEDDING][4:8], weights(esm)[EMBEDDING][ids])
    assert torch.equal(weights(compact)[BIAS][4:8], weights(esm)[BIAS][ids])
    whole = transplant(esm, tmp_path / "whole", "esm", rows)
    assert (whole / "model.safetensors").read_bytes() == (esm / "model.safetensors").read_bytes()
    assert [load_model(folder).mapping for folder in (compact, whole)] == [rows, rows]
    torch.testing.assert_close(logits(compact)[:, 4:8], logits(whole)[:, ids], atol=1e-6, rtol=0)


def test_random_rows_touch_the_bases_alone_and_follow_their_seed(tmp_path: Path, esm: Path) -> None:
    one, again, other = (
        transplant(esm, tmp_path / f"{number}", "compact", "random", seed=seed) for number, seed in enumerate((3, 3, 4))
    )
    assert torch.equal(weights(one)[EMBEDDING], weights(again)[EMBEDDING])
    assert not torch.equal(weights(one)[EMBEDDING][4:8], weights(other)[EMBEDDING][4:8])
    assert torch.equal(
        weights(one)[EMBEDDING][[0, 1, 2, 3, 8, 9, 10]], weights(esm)[EMBEDDING][[0, 1, 2, 3, 24, 30, 32]]
    )
    assert load_model(one).mapping == "random" and load_model(one).manifest["seeds"] == {"rows": 3}
    whole = transplant(esm, tmp_path / "whole", "esm", "random", seed=3)
    changed = (weights(whole)[EMBEDDING] != weights(esm)[EMBEDDING]).any(dim=1)
    assert changed.nonzero().flatten().tolist() == [13, 15, 17, 19]
    assert all(
        torch.equal(weights(whole)[name], value)
        for name, value in weights(esm).items()
        if name not in (EMBEDDING, BIAS)
    )
    spread = weights(esm)[EMBEDDING][4:24].std()
    assert 0.7 * spread < weights(whole)[EMBEDDING][[13, 15, 17, 19]].std() < 1.4 * spread


def test_what_has_no_effect_or_does_not_fit_is_refused(tmp_path: Path, esm: Path) -> None:
    compact = transplant(esm, tmp_path / "compact", "compact")
    out = tmp_path / "out"
    for arguments, told in (
        ((esm, out, "esm"), "ESM-2's vocabulary already"),
        ((compact, out, "compact"), "compact vocabulary already"),
        ((compact, out, "compact", "random"), "which a compact vocabulary has not"),
        ((compact, out, "esm"), "Give the other 22 by --rows-of"),
        ((compact, out, "esm", "KEDR", esm), "no effect on the way back"),
        ((esm, out, "compact", "kept", esm), "--rows-of has no effect"),
        ((esm, out, "compact", "KDNN"), "not four distinct"),
    ):
        with pytest.raises(UsageError, match=told):
            transplant(*arguments)
    with pytest.raises(DataError, match=r"began as mapping KDNY, those of .* are KEDR"):
        transplant(compact, out, "esm", rows_of=model_of(tmp_path / "other", "KEDR"))
    with pytest.raises(DataError, match="has not ESM-2's vocabulary"):
        transplant(compact, out, "esm", rows_of=compact)
    assert not out.exists()


def test_the_command_tells_what_it_did(tmp_path: Path, esm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "compact")
    assert main(["transplant", "--model", str(esm), "--out", out, "--vocabulary", "compact", "--rows", "unmapped"]) == 0
    assert "vocabulary of 11, mapping unmapped" in capsys.readouterr().err
    plain = str(save_plain(tmp_path / "plain"))
    assert main(["transplant", "--model", plain, "--out", f"{out}2", "--vocabulary", "compact"]) == 65
    assert "has the tokenizer nucleotide" in capsys.readouterr().err


def save_plain(folder: Path) -> Path:
    tokenizer = make_tokenizer("nucleotide")
    return save_model(folder, new_network(preset_config("tiny", tokenizer), MASKED_LM, seed=1), tokenizer)
