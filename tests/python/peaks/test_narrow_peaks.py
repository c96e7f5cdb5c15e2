"""`ribolm-peaks annotate`: strand, genes and feature for MACS3's peaks."""

import json

import pandas as pd
import pytest

from ribolm.cli.peaks import main
from ribolm.genome.regions import read_bed

EXPECTED = [
    # start0, end0, strand, genes, feature, flag
    (120, 160, "+", "GENE_A", "5'UTR", ""),
    (600, 700, "+", "GENE_A", "intron", ""),
    (960, 1100, "+", "GENE_A", "CDS", "ambiguous"),
    (1450, 1500, "+", "GENE_A", "intron", ""),
    (2290, 2340, "+", "GENE_A", "stop codon", ""),
    (2700, 2800, ".", "", "intergenic", ""),
    (3700, 3800, "-", "GENE_B", "intron", ""),
]


def line(start0, end0, p=12.5, q=10.0, chrom="chr1", fold=4.0):
    return f"{chrom}\t{start0}\t{end0}\tx\t100\t.\t{fold}\t{p}\t{q}\t10"


@pytest.fixture(name="files")
def _files(world, tools):
    genes = [*tools.genes, ("mirror", "chr1", "-", [(900, 1000)], None)]
    world.gtf.write_text("\n".join(tools.gtf_rows(genes)) + "\n")
    peaks = world.folder / "peaks.narrowPeak"
    peaks.write_text("\n".join(line(*row[:2]) for row in reversed(EXPECTED)) + "\n")
    return world, peaks


def annotate(world, peaks, outdir, *more):
    options = ["--narrowpeak", str(peaks), "--gtf", str(world.gtf), "--name", "g1", "--outdir", str(outdir)]
    return main(["annotate", *options, *more])


def test_peaks_take_the_strand_of_the_exons_under_them(files, tmp_path):
    world, peaks = files
    assert annotate(world, peaks, tmp_path / "out", "--fasta", str(world.fasta)) == 0
    table = pd.read_csv(tmp_path / "out" / "peaks.tsv", sep="\t", keep_default_na=False)
    columns = ["start0", "end0", "strand", "genes", "feature", "flag"]
    assert list(table[columns].itertuples(index=False, name=None)) == EXPECTED
    assert set(table.log2_fold_change) == {2.0}
    assert table.p_value.tolist() == pytest.approx([10**-12.5] * len(table))
    assert table.p_adjusted.tolist() == pytest.approx([1e-10] * len(table))
    assert (table.nearest_drach_nt == "").equals(table.strand == ".")
    bed = read_bed(tmp_path / "out" / "peaks.bed")
    assert [(r.start0, r.end0, r.strand, r.name, r.score) for r in bed] == [
        (row[0], row[1], row[2], f"g1_peak_{i}", 125) for i, row in enumerate(EXPECTED, start=1)
    ]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["caller"], summary["calls"]["peaks"], summary["calls"]["ambiguous"]) == ("macs3", 7, 1)
    assert (tmp_path / "out" / "g1.peaks_mqc.json").exists()


def test_several_summits_of_one_peak_are_one_peak(files, tmp_path):
    world, peaks = files
    peaks.write_text("\n".join([line(120, 160, p=5), line(120, 160, p=9), line(120, 160, p=7)]) + "\n")
    assert annotate(world, peaks, tmp_path / "out") == 0
    assert pd.read_csv(tmp_path / "out" / "peaks.tsv", sep="\t").p_value.tolist() == pytest.approx([1e-9])


def test_no_peak_is_a_valid_result(files, tmp_path):
    world, peaks = files
    peaks.write_text("")
    assert annotate(world, peaks, tmp_path / "out") == 0
    assert (tmp_path / "out" / "peaks.bed").read_text() == ""
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["calls"]["peaks"] == 0


@pytest.mark.parametrize(
    "text, says",
    [
        ("chr1\t1\t20\n", ("line 1", "3 columns")),
        (line(120, 160) + "\n" + line(50, 40), ("line 2", "'end'", "'40'")),
        (line("x", 40), ("line 1", "'start'", "'x'")),
        (line(20, 40, p="high"), ("line 1", "'pValue'", "'high'")),
        (line(20, 40, chrom="1"), ("'1'", "'chr1'")),
    ],
)
def test_faulty_peaks_are_refused(files, tmp_path, capsys, text, says):
    world, peaks = files
    peaks.write_text(text + "\n")
    assert annotate(world, peaks, tmp_path / "out") == 65
    error = capsys.readouterr().err
    assert all(word in error for word in says)
    assert not (tmp_path / "out").exists()


def test_peaks_on_contigs_without_genes_are_intergenic(files, tmp_path, capsys):
    world, peaks = files
    peaks.write_text(line(120, 160, chrom="chr3") + "\n")
    assert annotate(world, peaks, tmp_path / "out", "--fasta", str(world.fasta)) == 0
    table = pd.read_csv(tmp_path / "out" / "peaks.tsv", sep="\t")
    assert (table.feature.tolist(), table.strand.tolist()) == (["intergenic"], ["."])
    assert "GTF genes.gtf has no gene on any of their contigs ('chr3')" in capsys.readouterr().err
    assert annotate(world, peaks, tmp_path / "again") == 0


@pytest.mark.parametrize(
    "text, says",
    [
        (line(120, 160) + "\n" + line(5990, 6010), ("line 2", "'end'", "'6010'", "6,000 nt", "one genome build")),
        (line(120, 160) + "\n" + line(1, 20, chrom="chrUn"), ("line 2", "'chrom'", "'chrUn'", "FASTA genome.fa")),
        (line(1, 20, chrom="scaf1"), ("No contig name is shared", "'scaf1'")),
    ],
)
def test_peaks_of_another_genome_than_the_fasta_are_refused(files, tmp_path, capsys, text, says):
    world, peaks = files
    peaks.write_text(text + "\n")
    assert annotate(world, peaks, tmp_path / "out", "--fasta", str(world.fasta)) == 65
    error = capsys.readouterr().err
    assert all(word in error for word in says)
    assert annotate(world, peaks, tmp_path / "without") == 0
