"""Sections on scans: numbers beside chance, genomes beside each other, folders of another kind refused."""

import json
from pathlib import Path

import pytest

from ribolm.errors import DataError
from ribolm.report.polya.scan_sections import read_scan, write_scan_sections

RECOVERY = {
    "kept": "calls", "threshold": 1.5, "n_calls": 40, "within_nt": 20, "n_known": 50, "recovered": 0.6,
    "by_chance": 0.02, "calls_at_known": 0.7, "calls_by_chance": 0.03, "fdr": 0.3,
}  # fmt: skip


def scan_folder(path: Path, calls: int = 40, known: bool = True) -> Path:
    path.mkdir()
    summary = {
        "candidates": 9000, "calls": calls, "calls_plus": calls // 2, "calls_minus": calls - calls // 2,
        "fdr_estimate": 0.3 if calls else None, "prevalence": 0.02, "threshold_logit": 1.5, "novel_sites": 4,
        "features": {"3'UTR": calls} if calls else {}, "per_contig": {"chr1": {"length_nt": 10**6, "calls": calls}},
        "recovery": [RECOVERY] if known else [], "known": "ends of genes.gtf" if known else None,
    }  # fmt: skip
    (path / "summary.json").write_text(json.dumps(summary))
    lines = [f"{place}\t{calls}\t0\t0\t0" for place in range(-50, 51)] if calls else []
    (path / "composition.tsv").write_text("\n".join(["place\tA\tC\tG\tT", *lines]) + "\n")
    return path


def section(outdir: Path, name: str) -> dict:
    return json.loads((outdir / f"{name}_mqc.json").read_text())


def test_recovery_stands_beside_chance(tmp_path: Path) -> None:
    write_scan_sections(tmp_path, [read_scan(scan_folder(tmp_path / "human"))])
    cells = section(tmp_path, "scan_recovery")["data"]["human, calls"]
    assert (cells["recovered"], cells["by_chance"]) == (60.0, 2.0)
    assert "60.0 %" in section(tmp_path, "headline_scan")["data"]
    assert "ends of genes.gtf: within 20 nt" in section(tmp_path, "headline_scan")["data"]
    assert section(tmp_path, "scan_contigs")["data"]["chr1"]["calls"] == 40.0
    assert (tmp_path / "scan_logo_human.png").stat().st_size > 1000


def test_sites_that_were_not_scanned_are_told(tmp_path: Path) -> None:
    path = scan_folder(tmp_path / "part")
    summary = json.loads((path / "summary.json").read_text())
    account = {"listed": 900, "not_scanned": 840, "unknown_bases": 10, "asked": 50}
    (path / "summary.json").write_text(json.dumps({**summary, "known_sites": account}))
    write_scan_sections(tmp_path, [read_scan(path)])
    cells = section(tmp_path, "scan_recovery")["data"]["part, calls"]
    assert (cells["n_known"], cells["not_scanned"], cells["unknown_bases"]) == (50, 840, 10)
    assert "840 not scanned are left out" in section(tmp_path, "headline_scan")["data"]


def test_candidates_without_a_score_are_told(tmp_path: Path) -> None:
    path = scan_folder(tmp_path / "part")
    summary = json.loads((path / "summary.json").read_text())
    (path / "summary.json").write_text(json.dumps({**summary, "unscored_candidates": 1234}))
    write_scan_sections(tmp_path, [read_scan(path)])
    assert "of 9,000 candidates; 1,234 candidates were not scored" in section(tmp_path, "headline_scan")["data"]


def test_a_scan_without_calls_and_without_known_sites_says_so(tmp_path: Path) -> None:
    write_scan_sections(tmp_path, [read_scan(scan_folder(tmp_path / "empty", calls=0, known=False))])
    assert "recovery cannot be told" in section(tmp_path, "scan_recovery")["data"]
    assert section(tmp_path, "headline_scan")["data"].count("no annotation was given") == 2
    assert "novel_sites" not in section(tmp_path, "scan_calls")["data"]["empty"]
    assert "nothing to show" in section(tmp_path, "scan_features")["data"].lower()


def test_a_scan_without_candidates_has_no_recovery(tmp_path: Path) -> None:
    path = scan_folder(tmp_path / "empty", calls=0)
    summary = json.loads((path / "summary.json").read_text())
    nothing = dict.fromkeys(("recovered", "by_chance", "calls_at_known", "calls_by_chance", "fdr", "threshold"))
    (path / "summary.json").write_text(json.dumps({**summary, "recovery": [RECOVERY | nothing]}))
    write_scan_sections(tmp_path, [read_scan(path)])
    assert "not defined: no candidate" in section(tmp_path, "headline_scan")["data"]


def test_calls_per_contig_count_the_bases_that_were_scanned(tmp_path: Path) -> None:
    path = scan_folder(tmp_path / "part")
    summary = json.loads((path / "summary.json").read_text())
    summary["per_contig"]["chr1"]["scanned_nt"] = 10_000.0
    (path / "summary.json").write_text(json.dumps(summary))
    write_scan_sections(tmp_path, [read_scan(path)])
    assert section(tmp_path, "scan_contigs")["data"]["chr1"]["calls"] == 4000.0


def test_genomes_stand_beside_each_other(tmp_path: Path) -> None:
    folders = [read_scan(scan_folder(tmp_path / name)) for name in ("human", "mouse")]
    write_scan_sections(tmp_path, folders)
    assert list(section(tmp_path, "scan_calls")["data"]) == ["human", "mouse"]
    assert list(section(tmp_path, "scan_contigs")["data"]) == ["human chr1", "mouse chr1"]


def test_folders_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = scan_folder(tmp_path / "human")
    (path / "composition.tsv").write_text("place\tA\n-1\tx\n")
    with pytest.raises(DataError, match="whole numbers"):
        read_scan(path)
    (path / "summary.json").write_text("{}")
    with pytest.raises(DataError, match="has no 'candidates'"):
        read_scan(path)
