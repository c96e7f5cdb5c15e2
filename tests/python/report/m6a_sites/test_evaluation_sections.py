"""Sections on the evaluation of sites: all there, taken by MultiQC, words where nothing is to show, bad input told."""

import csv
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ribolm.report.folders.evaluation_folder import read_evaluation
from ribolm.report.m6a_sites import evaluation_figure

CONFIG = Path(__file__).resolve().parents[4] / "assets" / "multiqc_config.yml"
METHODS = {"model": "model", "random": "random weights", "motif rule": "rule", "shuffled labels": "shuffled labels"}
UNIVERSES = ("drach", "adenosine")


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]) if rows else ["train"], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def evaluation(tmp_path: Path) -> Path:
    """A folder as `ribolm-evaluate sites` writes it."""
    folder = tmp_path / "evaluation"
    folder.mkdir()
    tables: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("methods", "differences", "strata", "calibration", "curves", "leakage")
    }
    for universe in UNIVERSES:
        for i, (method, kind) in enumerate(METHODS.items()):
            place = {"universe": universe, "method": method, "kind": kind}
            row = {**place, "n": 1000, "n_sites": 100, "n_genes": 20, "prevalence": 0.1, "seeds": 3, "n_missing": 0}
            for metric, value in (("average_precision", 0.5 - i / 10), ("roc_auc", 0.8 - i / 10)):
                row |= {metric: value, f"{metric}_low": value - 0.05, f"{metric}_high": value + 0.05}
                row[f"{metric}_seed_sd"] = "" if kind != "model" else 0.01
            tables["methods"].append({**row, "parameters": "", "sites_per_s": 1000 if kind == "model" else ""})
            tables["curves"] += [{**place, "curve": c, "x": x, "y": 1 - x} for c in ("pr", "roc") for x in (0.1, 1.0)]
            stratum = {"universe": universe, "stratum": "fold", "method": method, "n": 10, "n_sites": 2}
            metrics = {"prevalence": 0.2, "average_precision": 0.4, "average_precision_low": ""}
            for fold in (10, 2):
                tables["strata"].append({**stratum, "name": f"fold {fold}", **metrics, "average_precision_high": ""})
            if i:
                change = {"universe": universe, "metric": "average_precision", "method": "model", "other": method}
                tables["differences"].append({**change, "difference": 0.1, "low": 0.05, "high": 0.2, "p_value": 0.001})
        bins = {"universe": universe, "method": "model", "n": 100}
        tables["calibration"] += [{**bins, "mean_probability": x, "observed": x} for x in (0.1, 0.6)]
    check = {"train": "other folds", "test": "fold 0", "check": "kmers", "n_test": 50, "n_test_shared": 3}
    tables["leakage"].append(check)
    for name, rows in tables.items():
        write_rows(folder / f"{name}.tsv", rows)
    calibration = [{"universe": "drach", "method": "model", "brier": 0.1, "expected_error": 0.05}]
    sites = {"sites": 120, "unscored": 1, "outside": {"drach": 20, "adenosine": 1}}
    content = {"reference": "model", "split": "3 folds", "metrics": [], "calibration": calibration, "sites": sites}
    (folder / "metrics.json").write_text(json.dumps({**content, "leakage": {"kmers": "51-mers"}}))
    return folder


def section(outdir: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((outdir / f"{name}_mqc.json").read_text())
    return found


def test_multiqc_takes_all_sections_in_order(
    command: Callable[..., int], evaluation: Path, write_log: Callable[..., Path], tmp_path: Path
) -> None:
    outdir = tmp_path / "q"
    logs = ["--log", f"pretrain={write_log(tmp_path / 'a.jsonl')}", "--log", f"fold0={write_log(tmp_path / 'b.jsonl')}"]
    assert command("evaluation", "--dir", evaluation, "--outdir", outdir) == 0
    assert command("training", *logs, "--outdir", outdir) == 0
    if shutil.which("multiqc") is None:
        pytest.skip("multiqc is not installed")
    words = ["multiqc", "--strict", "--force", "--config", CONFIG, "--cl-config", "export_plots: false"]
    words += ["--filename", "report.html", "-o", tmp_path / "multiqc", outdir]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "multiqc" / "report.html").read_text()
    order = ["headline_sites", "site_average_precision", "site_methods_drach", "site_precision_recall", "site_roc"]
    order += ["site_calibration", "site_differences", "site_leakage", "training_loss", "training_runs"]
    places = [page.index(f'id="mqc-section-wrapper-ribolm_{name}"') for name in order]
    assert places == sorted(places)


