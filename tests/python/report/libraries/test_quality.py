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


def copy_call(folder: Path, name: str, libraries: list[str]) -> Path:
    """A call of some libraries of `folder`, beside it."""
    part = folder.parent / name
    part.mkdir()
    content = json.loads((folder / "summary.json").read_text())
    content |= {"name": name, "libraries": {key: content["libraries"][key] for key in libraries}}
    (part / "summary.json").write_text(json.dumps(content))
    for file in ("peaks.tsv", "peaks.bed", "bins.parquet"):
        (part / file).write_bytes((folder / file).read_bytes())
    return part


def headline(command, folders: list[object], out: Path) -> dict[str, str]:
    assert command("headline", *folders, "--out", out) == 0
    return {number["label"]: number["value"] for number in json.loads(out.read_text())["numbers"]}


def test_calls_of_single_replicates_stay_out_of_the_first_table_and_the_headline(command, small_run, tmp_path) -> None:
    part = copy_call(small_run.folders[0], "control_1", ["control_1_ip", "control_1_input"])
    folders = [*small_run.folder_arguments, "--peaks-dir", part]
    assert command("peaks", *folders, "--outdir", tmp_path / "q") == 0
    table = json.loads((tmp_path / "q" / "reads_in_peaks_table_mqc.json").read_text())["data"]
    assert {"control_1_ip (control)", "control_1_ip (control_1)", "control_2_ip"} <= set(table)
    first = json.loads((tmp_path / "q" / "general_reads_in_peaks_mqc.json").read_text())["data"]
    assert len(first) == 8 and "control_1_ip" in first
    assert headline(command, folders, tmp_path / "h.json")["m6A peaks"] == "control 3 · treated 2"


def test_a_group_of_one_replicate_is_not_compared_with_itself(command, small_run, tmp_path: Path) -> None:
    whole = copy_call(small_run.folders[0], "one", ["control_1_ip", "control_1_input"])
    part = copy_call(small_run.folders[0], "one_1", ["control_1_ip", "control_1_input"])
    found = headline(command, ["--peaks-dir", part, "--peaks-dir", whole], tmp_path / "h.json")
    assert found["m6A peaks"] == "3" and "Peaks shared between groups" not in found


def test_pairs_of_groups_that_are_not_shown_are_counted(command, small_run, tmp_path: Path) -> None:
    control, treated = small_run.folders
    more = [copy_call(control, "a", ["control_1_ip"]), copy_call(control, "b", ["control_1_input"])]
    more += [copy_call(control, "c", ["control_2_ip"])]
    folders = [word for folder in (*more, treated) for word in ("--peaks-dir", folder)]
    shared = headline(command, folders, tmp_path / "h.json")["Peaks shared between groups"]
    assert shared.split(" · ")[3:] == ["and 3 more pairs"]


def test_an_input_of_two_groups_has_no_single_share(command, small_run, tmp_path: Path) -> None:
    control = small_run.folders[0]
    one = copy_call(control, "one", ["control_1_ip", "control_1_input"])
    other = copy_call(control, "other", ["control_2_ip", "control_1_input"])
    assert command("peaks", "--peaks-dir", one, "--peaks-dir", other, "--outdir", tmp_path / "q") == 0
    first = json.loads((tmp_path / "q" / "general_reads_in_peaks_mqc.json").read_text())["data"]
    assert set(first) == {"control_1_ip", "control_2_ip"}
