"""`ribolm-report` and `ribolm-peaks annotate` given files that other hands have touched."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest

from ribolm.cli.peaks import main as peaks
from ribolm.cli.report import main as report

GTF = 'chr1\tt\texon\t1\t900\t.\t+\t.\tgene_id "g"; transcript_id "g.1";\n'
LIBRARY = {"assay": "ip", "fragments": 9, "fragments_on_exons": 9, "fragments_in_peaks": 3, "size_factor": 1.0}


def write_bam(path: Path, contigs: dict[str, int], used: str) -> Path:
    names = list(contigs)
    with pysam.AlignmentFile(
        str(path), "wb", reference_names=names, reference_lengths=[contigs[name] for name in names]
    ) as bam:
        for start0 in (10, 20, 200):
            read = pysam.AlignedSegment(bam.header)
            read.query_name, read.query_sequence, read.cigartuples = f"r{start0}", "ACGTACGTAC", [(0, 10)]
            read.reference_id, read.reference_start = names.index(used), start0
            bam.write(read)
    return path


@pytest.fixture
def tracks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def run(sizes: str, contigs: dict[str, int], used: tuple[str, str] = ("chr1", "chr1")) -> tuple[int, str]:
        (tmp_path / "sizes.tsv").write_text(sizes)
        (tmp_path / "summary.json").write_text(json.dumps({"libraries": {"a": LIBRARY}}))
        ip = write_bam(tmp_path / "a.bam", contigs, used[0])
        control = write_bam(tmp_path / "b.bam", contigs, used[1])
        arguments = ["--ip", f"a={ip}", "--input", f"b={control}", "--summary", str(tmp_path / "summary.json")]
        arguments += ["--chrom-sizes", str(tmp_path / "sizes.tsv"), "--name", "g", "--outdir", str(tmp_path / "out")]
        return report(["tracks", *arguments]), capsys.readouterr().err

    return run


def test_tracks_leave_out_contigs_that_the_genome_lacks(tracks: Callable[..., tuple[int, str]]) -> None:
    code, stderr = tracks("chr1\t1000\n", {"chr1": 1000, "decoy": 500}, ("chr1", "decoy"))
    assert code == 0
    assert "BAM b.bam: reads on contigs without length in sizes.tsv are left out of tracks ('decoy')" in stderr


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ("", "sizes.tsv: names no contig"),
        ("1\t1000\n", "BAM a.bam has 'chr1'; table sizes.tsv has '1'. One file writes 'chr'"),
        ("chr1\t100\n", "up to 210 nt, which the table of contig lengths gives 100 nt"),
        ("chr1\t²\n", "sizes.tsv line 1: is not a contig name and its length"),
        ("chr1 1000\n", "sizes.tsv line 1: is not a contig name and its length"),
    ],
)
def test_tracks_refuse_another_genome(
    sizes: str, sentence: str, tracks: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    code, stderr = tracks(sizes, {"chr1": 1000})
    assert code == 65 and sentence in stderr
    assert not (tmp_path / "out").exists()


PEAKS_HEADER = "chrom\tstart0\tend0\tstrand\tname\tlength_nt\tfeature\tlog2_fold_change\n"


@pytest.mark.parametrize(
    ("summary", "table", "sentence"),
    [
        ({"libraries": {"a": LIBRARY}, "bins": "x"}, PEAKS_HEADER, "summary.json: 'bins' is no JSON object"),
        ({"libraries": {"a": LIBRARY}, "calls": [1]}, PEAKS_HEADER, "summary.json: 'calls' is no JSON object"),
        ({"libraries": {"a": None}}, PEAKS_HEADER, "library 'a', key 'assay': None is not ip or input"),
        ({"libraries": {"a": LIBRARY}}, PEAKS_HEADER + "chr1\t5\t9\n", "peaks.tsv line 2: has not as many values"),
        ({"libraries": {"a": LIBRARY}}, PEAKS_HEADER[:20], "peaks.tsv line 1: column '"),
    ],
)
def test_a_damaged_peak_folder_is_refused(
    summary: object, table: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "peaks.tsv").write_text(table)
    assert report(["peaks", "--peaks-dir", str(tmp_path), "--outdir", str(tmp_path / "out")]) == 65
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_annotate_leaves_the_temporary_folder_of_python_alone(tmp_path: Path) -> None:
    before = tempfile.gettempdir()
    (tmp_path / "a.narrowPeak").write_text("chr1\t10\t60\tp\t9\t.\t5\t6\t7\t20\n")
    (tmp_path / "g.gtf").write_text(GTF)
    arguments = ["--narrowpeak", str(tmp_path / "a.narrowPeak"), "--gtf", str(tmp_path / "g.gtf"), "--name", "g"]
    assert peaks(["annotate", *arguments, "--outdir", str(tmp_path / "out")]) == 0
    assert tempfile.gettempdir() == before
