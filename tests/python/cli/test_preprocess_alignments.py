"""`ribolm-preprocess alignments`: what it refuses, what it repairs, what it carries through."""

import gzip
import re
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest

from ribolm.cli.preprocess import main
from ribolm.reads.bam_check import EOF_BLOCK

CONTIGS = {"chr1": 5000, "chr2": 3000}
Outcome = tuple[int, str, Path]
Check = Callable[[Path], Outcome]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    def run(bam: Path, threads: int = 1) -> Outcome:
        fai, out = tmp_path / "genome.fa.fai", tmp_path / "out" / "a.checked.bam"
        fai.write_text("".join(f"{name}\t{length}\t6\t60\t61\n" for name, length in CONTIGS.items()))
        arguments = ["--bam", str(bam), "--fai", str(fai), "--out", str(out), "--threads", str(threads)]
        return main(["alignments", *arguments]), capsys.readouterr().err, out

    return run


def write_bam(
    path: Path,
    starts0: tuple[int, ...] = (10, 50, 400),
    contigs: dict[str, int] | None = None,
    mode: str = "wb",
    order: str = "coordinate",
) -> Path:
    names = CONTIGS if contigs is None else contigs
    header = {"HD": {"VN": "1.6", "SO": order}, "SQ": [{"SN": name, "LN": length} for name, length in names.items()]}
    with pysam.AlignmentFile(str(path), mode, header=header) as bam:
        for number, start0 in enumerate(starts0):
            read = pysam.AlignedSegment(bam.header)
            read.query_name, read.query_sequence, read.cigartuples = f"read{number}", "ACGTACGTAC", [(0, 10)]
            read.reference_id, read.reference_start, read.mapping_quality = 0, start0, 60
            bam.write(read)
    return path


def starts0_of(path: Path) -> list[int]:
    with pysam.AlignmentFile(str(path)) as bam:
        assert bam.check_index()
        return [read.reference_start for read in bam.fetch("chr1")]


