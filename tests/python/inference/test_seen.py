"""What a model has seen, by its manifest: the fold that it held out is scored, others are refused, all else is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from ribolm.cli.predict import main
from ribolm.files import sha256_of
from ribolm.inference.seen import Training, seen_rows, trainings_of
from ribolm.sequences.places import Place
from ribolm.sequences.store import StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer

WINDOW = {"level": "sequence", "pooling": "mean", "window_nt": 20, "anchor": "hexamer", "anchor_offset0": 7}
TEXT = "".join(np.random.default_rng(8).choice(list("ACGT"), 60))
STORE = "5" * 64


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """in.fa, a store of the same six records, and folds.tsv of both: record i is in fold i % 3."""
    records = {f"r{i}": TEXT[i : i + 20] for i in range(6)}
    (tmp_path / "in.fa").write_text("".join(f">{name}\n{text}\n" for name, text in records.items()))
    tokenizer = make_tokenizer("nucleotide")
    with StoreWriter(tmp_path / "store", tokenizer) as writer:
        for row, (name, text) in enumerate(records.items()):
            letters = np.frombuffer(text.encode(), np.uint8)
            writer.add(tokenizer.encode(letters), name, Place("c", "+", ((100 * row, 100 * row + 20),)))
    rows = "".join(f"{i}\tr{i}\tc\t{i}\t{i % 3}\n" for i in range(6))
    (tmp_path / "folds.tsv").write_text("row\tname\tchrom\tcluster\tfold\n" + rows)
    return tmp_path


def told(model: Path, folder: Path, **manifest: Any) -> Path:
    """A copy of a model whose manifest says more."""
    shutil.copytree(model, folder)
    content = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**content, **manifest}))
    return folder


@pytest.fixture
def trained(data: Path, make_model: Callable[..., Path]) -> Callable[..., Path]:
    """A model of windows, or of sites, whose manifest names a store, a table of folds and the fold held out."""

    def make(fold: int | None, folds: str | None = None, store: str = STORE, level: str = "sequence") -> Path:
        task = dict(task="polya", labels=["polya"], universe=None, **WINDOW) if level == "sequence" else {}
        digest = folds or sha256_of(data / "folds.tsv")
        source = {"store": store, "folds": digest, "fold": fold, "crop_tokens": None}
        return told(make_model(**task), data / f"m{level}{fold}{digest[:4]}", kind="finetune", data=source)

    return make


def score(data: Path, model: Path, fold: int | None = 1, command: str = "sequences") -> int:
    given = ["--sequences", data / "in.fa"] if command == "sequences" else ["--store", data / "store"]
    folds = [] if fold is None else ["--folds", data / "folds.tsv", "--fold", fold]
    words = ["--model", model, *given, *folds, "--out", data / "out", "--device", "cpu"]
    return main([command, *map(str, words)])


def test_the_fold_that_was_held_out_is_scored_and_the_table_says_what_was_seen(
    data: Path, trained: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(data, trained(1)) == 0
    assert "nothing is known" not in capsys.readouterr().err
    table = pl.read_csv(data / "out", separator="\t")
    word = f"{STORE[:16]}:{sha256_of(data / 'folds.tsv')[:16]}:1"
    assert table["name"].to_list() == ["r1", "r4"] and set(table["trained_on"]) == {word}
    digest = TokenStore.open(data / "store").digest
    assert score(data, trained(1, store=digest, level="token"), command="store") == 0
    facts = pq.read_metadata(data / "out").metadata[b"ribolm"]
    assert json.loads(facts)["trained_on"] == [word.replace(STORE[:16], digest[:16])]


@pytest.mark.parametrize(("fold", "kept"), [(2, "fold 2 alone"), (None, "no fold")])
@pytest.mark.parametrize("command", ["sequences", "store"])
def test_a_fold_that_was_seen_is_refused(
    data: Path, trained: Callable[..., Path], capsys: pytest.CaptureFixture[str], fold: int, kept: str, command: str
) -> None:
    store = TokenStore.open(data / "store").digest
    model = trained(fold, store=store, level="token" if command == "store" else "sequence")
    assert score(data, model, command=command) == 65
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"has seen fold 1 of folds.tsv in training, which held out {kept}. Give the model that was" in error
    assert not (data / "out").exists()
    assert score(data, model, fold=None, command=command) == 0, "all rows: no fold is said to be unseen"


def test_rows_of_a_store_dealt_by_another_table_are_refused(
    data: Path, trained: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = trained(1, "7" * 64, TokenStore.open(data / "store").digest, "token")
    assert score(data, model, command="store") == 65
    assert "trained on this store, but not by folds.tsv" in capsys.readouterr().err


def test_models_of_other_data_go_through_with_a_notice(
    data: Path, trained: Callable[..., Path], make_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    plain = make_model(task="polya", labels=["polya"], universe=None, **WINDOW)
    for model in (trained(2, "7" * 64), plain):
        assert score(data, model) == 0
        assert "nothing is known of what the two share" in capsys.readouterr().err
    assert set(pl.read_csv(data / "out", separator="\t")["trained_on"]) == {"-"}


def test_a_united_model_has_seen_what_any_of_its_parts_has(
    data: Path, make_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folds = sha256_of(data / "folds.tsv")
    parts = [{"data": {"store": STORE, "folds": folds, "fold": fold}} for fold in (1, 2)]
    plain = make_model(task="polya", labels=["polya"], universe=None, **WINDOW)
    assert score(data, told(plain, data / "both", kind="united", parts=parts)) == 65
    assert "held out fold 2 alone" in capsys.readouterr().err
    assert score(data, told(plain, data / "one", kind="united", parts=parts[:1] * 2)) == 0
    assert trainings_of({"kind": "united", "parts": [*parts, {"data": None}]}) == ()


def test_rows_are_seen_but_for_those_of_the_fold_held_out() -> None:
    fold = np.array([0, 1, 2, 1])
    for training, wanted in (
        (Training("a" * 16, "b" * 16, 1), [True, False, True, False]),
        (Training("a" * 16, "b" * 16, None), [True] * 4),
        (Training("a" * 16, "", None), [True] * 4),
        (Training("a" * 16, "c" * 16, 1), [True] * 4),
    ):
        assert Training.of_word(training.word) == training
        seen = seen_rows(training.word, "a" * 64, "b" * 64, fold)
        assert seen is not None and seen.tolist() == wanted
    for word in ("-", "", "words", f"{'d' * 16}:-:1"):
        assert seen_rows(word, "a" * 64, "b" * 64, fold) is None
    both = ",".join(Training("a" * 16, "b" * 16, k).word for k in (0, 1))
    assert seen_rows(both, "a" * 64, "b" * 64, fold).all()  # type: ignore[union-attr]