def test_floors_are_drawn_into_the_curves(command: Callable[..., int], evaluation: Path, tmp_path: Path) -> None:
    assert command("evaluation", "--dir", evaluation, "--outdir", tmp_path / "q") == 0
    curves = section(tmp_path / "q", "site_precision_recall")
    assert [label["name"] for label in curves["pconfig"]["data_labels"]] == ["DRACH adenosines", "All adenosines"]
    for lines in curves["data"]:
        assert set(lines) == {*METHODS, "prevalence (no knowledge)"}
        assert lines["prevalence (no knowledge)"] == [[0.0, 0.1], [1.0, 0.1]]
    assert curves["pconfig"]["dash_styles"]["motif rule"] == "dot" and "model" not in curves["pconfig"]["dash_styles"]
    assert "diagonal" in section(tmp_path / "q", "site_roc")["data"][0]


def test_every_number_has_n_and_interval(command: Callable[..., int], evaluation: Path, tmp_path: Path) -> None:
    assert command("evaluation", "--dir", evaluation, "--outdir", tmp_path / "q") == 0
    row = section(tmp_path / "q", "site_methods_drach")["data"]["model"]
    assert row["average_precision_interval"] == "0.450\u00a0to\u00a00.550" and (row["n"], row["n_sites"]) == (1000, 100)
    assert row["expected_error"] == 0.05 and row["seed_sd"] == 0.01
    headline = section(tmp_path / "q", "headline_sites")["data"]
    assert "prevalence 10.00 %" in headline and "+0.100" in headline and "3 of 50" in headline
    numbers = json.loads((tmp_path / "q" / "headline_sites.json").read_text())["numbers"]
    assert [number["label"] for number in numbers[:2]] == ["Average precision", "ROC-AUC"]
    assert list(section(tmp_path / "q", "site_strata_fold")["data"]) == ["fold 2", "fold 10"]
    assert "20 lie outside 'DRACH adenosines'" in section(tmp_path / "q", "site_average_precision")["data"]


def test_several_folders_of_sites_are_refused(command: Callable[..., int], evaluation: Path, tmp_path: Path) -> None:
    assert command("evaluation", "--dir", evaluation, "--dir", evaluation, "--outdir", tmp_path / "q") == 2
    assert not (tmp_path / "q").exists()


def test_the_axis_of_a_share_ends_at_one(evaluation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, figures = read_evaluation(evaluation), []
    ends = zip(
        folder.tables["methods"],
        [(0.97, 0.95, 1.0), (0.5, 0.0, 1.0), (0.01, 0.0, 0.02), (0.6, None, None)] * 2,
        strict=True,
    )
    names = ("average_precision", "average_precision_low", "average_precision_high")
    rows = [{**row, **dict(zip(names, values, strict=True))} for row, values in ends]
    monkeypatch.setattr(evaluation_figure, "save_figure", lambda figure, _path: figures.append(placed(figure)))
    evaluation_figure.draw_intervals(tmp_path / "a.png", replace(folder, tables={**folder.tables, "methods": rows}))
    assert len(figures[0]) == 2
    for limits, panel, numbers in figures[0]:
        assert limits == (0, 1) and len(numbers) == 4
        assert all(panel.x0 <= number.x0 and number.x1 <= panel.x1 for number in numbers)


def placed(figure: Any) -> list[tuple[tuple[float, float], Any, list[Any]]]:
    """Limits of the axis, place of the panel and places of the numbers in it, for every panel of a figure."""
    figure.canvas.draw()
    return [(axes.get_xlim(), axes.get_window_extent(), [text.get_window_extent() for text in axes.texts])
            for axes in figure.axes]  # fmt: skip


def test_an_empty_evaluation_says_so(command: Callable[..., int], evaluation: Path, tmp_path: Path) -> None:
    for table in evaluation.glob("*.tsv"):
        write_rows(table, [])
    assert command("evaluation", "--dir", evaluation, "--outdir", tmp_path / "q") == 0
    assert "nothing to evaluate" in section(tmp_path / "q", "site_average_precision")["data"]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("metrics.json", "{}", "is not of `ribolm-evaluate sites`"),
        ("methods.tsv", "universe\tmethod\ndrach\tm\n", "column 'kind' is missing"),
        ("curves.tsv", "universe\tcurve\tmethod\tx\ty\ndrach\tpr\tm\tzero\t1\n", "'zero' is not a number"),
        ("leakage.tsv", "train\ttest\tcheck\tn_test\tn_test_shared\na\tb\n", "has not as many values"),
    ],
)
def test_a_damaged_evaluation_is_refused(
    command: Callable[..., int],
    evaluation: Path,
    capsys: pytest.CaptureFixture[str],
    file: str,
    text: str,
    message: str,
) -> None:
    (evaluation / file).write_text(text)
    assert command("evaluation", "--dir", evaluation, "--outdir", evaluation.parent / "q") == 65
    assert message in capsys.readouterr().err and not (evaluation.parent / "q").exists()
