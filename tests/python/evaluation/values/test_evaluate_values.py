"""`ribolm-evaluate values`: models stand beside floors that never saw their rows; leakage between groups shows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import r2_score

from ribolm.cli.evaluate import main
from ribolm.cli.labels import main as labels
from ribolm.evaluation.values.floors import ridge
from ribolm.sequences.store import LabelSpec, StoreWriter
from ribolm.sequences.tokenizers import make_tokenizer

N = 300


def made(rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Random sequences whose value counts G and falls with an AUG out of frame, with noise."""
    texts = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(N)]
    frames = [[(len(t) - i) % 3 for i in range(28) if t[i : i + 3] == "ATG"] for t in texts]
    value = np.array([0.3 * t.count("G") - 2 * any(frame) for t, frame in zip(texts, frames, strict=True)])
    return texts, value + rng.normal(0, 0.3, N) + 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """values/store, folds.tsv of groups of three, good.tsv, random.tsv and seeded ones."""
    out = tmp_path_factory.mktemp("values")
    rng = np.random.default_rng(3)
    texts, value = made(rng)
    rows = "".join(
        f"n{i},{t},{v},{t.count('A')},g{i // 3}\n" for i, (t, v) in enumerate(zip(texts, value, strict=True))
    )
    (out / "t.csv").write_text("id,utr,load,energy,gene\n" + rows)
    columns = ["--sequence", "utr", "--value", "load", "--value", "energy", "--name", "id", "--group", "gene"]
    assert labels(["values", "--table", str(out / "t.csv"), "--out", str(out / "values"), *columns]) == 0
    store = str(out / "values" / "store")
    assert labels(["folds", "--store", store, "--out", str(out / "folds.tsv"), "--by", "gene", "--folds", "3"]) == 0
    for name, noise in (("good", 0.2), ("seed2", 0.3), ("random", 3.0)):
        lines = [f"n{i}\t{v + e}\n" for i, (v, e) in enumerate(zip(value, rng.normal(0, noise, N), strict=True))]
        (out / f"{name}.tsv").write_text("name\tvalue\n" + "".join(lines))
    return out


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def evaluate(folder: Path, out: Path, *more: str) -> int:
    store = ["--store", str(folder / "values" / "store"), "--task", "load", "--outdir", str(out), "--draws", "30"]
    return main(["values", *store, *more])


def test_a_model_stands_beside_floors_with_their_features_stated(folder: Path, tmp_path: Path, capsys) -> None:
    scores = ["--scores", f"good={folder / 'good.tsv'}", "--scores", f"random={folder / 'random.tsv'}"]
    more = ["--folds", str(folder / "folds.tsv"), "--covariate", "energy"]
    assert evaluate(folder, tmp_path / "o", *scores, *more) == 0
    methods = {row["method"]: row for row in rows_of(tmp_path / "o" / "methods.tsv")}
    assert list(methods) == [
        "good", "random", "one-hot ridge", "k-mer ridge", "k-mer and start codon ridge", "gradient boosting",
        "mean of the training rows",
    ]  # fmt: skip
    _, value = made(np.random.default_rng(3))
    predicted = np.array([float(row["value"]) for row in rows_of(folder / "good.tsv")])
    assert float(methods["good"]["r2"]) == pytest.approx(r2_score(value, predicted), abs=1e-5)
    assert float(methods["good"]["r2_low"]) < float(methods["good"]["r2"]) < float(methods["good"]["r2_high"])
    assert methods["random"]["kind"] == "random weights" and methods["good"]["n_clusters"] == "100"
    starts, kmers = (float(methods[name]["r2"]) for name in ("k-mer and start codon ridge", "k-mer ridge"))
    assert starts > kmers > 0 and float(methods["mean of the training rows"]["r2"]) < 0.05
    assert (
        methods["gradient boosting"]["features"].endswith(", energy")
        and "1- to 4-mers" in methods["k-mer ridge"]["features"]
    )
    content = json.loads((tmp_path / "o" / "metrics.json").read_text())
    assert content["split"] == "3 folds of whole groups" and content["scale"] == "load" and not content["not_run"]
    assert {row["stratum"] for row in content["metrics"]} == {"all", "none", "in frame", "out of frame"}
    assert {row["other"] for row in content["differences"]} == set(methods) - {"good"}
    assert len(rows_of(tmp_path / "o" / "predictions.tsv")) == N
    assert "good: R² 0.9" in capsys.readouterr().err


