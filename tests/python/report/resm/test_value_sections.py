"""Sections on measured values: reference beside the best floor, arms that did not run, strata."""

import json
from pathlib import Path
from typing import Any

import pytest

from ribolm.cli.report import main
from ribolm.report.folders.assessed_folder import AssessedFolder
from ribolm.report.resm.value_figure import draw_scatter

from .test_zeroshot_sections import folder, section, with_bounds

METRICS = ("r2", "spearman", "pearson", "rmse")


def methods(n: int) -> list[dict[str, Any]]:
    return [
        {"method": name, "kind": kind, "features": what, "n": n, "n_clusters": 5, "seeds": 1, "n_seen": 0}
        | with_bounds(METRICS, value)
        for name, kind, what, value in (
            ("finetuned", "model", "", 0.7),
            ("gradient boosting", "baseline", "k-mers", 0.5),
            ("ridge, one-hot", "baseline", "letters, counted", 0.1),
            ("random_start", "random", "", 0.2),
        )
    ]


@pytest.mark.parametrize("n", [30, 900])
def test_all_sections(tmp_path: Path, n: int) -> None:
    content = {"reference": "finetuned", "scale": "load", "split": "5 folds", "interval_note": None}
    content |= {"not_run": {"random-initialised": "not run: weights absent"}}
    predictions = [
        {"name": f"r{i}", "fold": 0, "measured": i / n, "finetuned": i / n + 0.1, "gradient boosting": 0.5}
        for i in range(n)
    ]
    stratum = {
        "stratum": "upstream AUG",
        "name": "none",
        "n": 20,
        "n_clusters": 5,
        "mean": 6,
        "sd": 1,
        "method": "finetuned",
    }
    difference = {"method": "finetuned", "other": "gradient boosting", "metric": "r2", "difference": 0.2}
    path = folder(
        tmp_path / "load",
        content,
        methods=methods(n),
        predictions=predictions,
        strata=[stratum | with_bounds(METRICS, 0.4)],
        differences=[difference | {"low": 0.1, "high": 0.3, "p_value": 0.01}],
    )
    out = tmp_path / "report"
    assert main(["values", "--dir", str(path), "--outdir", str(out)]) == 0
    rows = section(out, "value_methods")["data"]
    assert rows["random-initialised"]["kind"] == "not run: weights absent"
    assert rows["gradient boosting"]["kind"] == "floor" and rows["gradient boosting"]["features"] == "k-mers"
    assert rows["random start"]["kind"] == "random weights"
    assert rows["ridge, one-hot"]["features"] == "letters&#44; counted", "MultiQC drops commas of cells"
    assert section(out, "value_methods")["headers"]["rmse_interval"]["hidden"]
    assert (out / "value_scatter_load.png").stat().st_size > 5_000
    assert section(out, "value_strata")["data"]["no upstream AUG, finetuned"]["r2"] == 0.4
    assert list(section(out, "value_differences")["data"]) == ["finetuned − gradient boosting"]


@pytest.mark.parametrize(
    ("n_seen", "known"),
    [(0, "No method learnt from any of these sequences."), (3, ""), (None, "nobody knows it.")],
)
def test_what_methods_learnt_from_is_said_where_it_is_known(tmp_path: Path, n_seen: int | None, known: str) -> None:
    rows = [{**row, "n_seen": n_seen if row["kind"] == "model" else 0} for row in methods(30)]
    path = folder(tmp_path / "load", {"kind": "values", "reference": "finetuned"}, methods=rows)
    assert main(["values", "--dir", str(path), "--outdir", str(tmp_path / "report")]) == 0
    told = section(tmp_path / "report", "value_methods")["description"].partition("over groups.")[2]
    assert told.endswith(known) and bool(told) == bool(known)


def test_r2_of_a_panel_is_that_of_its_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    titles = []
    monkeypatch.setattr("matplotlib.axes.Axes.set_title", lambda _panel, title: titles.append(title))
    rows = [{"name": f"r{i}", "measured": i, "finetuned": i + 1, "still": 2} for i in range(5)]
    found = AssessedFolder("load", {}, {"predictions": rows, "methods": []})
    draw_scatter(tmp_path / "a.png", found, ("finetuned", "still"))
    assert titles == ["finetuned: R² = 0.500", "still: R² = 0.000"]


def test_a_set_without_rows_says_so(tmp_path: Path) -> None:
    path = folder(tmp_path / "load", {"kind": "values", "reference": ""})
    assert main(["values", "--dir", str(path), "--outdir", str(tmp_path / "report")]) == 0
    assert "Nothing could be evaluated" in json.dumps(section(tmp_path / "report", "value_methods")["data"])
