"""Reads in peaks, of groups and of single replicates."""

import json
from pathlib import Path

import pytest


def test_reads_in_peaks_carry_counts_and_interval(command, small_run, tmp_path: Path) -> None:
    assert command("peaks", *small_run.folder_arguments, "--outdir", tmp_path / "q") == 0
    table = json.loads((tmp_path / "q" / "reads_in_peaks_table_mqc.json").read_text())["data"]
    assert table["control_1_ip"]["share"] == pytest.approx(100 * 400 / 900, abs=1e-3)
    assert table["control_1_ip"]["interval"] == "41.23\u00a0to\u00a047.71 %"
    groups = json.loads((tmp_path / "q" / "groups_mqc.json").read_text())["data"]
    assert groups["control"]["enrichment"] == pytest.approx(4.0)
    assert groups["control"]["libraries"] == "2 IP + 2 input"


def test_calls_of_single_replicates_stay_out_of_the_first_table_and_the_headline(command, small_run, tmp_path) -> None:
    part = small_run.folders[0].parent / "control_1"
    part.mkdir()
    content = json.loads((small_run.folders[0] / "summary.json").read_text())
    content["name"] = "control_1"
    content["libraries"] = {k: v for k, v in content["libraries"].items() if k.startswith("control_1_")}
    (part / "summary.json").write_text(json.dumps(content))
    for name in ("peaks.tsv", "peaks.bed", "bins.parquet"):
        (part / name).write_bytes((small_run.folders[0] / name).read_bytes())
    folders = [*small_run.folder_arguments, "--peaks-dir", part]
    assert command("peaks", *folders, "--outdir", tmp_path / "q") == 0
    table = json.loads((tmp_path / "q" / "reads_in_peaks_table_mqc.json").read_text())["data"]
    assert {"control_1_ip (control)", "control_1_ip (control_1)", "control_2_ip"} <= set(table)
    first = json.loads((tmp_path / "q" / "general_reads_in_peaks_mqc.json").read_text())["data"]
    assert len(first) == 8 and "control_1_ip" in first
    assert command("headline", *folders, "--out", tmp_path / "q" / "headline.json") == 0
    numbers = json.loads((tmp_path / "q" / "headline.json").read_text())["numbers"]
    assert numbers[0]["value"] == "control 3 · treated 2"
