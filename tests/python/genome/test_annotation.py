import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.errors import DataError
from ribolm.genome.annotation import read_gtf

EXON = (
    'chr1\tx\texon\t11\t20\t.\t+\t.\tgene_id "G1"; transcript_id "T1"; gene_name "ALPHA"; gene_type "protein_coding";\n'
)


def write(folder: Path, text: str | bytes, name: str = "a.gtf") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_one_based_rows_become_half_open_intervals(tmp_path: Path) -> None:
    annotation = read_gtf(
        write(tmp_path, "#!genome\n" + EXON + EXON.replace("exon", "CDS").replace("\t20\t", "\t18\t"))
    )
    assert (annotation.exons.start0[0], annotation.exons.end0[0], annotation.exons.strand[0]) == (10, 20, 1)
    assert (annotation.cds.start0[0], annotation.cds.end0[0], annotation.cds.line[0]) == (10, 18, 3)
    assert (annotation.genes, annotation.symbols, annotation.biotypes) == (("G1",), ("ALPHA",), ("protein_coding",))
    assert (annotation.transcripts, annotation.chroms) == (("T1",), ("chr1",))


@pytest.mark.parametrize("change", [
    lambda text: gzip.compress(text),
    lambda text: b"\xef\xbb\xbf" + text,
    lambda text: text.replace(b"\n", b"\r\n"),
    lambda text: text.rstrip(b"\n"),
    lambda text: text.replace(b'"', b""),
    lambda text: text.replace(b'gene_id "G1"; ', b'ref_gene_id "X"; gene_id "G1"; '),
])  # fmt: skip
def test_the_same_rows_in_another_dress_read_the_same(tmp_path: Path, change) -> None:
    annotation = read_gtf(write(tmp_path, change(EXON.encode())))
    assert (annotation.genes, annotation.transcripts, annotation.symbols) == (("G1",), ("T1",), ("ALPHA",))
    assert annotation.exons.end0.tolist() == [20]


def test_a_gene_name_may_hold_commas_and_semicolons(tmp_path: Path) -> None:
    assert read_gtf(write(tmp_path, EXON.replace('"G1"', '"a,b; c"'))).genes == ("a,b; c",)


def test_the_same_transcript_id_in_two_genes_is_two_transcripts(tmp_path: Path) -> None:
    assert read_gtf(write(tmp_path, EXON + EXON.replace("G1", "G2"))).transcripts == ("T1", "T1")


def test_an_exon_without_transcript_belongs_to_its_gene(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_gtf(write(tmp_path, EXON.replace(' transcript_id "T1";', ""))).transcripts == ("G1",)
    assert "no transcript_id" in capsys.readouterr().err


@pytest.mark.parametrize(("old", "new", "message"), [
    ("\t11\t", "\tx\t", "a.gtf line 2, column 'start': 'x' is not a whole number"),
    ("\t11\t", "\t21\t", "a.gtf line 2, column 'start': '21' is not between 1 and the end 20"),
    ("\t11\t", "\t0\t", "line 2, column 'start': '0'"),
    ("\t+\t", "\t.\t", "line 2, column 'strand': '.' is not . or -"),
    ('gene_id "G1"; ', "", "line 2, column 'attribute': .* has no gene_id"),
    ("\texon", "", "a.gtf line 2: 8 columns instead of 9"),
    ("exon", "gene", "no exon row"),
])  # fmt: skip
def test_a_bad_row_is_refused_by_line_and_column(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_gtf(write(tmp_path, "#comment\n" + EXON.replace(old, new, 1)))


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ends too early"):
        read_gtf(write(tmp_path, gzip.compress(EXON.encode() * 500)[:-30], "a.gtf.gz"))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = write(tmp_path_factory.getbasetemp(), content, "fuzz.gtf")
    try:
        read_gtf(path)
    except DataError as error:
        assert "\n" not in str(error)
