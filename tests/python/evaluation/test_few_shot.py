"""Few-shot classification: prototypes of two sequences per class, drawn by seed, never from the test rows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ribolm.alphabet import letters
from ribolm.cli.evaluate import main
from ribolm.errors import DataError
from ribolm.evaluation.sequence_level.few_shot import few_shot, margins, measured
from ribolm.inference.batches import Forward
from ribolm.inference.embeddings import embed_rows
from ribolm.labels.folds import Folds, write_folds
from ribolm.models.network import new_network
from ribolm.models.presets import preset_config
from ribolm.models.ragged import pack
from ribolm.models.weights import load_model, save_model
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore, add_labels
from ribolm.sequences.tokenizers import make_tokenizer

N = 40


def three_folds() -> Folds:
    return Folds(np.arange(N) % 3, np.arange(N))


def test_margins_and_calls_are_those_of_the_formula() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(N, 5)).astype(np.float32)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    one, other = x[[1, 5]].mean(axis=0), x[[2, 8]].mean(axis=0)
    plus, minus = (unit @ (p / np.linalg.norm(p)) for p in (one, other))
    found = margins(unit.astype(np.float64), x, np.array([1, 5]), np.array([2, 8]))
    np.testing.assert_allclose(found, plus - minus, atol=1e-6)
    p = np.exp(plus) / (np.exp(plus) + np.exp(minus))
    truth = rng.random(N) < 0.5
    assert measured(truth, found)["accuracy"] == pytest.approx(((p > 0.5) == truth).mean())
    assert p.min() >= 0.119 and p.max() <= 0.881


def test_draws_depend_on_the_seed_alone_and_never_see_the_test_rows() -> None:
    rng = np.random.default_rng(3)
    truth = np.arange(N) % 2 == 0
    x = (rng.normal(size=(N, 6)) + 3 * truth[:, None] * np.eye(6)[0]).astype(np.float32)
    found = few_shot(x, truth, three_folds())
    assert len(found.rows) == 3 * 10 and found.rows == few_shot(x, truth, three_folds()).rows
    assert found.rows != few_shot(x, truth, three_folds(), seed=2).rows
    by_metric = {row["metric"]: row for row in found.summary()}
    assert by_metric["roc_auc"]["mean"] > 0.75 and by_metric["roc_auc"]["n"] == 30
    _, dev, test = three_folds().split(0)
    moved, of_fold = x.copy(), slice(0, 10)
    moved[dev] = -7.0  # no prototype comes from dev or test, so that margins of fold 0 stay
    assert few_shot(moved, truth, three_folds()).rows[of_fold] == found.rows[of_fold]
    assert [row["n"] for row in found.rows[of_fold]] == [len(test)] * 10
    with pytest.raises(DataError, match="fewer than 2"):
        few_shot(x, np.arange(N) < 1, three_folds())


def test_embeddings_are_means_over_nucleotides_whatever_is_beside_them() -> None:
    tokenizer = make_tokenizer("nucleotide")
    network = new_network(preset_config("tiny", tokenizer), None, 1).eval()
    rng = np.random.default_rng(4)
    rows = [rng.integers(4, 8, n) for n in (30, 7, 30, 12)]
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    forward = Forward.prepare((network,), tokenizer, "cpu", "fp32", 64)
    found = embed_rows(forward, np.concatenate(rows), offsets)
    with_special = embed_rows(forward, np.concatenate(rows), offsets, with_special=True)
    for row, one, other in zip(rows, found, with_special, strict=True):
        with torch.no_grad():
            hidden = network(pack([np.r_[tokenizer.cls_id, row, tokenizer.eos_id]])).numpy()
        np.testing.assert_allclose(one, hidden[1:-1].mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(other, hidden.mean(axis=0), atol=1e-5)


def test_the_command_writes_ranking_and_calls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tokenizer = make_tokenizer("nucleotide")
    rng = np.random.default_rng(5)
    with StoreWriter(tmp_path / "store", tokenizer, {"polya": LabelSpec("sequence")}) as writer:
        for i in range(N):
            share = [0.6, 0.1, 0.1, 0.2] if i % 2 else [0.1, 0.4, 0.3, 0.2]
            writer.add(rng.choice(np.arange(4, 8), 30, p=share).astype(np.uint8), f"w{i}", None, {"polya": i % 2})
    names = TokenStore.open(tmp_path / "store").names(("name", "chrom"))
    write_folds(tmp_path / "folds.tsv", names, three_folds())
    network = new_network(preset_config("tiny", tokenizer), None, 1)
    save_model(tmp_path / "model", network, tokenizer)
    assert load_model(tmp_path / "model").task is None
    places = [
        f"--{name}={tmp_path / file}" for name, file in (("store", "store"), ("folds", "folds.tsv"), ("model", "model"))
    ]
    assert main(["fewshot", *places, "--draws", "3", "--outdir", str(tmp_path / "o"), "--device", "cpu"]) == 0
    content = json.loads((tmp_path / "o" / "metrics.json").read_text())
    by_metric = {row["metric"]: row for row in content["metrics"]}
    assert by_metric["roc_auc"]["mean"] > 0.9 and by_metric["roc_auc"]["n"] == 9
    with (tmp_path / "o" / "draws.tsv").open() as handle:
        assert len(list(csv.DictReader(handle, delimiter="\t"))) == 9
    assert main(["fewshot", *places, "--faithful", "--outdir", str(tmp_path / "p")]) == 0
    store, odd = TokenStore.open(tmp_path / "store"), np.full(N, 2, np.float32)
    add_labels(store, tmp_path / "odd", {"polya": (LabelSpec("sequence"), [odd])})
    assert main(["fewshot", *places, "--store", str(tmp_path / "odd"), "--outdir", str(tmp_path / "q")]) == 65
    assert "'w0' is labelled 2, not 0 or 1" in capsys.readouterr().err


def test_a_backbone_of_another_tokenizer_reads_the_letters_of_the_store(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    stores = {kind: tmp_path / kind for kind in ("nucleotide", "hyena", "chunk")}
    texts = [letters("ACGT")[rng.integers(4, size=30)] for _ in range(N)]
    for kind, path in stores.items():
        tokenizer = make_tokenizer(kind)
        with StoreWriter(path, tokenizer, {"polya": LabelSpec("sequence")}) as writer:
            for i, text in enumerate(texts):
                writer.add(tokenizer.encode(text), f"w{i}", None, {"polya": i % 2})
    write_folds(tmp_path / "folds.tsv", TokenStore.open(stores["hyena"]).names(("name", "chrom")), three_folds())
    tokenizer = make_tokenizer("nucleotide")
    save_model(tmp_path / "model", new_network(preset_config("tiny", tokenizer), None, 1), tokenizer)
    found = {}
    for kind, path in stores.items():
        given = ["--store", str(path), "--folds", str(tmp_path / "folds.tsv"), "--model", str(tmp_path / "model")]
        status = main(["fewshot", *given, "--outdir", str(tmp_path / f"{kind}.o"), "--draws", "2", "--device", "cpu"])
        assert status == (65 if kind == "chunk" else 0), "letters cannot be read from words of six"
        if not status:
            found[kind] = json.loads((tmp_path / f"{kind}.o" / "metrics.json").read_text())
    assert found["nucleotide"]["metrics"] == found["hyena"]["metrics"]
    about = found["hyena"]["settings"]
    assert (about["n"], about["n_sites"], about["prevalence"], about["model"]) == (N, N // 2, 0.5, "model")


def test_every_metric_names_its_averaging() -> None:
    rng = np.random.default_rng(7)
    rows = few_shot(rng.normal(size=(N, 4)).astype(np.float32), np.arange(N) % 2 == 0, three_folds()).summary()
    found = {row["metric"]: row["averaging"] for row in rows}
    assert found["roc_auc"] == found["average_precision"] == "ranking" and found["accuracy"] == "all"
    assert found["precision"] == "positive class" and found["macro_precision"] == "macro"
