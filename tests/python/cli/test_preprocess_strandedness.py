"""`ribolm-preprocess strandedness`: the file that it writes, and what it refuses."""

import json
from pathlib import Path

import pysam
import pytest

from ribolm.cli.preprocess import main

GTF = 'chr1\ttest\texon\t1\t1000\t.\t-\t.\tgene_id "g"; transcript_id "g.1";\n'


def write_reads(path: Path, n: int, is_reverse: bool) -> None:
    with pysam.AlignmentFile(str(path), "wb", reference_names=["chr1"], reference_lengths=[2000]) as bam:
        for number in range(n):
            read = pysam.AlignedSegment(bam.header)
            read.query_name, read.query_sequence, read.cigartuples = f"r{number}", "ACGTACGTAC", [(0, 10)]
            read.reference_id, read.reference_start, read.is_reverse = 0, number, is_reverse
            bam.write(read)


@pytest.mark.parametrize(
    ("n", "is_reverse", "expected"),
    [(300, True, "forward"), (300, False, "reverse"), (20, True, "unstranded"), (0, True, "unstranded")],
)
def test_writes_what_it_found_and_why(
    n: int, is_reverse: bool, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_reads(tmp_path / "a.bam", n, is_reverse)
    (tmp_path / "g.gtf").write_text(GTF)
    out = tmp_path / "out" / "a.json"
    arguments = ["--bam", f"lib={tmp_path / 'a.bam'}", "--gtf", str(tmp_path / "g.gtf"), "--out", str(out)]
    assert main(["strandedness", *arguments]) == 0
    found = json.loads(out.read_text())
    assert set(found) == {"library", "strandedness", "fraction_forward", "fraction_reverse", "fragments", "reason"}
    assert (found["library"], found["strandedness"], found["fragments"]) == ("lib", expected, n)
    assert f"chosen: strandedness of lib = {expected} (" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("bam", "gtf", "sentence"),
    [
        ("absent.bam", GTF, "absent.bam: no such file"),
        ("a.bam", GTF.replace("chr1", "1"), "GTF g.gtf has '1'; BAM a.bam has 'chr1'. One file writes 'chr'"),
        ("a.bam", "", "g.gtf: no exon row"),
        ("g.gtf", GTF, "g.gtf: is not a BAM file"),
    ],
)
def test_refuses(bam: str, gtf: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_reads(tmp_path / "a.bam", 9, False)
    (tmp_path / "g.gtf").write_text(gtf)
    arguments = ["--bam", str(tmp_path / bam), "--gtf", str(tmp_path / "g.gtf"), "--out", str(tmp_path / "out.json")]
    assert main(["strandedness", *arguments]) == 65
    stderr = capsys.readouterr().err
    assert sentence in stderr and stderr.count("\n") == 1
    assert not (tmp_path / "out.json").exists()
