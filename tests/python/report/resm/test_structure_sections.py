"""Sections on structures: arcs are drawn, floors stand beside models, what did not run says so, published is marked."""

import json
from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.report import main
from ribolm.labels.structure.dot_bracket import parse_brackets
from ribolm.labels.structure.pairs import Structure
from ribolm.report.resm import prediction_sections, structure_figure
from ribolm.report.resm.arc_figure import Panel, arcs, crossing
from ribolm.report.resm.named_structures import Compared, read_pairs_of_sets
from ribolm.report.resm.prediction_sections import pair_f1

DBN = ">a type=tRNA\nGGGAAACCC\n(((...)))\n>b\nGGGGAAACCCC\n.(((...))).\n"
OTHER = ">a\nGGGAAACCC\n((.....))\n>b\nGGGGAAACCCC\n...........\n"


def metrics(method: str, f1: float) -> list[dict[str, object]]:
    about = {
        "method": method,
        "averaging": "mean over RNAs",
        "n": 2,
        "n_families": 2,
        "low": f1 - 0.1,
        "high": f1 + 0.1,
    }
    return [
        {"metric": metric, "value": f1, **about} for metric in ("f1", "precision", "recall", "pooled_f1", "family_f1")
    ]


def stratum(kind: str, name: str, method: str) -> dict[str, object]:
    return {"stratum": kind, "name": name, "n": 1, "method": method, "f1": 0.5, "f1_low": None, "f1_high": None}


@pytest.fixture
def evaluated(tmp_path: Path) -> Path:
    folder = tmp_path / "known"
    folder.mkdir()
    methods = ("finetuned", "finetuned_sequence_only", "RNAfold_MFE")
    difference = {"metric": "f1", "method": "finetuned", "other": "RNAfold_MFE"}
    content = {
        "kind": "structures",
        "reference": "finetuned",
        "interval_note": "Few RNAs.",
        "metrics": [row for method, f1 in zip(methods, (0.7, 0.6, 0.5), strict=True) for row in metrics(method, f1)],
        "differences": [{**difference, "difference": 0.2, "low": 0.1, "high": 0.3, "p_value": 0.01}],
        "strata": [stratum(kind, name, m) for kind, name in (("length_nt", "0-49"), ("family", "x")) for m in methods],
    }
    (folder / "metrics.json").write_text(json.dumps(content))
    for name, text in (("known.dbn", DBN), ("other.dbn", OTHER), ("mine.dbn", DBN)):
        (tmp_path / name).write_text(text)
    (tmp_path / "mine.tsv").write_text(
        "name\tlength_nt\tpairs\tconfidence\tmea_score\na\t9\t3\t0.91\t0.8\nb\t9\t0\tNA\t0.8\n"
    )
    return folder


def section(folder: Path, name: str) -> dict:
    return json.loads((folder / f"{name}_mqc.json").read_text())


