"""`ribolm-preprocess genome`: what it refuses, what it repairs, what it carries through."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest

from ribolm.cli.preprocess import main
from ribolm.genome.annotation import name_transcript

FASTA = f">chr1 first\n{'ACGTN' * 30}\nACGTA\n>chr2\n{'GATTACA' * 10}\n"
CHR1 = "ACGTN" * 30 + "ACGTA"
ATTRIBUTES = 'gene_id "{0}"; transcript_id "{0}.1";'


def row(chrom: str, feature: str, start: object, end: object, strand: str = "+", gene: str = "g") -> str:
    return f"{chrom}\ttest\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{ATTRIBUTES.format(gene)}\n"


GTF = "#!build test\n" + row("chr1", "exon", 1, 50) + row("chr1", "exon", 101, 155) + row("chr1", "CDS", 101, 130)
GTF += row("chr2", "exon", 11, 70, "-", "h")
Outcome = tuple[int, str, Path]
Prepare = Callable[..., Outcome]


@pytest.fixture
def prepare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Prepare:
    def run(
        fasta: str | bytes = FASTA, gtf: str | bytes = GTF, spikein: str | None = None, suffix: str = ""
    ) -> Outcome:
        arguments = ["genome", "--outdir", str(tmp_path / "out")]
        for option, name, content in (
            ("fasta", "g.fa", fasta),
            ("gtf", "g.gtf", gtf),
            ("spikein-fasta", "s.fa", spikein),
        ):
            if content is not None:
                path = tmp_path / (name + suffix)
                path.write_bytes(content.encode() if isinstance(content, str) else content)
                arguments += [f"--{option}", str(path)]
        code = main(arguments)
        return code, capsys.readouterr().err, tmp_path / "out"

    return run


def squeezed(content: str) -> bytes:
    return gzip.compress(content.encode(), mtime=0)


REFUSED_FASTA = {
    "empty file": ("", "g.fa: no FASTA record"),
    "header alone": (">chr1\n>chr2\n", "none of its 2 records has a sequence"),
    "truncated gzip": (squeezed(FASTA * 1)[:-12], "gzip file (ends too early|is damaged)"),
    "damaged gzip": (squeezed(FASTA)[:30] + b"\xff\xff\xff" + squeezed(FASTA)[33:], "the gzip file is damaged"),
    "protein": (">p\nMKLV\nFEEQ\n", "g.fa line 2, record 'p': 'L' is no nucleotide code"),
    "gap": (FASTA.replace("GATTACA", "GAT-ACA", 1), "g.fa line 5, record 'chr2': '-' is no nucleotide code"),
    "stop sign": (FASTA.replace("ACGTA\n", "ACG*A\n", 1), "g.fa line 3, record 'chr1': '\\*' is no nucleotide"),
    "digits": (FASTA.replace("ACGTA\n", "ACGTA 60\n", 1), "g.fa line 3, record 'chr1': '6' is no nucleotide"),
    "name twice": (FASTA + ">chr1 again\nACGT\n", "g.fa line 6: the name 'chr1' occurs twice"),
    "record without name": (FASTA + ">\nACGT\n", "g.fa line 6: the record has no name"),
    "name that SAM forbids": (FASTA.replace("chr2", "chr(2)"), "record 'chr\\(2\\)': the name holds characters"),
    "FASTQ": ("@r1\nACGT\n+\nIIII\n", "g.fa line 1: a FASTA begins with '>'"),
    "GTF": (GTF, "g.fa line 1: a FASTA begins with '>'"),
    "binary": (b"\x1aA'C\0\0\0\0" * 50, "g.fa line 1: a FASTA begins with '>'"),
}
REFUSED_GTF = {
    "empty file": ("", "g.gtf: no exon row"),
    "no exons": (row("chr1", "gene", 1, 50) + row("chr1", "transcript", 1, 50), "g.gtf: no exon row"),
    "truncated gzip": (squeezed(GTF)[:-12], "gzip file (ends too early|is damaged)"),
    "GFF3": (
        "##gff-version 3\nchr1\tx\texon\t1\t50\t.\t+\t.\tID=e1;Parent=t1\n",
        "g.gtf.*is GFF3, not GTF.*gffread -T",
    ),
    "BED": ("chr1\t0\t50\tg\t0\t+\n", "g.gtf line 1: 6 columns instead of 9"),
    "spaces for tabs": (GTF.replace("\t", " "), "g.gtf line 2: 1 columns instead of 9"),
    "word for a position": (GTF + row("chr1", "exon", "one", 50), "g.gtf line 6, column 'start': 'one' is not a whole"),
    "fraction": (GTF + row("chr1", "exon", 1, 5.5), "g.gtf line 6, column 'end': '5.5' is not a whole number"),
    "endless number": (GTF + row("chr1", "exon", 1, "9" * 5000), "g.gtf line 6, column 'end'.*is not a whole number"),
    "negative": (GTF + row("chr1", "exon", -4, 50), "g.gtf line 6, column 'start': '-4' is not a whole number"),
    "zero": (GTF + row("chr1", "exon", 0, 50), "g.gtf line 6, column 'start': '0' is not between 1"),
    "reversed": (
        GTF + row("chr1", "exon", 51, 50),
        "g.gtf line 6, column 'start': '51' is not between 1 and the end 50",
    ),
    "no strand": (GTF + row("chr1", "exon", 1, 50, "."), "g.gtf line 6, column 'strand': '.' is not \\+ or -"),
    "no gene": (GTF + "chr1\tx\texon\t1\t9\t.\t+\t.\tnote;\n", "g.gtf line 6, column 'attribute'.*has no gene_id"),
    "another build": (
        GTF + row("chr1", "exon", 150, 156) + row("chr2", "CDS", 1, 9999),
        "g.gtf line 6, column 'end': 156 lies beyond contig 'chr1', which is 155 nt long in g.fa .and 1 rows more",
    ),
    "no chr": (GTF.replace("chr", ""), "FASTA g.fa has 'chr1', 'chr2'; GTF g.gtf has '1', '2'. One file writes 'chr'"),
    "another genome": (GTF.replace("chr", "scaffold"), "FASTA g.fa has 'chr1', 'chr2'; GTF g.gtf has 'scaffold1'"),
    "no chr but a shared scaffold": (
        GTF.replace("chr1", "1"),
        "two names: FASTA g.fa has 'chr1'; GTF g.gtf has '1'. One file writes 'chr'",
    ),
    "binary": (b"\0\1\2\3" * 50, "g.gtf line 1: 1 columns instead of 9"),
}


def assert_refused(outcome: Outcome, sentence: str) -> None:
    code, stderr, out = outcome
    assert code == 65, stderr
    assert stderr.count("\n") == 1 and stderr.startswith("ribolm-preprocess: error: ")
    assert re.search(sentence, stderr), stderr
    assert not out.exists() and not list(out.parent.glob(".out*"))


@pytest.mark.parametrize("name", REFUSED_FASTA)
def test_refuses_a_bad_fasta(name: str, prepare: Prepare) -> None:
    content, sentence = REFUSED_FASTA[name]
    assert_refused(prepare(fasta=content), sentence)


@pytest.mark.parametrize("name", REFUSED_GTF)
def test_refuses_a_bad_gtf(name: str, prepare: Prepare) -> None:
    content, sentence = REFUSED_GTF[name]
    assert_refused(prepare(gtf=content), sentence)


def test_refuses_a_spikein_named_like_a_contig(prepare: Prepare) -> None:
    assert_refused(prepare(spikein=">chr2\nACGT\n"), "s.fa: 'chr2' is also a contig of g.fa")


@pytest.mark.parametrize("option", ["fasta", "gtf", "spikein-fasta"])
def test_refuses_a_missing_file(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "g.fa").write_text(FASTA)
    (tmp_path / "g.gtf").write_text(GTF)
    files = {"fasta": "g.fa", "gtf": "g.gtf", option: "absent"}
    arguments = [part for name, file in files.items() for part in (f"--{name}", str(tmp_path / file))]
    assert main(["genome", *arguments, "--outdir", str(tmp_path / "out")]) == 65
    assert "absent: no such file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


REPAIRED = {
    "lower case": (FASTA.replace("GATTACA", "gattaca"), GTF, "70 lower-case letters"),
    "RNA": (FASTA.replace("T", "U"), GTF, "U read as T"),
    "ambiguity codes": (FASTA.replace("N", "R"), GTF, "30 IUPAC ambiguity codes read as N"),
    "byte-order mark": ("\ufeff" + FASTA, "\ufeff" + GTF, ""),
    "CRLF": (FASTA.replace("\n", "\r\n"), GTF.replace("\n", "\r\n"), ""),
    "old line ends": (FASTA.replace("\n", "\r"), GTF, ""),
    "blank lines and spaces": (FASTA.replace("\n", " \n\n"), GTF.replace("\n", "\n\n"), ""),
    "no last line end": (FASTA.rstrip("\n"), GTF.rstrip("\n"), ""),
    "empty record": (FASTA + ">chr3\n", GTF, "1 records without sequence left out .'chr3'"),
    "genes on a contig that the FASTA lacks": (
        FASTA,
        GTF + row("KI270", "exon", 1, 9) + row("KI270", "gene", 1, 9),
        "2 rows on contigs that FASTA g.fa lacks are left out .'KI270'",
    ),
}


@pytest.mark.parametrize("name", REPAIRED)
def test_repairs_with_a_notice(name: str, prepare: Prepare) -> None:
    fasta, gtf, told = REPAIRED[name]
    code, stderr, out = prepare(fasta, gtf)
    assert code == 0, stderr
    assert re.search(told, stderr), stderr
    assert (out / "genome.fa").read_text() == as_written(FASTA)
    assert (out / "genes.gtf").read_text() == GTF


def as_written(fasta: str) -> str:
    records = [record.split("\n", 1) for record in fasta[1:].split(">")]
    text = ""
    for header, body in records:
        sequence = body.replace("\n", "")
        lines = [sequence[at : at + 60] for at in range(0, len(sequence), 60)]
        text += "\n".join([f">{header.split()[0]}", *lines]) + "\n"
    return text


@pytest.mark.parametrize("suffix", ["", ".gz", ".anything"])
def test_plain_and_gzip_give_the_same(suffix: str, prepare: Prepare) -> None:
    expected = {path.name: path.read_bytes() for path in prepare()[2].iterdir()}
    content = (FASTA, GTF) if suffix == "" else (squeezed(FASTA[:99]) + squeezed(FASTA[99:]), squeezed(GTF))
    code, _, out = prepare(*content, suffix=suffix)
    assert code == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == expected


def test_writes_what_samtools_reads(prepare: Prepare) -> None:
    code, stderr, out = prepare(spikein=f">ERCC-00002\n{'ACGT' * 40}\n")
    assert code == 0 and stderr == ""
    assert (out / "chrom_sizes.tsv").read_text() == "chr1\t155\nchr2\t70\nERCC-00002\t160\n"
    assert (out / "spikein_contigs.txt").read_text() == "ERCC-00002\n"
    with pysam.FastaFile(str(out / "genome.fa")) as fasta:
        assert fasta.references == ["chr1", "chr2", "ERCC-00002"]
        assert fasta.fetch("chr1") == CHR1
        assert fasta.fetch("ERCC-00002", 58, 63) == "GTACG"
    index = (out / "genome.fa.fai").read_text()
    pysam.faidx(str(out / "genome.fa"))
    assert (out / "genome.fa.fai").read_text() == index


def test_counts_in_genome_json(prepare: Prepare) -> None:
    _, _, out = prepare(
        FASTA + ">chr3\nACGTacgt\n", GTF + row("chrUn", "exon", 1, 9, "+", "z") + row("chr1", "exon", 40, 60, "-")
    )
    assert json.loads((out / "genome.json").read_text()) == {
        "contigs": 3,
        "contigs_without_genes": 1,
        "length_nt": 233,
        "n_fraction": 30 / 233,
        "spikein_contigs": 0,
        "spikein_length_nt": 0,
        "genes": 2,
        "transcripts": 2,
        "exon_rows": 4,
        "cds_rows": 1,
        "transcribed_size_nt": 60 + 55 + 60,
        "fasta_repairs": {"lower_case": 4, "uracil": 0, "iupac": 0},
        "gtf_left_out": {"contigs": ["chrUn"], "rows": 1},
    }


@pytest.mark.parametrize("name", ["chr22:10500001-26000000", "gi|568815576|ref|NC_000022.11|", "HLA*A*01:01"])
def test_contig_names_with_signs_survive(name: str, prepare: Prepare) -> None:
    code, stderr, out = prepare(FASTA.replace("chr1", name), GTF.replace("chr1", name))
    assert code == 0, stderr
    assert (out / "genome.fa.fai").read_text().split("\t")[0] == name
    assert (out / "genes.gtf").read_text().split("\n")[1].startswith(f"{name}\t")


def test_an_exon_without_transcript_belongs_to_its_gene(prepare: Prepare) -> None:
    code, stderr, out = prepare(gtf=GTF + 'chr1\tx\texon\t1\t9\t.\t+\t.\tgene_id "solo"\n')
    assert code == 0 and "1 rows have no transcript_id" in stderr
    assert (out / "genes.gtf").read_text().endswith('gene_id "solo"; transcript_id "solo";\n')


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('gene_id "G"; transcript_id ""; tag "x";', 'gene_id "G"; transcript_id "G"; tag "x";'),
        ("gene_id G; transcript_id ;", 'gene_id G; transcript_id "G";'),
        ('transcript_id ""; gene_id "G"', 'transcript_id "G"; gene_id "G"'),
        ('gene_id "G"; note "no transcript_id"', 'gene_id "G"; note "no transcript_id"; transcript_id "G";'),
        ('gene_id "G"; transcript_id "T";', 'gene_id "G"; transcript_id "T";'),
        ('gene_id ""; transcript_id "";', 'gene_id ""; transcript_id "";'),
    ],
)
def test_a_row_without_a_transcript_is_written_as_it_is_read(written, kept):
    row = b"chr1\tx\t%s\t1\t9\t.\t+\t.\t"
    for kind in (b"exon", b"CDS", b"stop_codon"):
        assert name_transcript(row % kind + written.encode()) == row % kind + kept.encode()
    assert name_transcript(row % b"gene" + written.encode()) == row % b"gene" + written.encode()


def test_an_error_leaves_earlier_results_untouched(prepare: Prepare) -> None:
    out = prepare()[2]
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert prepare(fasta=">x\nACG!\n")[0] == 65
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize(
    ("bed", "sentence"),
    [
        ("chr1\t5\t50\tp\t0\t+\nchr9\t1\t9\tq\t0\t+\n", "region 'q' (chr9:1-9) lies on a contig that FASTA g.fa lacks"),
        ("chr1\t5\t500\tp\t0\t+\n", "ends beyond the 155 nt of its contig in FASTA g.fa"),
        ("1\t5\t50\tp\t0\t+\n", "One file writes 'chr' before the names"),
    ],
)
def test_peaks_that_do_not_lie_on_the_genome_are_refused_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bed: str, sentence: str
) -> None:
    (tmp_path / "g.fa").write_text(FASTA)
    (tmp_path / "g.gtf").write_text(GTF)
    (tmp_path / "good.bed").write_text("chr1\t5\t50\tp\t0\t+\n")
    (tmp_path / "p.bed").write_text(bed)
    arguments = ["genome", "--fasta", f"{tmp_path}/g.fa", "--gtf", f"{tmp_path}/g.gtf", "--outdir", f"{tmp_path}/out"]
    assert main([*arguments, "--peaks", f"{tmp_path}/good.bed", "--peaks", f"{tmp_path}/p.bed"]) == 65
    assert sentence in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert main([*arguments, "--peaks", f"{tmp_path}/good.bed"]) == 0
