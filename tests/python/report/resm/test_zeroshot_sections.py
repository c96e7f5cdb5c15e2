"""Sections on what models know without training, from folders as the evaluations write them."""

import json
from pathlib import Path
from typing import Any

import pytest

from ribolm.cli.report import main

FAMILY = ("nearest_neighbour_accuracy", "mean_average_precision", "overlap_ratio")


def folder(path: Path, content: dict[str, Any], **tables: list[dict[str, Any]]) -> Path:
    path.mkdir()
    (path / "metrics.json").write_text(json.dumps(content))
    for name, rows in tables.items():
        lines = ["\t".join(rows[0]), *("\t".join("" if v is None else str(v) for v in row.values()) for row in rows)]
        (path / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    return path


def with_bounds(metrics: tuple[str, ...], value: float) -> dict[str, float]:
    return {f"{m}{end}": value + at for m in metrics for end, at in (("", 0), ("_low", -0.1), ("_high", 0.1))}


def section(out: Path, name: str) -> dict[str, Any]:
    return json.loads((out / f"{name}_mqc.json").read_text())


def test_every_kind_of_folder_gets_its_section(tmp_path: Path) -> None:
    family = [
        {"method": name, "kind": kind, "n_parameters": 10, "n": 40, "n_families": 4, **with_bounds(FAMILY, value)}
        for name, kind, value in (
            ("pretrained", "model", 0.6),
            ("random encoder", "random", 0.5),
            ("k-mers", "floor", 0.8),
        )
    ]
    seen = [{"data": "corpus", "n": 40, "n_shared": 2, "n_families": 4, "n_families_shared": 1}]
    site = {"universe": "all pairs", "method": "RNAduplex", "kind": "floor", "n": 10, "n_targets": 10, "width_nt": 12.0}
    site |= {"site_recall_by_chance": 0.1, **with_bounds(("site_recall", "position_f1"), 0.7)}
    loss = {
        "type": "all",
        "n_sequences": 9,
        "n": 90,
        "loss": 1.2,
        "loss_low": 1.1,
        "loss_high": 1.3,
        "chance_loss": 1.386,
    }
    metric = {"metric": "f1", "method": "x at 0.1", "averaging": "", "n": 4, "n_families": 0, "value": 0.3, "low": None}
    best = {**metric, "metric": "pooled_max_f1", "value": 0.4, "threshold": 0.12}
    folders = [
        folder(tmp_path / "rfam", {"kind": "families"}, methods=family, overlap=seen),
        folder(tmp_path / "pairs", {"kind": "interactions", "sites": {"interval_note": "Few targets."}}, sites=[site]),
        folder(
            tmp_path / "rnas.pretrained",
            {},
            perplexity=[{**loss, "perplexity": 3.3, "accuracy": 0.4}],
        ),
        folder(
            tmp_path / "known.contacts",
            {"kind": "structures", "metrics": [{**metric, "high": None}, {**best, "high": None}]},
        ),
    ]
    out = tmp_path / "report"
    assert main(["zeroshot", *(w for f in folders for w in ("--dir", str(f))), "--outdir", str(out)]) == 0
    assert section(out, "family_methods")["data"]["random encoder"]["kind"] == "random weights"
    assert section(out, "family_overlap")["data"]["rfam: corpus"]["n_shared"] == 2
    assert "Few targets." in section(out, "interaction_sites")["description"]
    assert section(out, "perplexity")["data"]["rnas.pretrained: all"]["chance"] == pytest.approx(4, abs=0.01)
    assert "have seen them is not known" in section(out, "perplexity")["description"]
    contacts = section(out, "contact_methods")["data"]["x at 0.1"]
    assert contacts["pooled_max_f1"] == 0.4 and contacts["threshold"] == 0.12 and "f1_interval" not in contacts
    published = section(out, "zeroshot_published")["data"]
    assert all(row["source"].startswith("published") for row in published.values())
    assert "RESM's own numbers are not printed" in section(out, "zeroshot_published")["helptext"]


@pytest.mark.parametrize(
    ("kind", "table", "named"), [("families", "methods", "family_methods"), ("structures", "", "contact_methods")]
)
def test_a_note_on_rough_intervals_of_the_second_set_is_shown(
    tmp_path: Path, kind: str, table: str, named: str
) -> None:
    rows = {table: [{"method": "k-mers", "kind": "floor", **with_bounds(FAMILY, 0.8)}]} if table else {}
    metric = {"metric": "f1", "method": "x", "n": 4, "n_families": 0, "value": 0.3, "low": None, "high": None}
    content = {"kind": kind, "metrics": [metric]}
    words = []
    for name, note in (("a", None), ("b", "Few of them.")):
        words += ["--dir", str(folder(tmp_path / name, content | {"interval_note": note}, **rows))]
    assert main(["zeroshot", *words, "--outdir", str(tmp_path / "report")]) == 0
    assert section(tmp_path / "report", named)["description"].endswith("Few of them.")


def test_a_folder_of_another_evaluation_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = folder(tmp_path / "x", {"kind": "tokens"})
    assert main(["zeroshot", "--dir", str(other), "--outdir", str(tmp_path / "report")]) == 65
    assert "is no evaluation of families or interactions or structures or perplexity" in capsys.readouterr().err
