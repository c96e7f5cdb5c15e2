"""`ribolm-peaks call` on small files: what it writes, and that it writes the same whatever the circumstances."""

import gzip
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pysam
import pytest

from ribolm.cli.peaks import main
from ribolm.genome.regions import read_bed

FILES = {"bins.parquet", "peaks.bed", "peaks.tsv", "summary.json", "out.peaks_mqc.json"}
NAMES = ["ip_1", "ip_2", "input_1", "input_2"]
PEAK_COLUMNS = (
    "chrom start0 end0 strand name length_nt genes feature distance_to_stop_nt n_bins count_ip count_input rpm_ip "
    "rpm_input log2_fold_change p_value p_adjusted nearest_drach_nt flag"
).split()
BIN_COLUMNS = (
    "bin gene chrom start0 end0 strand block_starts0 block_sizes gc background log2_fold_change standard_error p_value "
    "flag"
).split()


@pytest.fixture(scope="module", name="result")
def _result(shared_world, tmp_path_factory):
    outdir = tmp_path_factory.mktemp("call") / "out"
    assert main(shared_world.arguments(outdir, "--bins-tsv")) == 0
    return outdir


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_folder_holds_the_promised_files_and_nothing_else(result):
    assert {path.name for path in result.iterdir()} == FILES | {"bins.tsv.gz"}


def test_bins_have_the_promised_columns_and_types(result):
    schema = pq.read_schema(result / "bins.parquet")
    expected = BIN_COLUMNS + [f"count.{name}" for name in NAMES] + [f"offset.{name}" for name in NAMES]
    assert schema.names == expected
    assert schema.field("block_starts0").type == pa.list_(pa.int32())
    assert schema.field("block_sizes").type == pa.list_(pa.int32())
    assert schema.field("background").type == pa.bool_()
    bins = pd.read_parquet(result / "bins.parquet")
    assert (bins[[f"count.{name}" for name in NAMES]].sum(axis=1) > 0).all()
    assert not bins.drop(columns="flag").isna().any().any()
    assert bins.gc.between(0, 1).all()
    assert set(bins.flag) == {""}


def test_blocks_lie_within_start_and_end_and_on_exons(result):
    bins = pd.read_parquet(result / "bins.parquet")
    spliced = 0
    for row in bins.itertuples():
        ends = row.block_starts0 + row.block_sizes
        assert row.block_starts0[0] == row.start0 and ends[-1] == row.end0
        assert row.block_sizes.sum() <= 25
        spliced += len(ends) > 1
    assert spliced >= 2


def test_the_table_in_text_is_the_table_in_parquet(result):
    bins = pd.read_parquet(result / "bins.parquet")
    text = pd.read_csv(result / "bins.tsv.gz", sep="\t", keep_default_na=False)
    assert list(text.columns) == list(bins.columns)
    for column in ("block_starts0", "block_sizes"):
        assert text[column].astype(str).tolist() == [",".join(map(str, row)) for row in bins[column]]
    for column in bins.columns.difference(["block_starts0", "block_sizes"]):
        assert text[column].tolist() == bins[column].tolist(), column
    with pysam.BGZFile(str(result / "bins.tsv.gz")) as handle:
        assert handle.readline().split(b"\t")[:2] == [b"bin", b"gene"]


def test_both_planted_peaks_are_found_and_annotated(result):
    peaks = pd.read_csv(result / "peaks.tsv", sep="\t")
    assert list(peaks.columns) == PEAK_COLUMNS
    assert len(peaks) == 2
    assert peaks.genes.tolist() == ["GENE_A", "GENE_B"]
    assert peaks.strand.tolist() == ["+", "-"]
    assert (peaks.start0 < [2350, 4300]).all() and (peaks.end0 > [2350, 4300]).all()
    assert peaks.feature.tolist() == ["stop codon", "CDS"]
    assert peaks.name.tolist() == ["out_peak_1", "out_peak_2"]
    assert not peaks.drop(columns="flag").isna().any().any()
    assert peaks.flag.isna().all()
    assert (peaks.p_adjusted >= peaks.p_value).all()
    middle = (peaks.start0 + peaks.end0 - 1) // 2
    # GENE_A's stop codon begins at 2300; GENE_B's ends (on the minus strand, begins) at 3205, with an intron between.
    assert peaks.distance_to_stop_nt[0] == middle[0] - 2300
    assert peaks.distance_to_stop_nt[1] == -((middle[1] - 3205) - 400)


