"""`ribolm-evaluate perplexity`: loss of hidden nucleotides by type of RNA, beside that of a guess by chance."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ribolm.cli.evaluate import main
from ribolm.evaluation import perplexity
from ribolm.evaluation.perplexity import HiddenTokens, TokenRows, hidden_losses, perplexity_rows
from ribolm.models.configuration import EncoderConfig
from ribolm.models.heads import HeadSpec
from ribolm.models.network import MASKED_LM, Network, new_network
from ribolm.models.presets import preset_config
from ribolm.models.weights import save_model
from ribolm.sequences.overlap import joined
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.machine.precision import Device
from ribolm.training.objectives.masked_tokens import MaskedTokens

CPU = Device("cpu", "cpu", "fp32")


def network_of(mapping: str = "KDNY", **changes: object) -> Network:
    config = preset_config("tiny", make_tokenizer("esm", mapping=mapping))
    assert isinstance(config, EncoderConfig)
    return new_network(replace(config, initializer_range=0.3, **changes), MASKED_LM, seed=1).eval()


def model_of(folder: Path, **changes: object) -> Path:
    return save_model(folder, network_of(**changes), make_tokenizer("esm"))


def rnas(n: int = 12) -> list[str]:
    chance = np.random.default_rng(3)
    return ["".join(chance.choice(list("ACGU"), chance.integers(20, 90))) for _ in range(n)]


def rows_of(sequences: list[str]) -> TokenRows:
    tokenizer = make_tokenizer("esm")
    return TokenRows(*tokenizer.encode_rows(*joined(sequences)), tokenizer)


def run(folder: Path, fasta: str, *options: str) -> int:
    (folder / "in.fa").write_text(fasta)
    words = ["--sequences", str(folder / "in.fa"), "--outdir", str(folder / "out"), "--device", "cpu", *options]
    return main(["perplexity", "--model", str(folder / "model"), *words])


def test_a_sequence_is_scored_alone_as_among_others(monkeypatch: pytest.MonkeyPatch) -> None:
    network, objective = network_of(), MaskedTokens(make_tokenizer("esm"), 5)
    whole = hidden_losses(network, rows_of(rnas()), CPU, objective)
    monkeypatch.setattr(perplexity, "TOKENS_PER_BATCH", {"cpu": 1})
    alone = hidden_losses(network, rows_of(rnas()), CPU, objective)
    np.testing.assert_array_equal(whole.n, alone.n)
    np.testing.assert_allclose(whole.loss, alone.loss, rtol=1e-5)
    np.testing.assert_array_equal(whole.right, alone.right)
    assert whole.n.sum() > 60


def test_a_model_that_knows_nothing_scores_the_logarithm_of_its_vocabulary() -> None:
    network = network_of()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    found = hidden_losses(network, rows_of(rnas()), CPU, MaskedTokens(make_tokenizer("esm"), 5))
    assert found.loss.sum() / found.n.sum() == pytest.approx(math.log(33), rel=1e-6)


def test_types_are_weighed_by_their_hidden_tokens() -> None:
    found = HiddenTokens(np.array([2.0, 6.0, 1.0, 0.0]), np.array([2.0, 4.0, 2.0, 0.0]), np.array([1.0, 1.0, 2.0, 0.0]))
    rows = perplexity_rows(found, ["b", "b", "a", "c"], math.log(4), draws=200)
    assert [(row["type"], row["n_sequences"], row["n"]) for row in rows] == [
        ("all", 4, 8), ("b", 2, 6), ("a", 1, 2), ("c", 1, 0),
    ]  # fmt: skip
    assert [row["loss"] for row in rows] == [9 / 8, 8 / 6, 0.5, None]
    assert rows[1]["perplexity"] == pytest.approx(math.exp(8 / 6)) and rows[1]["accuracy"] == pytest.approx(2 / 6)
    assert 1.0 <= rows[1]["loss_low"] <= 8 / 6 <= rows[1]["loss_high"] <= 1.5
    assert (rows[2]["loss_low"], rows[3]["perplexity"], rows[3]["accuracy"]) == (None, None, None)


def test_the_command_writes_a_table_and_says_how_it_was_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model_of(tmp_path / "model", token_dropout=True)
    kinds = ["tRNA from 2 species", "rRNA from 3 species", "of nothing"]
    fasta = "".join(f">r{i} {kinds[i % 3]}\n{letters.replace('U', 'T')}\n" for i, letters in enumerate(rnas()))
    assert run(tmp_path, fasta, "--draws", "50") == 0
    table = list(csv.DictReader((tmp_path / "out/perplexity.tsv").read_text().splitlines(), delimiter="\t"))
    assert [row["type"] for row in table] == ["all", "rRNA", "tRNA", "unknown"]
    assert sum(int(row["n"]) for row in table[1:]) == int(table[0]["n"])
    assert float(table[0]["chance_loss"]) == pytest.approx(math.log(4), rel=1e-5)
    content = json.loads((tmp_path / "out/metrics.json").read_text())
    assert content["settings"]["token_dropout"] is True and content["settings"]["model"]["mapping"] == "KDNY"
    assert "(by chance ln 4 = 1.3863)" in capsys.readouterr().err
    first = content["metrics"][0]["loss"]
    assert run(tmp_path, fasta, "--no-token-dropout") == 0
    content = json.loads((tmp_path / "out/metrics.json").read_text())
    assert content["settings"]["token_dropout"] is False and content["metrics"][0]["loss"] != first


def test_nothing_to_score_is_a_valid_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model_of(tmp_path / "model")
    assert run(tmp_path, "") == 0
    (row,) = csv.DictReader((tmp_path / "out/perplexity.tsv").read_text().splitlines(), delimiter="\t")
    assert (row["type"], row["n_sequences"], row["loss"]) == ("all", "0", "")
    assert "there is no loss: 0 hidden tokens of 0 sequences" in capsys.readouterr().err


def test_bad_input_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = preset_config("tiny", make_tokenizer("esm"))
    task = {"task": "any", "level": "sequence", "labels": ["any"], "pooling": "mean"}
    save_model(tmp_path / "model", new_network(config, HeadSpec("sequence"), 1), make_tokenizer("esm"), task)
    assert run(tmp_path, ">a\nACGU\n") == 65
    assert "has no masked LM head" in capsys.readouterr().err
    assert run(tmp_path, ">a\nMKVL\n") == 65
    assert "is no nucleotide code" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
