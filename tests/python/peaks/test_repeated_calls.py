"""What a call does to a folder that it does not find empty, and to a strandedness that contradicts the reads."""

from pathlib import Path

import pytest

from ribolm.cli.peaks import main

ORACLE = Path(__file__).resolve().parents[2] / "data" / "exomepeak2"
LIBRARIES = ["--ip", f"{ORACLE / 'control_1.ip'}.bam", "--input", f"{ORACLE / 'control_1.input'}.bam"]
CALL = ["call", *LIBRARIES, "--gtf", str(ORACLE / "genes.gtf.gz")]


def test_a_second_call_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([*CALL, "--outdir", str(out), "--name", "first", "--bins-tsv"]) == 0
    assert main([*CALL, "--outdir", str(out), "--name", "second"]) == 0
    expected = ["bins.parquet", "peaks.bed", "peaks.tsv", "second.peaks_mqc.json", "summary.json"]
    assert sorted(path.name for path in out.iterdir()) == expected


def test_a_strandedness_that_the_reads_contradict_is_doubted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, doubted in (("forward", True), ("reverse", False), ("unstranded", False)):
        assert main([*CALL, "--outdir", str(tmp_path / given), "--strandedness", given]) == 0
        assert ("counted as forward, as given, but looks reverse" in capsys.readouterr().err) == doubted


def test_an_impossible_output_folder_is_refused_before_counting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    assert main([*CALL, "--outdir", str(tmp_path / "file")]) == 65
    told = capsys.readouterr().err
    assert "is a file" in told and "chosen" not in told
    assert (tmp_path / "file").read_text() == "mine"
