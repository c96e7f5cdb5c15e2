"""What `ribolm-peaks call` refuses, repairs with a notice, and carries through to a valid empty result."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from ribolm.cli.peaks import main
from ribolm.peaks.options import CallOptions


def refused(world, capsys, *says, arguments=None, code=65):
    """The call ends with the code and one sentence that says every word; no output folder, nothing beside it."""
    outdir = world.folder / "results" / "out"
    before = sorted(path for path in world.folder.rglob("*"))
    assert main(arguments(outdir) if arguments else world.arguments(outdir)) == code
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ribolm-peaks: error:")]
    assert len(lines) == 1
    for word in says:
        assert str(word) in lines[0]
    assert not outdir.exists()
    after = sorted(path for path in world.folder.rglob("*") if path.name != "results")
    assert after == before


def replace_option(options, name, value):
    at = options.index(name)
    return [*options[: at + 1], str(value), *options[at + 2 :]]


@pytest.mark.parametrize("option", ["--gtf", "--fasta", "--ip", "--input", "--size-factors"])
def test_a_missing_file_is_refused(world, capsys, option):
    def arguments(outdir):
        options = [*world.arguments(outdir), "--size-factors", str(world.gtf)]  # never read
        return replace_option(options, option, world.folder / "absent.file")

    refused(world, capsys, "absent.file", "no such file", arguments=arguments)


def test_a_folder_in_place_of_a_file_is_refused(world, capsys):
    world.bams["ip_1"] = world.folder
    refused(world, capsys, world.folder, "folder")


def test_truncated_gz_files_are_refused(world, capsys):
    for attribute in ("gtf", "fasta"):
        plain = getattr(world, attribute)
        packed = world.folder / f"{plain.name}.gz"
        packed.write_bytes(gzip.compress(plain.read_bytes())[:-200])
        setattr(world, attribute, packed)
        refused(world, capsys, packed.name, "too early")
        setattr(world, attribute, plain)


def test_a_gtf_without_exons_is_refused(world, capsys):
    rows = [row for row in world.gtf.read_text().splitlines() if "\texon\t" not in row]
    world.gtf.write_text("\n".join(rows) + "\n")
    refused(world, capsys, "genes.gtf", "no exon row")


def test_exons_beyond_a_contig_are_refused_with_their_line(world, capsys):
    with world.gtf.open("a") as handle:
        handle.write('chr2\ttest\texon\t3990\t4100\t.\t+\t.\tgene_id "FAR";\n')
    line = len(world.gtf.read_text().splitlines())
    refused(world, capsys, f"genes.gtf line {line}", "'end'", "4100", "4,000 nt", "chr2")


def test_chr_against_no_chr_is_refused_for_each_pair_of_files(world, capsys, tools):
    gtf, fasta = world.gtf.read_text(), world.fasta.read_text()
    world.gtf.write_text(gtf.replace("chr", ""))
    refused(world, capsys, "'chr'", "GTF genes.gtf", "BAM ip_1.bam")
    world.gtf.write_text(gtf)
    world.fasta.write_text(fasta.replace(">chr", ">"))
    refused(world, capsys, "'chr'", "FASTA genome.fa", "GTF genes.gtf")
    world.fasta.write_text(fasta)
    bare = {name.removeprefix("chr"): length for name, length in tools.contigs.items()}
    tools.write_bam(world.bams["input_2"], [], bare)
    refused(world, capsys, "'chr'", "BAM input_2.bam")


def test_another_genome_build_in_a_bam_header_is_refused(world, capsys, tools):
    tools.write_bam(world.bams["input_1"], [], {**tools.contigs, "chr2": 4001})
    refused(world, capsys, "chr2", "4,001", "4,000")


def test_another_genome_build_in_the_fasta_is_refused(world, capsys):
    world.fasta.write_text(world.fasta.read_text() + "ACGT\n")
    refused(world, capsys, "chr3", "1,504", "1,500", "genome.fa")


@pytest.mark.parametrize("damage", ["truncated", "garbage", "flipped", "empty", "text", "sam"])
def test_a_damaged_bam_is_refused(world, capsys, damage):
    path = world.bams["ip_2"]
    whole = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "garbage":
        path.write_bytes(whole[: len(whole) // 2] + b"\0" * 500 + whole[len(whole) // 2 + 500 :])
    elif damage == "flipped":
        path.write_bytes(whole[:-400] + bytes(255 - byte for byte in whole[-400:-300]) + whole[-300:])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("name\tsize_factor\n")
    else:
        path.write_text(pysam.view("-h", str(path)))
    refused(world, capsys, path.name)


def test_a_bam_without_contigs_is_refused(world, capsys):
    with pysam.AlignmentFile(str(world.bams["ip_1"]), "wb", header={"HD": {"VN": "1.6"}}):
        pass
    refused(world, capsys, "ip_1.bam", "no contig")


def test_equal_names_are_refused(world, capsys):
    refused(
        world, capsys, "'ip_1'", "name", arguments=lambda out: [*world.arguments(out), "--input", f"ip_1={world.gtf}"]
    )
    copy = world.folder / "sub"
    copy.mkdir()
    again = copy / "ip_1.bam"
    again.write_bytes(world.bams["ip_1"].read_bytes())
    refused(world, capsys, "'ip_1'", arguments=lambda out: [*world.arguments(out), "--ip", str(again)])


def test_one_file_as_two_libraries_is_refused(world, capsys):
    again = f"other={world.bams['ip_1']}"
    refused(world, capsys, "twice", "other", arguments=lambda out: [*world.arguments(out), "--ip", again])


def test_ip_without_input_and_input_without_ip_are_refused(world, capsys):
    bams = dict(world.bams)
    world.bams = {name: path for name, path in bams.items() if name.startswith("ip")}
    refused(world, capsys, "--input")
    world.bams = {name: path for name, path in bams.items() if name.startswith("input")}
    refused(world, capsys, "--ip")


@pytest.mark.parametrize(
    "text, says",
    [
        ("sample\tsize_factor\nip_1\t1\n", ("line 1", "'name'", "'sample'")),
        ("name,size_factor\nip_1,1\n", ("line 1", "'name,size_factor'")),
        ("ip_1\t1\n", ("line 1", "'name'")),
        ("", ("empty", "name<tab>size_factor")),
        ("name\tsize_factor\nip_1\t1\nip_2\t1\ninput_1\t1\n", ("input_2", "missing")),
        ("name\tsize_factor\nip_1\t1\nip_2\t0\n", ("line 3", "'size_factor'", "'0'", "above 0")),
        ("name\tsize_factor\nip_1\t-2\n", ("line 2", "'-2'")),
        ("name\tsize_factor\nip_1\tlots\n", ("line 2", "'lots'")),
        ("name\tsize_factor\nip_1\tnan\n", ("line 2", "'nan'")),
        ("name\tsize_factor\nip_1\tinf\n", ("line 2", "'inf'")),
        ("name\tsize_factor\nip_1\t1\t7\n", ("line 2", "3 columns instead of 2")),
        ("name\tsize_factor\nip_1\t1\nip_1\t2\n", ("line 3", "'ip_1'", "twice")),
    ],
)
def test_a_faulty_table_of_size_factors_is_refused(world, capsys, text, says):
    table = world.folder / "factors.tsv"
    table.write_text(text)
    arguments = [f"--size-factors={table}"]
    refused(world, capsys, "factors.tsv", *says, arguments=lambda out: [*world.arguments(out), *arguments])


@pytest.mark.parametrize(
    "option",
    [
        "--p-cutoff=small", "--p-cutoff=2", "--p-cutoff=nan", "--bin-size=0", "--bin-size=2.5", "--threads=0",
        "--test=student", "--strandedness=both", "--min-mapq=-1", "--multimappers=some", "--no-such-option",
        "--fragment-length=x",
    ],
)  # fmt: skip
def test_wrong_types_and_values_are_wrong_usage(world, capsys, option):
    refused(world, capsys, option.split("=")[0], arguments=lambda out: [*world.arguments(out), option], code=2)


def test_a_step_above_the_bin_size_is_wrong_usage(world, capsys):
    says = ("--step-size 25", "--bin-size 10", "at most one bin")
    refused(world, capsys, *says, arguments=lambda out: [*world.arguments(out), "--bin-size", "10"], code=2)


def test_a_missing_option_is_wrong_usage(world, capsys):
    refused(world, capsys, "--gtf", arguments=lambda out: ["call", "--outdir", str(out)], code=2)


@pytest.mark.parametrize("text, says", [("nobody=forward", "nobody"), ("ip_1=both", "'both'"), ("forward", "forward")])
def test_a_faulty_strandedness_of_one_library_is_refused(world, capsys, text, says):
    more = ["--library-strandedness", text]
    refused(world, capsys, says, arguments=lambda out: [*world.arguments(out), *more])


def test_an_error_leaves_an_earlier_result_untouched(world, capsys):
    outdir = world.folder / "out"
    assert main(world.arguments(outdir)) == 0
    before = {path.name: path.read_bytes() for path in outdir.iterdir()}
    world.bams["ip_1"].write_bytes(world.bams["ip_1"].read_bytes()[:3000])
    assert main(world.arguments(outdir)) == 65
    assert {path.name: path.read_bytes() for path in outdir.iterdir()} == before


def bins_of(outdir):
    return pd.read_parquet(outdir / "bins.parquet")


def test_unsorted_and_unindexed_bams_are_counted_alike_with_a_notice(world, capsys, tools, tmp_path):
    assert main(world.arguments(tmp_path / "sorted")) == 0
    world.bams["ip_1"] = tools.write_bam(
        world.folder / "shuffled.bam",
        tools.random_fragments(1, 900, [("chr1", 2350), ("chr1", 4300)], 300),
        order="unsorted",
    )
    capsys.readouterr()
    assert main(world.arguments(tmp_path / "shuffled")) == 0
    assert "notice: shuffled.bam: is not marked as sorted" in capsys.readouterr().err
    pd.testing.assert_frame_equal(bins_of(tmp_path / "sorted"), bins_of(tmp_path / "shuffled"))


def test_lower_case_iupac_and_u_in_the_fasta_are_read_with_a_notice(world, capsys, tmp_path):
    assert main(world.arguments(tmp_path / "plain")) == 0
    text = world.fasta.read_text()
    lowered = "\n".join(
        line if line.startswith(">") else line.lower().replace("t", "u", 50) for line in text.splitlines()
    )
    world.fasta.write_text(lowered)
    capsys.readouterr()
    assert main(world.arguments(tmp_path / "lower")) == 0
    notices = capsys.readouterr().err
    assert "lower-case" in notices and "U read as T" in notices
    pd.testing.assert_frame_equal(bins_of(tmp_path / "plain"), bins_of(tmp_path / "lower"))
    world.fasta.write_text(text.replace("ACG", "ARG", 5))
    assert main(world.arguments(tmp_path / "iupac")) == 0
    assert "IUPAC" in capsys.readouterr().err


def test_byte_order_mark_and_crlf_in_the_gtf_change_nothing(world, tmp_path):
    assert main(world.arguments(tmp_path / "plain")) == 0
    world.gtf.write_bytes(b"\xef\xbb\xbf" + world.gtf.read_bytes().replace(b"\n", b"\r\n"))
    assert main(world.arguments(tmp_path / "crlf")) == 0
    pd.testing.assert_frame_equal(bins_of(tmp_path / "plain"), bins_of(tmp_path / "crlf"))


def empty_but_valid(outdir, tested):
    """All files are there and readable; no peak."""
    assert {path.suffix for path in outdir.iterdir()} == {".parquet", ".bed", ".tsv", ".json"}
    bins = bins_of(outdir)
    assert (len(bins) > 0) == tested
    assert (outdir / "peaks.bed").read_text() == ""
    assert len((outdir / "peaks.tsv").read_text().splitlines()) == 1
    summary = json.loads((outdir / "summary.json").read_text())
    assert summary["calls"]["peaks"] == 0
    assert all(np.isfinite(library["size_factor"]) for library in summary["libraries"].values())
    return bins, summary


@pytest.mark.parametrize("test", ["poisson", "negative-binomial"])
def test_empty_bams_give_an_empty_result(world, tools, tmp_path, test):
    for path in world.bams.values():
        tools.write_bam(path, [])
    assert main(world.arguments(tmp_path / "out", "--test", test, "--bins-tsv")) == 0
    (tmp_path / "out" / "bins.tsv.gz").unlink()
    empty_but_valid(tmp_path / "out", tested=False)


def test_reads_beside_all_transcripts_give_an_empty_result(world, tools, tmp_path, capsys):
    for path in world.bams.values():
        tools.write_bam(path, [("chr3", 100, 220)] * 30)
    assert main(world.arguments(tmp_path / "out")) == 0
    empty_but_valid(tmp_path / "out", tested=False)
    assert "none of 30 fragments lies on an exon" in capsys.readouterr().err


@pytest.mark.parametrize("assay", ["ip", "input"])
def test_an_assay_without_reads_gives_no_peak(world, tools, tmp_path, assay):
    for name, path in world.bams.items():
        if name.startswith(f"{assay}_"):
            tools.write_bam(path, [])
    assert main(world.arguments(tmp_path / "out")) == 0
    bins, _ = empty_but_valid(tmp_path / "out", tested=True)
    assert set(bins.flag) == {"no_background"}
    assert (bins.p_value == 1).all()


def test_one_empty_library_beside_a_good_one_keeps_the_peaks(world, tools, tmp_path):
    tools.write_bam(world.bams["input_2"], [])
    assert main(world.arguments(tmp_path / "out")) == 0
    assert len((tmp_path / "out" / "peaks.tsv").read_text().splitlines()) == 3


def test_no_background_bin_falls_back_on_fragments_and_says_so(world, tools, tmp_path, capsys):
    for i, path in enumerate(world.bams.values(), start=1):
        tools.write_bam(path, [("chr1", 2000 + 10 * k, 2100 + 10 * k) for k in range(i)])
    assert main(world.arguments(tmp_path / "out", "--no-gc")) == 0
    bins, summary = empty_but_valid(tmp_path / "out", tested=True)
    assert set(bins.flag) == {"no_background"}
    assert not bins.background.any()
    factors = [summary["libraries"][name]["size_factor"] for name in ("ip_1", "ip_2", "input_1", "input_2")]
    assert factors == pytest.approx([0.4, 0.8, 1.2, 1.6])
    assert "fragments on exons" in capsys.readouterr().err


def test_no_peak_is_a_valid_result(world, tmp_path):
    assert main(world.arguments(tmp_path / "out", "--p-cutoff", "0")) == 0
    empty_but_valid(tmp_path / "out", tested=True)


@pytest.mark.parametrize("test", ["poisson", "negative-binomial"])
def test_one_replicate_is_enough(world, tmp_path, test, capsys):
    world.bams = {name: world.bams[name] for name in ("ip_1", "input_1")}
    assert main(world.arguments(tmp_path / "out", "--test", test)) == 0
    assert len((tmp_path / "out" / "peaks.tsv").read_text().splitlines()) == 3
    assert ("dispersion = 0" in capsys.readouterr().err) == (test != "poisson")


def test_three_and_more_replicates_flag_outliers_and_keep_them(world, tools, tmp_path):
    for i in range(3, 6):
        world.bams[f"ip_{i}"] = tools.write_bam(world.folder / f"ip_{i}.bam", tools.random_fragments(i, 900))
    tools.write_bam(world.bams["ip_1"], tools.random_fragments(1, 900, [("chr2", 1000)], 500))
    tools.write_bam(world.bams["ip_2"], tools.random_fragments(2, 900))
    assert main(world.arguments(tmp_path / "out")) == 0
    bins = bins_of(tmp_path / "out")
    marked = bins[bins.flag == "outlier"]
    assert len(marked) >= 3
    assert ((marked.chrom == "chr2") & marked.start0.between(850, 1150)).all()


def test_hundreds_of_contigs_and_contigs_without_genes_pass(world, tools, tmp_path):
    more = {**tools.contigs, **{f"scaffold_{i}": 1000 for i in range(400)}}
    for i, path in enumerate(world.bams.values()):
        tools.write_bam(path, tools.random_fragments(i, 900), more)
    with world.gtf.open("a") as handle:
        for i in range(0, 400, 2):
            handle.write(f'scaffold_{i}\ttest\texon\t101\t700\t.\t+\t.\tgene_id "S{i}"; transcript_id "S{i}.1";\n')
    assert main(world.arguments(tmp_path / "out")) == 0
    assert set(bins_of(tmp_path / "out").chrom) == {"chr1", "chr2"}


def test_contigs_that_the_fasta_lacks_have_no_gc(world, tmp_path, capsys):
    text = world.fasta.read_text()
    world.fasta.write_text(text[: text.index(">chr2")] + text[text.index(">chr3") :])
    assert main(world.arguments(tmp_path / "out")) == 0
    bins = bins_of(tmp_path / "out")
    assert bins.gc.isna().equals(bins.chrom == "chr2")
    assert "lacks 1 contigs" in capsys.readouterr().err


def test_a_fragment_length_that_nothing_reads_is_told(capsys):
    CallOptions((), Path("g.gtf"), Path("o"), "n", Path("g.fa"), fragment_length=50)
    assert capsys.readouterr().err == ""
    CallOptions((), Path("g.gtf"), Path("o"), "n", Path("g.fa"), gc_correction=False, fragment_length=50)
    assert "--fragment-length is not used" in capsys.readouterr().err
