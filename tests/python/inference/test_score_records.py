"""`ribolm-predict sequences`: which base of a record is the anchor, what is missing, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ribolm.alphabet import letters
from ribolm.cli.predict import main
from ribolm.inference.sequences import score_windows
from ribolm.inference.window_models import forward_of, load_window_model

WINDOW = {"level": "sequence", "pooling": "mean", "window_nt": 20, "anchor": "hexamer", "anchor_offset0": 7}
TEXT = "".join(np.random.default_rng(8).choice(list("ACGT"), 60))


@pytest.fixture(scope="module")
def window_model(make_model: Callable[..., Path]) -> Path:
    return make_model(task="polya", labels=["polya"], universe=None, **WINDOW)


def run(tmp_path: Path, model: Path, fasta: str, *more: str) -> list[list[str]]:
    (tmp_path / "in.fa").write_text(fasta)
    arguments = ["--model", str(model), "--sequences", str(tmp_path / "in.fa"), "--out", str(tmp_path / "out.tsv")]
    assert main(["sequences", *arguments, "--device", "cpu", *more]) == 0
    rows = [line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines()]
    assert rows[0] == ["name", "logit", "probability", *(["trained_on"] if "--fold" in more else [])]
    return rows[1:]


def logit_of(model: Path, window: str) -> float:
    loaded = load_window_model(model)
    return float(score_windows(loaded, forward_of(loaded, "cpu"), letters(window)[None])[0])


def test_the_anchor_is_that_of_the_window_or_the_middle_or_the_one_given(tmp_path: Path, window_model: Path) -> None:
    fasta = f">w one\n{TEXT[:20]}\n>long\n{TEXT[:31]}\n{TEXT[31:]}\n>short\n{TEXT[:9].lower()}\n"
    rows = run(tmp_path, window_model, fasta)
    assert [row[0] for row in rows] == ["w", "long", "short"]
    wanted = [TEXT[:20], TEXT[30 - 7 : 30 + 13], "NNN" + TEXT[:9] + "N" * 8]
    for row, window in zip(rows, wanted, strict=True):
        logit, chance = float(row[1]), float(row[2])
        assert logit == pytest.approx(logit_of(window_model, window), abs=2e-6)
        assert chance == pytest.approx(1 / (1 + np.exp(-(1.5 * logit - 0.25))), abs=2e-6)
    given = run(tmp_path, window_model, fasta, "--anchor0", "8")
    assert float(given[1][1]) == pytest.approx(logit_of(window_model, TEXT[1:21]), abs=2e-6)


def test_scores_do_not_depend_on_order_or_on_other_records(tmp_path: Path, window_model: Path, capsys) -> None:
    rng = np.random.default_rng(3)
    records = [(f"r{i}", "".join(rng.choice(list("ACGT"), int(n)))) for i, n in enumerate(rng.integers(3, 60, 40))]
    one = run(tmp_path, window_model, "".join(f">{n}\n{s}\n" for n, s in records), "--tokens-per-batch", "500")
    other = run(tmp_path, window_model, "".join(f">{n}\n{s}\n" for n, s in records[:0:-1]), "--tokens-per-batch", "90")
    assert one[1:] == other[::-1]
    assert capsys.readouterr().err.count("--tokens-per-batch is not used on a CPU") == 2


@pytest.mark.parametrize(
    ("fasta", "more", "code", "message"),
    [
        (">a\nACGT\n>a\nACGTT\n", (), 65, "'a' occurs twice"),
        (">a\nACGT\n>b\nAC\n", ("--anchor0", "3"), 65, "record 'b': has 2 nt"),
        (">a\n>b\nACGT\n", (), 65, "record 'a': has 0 nt"),
        (">a\nACGJ\n", (), 65, "'J' is no nucleotide code"),
        (">a\nACGT\n", ("--anchor0", "-1"), 2, "anchor0"),
    ],
)
def test_records_that_cannot_be_scored_are_refused(
    tmp_path: Path,
    window_model: Path,
    capsys: pytest.CaptureFixture[str],
    fasta: str,
    more: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    (tmp_path / "in.fa").write_text(fasta)
    out = tmp_path / "out.tsv"
    arguments = ["--model", str(window_model), "--sequences", str(tmp_path / "in.fa"), "--out", str(out)]
    assert main(["sequences", *arguments, "--device", "cpu", *more]) == code
    assert message in capsys.readouterr().err and not out.exists()


def test_a_model_may_refuse_records_that_are_too_short(
    tmp_path: Path, make_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_model(task="polya", labels=["polya"], universe=None, padding="refuse", **WINDOW)
    (tmp_path / "in.fa").write_text(f">fits\n{TEXT[:20]}\n>not\n{TEXT[:19]}\n")
    arguments = ["--model", str(model), "--sequences", str(tmp_path / "in.fa"), "--out", str(tmp_path / "o")]
    assert main(["sequences", *arguments]) == 65
    assert "record 'not'" in capsys.readouterr().err


def test_the_records_of_one_fold_are_scored_as_among_all(tmp_path: Path, window_model: Path) -> None:
    fasta = "".join(f">r{i}\n{TEXT[i : i + 20]}\n" for i in range(6))
    table = "row\tname\tchrom\tcluster\tfold\n" + "".join(f"{i}\tr{i}\t\t{i}\t{i % 3}\n" for i in range(6))
    (tmp_path / "folds.tsv").write_text(table)
    everything = run(tmp_path, window_model, fasta)
    one = run(tmp_path, window_model, fasta, "--folds", str(tmp_path / "folds.tsv"), "--fold", "1")
    assert [row[:3] for row in one] == [everything[1], everything[4]]


@pytest.mark.parametrize(
    ("fold", "names", "message"),
    [("7", "abc", "no row is in fold 7"), ("1", "xyz", "has no record 'y' of folds.tsv")],
)
def test_folds_of_other_records_are_refused(
    tmp_path: Path, window_model: Path, capfd: pytest.CaptureFixture[str], fold: str, names: str, message: str
) -> None:
    (tmp_path / "in.fa").write_text("".join(f">{name}\n{TEXT[:20]}\n" for name in "abc"))
    rows = "".join(f"{i}\t{name}\t\t{i}\t{i}\n" for i, name in enumerate(names))
    (tmp_path / "folds.tsv").write_text("row\tname\tchrom\tcluster\tfold\n" + rows)
    out = tmp_path / "out.tsv"
    arguments = ["--model", str(window_model), "--sequences", str(tmp_path / "in.fa"), "--out", str(out)]
    status = main(["sequences", *arguments, "--folds", str(tmp_path / "folds.tsv"), "--fold", fold, "--device", "cpu"])
    assert (status, out.exists()) == (65, False)
    assert message in capfd.readouterr().err