def test_one_fold_is_tested_and_seeds_are_averaged(folder: Path, tmp_path: Path, capsys) -> None:
    scores = [f"--scores=m@{seed}={folder / name}.tsv" for seed, name in ((1, "good"), (2, "seed2"))]
    more = ["--folds", str(folder / "folds.tsv"), "--fold", "1"]
    assert evaluate(folder, tmp_path / "o", *scores, *more) == 0
    methods = {row["method"]: row for row in rows_of(tmp_path / "o" / "methods.tsv")}
    assert (
        int(methods["m"]["n"]) in (99, 102) and methods["m"]["seeds"] == "2" and float(methods["m"]["r2_seed_sd"]) > 0
    )
    content = json.loads((tmp_path / "o" / "metrics.json").read_text())
    assert content["split"] == "3 folds of whole groups, fold 1 tested"
    said = capsys.readouterr().err
    assert "random-initialised: not run: weights absent" in said and "nothing is known" in said


def test_without_folds_nothing_is_fitted_and_that_is_told(folder: Path, tmp_path: Path, capsys) -> None:
    assert evaluate(folder, tmp_path / "o", "--scores", f"m={folder / 'good.tsv'}") == 0
    assert [row["method"] for row in rows_of(tmp_path / "o" / "methods.tsv")] == ["m"]
    assert "baselines: not run: without --folds" in capsys.readouterr().err


def test_baselines_that_have_nothing_to_learn_from_are_left_out(folder: Path, tmp_path: Path, capsys) -> None:
    table = "".join(f"{i}\tn{i}\t\t{i}\t0\n" for i in range(N))
    (tmp_path / "one.tsv").write_text("row\tname\tchrom\tcluster\tfold\n" + table)
    scores = ["--scores", f"m={folder / 'good.tsv'}", "--folds", str(tmp_path / "one.tsv")]
    assert evaluate(folder, tmp_path / "o", *scores) == 0
    assert [row["method"] for row in rows_of(tmp_path / "o" / "methods.tsv")] == ["m"]
    assert "baselines: not run: no fold leaves measured rows" in capsys.readouterr().err


def test_an_empty_store_gives_a_valid_empty_result(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store", make_tokenizer("nucleotide"), {"load": LabelSpec("sequence")}):
        pass
    store = ["--store", str(tmp_path / "store")]
    assert labels(["folds", *store, "--out", str(tmp_path / "f.tsv"), "--folds", "3"]) == 0
    (tmp_path / "s.tsv").write_text("name\tvalue\n")
    more = ["--task", "load", "--folds", str(tmp_path / "f.tsv"), "--scores", f"m={tmp_path / 's.tsv'}"]
    assert main(["values", *store, *more, "--outdir", str(tmp_path / "o")]) == 0
    assert {row["n"] for row in rows_of(tmp_path / "o" / "methods.tsv")} == {"0"}


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ("name\tscore\nn1\t1\n", (), r"s.tsv: no column 'value'"),
        ("name\tvalue\nn1\thigh\n", (), r"s.tsv line 2, column 'value': 'high' is no finite number"),
        ("name\tvalue\nn1\t1\nn1\t2\n", (), r"'n1' occurs twice"),
        ("name\tvalue\nother\t1\n", (), r"No sequence of the store is named"),
        ("name\tvalue\nn1\t1\n", ("--fold", "1"), r"--fold needs the --folds"),
        ("name\tvalue\nn1\t1\n", ("--covariate", "energy", "--no-baselines"), r"--covariate has no effect"),
        ("name\tvalue\nn1\t1\n", ("--reference", "x"), r"--reference x: no method"),
    ],
)
def test_bad_scores_are_refused(
    folder: Path, tmp_path: Path, capsys, text: str, more: tuple[str, ...], message: str
) -> None:
    (tmp_path / "s.tsv").write_text(text)
    assert evaluate(folder, tmp_path / "o", "--scores", f"m={tmp_path / 's.tsv'}", *more) in (2, 65)
    assert message in capsys.readouterr().err and not (tmp_path / "o").exists()


def test_ridge_finds_a_line_and_gives_the_mean_for_noise() -> None:
    rng = np.random.default_rng(1)
    x, unit = rng.normal(size=(200, 3)).astype(np.float32), np.arange(200)
    line = ridge(x, x @ np.array([1.0, -2.0, 0.5]) + 7, unit, 1)
    np.testing.assert_allclose(line(np.eye(3, dtype=np.float32)), [8, 5, 7.5], atol=0.05)
    noise = ridge(x, rng.normal(size=200), unit, 1)(x)
    assert noise.std() < 0.2
