import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ribolm.genome.fasta as fasta
from ribolm.errors import DataError
from ribolm.genome.fasta import Genome

TEXT = b">chr1 first contig\nACGTN\nACG\n>chr2\nTTTT\n"


def write(folder: Path, content: bytes, name: str = "g.fa") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content", [TEXT, gzip.compress(TEXT, mtime=0), TEXT.replace(b"\n", b"\r\n"), TEXT.rstrip(b"\n"), b"\n" + TEXT]
)
def test_contigs_are_read_whatever_the_dress(tmp_path: Path, content: bytes) -> None:
    genome = Genome.open(write(tmp_path, content))
    assert genome.lengths == {"chr1": 8, "chr2": 4}
    assert genome.fetch("chr1", 3, 7).tobytes() == b"TNAC"
    assert genome.fetch("chr1", 3, 7, "-").tobytes() == b"GTNA"


def test_lower_case_uracil_and_ambiguity_codes_are_repaired_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    genome = Genome.open(write(tmp_path, b">r\nacguRYn\n"))
    assert genome.fetch("r", 0, 7).tobytes() == b"ACGTNNN"
    told = capsys.readouterr().err
    assert "5 lower-case" in told and "1 U read as T" in told and "2 IUPAC" in told


@pytest.mark.parametrize(("content", "message"), [
    (b"", "no FASTA record"),
    (b"ACGT\n", "begins with '>'"),
    (b">a\nAC\n>a\nAC\n", "line 3: the name 'a' occurs twice"),
    (b">a\nACGT\nACE\n", "line 3, record 'a': 'E' is no nucleotide code"),
    (b">a\nAC-T\n", "line 2, record 'a': '-'"),
    (b">\nACGT\n", "line 1: the record has no name"),
    (gzip.compress(TEXT * 200, mtime=0)[:-20], "ends too early"),
])  # fmt: skip
def test_a_bad_file_is_refused_by_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Genome.open(write(tmp_path, content))


@pytest.mark.parametrize(("chrom", "start0", "end0"), [("chr3", 0, 1), ("chr1", 0, 9), ("chr1", -1, 2)])
def test_a_place_outside_the_genome_is_refused(tmp_path: Path, chrom: str, start0: int, end0: int) -> None:
    with pytest.raises(DataError):
        Genome.open(write(tmp_path, TEXT)).fetch(chrom, start0, end0)


records = st.lists(st.tuples(st.text("ACGTacgtN", max_size=40), st.integers(1, 12)), min_size=1, max_size=6)


@given(records, st.integers(1, 20))
def test_chunk_size_and_line_width_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[str, int]], chunk_bytes: int
) -> None:
    lines = []
    for i, (sequence, width) in enumerate(records):
        lines += [f">c{i} >not a header", *(sequence[k : k + width] for k in range(0, len(sequence), width))]
    path = write(tmp_path_factory.getbasetemp(), ("\n".join(lines) + "\n").encode(), "property.fa")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fasta, "CHUNK_BYTES", chunk_bytes)
        genome = Genome.open(path)
    for i, (sequence, _) in enumerate(records):
        assert genome.fetch(f"c{i}", 0, len(sequence)).tobytes().decode() == sequence.upper()