def test_bed_and_table_agree(result):
    peaks = pd.read_csv(result / "peaks.tsv", sep="\t")
    for region, row in zip(read_bed(result / "peaks.bed"), peaks.itertuples(), strict=True):
        assert (region.chrom, region.start0, region.end0, region.strand) == (
            row.chrom,
            row.start0,
            row.end0,
            row.strand,
        )
        assert region.name == row.name
        assert region.length_nt == row.length_nt
        assert region.score == min(1000, round(-10 * np.log10(row.p_value)))


def test_a_peaks_numbers_are_those_of_its_bins(result):
    bins = pd.read_parquet(result / "bins.parquet")
    peaks = pd.read_csv(result / "peaks.tsv", sep="\t")
    for peak in peaks.itertuples():
        own = bins[(bins.chrom == peak.chrom) & (bins.start0 >= peak.start0) & (bins.end0 <= peak.end0)]
        own = own[own.strand == peak.strand]
        assert len(own) == peak.n_bins
        assert (own.p_value <= 1e-10).all()
        assert peak.log2_fold_change == pytest.approx(own.log2_fold_change.mean(), rel=1e-12)
        assert peak.p_value == pytest.approx(own.p_value.mean(), rel=1e-12)
        for assay in ("ip", "input"):
            columns = [f"count.{name}" for name in NAMES if name.startswith(f"{assay}_")]
            total = own[columns].to_numpy().sum()
            assert getattr(peak, f"count_{assay}") == total
            assert getattr(peak, f"rpm_{assay}") == pytest.approx(total / bins[columns].to_numpy().sum() * 1e6)


def test_the_summary_adds_up(result):
    summary = json.loads((result / "summary.json").read_text())
    bins = pd.read_parquet(result / "bins.parquet")
    assert summary["name"] == "out"
    assert summary["bins"]["with_counts"] == len(bins)
    assert summary["bins"]["background"] == bins.background.sum()
    lengths = pd.read_csv(result / "peaks.tsv", sep="\t").length_nt
    called = (bins.p_value <= 1e-10).sum()
    assert summary["calls"] == {"bins": called, "peaks": 2, "ambiguous": 0, "median_length_nt": lengths.median()}
    for name in NAMES:
        library = summary["libraries"][name]
        assert library["fragments"] >= library["fragments_on_exons"] >= library["fragments_in_peaks"] > 0
        assert library["alignments"] == 2 * library["fragments"]
        assert bins.loc[bins.background, f"count.{name}"].median() == library["size_factor"]
    assert "out" in json.loads((result / "out.peaks_mqc.json").read_text())["data"]


def test_fragments_in_peaks_are_counted_one_by_one(result, shared_world):
    summary = json.loads((result / "summary.json").read_text())
    peaks = pd.read_csv(result / "peaks.tsv", sep="\t")
    inside = set()
    with pysam.AlignmentFile(str(shared_world.bams["ip_1"])) as handle:
        for read in handle:
            for peak in peaks.itertuples():
                if read.reference_name == peak.chrom and read.get_overlap(peak.start0, peak.end0):
                    inside.add(read.query_name)
    assert summary["libraries"]["ip_1"]["fragments_in_peaks"] == len(inside)


def test_runs_threads_and_compression_of_inputs_do_not_change_a_byte(world, result, tmp_path):
    packed = world.folder / "packed.gtf.gz"
    packed.write_bytes(gzip.compress(world.gtf.read_bytes()))
    fasta = world.folder / "packed.fa.gz"
    fasta.write_bytes(gzip.compress(world.fasta.read_bytes()))
    assert main(world.arguments(tmp_path / "again" / "out", "--bins-tsv", "--threads", 2)) == 0
    assert contents(tmp_path / "again" / "out") == contents(result)
    world.gtf, world.fasta = packed, fasta
    assert main(world.arguments(tmp_path / "packed" / "out", "--bins-tsv")) == 0
    first, second = contents(result), contents(tmp_path / "packed" / "out")
    del first["summary.json"], second["summary.json"]
    assert first == second


