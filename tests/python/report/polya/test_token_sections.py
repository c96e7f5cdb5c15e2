"""Sections on bases: every tolerance beside the published row, curves with their floor, pairs; empty ones say so."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from ribolm.errors import DataError
from ribolm.report.folders.token_folder import read_tokens
from ribolm.report.polya import token_figure
from ribolm.report.polya.token_sections import write_token_sections

METHODS = {"causal": "model", "bidirectional": "model", "candidate rule": "rule", "shuffled labels": "shuffled labels"}


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def token_folder(path: Path, n_sites: int = 20, kind: str = "tokens") -> Path:
    path.mkdir()
    methods, differences, curves = [], [], []
    for tolerance in (0, 25):
        for k, (method, of) in enumerate(METHODS.items()):
            row = {"tolerance_nt": tolerance, "method": method, "kind": of, "n": 50_000, "n_sites": n_sites}
            row |= {"n_genes": 9, "prevalence": n_sites / 50_000, "precision_at_recall_16": 0.3}
            for metric in ("average_precision", "roc_auc"):
                row |= {metric: 0.9 - k / 10, f"{metric}_low": 0.1, f"{metric}_high": 0.95}
            methods.append({**row, "precision": "" if k else 0.5, "recall": "" if k else 0.2, "true_positives": ""})
            curves += [
                {"tolerance_nt": tolerance, "curve": "pr", "method": method, "kind": of, "x": x, "y": 1 - 0.9 * x}
                for x in (0.1, 1.0)
            ]
            if k:
                pair = {"tolerance_nt": tolerance, "method": "causal", "other": method, "difference": k / 10}
                for metric in ("average_precision", "roc_auc", "precision_at_recall_16"):
                    differences.append({**pair, "metric": metric, "low": 0.01, "high": 0.2, "p_value": 0.01})
    for name, rows in (("methods", methods), ("differences", differences), ("curves", curves)):
        write_rows(path / f"{name}.tsv", rows)
    (path / "metrics.json").write_text(json.dumps({"kind": kind}))
    return path


def section(outdir: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((outdir / f"{name}_mqc.json").read_text())
    return content


def test_tolerances_pairs_and_the_published_row(tmp_path: Path) -> None:
    write_token_sections(tmp_path, [read_tokens(token_folder(tmp_path / "human"))])
    rows = section(tmp_path, "token_methods")["data"]
    assert len(rows) == 2 * len(METHODS) + 1
    assert rows["causal, ±25 nt"]["average_precision_interval"] == "0.1\u00a0to\u00a00.95"
    published = rows["HyenaDNA, ±0 nt (published, other data)"]
    assert (published["recall"], published["precision"], published["roc_auc"]) == (0.16, 0.356, 0.8711)
    assert published["source"] == "published&#44; other data" and published["prevalence"] == pytest.approx(
        2.23e-4, rel=1e-2
    )
    pair = section(tmp_path, "token_differences")["data"]["causal − bidirectional, ±0 nt"]
    assert pair["average_precision"] == pair["roc_auc"] == 0.1
    assert (tmp_path / "token_curves_human.png").stat().st_size > 10_000


def test_genomes_stand_beside_each_other(tmp_path: Path) -> None:
    folders = [read_tokens(token_folder(tmp_path / name)) for name in ("human", "mouse")]
    write_token_sections(tmp_path, folders)
    assert "mouse: causal, ±0 nt" in section(tmp_path, "token_methods")["data"]
    assert section(tmp_path, "token_curves")["data"].count("<img") == 2


def test_genes_without_a_site_are_told(tmp_path: Path) -> None:
    write_token_sections(tmp_path, [read_tokens(token_folder(tmp_path / "human", 0))])
    assert "nothing can be evaluated" in section(tmp_path, "token_methods")["data"]


def test_folders_of_another_command_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not of `ribolm-evaluate tokens`"):
        read_tokens(token_folder(tmp_path / "x", kind="fewshot"))


def test_precision_is_labelled_in_plain_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels: list[str] = []

    def look(figure: Any, _path: Path) -> None:
        figure.canvas.draw()
        labels.extend(label.get_text() for label in figure.axes[0].get_yticklabels())

    monkeypatch.setattr(token_figure, "save_figure", look)
    token_figure.draw_token_curves(tmp_path / "a.png", read_tokens(token_folder(tmp_path / "human")))
    assert {"0.001", "0.01", "0.1", "1"} <= set(labels)
