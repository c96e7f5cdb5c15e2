"""ribolm-weights from outside: what is written, what is printed, what is refused with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ribolm.cli.weights import main

INIT = ("init", "--preset", "tiny", "--tokenizer")


def test_init_verify_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for out in ("a", "b"):
        assert main([*INIT, "kmer", "--k", "3", "--seed", "3", "--out", str(tmp_path / out)]) == 0
    assert main([*INIT, "kmer", "--k", "3", "--seed", "4", "--out", str(tmp_path / "c")]) == 0
    weights = [(tmp_path / out / "model.safetensors").read_bytes() for out in "abc"]
    assert weights[0] == weights[1] != weights[2]
    assert "random weights of preset 'tiny', seed 3" in capsys.readouterr().err
    assert main(["verify", str(tmp_path / "a")]) == 0
    assert "outputs finite" in capsys.readouterr().err
    assert main(["show", str(tmp_path / "a")]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["head"], shown["task"], shown["tokenizer"]["kind"]) == ("masked_lm", None, "kmer")
    assert shown["manifest"]["seeds"] == {"init": 3}
    assert shown["config"]["token_dropout"] is False
    vocabulary = shown["tokenizer"]
    assert (vocabulary["vocab_size"], vocabulary["first"][4:], vocabulary["last"][-1]) == (
        130,
        ["AAA", "AAC"],
        "<mask>",
    )
    assert "tokens" not in vocabulary


def test_token_dropout_may_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*INIT, "esm", "--token-dropout", "--out", str(tmp_path / "a")]) == 0
    content = json.loads((tmp_path / "a" / "config.json").read_text())
    assert (content["token_dropout"], content["vocab_size"], content["mask_token_id"]) == (True, 33, 32)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("init", "--preset", "huge", "--out", "OUT"), 2, "preset 'huge' is unknown"),
        (("init", "--preset", "convolution-101", "--out", "OUT"), 2, "has no language model"),
        ((*INIT, "words", "--out", "OUT"), 2, "Tokenizer 'words'"),
        (("verify", "ABSENT"), 65, "no model directory"),
        (("show", "ABSENT"), 65, "no model directory"),
        (("convert", "--from", "ABSENT", "--out", "OUT"), 65, "no such file"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, told: str
) -> None:
    places = {"OUT": str(tmp_path / "out"), "ABSENT": str(tmp_path / "absent")}
    assert main([places.get(argument, argument) for argument in arguments]) == code
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("ribolm-weights: error: ") and told in error
    assert not (tmp_path / "out").exists()


def test_a_folder_of_transformers_is_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*INIT, "nucleotide", "--out", str(tmp_path / "a")]) == 0
    source, out = str(tmp_path / "a"), str(tmp_path / "b")
    assert main(["convert", "--from", source, "--out", out, "--tokenizer", "nucleotide"]) == 0
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (tmp_path / "b" / "model.safetensors").read_bytes()
    assert "18,607 weights converted" in capsys.readouterr().err


def test_nothing_of_another_folder_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*INIT, "nucleotide", "--out", str(tmp_path / "a")]) == 0
    (tmp_path / "a" / "manifest.json").unlink()
    (tmp_path / "a" / "model.safetensors").rename(tmp_path / "a" / "pytorch_model.bin")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "README.md").write_text("# My project")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    source = str(tmp_path / "a")
    assert main(["convert", "--from", source, "--out", source]) == 2
    assert "holds config.json already" in capsys.readouterr().err
    assert main([*INIT, "nucleotide", "--out", str(tmp_path / "project")]) == 2
    assert "holds README.md already" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