def test_a_name_may_hold_dots_and_be_left_out(world, tmp_path):
    dotted = world.folder / "my.lib.v2.bam"
    world.bams["ip_1"].rename(dotted)
    world.bams.pop("ip_1")
    options = world.arguments(tmp_path / "out", "--ip", dotted, fasta=False)
    assert main(options) == 0
    bins = pd.read_parquet(tmp_path / "out" / "bins.parquet")
    assert [c for c in bins.columns if c.startswith("count.")] == [
        "count.ip_2",
        "count.my.lib.v2",
        "count.input_1",
        "count.input_2",
    ]
    assert bins.gc.isna().all()


def test_no_gc_leaves_offsets_at_the_size_factors_but_still_tells_gc(world, tmp_path):
    assert main(world.arguments(tmp_path / "out", "--no-gc")) == 0
    bins = pd.read_parquet(tmp_path / "out" / "bins.parquet")
    assert bins["offset.ip_1"].nunique() == 1
    assert bins.gc.notna().all()
    assert pd.read_csv(tmp_path / "out" / "peaks.tsv", sep="\t").nearest_drach_nt.notna().all()


def test_given_size_factors_are_used_as_they_are(world, tmp_path):
    table = world.folder / "factors.tsv"
    table.write_bytes(
        "\ufeffname\tsize_factor\tnote\r\nip_1\t2.5\tx\r\n ip_2 \t2\tx\r\ninput_1\t1\t\r\ninput_2\t1.25\t\r\n".encode()
    )
    assert main(world.arguments(tmp_path / "out", "--no-gc", "--size-factors", table)) == 0
    bins = pd.read_parquet(tmp_path / "out" / "bins.parquet")
    assert [bins[f"offset.{name}"].unique().tolist() for name in NAMES] == [[2.5], [2], [1], [1.25]]
    libraries = json.loads((tmp_path / "out" / "summary.json").read_text())["libraries"]
    assert {library["size_factor_source"] for library in libraries.values()} == {"given"}


def test_negative_binomial_reports_its_trend_and_finds_the_peaks(world, tmp_path):
    assert main(world.arguments(tmp_path / "out", "--test", "negative-binomial", "--p-cutoff", "1e-6")) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert "Cox-Reid" in summary["dispersion"]["estimator"]
    assert all(0 < stratum["dispersion"] < 1 for stratum in summary["dispersion"]["strata"])
    assert summary["calls"]["peaks"] >= 2


def test_strandedness_splits_genes_that_overlap_on_both_strands(world, tools, tmp_path):
    opposite = ("GENE_Z", "chr1", "-", [(900, 1400)], None)
    world.gtf.write_text("\n".join(tools.gtf_rows([*tools.genes, opposite])) + "\n")
    for kind, genes in (("unstranded", {"GENE_A", "GENE_Z"}), ("forward", {"GENE_A"}), ("reverse", {"GENE_Z"})):
        options = [kind if option == "unstranded" else option for option in world.arguments(tmp_path / kind)]
        assert main(options) == 0
        bins = pd.read_parquet(tmp_path / kind / "bins.parquet")
        assert set(bins[(bins.start0 >= 900) & (bins.end0 <= 1400) & (bins.chrom == "chr1")].gene) == genes
    mixed = world.arguments(tmp_path / "mixed", *[f"--library-strandedness={name}=reverse" for name in NAMES])
    assert main(mixed) == 0
    assert (tmp_path / "mixed" / "bins.parquet").read_bytes() == (tmp_path / "reverse" / "bins.parquet").read_bytes()