def spoil(path: Path, change: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(change(path.read_bytes()))
    return path


def flip(content: bytes) -> bytes:
    middle = len(content) - 60  # in the last block of records
    return content[:middle] + bytes([content[middle] ^ 8]) + content[middle + 1 :]


def raw_bam(path: Path) -> Path:
    """Write a BAM without its compression."""
    return spoil(write_bam(path), lambda content: gzip.decompress(content))


def block_compressed(content: bytes) -> bytes:
    """One BGZF block and the closing block (SAM specification, 4.1)."""
    deflated = zlib.compress(content, wbits=-15)
    header = struct.pack("<4BI2BHBBHH", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(deflated) + 25)
    return header + deflated + struct.pack("<II", zlib.crc32(content), len(content)) + EOF_BLOCK


def noise_before_the_end(content: bytes) -> bytes:
    return content[:-28] + b"noise" * 9 + content[-28:]


def header_flipped(content: bytes) -> bytes:
    return content[:40] + b"\xff\xff" + content[42:]


def header_too_long(content: bytes) -> bytes:
    return block_compressed(content[:4] + b"\xff\xff\xff\x01" + content[8:])


def too_many_contigs(content: bytes) -> bytes:
    return block_compressed(content.replace(b"\2\0\0\0\5\0", b"\xff\xff\0\0\5\0"))


def contig_twice(content: bytes) -> bytes:
    return block_compressed(content.replace(b"chr2\0", b"chr1\0"))


Make = Callable[[Path], object]
REFUSED: dict[str, tuple[Make, str]] = {
    "missing": (lambda p: None, "a.bam: no such file"),
    "folder": (lambda p: p.mkdir(), "a.bam: is a folder"),
    "empty": (lambda p: p.touch(), "a.bam: is empty .0 bytes."),
    "truncated": (lambda p: spoil(write_bam(p), lambda b: b[:-40]), "a.bam: is truncated"),
    "without closing block": (lambda p: spoil(write_bam(p), lambda b: b[:-28]), "a.bam: is truncated"),
    "flipped bit": (lambda p: spoil(write_bam(p), flip), "a.bam: .*damaged.*Copy"),
    "flipped bit in the header": (lambda p: spoil(write_bam(p), header_flipped), "BGZF block at byte 0 is damaged"),
    "bytes in between": (lambda p: spoil(write_bam(p), noise_before_the_end), "a.bam: .*damaged.*Copy"),
    "header that lies about its length": (lambda p: spoil(raw_bam(p), header_too_long), "header is damaged .it ends"),
    "header with too many contigs": (lambda p: spoil(raw_bam(p), too_many_contigs), "the header is damaged"),
    "header with a contig twice": (lambda p: spoil(raw_bam(p), contig_twice), "header lists contig 'chr1' twice"),
    "SAM": (lambda p: write_bam(p, mode="w"), "is SAM text, not BAM. Convert it with `samtools sort"),
    "compressed SAM": (lambda p: spoil(write_bam(p, mode="w"), gzip.compress), "is an ordinary gzip file, not BAM"),
    "block-compressed SAM": (lambda p: spoil(write_bam(p, mode="w"), block_compressed), "is compressed SAM text"),
    "block-compressed table": (lambda p: p.write_bytes(block_compressed(b"chr1\t1\t9\n")), "but not as BAM is"),
    "uncompressed": (raw_bam, "is an uncompressed BAM"),
    "CRAM": (lambda p: p.write_bytes(b"CRAM\3\0" + bytes(40)), "is CRAM, not BAM"),
    "FASTQ": (lambda p: p.write_bytes(b"@r1\nACGT\n+\nIIII\n"), "looks like FASTQ or FASTA, not BAM"),
    "gzip FASTQ": (lambda p: p.write_bytes(gzip.compress(b"@r1\nACGT\n+\nIIII\n")), "ordinary gzip file"),
    "something else": (lambda p: p.write_bytes(b"%PDF-1.4" * 9), "is not a BAM file"),
    "no contigs": (lambda p: write_bam(p, (), {}), "header lists no contigs .unaligned reads."),
    "no chr": (
        lambda p: write_bam(p, contigs={"1": 5000, "2": 3000}),
        "FASTA genome.fa has 'chr1', 'chr2'; BAM a.bam has '1', '2'. One file writes 'chr'",
    ),
    "no chr but a shared scaffold": (
        lambda p: write_bam(p, contigs={"1": 5000, "chr2": 3000}),
        "two names: FASTA genome.fa has 'chr1'; BAM a.bam has '1'",
    ),
    "another genome": (lambda p: write_bam(p, contigs={"x": 5000}), "genome.fa has 'chr1', .*; BAM a.bam has 'x'"),
    "another build": (
        lambda p: write_bam(p, contigs={"chr1": 5001, "chr2": 3000}),
        "Contig 'chr1' is 5,000 nt long in FASTA genome.fa but 5,001 nt in BAM a.bam. .*different genome builds",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_with_one_sentence_and_writes_nothing(name: str, tmp_path: Path, check: Check) -> None:
    make, sentence = REFUSED[name]
    make(tmp_path / "a.bam")
    code, stderr, out = check(tmp_path / "a.bam")
    assert code == 65, stderr
    assert stderr.count("\n") == 1 and stderr.startswith("ribolm-preprocess: error: ")
    assert re.search(sentence, stderr), stderr
    assert not list(out.parent.glob("*")) and not list(out.parent.glob(".*"))


@pytest.mark.parametrize("order", ["coordinate", "unsorted", "queryname"])
@pytest.mark.parametrize("threads", [1, 2])
def test_sorts_what_is_unsorted_whatever_the_header_says(
    order: str, threads: int, tmp_path: Path, check: Check
) -> None:
    code, stderr, out = check(write_bam(tmp_path / "a.bam", (400, 10, 50), order=order))
    assert code == 0
    assert stderr == "notice: a.bam: sorted by coordinate.\n"
    assert starts0_of(out) == [10, 50, 400]


def test_indexes_what_is_sorted_and_keeps_its_bytes(tmp_path: Path, check: Check) -> None:
    bam = write_bam(tmp_path / "a.bam")
    code, stderr, out = check(bam)
    assert code == 0 and stderr == ""
    assert out.read_bytes() == bam.read_bytes()
    assert starts0_of(out) == [10, 50, 400]
    assert {path.name for path in out.parent.iterdir()} == {"a.checked.bam", "a.checked.bam.bai"}


def test_carries_a_bam_without_reads_through(tmp_path: Path, check: Check) -> None:
    code, _, out = check(write_bam(tmp_path / "a.bam", ()))
    assert code == 0
    assert starts0_of(out) == []


def test_tells_of_contigs_that_one_side_lacks(tmp_path: Path, check: Check) -> None:
    code, stderr, _ = check(write_bam(tmp_path / "a.bam", contigs={"chr1": 5000, "decoy": 99}))
    assert code == 0
    assert "1 contigs are not in the FASTA; their reads count nowhere ('decoy')" in stderr
    assert "1 contigs of the FASTA were not aligned to ('chr2')" in stderr


def test_refuses_to_write_over_its_input(tmp_path: Path, check: Check) -> None:
    (tmp_path / "out").mkdir()
    code, stderr, out = check(write_bam(tmp_path / "out" / "a.checked.bam"))
    assert code == 65 and "is the input file itself" in stderr
    assert not list(out.parent.glob("*.bai"))


def test_says_when_samtools_is_missing(tmp_path: Path, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, stderr, out = check(write_bam(tmp_path / "a.bam"))
    assert code == 1 and "samtools is not installed" in stderr
    assert not list(out.parent.glob("*"))


@pytest.mark.skipif(shutil.which("samtools") is None, reason="samtools is not on PATH")
def test_refuses_an_index_that_is_no_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "genome.fa.fai").write_text("chr1 5000\n")
    bam = write_bam(tmp_path / "a.bam")
    arguments = ["--bam", str(bam), "--fai", str(tmp_path / "genome.fa.fai"), "--out", str(tmp_path / "b.bam")]
    assert main(["alignments", *arguments]) == 65
    assert "genome.fa.fai line 1: is no line of a FASTA index" in capsys.readouterr().err
