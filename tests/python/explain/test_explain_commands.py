"""The sub-commands of ribolm-explain, from files to files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ribolm.cli.explain import main as explain
from ribolm.models.weights import save_model

from .conftest import drawn_windows, placed, window_model

WINDOW_NT = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Records of 60 nt with and without a signal."""
    drawn = drawn_windows(12, 60, letters=b"CGCGTA")
    for name, windows in (("positives", placed(drawn, "AATAAA", 30)), ("negatives", drawn)):
        text = "".join(f">{name}{row}\n{window.tobytes().decode()}\n" for row, window in enumerate(windows))
        (tmp_path / f"{name}.fa").write_text(text)
    return tmp_path


def model(folder: Path, name: str) -> list[str]:
    network, tokenizer = window_model(name)
    task = {"task": "polya", "level": "sequence", "labels": ["polya"], "pooling": "mean", "window_nt": WINDOW_NT}
    task |= {"anchor": "hexamer", "anchor_offset0": 20, "calibration": {"method": "platt", "slope": 2, "intercept": 0}}
    return ["--model", str(save_model(folder / name, network, tokenizer, task)), "--device", "cpu"]


def files(folder: Path, sub: str, out: str) -> list[str]:
    given = ("positives", "negatives") if sub == "attention" else ("sequences",)
    paths = {"sequences": "positives"}
    named = [text for one in given for text in (f"--{one}", str(folder / f"{paths.get(one, one)}.fa"))]
    return [*named, "--out", str(folder / out)]


@pytest.mark.parametrize("name", ["chunk", "hyena"])
def test_perturbation(folder: Path, name: str) -> None:
    assert explain(["perturbation", *files(folder, "perturbation", "p.tsv"), *model(folder, name)]) == 0
    table = pl.read_csv(folder / "p.tsv", separator="\t")
    assert table["kind"].to_list() == ["signal"] * 11 + ["control"] * 11
    assert set(table["n_with_signal"].to_list()) == {12}
    assert table["mean_change"][0] == 0


def test_attention(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(["attention", *files(folder, "attention", "a.tsv"), *model(folder, "chunk"), "--top", "7"]) == 0
    table = pl.read_csv(folder / "a.tsv", separator="\t")
    assert table.height == 7
    assert {len(word) for word in table["word"]} == {6}
    assert "72 readings of positives, 72 of negatives" in capsys.readouterr().out
    assert explain(["attention", *files(folder, "attention", "b.tsv"), *model(folder, "hyena")]) == 2
    assert "The model has no attention" in capsys.readouterr().err
    assert not (folder / "b.tsv").exists()


def test_mutagenesis_and_gradients_have_a_line_per_letter(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [*model(folder, "nucleotide"), "--first", "3"]
    assert explain(["mutagenesis", *files(folder, "mutagenesis", "m.parquet"), *options]) == 0
    assert explain(["gradients", *files(folder, "gradients", "g.parquet"), *options, "--steps", "8"]) == 0
    assert "3 sequences; shares miss at most" in capsys.readouterr().out
    changes, shares = (pl.read_parquet(folder / f"{name}.parquet") for name in "mg")
    for table in (changes, shares):
        assert table.height == 3 * WINDOW_NT
        assert table["name"].unique(maintain_order=True).to_list() == [f"positives{row}" for row in range(3)]
        assert table["position0"].to_list() == list(range(WINDOW_NT)) * 3
        assert "".join(table["letter"][17:23]) == (folder / "positives.fa").read_text().splitlines()[1][27:33]
    own = changes.filter(pl.col("letter") == "A")["change_A"]
    assert len(own) > 3
    assert own.abs().max() == 0
    assert np.isfinite(shares["share"].to_numpy()).all()


def test_overlapping_words_share_no_letters_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for sub in ("attention", "gradients"):
        assert explain([sub, *files(folder, sub, "out"), *model(folder, "kmer")]) == 2
        assert "tokens overlap" in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_a_fasta_without_a_record_is_refused(folder: Path) -> None:
    (folder / "empty.fa").write_text("")
    options = ["--sequences", str(folder / "empty.fa"), "--out", str(folder / "e.tsv"), *model(folder, "nucleotide")]
    assert explain(["perturbation", *options]) == 65