@pytest.mark.parametrize("kind, strands", [("unstranded", {"+", "-"}), ("forward", set())])
def test_a_peak_over_exons_of_both_strands_is_flagged_unless_strands_are_told_apart(
    world, tools, tmp_path, capsys, kind, strands
):
    opposite = ("GENE_Z", "chr1", "-", [(2000, 2600)], None)  # opposite the peak of GENE_A
    world.gtf.write_text("\n".join(tools.gtf_rows([*tools.genes, opposite])) + "\n")
    options = [kind if option == "unstranded" else option for option in world.arguments(tmp_path / "out")]
    assert main(options) == 0
    peaks = pd.read_csv(tmp_path / "out" / "peaks.tsv", sep="\t", keep_default_na=False)
    flagged = peaks[peaks.flag == "ambiguous"]
    assert set(flagged.strand) == strands
    assert ((flagged.start0 < 2600) & (flagged.end0 > 2000)).all()
    rest = peaks[peaks.flag == ""]
    assert len(rest) == len(peaks) - len(flagged) > 0
    assert kind == "forward" or not ((rest.start0 < 2600) & (rest.end0 > 2000)).any()
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["calls"]["ambiguous"] == len(flagged)
    said = f"{len(flagged)} of {len(peaks)} peaks have genes on both strands"
    assert (said in capsys.readouterr().err) == (len(flagged) > 0)


def test_strandedness_is_inferred_where_not_given(world, tmp_path, capsys):
    options = ["auto" if option == "unstranded" else option for option in world.arguments(tmp_path / "out")]
    assert main(options) == 0
    libraries = json.loads((tmp_path / "out" / "summary.json").read_text())["libraries"]
    assert {library["strandedness_source"] for library in libraries.values()} == {"inferred"}
    assert "chosen: strandedness of ip_1" in capsys.readouterr().err


def test_odd_gene_names_and_placements_pass_through(world, tools, tmp_path):
    genes = [
        ("Gène,β", "chr1", "+", [(100, 500), (900, 1400)], (200, 1203)),
        ("a b", "chr1", "+", [(2000, 2600)], None),
        ("twice", "chr1", "+", [(5000, 5200)], None),
        ("twice", "chr2", "+", [(2000, 2200)], None),
    ]
    bare = [row.replace(' gene_name "twice";', "") for row in tools.gtf_rows(genes)]
    world.gtf.write_text("\n".join(bare) + "\n", "utf-8")
    assert main(world.arguments(tmp_path / "out")) == 0
    bins = pd.read_parquet(tmp_path / "out" / "bins.parquet")
    assert set(bins.gene) == {"Gène,β", "a b"}
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["bins"]["genes_left_out"] == 1
    peaks = pd.read_csv(tmp_path / "out" / "peaks.tsv", sep="\t")
    assert peaks.genes.tolist() == ["a b"]
    assert peaks.feature.tolist() == ["non-coding"]


@pytest.mark.parametrize("size, step, flank", [(50, 10, 0), (10, 7, 100), (1, 1, 3000), (5000, 5000, 50)])
def test_other_bins_than_the_defaults_keep_every_promise(world, tmp_path, size, step, flank):
    options = ["--bin-size", size, "--step-size", step, "--fragment-length", flank, "--p-cutoff", "1e-5"]
    assert main(world.arguments(tmp_path / "out", *options)) == 0
    bins = pd.read_parquet(tmp_path / "out" / "bins.parquet")
    widths = bins.block_sizes.map(sum)
    assert widths.max() <= size and widths.min() >= min(size, 10)
    peaks = pd.read_csv(tmp_path / "out" / "peaks.tsv", sep="\t")
    assert set(peaks.genes) <= {"GENE_A", "GENE_B", "GENE_C"}
    assert {"GENE_A", "GENE_B"} <= set(peaks.genes)
    for region, length in zip(read_bed(tmp_path / "out" / "peaks.bed"), peaks.length_nt, strict=True):
        assert region.length_nt == length >= min(size, 25)
    libraries = json.loads((tmp_path / "out" / "summary.json").read_text())["libraries"]
    assert all(library["fragments_in_peaks"] <= library["fragments_on_exons"] for library in libraries.values())
