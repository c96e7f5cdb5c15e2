"""The section on few-shot classification: backbones of a run above the published ones, which are marked as such."""

import json
from pathlib import Path

import pytest

from ribolm.errors import DataError
from ribolm.report.polya.few_shot_sections import PUBLISHED, read_few_shot, write_few_shot_section

METRICS = ("roc_auc", "average_precision", "accuracy", "precision", "recall", "f1", "macro_f1")


def few_shot_folder(path: Path, kind: str = "fewshot") -> Path:
    path.mkdir()
    settings = {"shots": 2, "draws": 10, "n_folds": 5, "n": 1000, "prevalence": 0.5}
    metrics = [{"metric": name, "averaging": "ranking", "mean": 0.6, "sd": 0.05, "n": 50} for name in METRICS]
    (path / "metrics.json").write_text(json.dumps({"kind": kind, "settings": settings, "metrics": metrics}))
    return path


def test_sets_and_backbones_stand_above_what_was_published(tmp_path: Path) -> None:
    names = ("human.gene.nt", "human.intergene.nt", "mouse.gene.nt")
    write_few_shot_section(tmp_path, [read_few_shot(few_shot_folder(tmp_path / name)) for name in names])
    content = json.loads((tmp_path / "fewshot_mqc.json").read_text())
    rows = content["data"]
    assert list(rows)[:3] == list(names) and len(rows) == 3 + 2 * len(PUBLISHED)
    assert {row["source"] for row in list(rows.values())[:3]} == {"this run"}
    published = rows["HyenaDNA, negatives in genes (published, other data)"]
    assert (published["roc_auc"], published["f1"]) == (0.751, 0.6657) and "n" not in published
    assert all("published" in row["source"] for name, row in rows.items() if "published" in name)
    assert "{" not in content["description"] and "10 draws on each of 5 folds" in content["description"]


def test_folders_of_another_command_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not of `ribolm-evaluate fewshot`"):
        read_few_shot(few_shot_folder(tmp_path / "x", "tokens"))
