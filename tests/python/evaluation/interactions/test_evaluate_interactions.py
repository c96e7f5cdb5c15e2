"""`ribolm-evaluate interactions` and `ribolm-predict interactions` on planted interactions."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.evaluate import main as evaluate
from ribolm.cli.predict import main as predict
from ribolm.evaluation.interactions.output import _shown
from ribolm.inference.contacts import contact_forward, contact_logits, load_contact_model
from ribolm.inference.interactions.concatenation import cross_map

from ..contact_models import random_rna, reverse_complement, write_contact_model

HEADER = "query\ttarget\tquery_sequence\ttarget_sequence\ttarget_start0\ttarget_end0\ttype\n"


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_contact_model(tmp_path_factory.mktemp("contacts"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten targets of 90 nt in which the middle of a query of 40 nt pairs at a known place."""
    rng, lines = np.random.default_rng(2), [HEADER]
    for number in range(10):
        query, target = random_rna(40, rng), random_rna(90, rng)
        start = int(rng.integers(5, 70))
        target = target[:start] + reverse_complement(query[12:26]) + target[start + 14 :]
        row = (f"q{number}", f"t{number}", query, target, start, start + 14, "sRNA" if number % 2 else "snoRNA")
        lines.append("\t".join(map(str, row)) + "\n")
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    path.write_text("".join(lines))
    return path


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_the_cross_map_is_the_block_between_the_chains_and_turns_with_them(fitted: tuple[Path, Path]) -> None:
    model = load_contact_model(fitted[0])
    forward = contact_forward(model, "cpu")
    rng = np.random.default_rng(4)
    query, target = random_rna(9, rng), random_rna(20, rng)
    found, turned = cross_map(model, forward, query, target), cross_map(model, forward, target, query)
    assert np.array_equal(found.query_first, contact_logits(model, forward, query + target)[:9, 9:])
    assert np.array_equal(found.target_first, turned.query_first.T)
    assert np.array_equal(found.mean, turned.mean.T)
    assert found.order_difference == pytest.approx(np.abs(found.query_first - found.target_first).mean())
    assert found.order_difference > 0


def test_predictions_name_the_best_stretch_and_both_orders(
    tmp_path: Path, fitted: tuple[Path, Path], pairs: Path
) -> None:
    out, contacts = tmp_path / "o.tsv", tmp_path / "c.tsv"
    options = ["--model", str(fitted[0]), "--pairs", str(pairs), "--out", str(out), "--device", "cpu"]
    assert predict(["interactions", *options, "--contacts", str(contacts), "--least-probability", "0.001"]) == 0
    rows = table(out)
    assert [row["name"] for row in rows] == [f"q{number}|t{number}" for number in range(10)]
    for row in rows:
        assert (
            int(row["query_end0"]) - int(row["query_start0"])
            == 12
            == int(row["target_end0"]) - int(row["target_start0"])
        )
        mean = (float(row["logit_query_first"]) + float(row["logit_target_first"])) / 2
        assert float(row["logit"]) == pytest.approx(mean, abs=2e-5)
        assert float(row["order_difference"]) > 0
    listed = table(contacts)
    assert all(float(row["probability"]) >= 0.001 and int(row["query0"]) < 40 for row in listed)
    facts = json.loads((tmp_path / "o.tsv.json").read_text())
    assert facts["width"] == 12 and facts["token_dropout"] is False
    again = tmp_path / "again.tsv"
    assert predict(["interactions", *options[:4], "--out", str(again), "--device", "cpu"]) == 0
    assert again.read_bytes() == out.read_bytes()


def test_no_pair_gives_an_empty_table_and_a_bad_one_none(tmp_path: Path, fitted: tuple[Path, Path]) -> None:
    for rows, code in (("", 0), ("q\tt\tAC-U\tACGU\t\t\t\n", 65)):
        (tmp_path / "p.tsv").write_text(HEADER + rows)
        out = tmp_path / f"o{code}.tsv"
        options = ["--model", str(fitted[0]), "--pairs", str(tmp_path / "p.tsv"), "--out", str(out), "--device", "cpu"]
        assert predict(["interactions", *options]) == code
        assert out.exists() == (code == 0)
    assert len((tmp_path / "o0.tsv").read_text().splitlines()) == 1


