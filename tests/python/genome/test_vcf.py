"""Variants are read allele by allele and held against the genome."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ribolm.errors import DataError
from ribolm.genome.fasta import Genome
from ribolm.genome.vcf import Variant, look_at_variants, read_variants

HEADER = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


@pytest.fixture
def genome(tmp_path: Path) -> Genome:
    (tmp_path / "g.fa").write_text(">chr1\nACGTNACGTA\n>chr2\nGGGG\n")
    return Genome.open(tmp_path / "g.fa")


def read(tmp_path: Path, genome: Genome, text: str) -> list[Variant]:
    (tmp_path / "v.vcf").write_text(text)
    return list(read_variants(tmp_path / "v.vcf", genome))


def test_alleles_come_one_by_one(tmp_path: Path, genome: Genome, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "chr1\t2\trs1\tcg\ta,C,<DEL>\t.\t.\t.\nchr1\t5\t.\tT\tG\t.\t.\t.\nchr2\t4\t.\tG\t*,.,G[chr1:3[\t.\t.\t.\n"
    found = read(tmp_path, genome, HEADER + rows)
    assert found == [
        Variant("chr1", 1, "rs1", "CG", "A"),
        Variant("chr1", 1, "rs1", "CG", "C"),
        Variant("chr1", 4, ".", "T", "G"),  # an N of the genome contradicts nothing
    ]
    assert found[0].end0 == 3
    told = capsys.readouterr().err
    assert "v.vcf: 1 alternative alleles left out: symbolic, without a sequence." in told
    assert "1 alternative alleles left out: breakends." in told


def test_gzip_and_line_ends_of_windows_are_read(tmp_path: Path, genome: Genome) -> None:
    text = HEADER + "chr1\t1\t.\tA\tC\t.\t.\t.\n"
    (tmp_path / "v.vcf.gz").write_bytes(gzip.compress(text.replace("\n", "\r\n").encode()))
    assert [variant.alt for variant in read_variants(tmp_path / "v.vcf.gz", genome)] == ["C"]


def test_records_on_contigs_that_the_genome_lacks_are_left_out_and_counted(
    tmp_path: Path, genome: Genome, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "chrEBV\t1\t.\tA\tC\nchr1\t1\t.\tA\tC\nchrEBV\t9\t.\tA\tC\nHLA*01\t9\t.\tA\tC\nchr2\t1\t.\tG\tC\n"
    assert [variant.chrom for variant in read(tmp_path, genome, HEADER + rows)] == ["chr1", "chr2"]
    assert "v.vcf: 3 records left out: FASTA g.fa lacks 'chrEBV', 'HLA*01'." in capsys.readouterr().err


def test_no_variant_is_no_mistake(tmp_path: Path, genome: Genome) -> None:
    assert read(tmp_path, genome, HEADER) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no line #CHROM"),
        ("chr1\t1\t.\tA\tC\n", "line 1: expected #CHROM, POS, ID, REF, ALT"),
        (HEADER + "chr1 1 . A C\n", "line 3: has 1 columns, at least 5"),
        (HEADER + "chr1\tx\t.\tA\tC\n", "line 3, column 'POS': 'x' is no position"),
        (HEADER + "chr1\t0\t.\tA\tC\n", "line 3, column 'POS': '0' is no position"),
        (HEADER + "chr1\t1\t.\tQ\tC\n", "line 3, column 'REF': 'Q' is not of the letters"),
        (HEADER + "chr1\t1\t.\tA\tC-\n", "line 3, column 'ALT': 'C-' is not of the letters"),
        (HEADER + "chr1\t1\t.\tC\tA\n", "line 3: REF is C at chr1:1, but FASTA g.fa has A. Use files of one"),
        (HEADER + "chr1\t10\t.\tAC\tA\n", "line 3: chr1:10 with 2 nt lies beyond the 10 nt"),
        (HEADER + "1\t1\t.\tA\tC\n", "writes 'chr' before the names"),
        (HEADER + "chr1\t1\t.\tA\tC\n2\t1\t.\tG\tC\n", "writes 'chr' before the names"),
        (HEADER + "chr9\t1\t.\tA\tC\nchrEBV\t1\t.\tA\tC\n", "VCF v.vcf has 'chr9', 'chrEBV'"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path: Path, genome: Genome, text: str, told: str) -> None:
    with pytest.raises(DataError, match=told.replace(".", r"\.")):
        read(tmp_path, genome, text)
    if "column '" in told or "#CHROM" in told:  # what no genome is needed for
        with pytest.raises(DataError, match=told.replace(".", r"\.")):
            look_at_variants(tmp_path / "v.vcf")
    else:
        (tmp_path / "v.vcf").write_text(text.replace("chr1 1 . A C", ""))
        look_at_variants(tmp_path / "v.vcf")


def test_binary_files_are_refused(tmp_path: Path, genome: Genome) -> None:
    (tmp_path / "v.bcf").write_bytes(b"BCF\x02\x02\xff\xfe\x00")
    with pytest.raises(DataError, match="no BCF"):
        list(read_variants(tmp_path / "v.bcf", genome))
