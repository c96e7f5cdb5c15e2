"""`ribolm-explain windows`: classes and folds of a set, tables of models with and without attention."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ribolm.cli.explain import main as explain
from ribolm.errors import DataError
from ribolm.explain.labelled import classes_of
from ribolm.explain.perturbation import LEVELS
from ribolm.genome.fasta import Genome
from ribolm.labels.folds import Folds, write_folds
from ribolm.models.weights import save_model
from ribolm.report.polya.explain_sections import read_explained
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer

from .conftest import drawn_windows, placed, window_model

WINDOW_NT, N = 40, 24


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of windows, every second one a positive with a signal, their FASTA in another order, and three folds."""
    windows = drawn_windows(N, WINDOW_NT, letters=b"CGCGTA")
    windows[::2] = placed(windows[::2], "AATAAA", 12)
    tokenizer = make_tokenizer("nucleotide")
    with StoreWriter(tmp_path / "store", tokenizer, {"polya": LabelSpec("sequence")}) as writer:
        for row, window in enumerate(windows):
            writer.add(tokenizer.encode(window), f"w{row}", None, {"polya": 1 - row % 2})
    records = [f">w{row}\n{window.tobytes().decode()}\n" for row, window in enumerate(windows)]
    (tmp_path / "windows.fa").write_text("".join(reversed(records)))
    names = TokenStore.open(tmp_path / "store").names(("name", "chrom"))
    write_folds(tmp_path / "folds.tsv", names, Folds(np.arange(N) // 2 % 3, np.arange(N)))
    return tmp_path


def run(folder: Path, name: str, *options: str) -> Path:
    network, tokenizer = window_model(name)
    task = {"task": "polya", "level": "sequence", "labels": ["polya"], "pooling": "mean", "window_nt": WINDOW_NT}
    task |= {"anchor": "cleavage", "anchor_offset0": 20}
    given = ["--model", str(save_model(folder / name, network, tokenizer, task)), "--device", "cpu"]
    given += ["--store", str(folder / "store"), "--sequences", str(folder / "windows.fa")]
    assert explain(["windows", *given, "--outdir", str(folder / "out"), *options]) == 0
    return folder / "out"


def test_a_fold_is_looked_at_class_by_class(folder: Path) -> None:
    out = run(folder, "nucleotide", "--folds", str(folder / "folds.tsv"), "--fold", "1")
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["positives"], summary["negatives"], summary["attention"]) == (4, 4, True)
    levels = pl.read_csv(out / "perturbation.tsv", separator="\t")
    assert levels["level"].to_list() == 2 * list(LEVELS)
    assert set(levels["n_with_signal"].to_list()) == {4}
    changes = pl.read_parquet(out / "mutagenesis.parquet")
    assert sorted(set(changes["name"].to_list())) == ["w14", "w2", "w20", "w8"], "positives of the fold"
    importance = pl.read_csv(out / "importance.tsv", separator="\t")
    assert importance["place"].to_list() == list(range(-20, 20))
    mean = changes.group_by("position0").agg(pl.col("importance").cast(float).mean()).sort("position0")["importance"]
    np.testing.assert_allclose(importance["importance"].to_numpy(), mean.to_numpy(), atol=1e-6)
    assert read_explained(out).words is not None


def test_a_model_without_attention_has_no_words(folder: Path) -> None:
    out = run(folder, "hyena", "--most", "3")
    assert not (out / "attention.tsv").exists()
    assert json.loads((out / "summary.json").read_text())["positives"] == 3
    assert read_explained(out).words is None


def test_words_of_an_earlier_model_do_not_stay(folder: Path) -> None:
    assert (run(folder, "nucleotide", "--most", "2") / "attention.tsv").exists()
    assert not (run(folder, "hyena", "--most", "2") / "attention.tsv").exists()


def test_a_model_of_overlapping_words_has_no_attended_ones(folder: Path) -> None:
    out = run(folder, "kmer", "--most", "2")
    assert (out / "importance.tsv").exists() and not (out / "attention.tsv").exists()


def test_some_windows_are_spread_over_the_set(folder: Path) -> None:
    records = Genome.open(folder / "windows.fa")
    found = classes_of(folder / "store", "polya", records, None, None, 3)
    assert [records.names[row] for row in found.positives.tolist()] == ["w22", "w12", "w0"]


def test_sets_and_sequences_that_do_not_fit_are_refused(folder: Path) -> None:
    names = TokenStore.open(folder / "store").names(("name", "chrom"))
    write_folds(folder / "folds.tsv", names, Folds(np.arange(N) % 2, np.arange(N)))
    records = Genome.open(folder / "windows.fa")
    with pytest.raises(DataError, match="no negative window of 'polya' in fold 0"):
        classes_of(folder / "store", "polya", records, folder / "folds.tsv", 0, 9)
    (folder / "other.fa").write_text(">w1\nACGT\n")
    with pytest.raises(DataError, match="no record 'w0'"):
        classes_of(folder / "store", "polya", Genome.open(folder / "other.fa"), None, None, 9)
    assert explain(["windows", "--model", "m", "--store", "s", "--sequences", "f", "--outdir", "o", "--fold", "1"]) == 2
