"""Sections on explanations: signals beside their control, models without attention, folders of another kind refused."""

import json
from pathlib import Path

import pytest

from ribolm.errors import DataError
from ribolm.report.polya.explain_sections import read_explained, write_explain_sections

QUANTILES = [f"probability_q{q}" for q in ("05", "25", "50", "75", "95")]
PERTURBED = ["kind", "level", "n", "n_with_signal", "misclassified", "flipped", *QUANTILES, "mean_change"]
ATTENDED = ["word", "is_signal", "share_positives", "share_negatives", "enrichment_positives", "enrichment_negatives"]


def table(path: Path, header: list[str], rows: list[list[object]]) -> None:
    path.write_text("\n".join("\t".join(map(str, row)) for row in [header, *rows]) + "\n")


def explain_folder(path: Path, attention: bool = True) -> Path:
    path.mkdir()
    rows = [
        [kind, level / 10, 50, 40, 10 + lost * level, lost * level, 0.2, 0.4, 0.6, 0.8, 0.9, -lost * level / 10]
        for kind, lost in (("signal", 2), ("control", 0))
        for level in range(11)
    ]
    table(path / "perturbation.tsv", PERTURBED, rows)
    table(path / "importance.tsv", ["place", "importance", "size"], [[at, 0.1, 0.2] for at in range(-5, 6)])
    if attention:
        table(path / "attention.tsv", ATTENDED, [["AATAAA", "true", 0.5, 0.25, 4.0, "NaN"]])
    (path / "summary.json").write_text(json.dumps({"threshold": 0.5, "attention": attention}))
    return path


def section(outdir: Path, name: str) -> dict:
    return json.loads((outdir / f"{name}_mqc.json").read_text())


def test_what_signals_do_stands_beside_the_control(tmp_path: Path) -> None:
    write_explain_sections(tmp_path, [read_explained(explain_folder(tmp_path / "fold0"))])
    cells = section(tmp_path, "explain_perturbation_table")["data"]["fold0"]
    assert (cells["missed"], cells["signal"], cells["control"]) == (20.0, 50.0, 0.0)
    assert "data:image/png;base64" in section(tmp_path, "explain_perturbation")["data"]
    assert (tmp_path / "explain_boxes_fold0.png").stat().st_size > 5000
    assert section(tmp_path, "explain_importance")["data"]["fold0"][0] == [-5.0, 0.2]


def test_attended_words_stand_for_both_classes(tmp_path: Path) -> None:
    write_explain_sections(tmp_path, [read_explained(explain_folder(tmp_path / name)) for name in ("a", "b")])
    rows = section(tmp_path, "explain_words")["data"]
    assert list(rows) == ["a: AAUAAA", "b: AAUAAA"]
    expected = {"signal": "yes", "share_positives": 50.0, "share_negatives": 25.0, "enrichment_positives": 4.0}
    assert rows["a: AAUAAA"] == expected


def test_models_without_attention_say_so(tmp_path: Path) -> None:
    write_explain_sections(tmp_path, [read_explained(explain_folder(tmp_path / "fold0", attention=False))])
    assert "no attention" in section(tmp_path, "explain_words")["data"]


def test_folders_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = explain_folder(tmp_path / "fold0")
    table(path / "importance.tsv", ["place"], [[1]])
    with pytest.raises(DataError, match="no column 'importance'"):
        read_explained(path)
    (path / "summary.json").write_text("{}")
    with pytest.raises(DataError, match="has no threshold"):
        read_explained(path)