def test_sites_are_measured_beside_energies_runs_and_random_weights(
    tmp_path: Path, fitted: tuple[Path, Path], pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--pairs", str(pairs), "--model", str(fitted[0]), "--fit-on", str(fitted[1])]
    options = ["--outdir", str(tmp_path / "out"), "--draws", "20", "--device", "cpu", "--longest-cofold-nt", "100"]
    assert evaluate(["interactions", *files, *options]) == 0
    rows = {(row["universe"], row["method"]): row for row in table(tmp_path / "out" / "sites.tsv")}
    assert {method for _, method in rows} == {"RNAduplex", "complementary run", "fitted", "random weights"}
    assert float(rows["all pairs", "RNAduplex"]["site_recall"]) > 0.7
    assert float(rows["all pairs", "complementary run"]["site_recall"]) == 1
    assert 0 < float(rows["all pairs", "RNAduplex"]["site_recall_by_chance"]) < 1
    assert rows["all pairs", "fitted"]["order_difference"]
    assert len(table(tmp_path / "out" / "site_pairs.tsv")) == 10 * 5
    assert {row["type"] for row in table(tmp_path / "out" / "site_types.tsv")} == {"sRNA", "snoRNA"}
    content = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert content["models"]["random weights"]["kind"] == "random"
    assert "RNAcofold: 10 of 10 pairs not run, longer than 100 nt" in capsys.readouterr().err


@pytest.fixture
def ranking(tmp_path: Path) -> list[str]:
    """Options of a ranking: one query of 40 nt, twelve targets of 80 nt, of which g3 is verified; g11 has 300 nt."""
    rng = np.random.default_rng(6)
    query = random_rna(40, rng)
    targets = {f"g{number}": random_rna(80, rng) for number in range(12)}
    targets["g3"] = targets["g3"][:30] + reverse_complement(query[10:26]) + targets["g3"][46:]
    targets["g11"] = random_rna(300, rng)
    (tmp_path / "q.fa").write_text(f">S_NC\n{query}\n")
    (tmp_path / "t.fa").write_text("".join(f">{name}\n{letters}\n" for name, letters in targets.items()))
    (tmp_path / "v.tsv").write_text("sRNA\tgene\torganism\nS\tg3\tNC\n")
    files = {"queries": "q.fa", "targets": "t.fa", "verified": "v.tsv", "outdir": "out"}
    named = [text for option, name in files.items() for text in (f"--{option}", str(tmp_path / name))]
    return ["interactions", *named, "--draws", "0", "--device", "cpu"]


def test_targets_are_ranked_and_what_cannot_run_is_told(
    tmp_path: Path, fitted: tuple[Path, Path], ranking: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate([*ranking, "--model", str(fitted[0]), "--others", "6"]) == 0
    rows = {row["method"]: row for row in table(tmp_path / "out" / "ranking.tsv")}
    assert list(rows) == ["RNAduplex", "RNAcofold", "complementary run", "GC share of the target", "fitted"]
    assert float(rows["complementary run"]["roc_auc"]) == 1
    assert min(float(rows[method]["roc_auc"]) for method in ("RNAduplex", "RNAcofold")) > 0.8
    assert rows["fitted"]["n"] == "7" and rows["fitted"]["n_verified"] == "1"
    assert "random weights of the shape of fitted: not run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "n"), [(["--longest-cofold-nt", "200"], 11), (["--longest-map-nt", "130"], 11), (["--no-cofold"], 12)]
)
def test_pairs_too_long_for_one_method_are_ranked_by_none(
    tmp_path: Path, fitted: tuple[Path, Path], ranking: list[str], more: list[str], n: int, capsys
) -> None:
    limits = more if len(more) == 2 else [*more, "--longest-cofold-nt", "200"]
    assert evaluate([*ranking, "--model", str(fitted[0]), "--others", "0", *limits]) == 0
    assert {row["n"] for row in table(tmp_path / "out" / "ranking.tsv")} == {str(n)}
    said = capsys.readouterr().err
    assert (f"1 of 12 pairs left out for all methods, longer than {' '.join(more)}" in said) == (n == 11)
    assert f"{120 if n == 11 else 340} nt are the longest" in said


def test_a_ranking_without_other_targets_is_refused(tmp_path: Path, ranking: list[str], capsys) -> None:
    (tmp_path / "t.fa").write_text(">g3\nACGUACGU\n")
    assert evaluate(ranking) == 65
    assert "a verified target and another one" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_numbers_that_are_undefined_are_told_as_that() -> None:
    assert [_shown(value) for value in (None, 0.25)] == ["undefined", "0.250"]


def test_questions_that_are_incomplete_are_refused(tmp_path: Path, pairs: Path) -> None:
    assert evaluate(["interactions", "--outdir", str(tmp_path / "o")]) == 2
    assert (
        evaluate(["interactions", "--outdir", str(tmp_path / "o"), "--pairs", str(pairs), "--queries", str(pairs)]) == 2
    )


def test_a_control_of_other_structures_is_refused(tmp_path: Path, fitted: tuple[Path, Path], pairs: Path) -> None:
    other = tmp_path / "other.dbn"
    other.write_text(fitted[1].read_text() + ">x\nGGGAAACCC\n(((...)))\n")
    files = ["--pairs", str(pairs), "--model", str(fitted[0]), "--fit-on", str(other)]
    assert evaluate(["interactions", *files, "--outdir", str(tmp_path / "o"), "--device", "cpu"]) == 65