def test_all_sections_of_a_tested_set_and_of_other_rnas(evaluated: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    compared = ["--known", f"known={tmp_path / 'known.dbn'}", "--shown", f"known={tmp_path / 'other.dbn'}"]
    mine = ["--predicted", f"mine={tmp_path / 'mine.dbn'}", "--confidence", f"mine={tmp_path / 'mine.tsv'}"]
    assert main(["structures", "--dir", str(evaluated), *compared, *mine, "--outdir", str(out)]) == 0
    assert {"structures_known_known.png", "structures_mine.png", "structure_f1_known.png"} <= {
        p.name for p in out.iterdir()
    }
    assert section(out, "structure_pictures")["data"].count("<img") == 2
    rows = section(out, "structure_predictions")["data"]
    assert rows["a"]["confidence"] == 0.91 and rows["a"]["pairs"] == 3 and "confidence" not in rows["b"]
    methods = section(out, "structure_methods")
    assert "Few RNAs." in methods["description"]
    assert list(methods["data"])[:3] == ["finetuned", "finetuned, sequence only", "RNAfold MFE"]
    assert methods["data"]["LinearPartition"]["state"].startswith("not run: not installed")
    absent = {methods["data"][arm]["state"] for arm in ("ESM-2, mapped", "ESM-2, unmapped")}
    assert absent == {"not run: weights absent or given under another name"}
    assert methods["data"]["random start"]["state"] == "not run: no method of this name was evaluated"
    assert methods["data"]["finetuned"]["f1_interval"] == "0.600\u00a0to\u00a00.800"
    hidden = {name for name, column in methods["headers"].items() if column.get("hidden")}
    assert hidden == {"f1_within_1_interval", "pooled_f1_interval", "family_f1_interval"} & methods["headers"].keys()
    numbers = json.loads((out / "headline_structures.json").read_text())["numbers"]
    assert numbers[0]["note"] == "F1 of base pairs, mean over 2 RNAs with known pairs."
    values = [number["value"] for number in numbers]
    assert values == ["finetuned: 0.700 · RNAfold MFE: 0.500", "2 of 2"]
    published = section(out, "structure_published")["data"]
    assert all(name.endswith("(published)") and row["source"] == "published" for name, row in published.items())
    assert published["RiNALMo (published)"]["f1"] == 0.747


def test_a_note_on_rough_intervals_of_the_second_set_is_shown(evaluated: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    content = json.loads((evaluated / "metrics.json").read_text())
    (first / "metrics.json").write_text(json.dumps(content | {"interval_note": None}))
    out = tmp_path / "report"
    assert main(["structures", "--dir", str(first), "--dir", str(evaluated), "--outdir", str(out)]) == 0
    assert section(out, "structure_methods")["description"].endswith("Few RNAs.")


def test_an_excerpt_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.dbn").write_text("".join(f">r{i}\nGGGAAACCC\n(((...)))\n" for i in range(501)))
    out, labels = tmp_path / "report", []
    assert main(["structures", "--predicted", f"mine={tmp_path / 'mine.dbn'}", "--outdir", str(out)]) == 0
    table = section(out, "structure_predictions")
    assert len(table["data"]) == 500 and "the first 500 of 501 RNAs of mine" in table["description"]
    monkeypatch.setattr(structure_figure, "save_figure", lambda figure, _: labels.append(figure.axes[0].get_xlabel()))
    for n in (16, 20):
        rows = [stratum("family", f"f{i}", "finetuned") for i in range(n)]
        structure_figure.draw_strata(tmp_path / "a.png", "known", rows)
    assert labels == ["Family", "Family (the 16 largest of 20)"]


@pytest.mark.parametrize("n", [1, 2, 4, 5, 9])
def test_pictures_keep_what_their_text_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    drawn: list[list[Panel]] = []
    monkeypatch.setattr(prediction_sections, "draw_arcs", lambda path, panels: (drawn.append(panels), path.touch()))
    known, shown = (
        tuple(Structure(f"r{i}", "G" * 40, parse_brackets(f"{'(' * k}{'.' * (40 - 2 * k)}{')' * k}")) for i, k in rnas)
        for rnas in ([(i, 20) for i in range(n)], [(i, i + 1) for i in range(n)])
    )
    prediction_sections.write_prediction_sections(tmp_path, [], [Compared("x", known, shown)])
    names = {panel.predicted.name for panel in drawn[0]}
    assert 1 <= len(names) <= 3
    if n >= 5:
        assert len(names) == 3 and not {"r0", f"r{n - 1}"} & names
    about = section(tmp_path, "structure_pictures")["description"]
    assert "up to three RNAs" in about and "of five RNAs and more neither" in about


def test_without_a_pair_a_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / "mine.dbn").write_text(">a\nGGGAAACCC\n.........\n")
    out = tmp_path / "report"
    assert main(["structures", "--predicted", f"mine={tmp_path / 'mine.dbn'}", "--outdir", str(out)]) == 0
    assert "nothing to draw" in section(out, "structure_pictures")["data"]
    assert not (out / "structure_methods_mqc.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Give --dir, what was evaluated, or --predicted"),
        (["--predicted", "mine"], 2, "--predicted mine is not NAME=FILE"),
        (
            ["--predicted", "mine=FOLDER/known.dbn", "--confidence", "x=FOLDER/mine.tsv"],
            2,
            "no --predicted has that name",
        ),
        (
            ["--predicted", "m=FOLDER/known.dbn", "--known", "a=FOLDER/known.dbn"],
            2,
            "'a' is named in one of --known and",
        ),
        (["--dir", "FOLDER"], 65, "metrics.json: no such file"),
    ],
)
def test_what_does_not_fit_is_refused(
    evaluated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    given = [text.replace("FOLDER", str(tmp_path)) for text in arguments]
    assert main(["structures", *given, "--outdir", str(tmp_path / "report")]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_arcs_span_their_pairs() -> None:
    found = arcs(np.array([[2, 8]]), below=True)
    assert found.shape == (1, 40, 2)
    assert found[0, :, 0].min() == pytest.approx(2) and found[0, :, 0].max() == pytest.approx(8)
    assert found[0, :, 1].max() == pytest.approx(0, abs=1e-12) and found[0, :, 1].min() == pytest.approx(-3, abs=0.01)


def test_crossing_pairs_are_those_of_pseudoknots() -> None:
    text = "((.[[.)).]]"
    structure = Structure("k", "G" * len(text), parse_brackets(text))
    assert crossing(structure).tolist() == [True] * 4
    nested = Structure("n", "GGAACC", parse_brackets("((..))"))
    assert not crossing(nested).any()


def test_f1_of_one_rna(evaluated: Path, tmp_path: Path) -> None:
    (compared,) = read_pairs_of_sets([f"known={tmp_path / 'known.dbn'}"], [f"known={tmp_path / 'other.dbn'}"])
    first, second = (pair_f1(*pair) for pair in zip(compared.known, compared.predicted, strict=True))
    assert first == pytest.approx(2 * 2 / (3 + 2)) and second == 0
