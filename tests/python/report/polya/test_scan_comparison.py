"""Scans beside the regression: intervals in every cell, a figure, and words where nothing was compared."""

import json
from pathlib import Path

import pytest

from ribolm.errors import DataError
from ribolm.report.polya.scan_comparison import read_comparison, write_comparison_section


def comparison_folder(path: Path, low: float | None = 0.5) -> Path:
    path.mkdir()
    row = {"kept": "1 % of candidates", "n_known": 263, "by_chance": 0.05, "fdr": 0.4, "recovered_high": 0.8}
    recovery = [
        {"method": "model", **row, "recovered": 0.7, "recovered_low": low},
        {"method": "4-mer regression", **row, "recovered": 0.6, "recovered_low": 0.4},
    ]
    pair = {"method": "model", "other": "4-mer regression", "kept": "1 % of candidates"}
    differences = [{**pair, "difference": 0.1, "difference_low": -0.01, "difference_high": 0.2}]
    (path / "metrics.json").write_text(json.dumps({"recovery": recovery, "differences": differences}))
    return path


def test_model_regression_and_chance_stand_in_one_row(tmp_path: Path) -> None:
    write_comparison_section(tmp_path, [read_comparison(comparison_folder(tmp_path / "hg19"))])
    cells = json.loads((tmp_path / "scan_beside_mqc.json").read_text())["data"]["hg19, 1 % of candidates"]
    assert cells["model"] == "70.0 (50.0 to 80.0)" and cells["other"] == "60.0 (40.0 to 80.0)"
    assert cells["difference"] == "+10.0 (-1.0 to +20.0)" and cells["by_chance"] == "5.0"
    assert (tmp_path / "scan_beside_hg19.png").stat().st_size > 1000


def test_a_value_without_an_interval_stands_alone(tmp_path: Path) -> None:
    write_comparison_section(tmp_path, [read_comparison(comparison_folder(tmp_path / "hg19", low=None))])
    cells = json.loads((tmp_path / "scan_beside_mqc.json").read_text())["data"]["hg19, 1 % of candidates"]
    assert cells["model"] == "70.0"


def test_no_comparison_says_why(tmp_path: Path) -> None:
    write_comparison_section(tmp_path, [])
    assert "Not run" in json.loads((tmp_path / "scan_beside_mqc.json").read_text())["data"]


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = comparison_folder(tmp_path / "hg19")
    (path / "metrics.json").write_text('{"recovery": []}')
    with pytest.raises(DataError, match="has no 'differences'"):
        read_comparison(path)
