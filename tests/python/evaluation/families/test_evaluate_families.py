"""`ribolm-evaluate families` on simulated families: what is drawn, compared, written and refused."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.evaluate import main as evaluate
from ribolm.errors import DataError
from ribolm.evaluation.families.assessment import Method, assess_families
from ribolm.evaluation.families.chosen import choose_families
from ribolm.evaluation.families.floors import floor_likenesses
from ribolm.labels.structure.stockholm import read_families
from ribolm.models.directories import names_of
from ribolm.models.initial import write_initial_model
from ribolm.sequences.tokenizers import make_tokenizer

REPOSITORY = Path(__file__).resolve().parents[4]
RESM = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "resm"
RFAM = RESM / "rfam_seed_many_short.stk.gz"


def alignment(number: int, rows: list[str], kind: str = "Gene; tRNA;") -> str:
    lines = [f"# STOCKHOLM 1.0\n#=GF AC   RF{number:05}\n#=GF ID   fam{number}\n#=GF TP   {kind}\n"]
    lines += [f"s{number}.{at}/1-{len(row)}  {row}\n" for at, row in enumerate(rows)]
    return "".join([*lines, f"#=GC SS_cons  {'.' * len(rows[0])}\n//\n"])


def family(seed: int, n: int, mutated: float = 0.05) -> list[str]:
    rng = np.random.default_rng(seed)
    core = rng.choice(list("ACGU"), 60)
    found = []
    for at in range(n):
        row = np.where(rng.random(60) < mutated, rng.choice(list("ACGU"), 60), core)
        row[0], row[1 + at % 9] = "ACGU"[at % 4], "-"
        found.append("".join(row))
    return found


@pytest.fixture(scope="module")
def stockholm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("families") / "f.stk"
    texts = [alignment(number, family(number, 8)) for number in range(1, 9)]
    path.write_text("".join([*texts, alignment(99, family(99, 3)), alignment(100, family(100, 2) * 4)]))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_initial_model(tmp_path_factory.mktemp("model") / "m", "tiny", make_tokenizer("esm"), 5, True)


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_families_are_drawn_by_seed_whatever_else_is_in_the_file(stockholm: Path) -> None:
    read = read_families(stockholm)
    chosen = choose_families(read, 5, seed=1)
    assert chosen.names == tuple(f"RF{number:05}" for number in range(1, 9))  # 3 and 2 different ones are too few
    assert len(chosen.records) == 40 and chosen.n_read == 10
    assert all("-" not in record.letters for record in chosen.records)
    fewer = choose_families(read[3:6], 5, seed=1)
    assert fewer.records == chosen.records[15:30]
    assert choose_families(read, 5, seed=2).records != chosen.records


def test_a_file_without_two_families_to_compare_is_refused(stockholm: Path) -> None:
    with pytest.raises(DataError, match="0 of 10 families have 50 different sequences"):
        choose_families(read_families(stockholm), 50)


def test_floors_beat_chance_where_families_differ(stockholm: Path) -> None:
    chosen = choose_families(read_families(stockholm), 5)
    methods = tuple(Method(name, "floor", likeness) for name, likeness in floor_likenesses(chosen.records).items())
    found = assess_families(chosen, methods, draws=50)
    rows = {row["method"]: row for row in found.method_rows()}
    assert rows["k-mers, k ≤ 4"]["nearest_neighbour_accuracy"] > 0.9
    assert rows["k-mers, k = 1"]["nearest_neighbour_accuracy"] < rows["k-mers, k ≤ 4"]["nearest_neighbour_accuracy"]
    assert found.best_floor in ("k-mers, k ≤ 3", "k-mers, k ≤ 4", "k-mers, k ≤ 2")
    best = rows["k-mers, k ≤ 4"]
    assert best["overlap_ratio_low"] <= best["overlap_ratio"] <= best["overlap_ratio_high"]


def test_the_command_writes_models_controls_and_floors(
    tmp_path: Path, stockholm: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fasta = tmp_path / "training.fa"
    chosen = choose_families(read_families(stockholm), 5)
    fasta.write_text(f">x\n{chosen.records[0].letters.replace('U', 'T').lower()}\n>x\nACGU\n")
    files = ["--families", str(stockholm), "--model", str(model), "--trained-on", str(fasta)]
    options = ["--per-family", "5", "--draws", "20", "--device", "cpu", "--outdir", str(tmp_path / "out")]
    assert evaluate(["families", *files, *options]) == 0
    methods = table(tmp_path / "out" / "methods.tsv")
    kinds = {row["method"]: row["kind"] for row in methods}
    assert list(kinds.values()).count("floor") == 5
    assert kinds["m"] == "model" and kinds["random encoder"] == "random"
    content = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert content["models"]["m"]["token_dropout"] is False
    assert content["models"]["m"]["tokenizer"]["mapping"] == "KDNY"
    assert content["overlap"][0]["n_shared"] == 1
    assert content["set"]["families"] == 8
    assert {row["other"] for row in table(tmp_path / "out" / "differences.tsv")} == {
        "random encoder",
        content["reference"],
    }
    assert len(table(tmp_path / "out" / "families.tsv")) == 8
    said = capsys.readouterr().err
    assert "training.fa holds 1 of the 40 sequences, of 1 of 8 families" in said
    assert "m was trained on: nothing: random weights" in said


def test_the_same_weights_give_the_same_row_whatever_token_dropout_they_were_trained_with(
    tmp_path: Path, stockholm: Path, model: Path
) -> None:
    other = write_initial_model(tmp_path / "other", "tiny", make_tokenizer("esm"), 5, False)
    for name, directory in (("a", model), ("b", other)):
        options = ["--per-family", "5", "--draws", "0", "--device", "cpu", "--outdir", str(tmp_path / name)]
        assert evaluate(["families", "--families", str(stockholm), "--model", str(directory), *options]) == 0
    first, second = (table(tmp_path / name / "methods.tsv")[0] for name in ("a", "b"))
    assert {**first, "method": ""} == {**second, "method": ""}


def test_one_model_given_twice_is_refused(tmp_path: Path, stockholm: Path, model: Path) -> None:
    twice = ["--model", str(model)] * 2
    options = ["--per-family", "5", "--outdir", str(tmp_path / "out"), "--device", "cpu"]
    assert evaluate(["families", "--families", str(stockholm), *twice, *options]) == 2
    assert not (tmp_path / "out").exists()


def test_models_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "m", tmp_path / "b" / "m", tmp_path / "n"]
    assert names_of(paths) == [str(paths[0]), str(paths[1]), "n"]


@pytest.mark.realdata
@pytest.mark.skipif(not RFAM.is_file(), reason=f"no real data at {RFAM} (set RIBOLM_DATA)")
def test_floors_on_rfam_are_near_those_on_a_near_set() -> None:
    """1-NN of k-mer cosine was 0.066 (k = 1) and 0.863 (k ≤ 4) on 259 families, four of them others than here."""
    chosen = choose_families(read_families(RFAM))
    assert len(chosen.names) == 255
    likenesses = floor_likenesses(chosen.records)
    methods = tuple(Method(name, "floor", likenesses[name]) for name in ("k-mers, k = 1", "k-mers, k ≤ 4"))
    found = assess_families(chosen, methods, draws=0)
    rows = [row["nearest_neighbour_accuracy"] for row in found.method_rows()]
    assert 0.04 < rows[0] < 0.1 and 0.82 < rows[1] < 0.9
