"""The libraries of one call are counted alike where their strandedness is guessed."""

import json

import pandas as pd
import pysam
import pytest

from ribolm.cli.peaks import main
from ribolm.peaks.strandedness import judge_together
from ribolm.reads.strandedness import judge_votes

N_READS = 8000
SENSE = "\t".join(["chr1", "test", "exon", "101", "4100", ".", "+", ".", 'gene_id "SENSE"; transcript_id "SENSE.1";'])
OPPOSITE = "\t".join(
    ["chr1", "test", "exon", "2101", "3100", ".", "-", ".", 'gene_id "OPPOSITE"; transcript_id "OPPOSITE.1";']
)


def write_library(path, share_of_other_strand):
    """Single-end reads of 50 nt spread evenly over SENSE; nothing is enriched, and every n-th has the other strand."""
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 6000}]}
    turned = 0
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for i in range(N_READS):
            read = pysam.AlignedSegment(out.header)
            is_turned = turned < i * share_of_other_strand
            turned += is_turned
            read.query_name, read.flag, read.mapping_quality = f"r{i}", 16 * is_turned, 60
            read.reference_id, read.reference_start, read.cigartuples = 0, 100 + i * 3950 // N_READS, [(0, 50)]
            out.write(read)
    return path


@pytest.fixture(name="call")
def _call(tmp_path, capsys):
    """Call peaks of an IP and an input with these shares of reads on the other strand: summary, peaks, stderr."""
    gtf = tmp_path / "genes.gtf"
    gtf.write_text(f"{SENSE}\n{OPPOSITE}\n")

    def call(ip, control, *more):
        libraries = {"ip": write_library(tmp_path / "ip.bam", ip), "input": write_library(tmp_path / "in.bam", control)}
        options = [option for name, bam in libraries.items() for option in (f"--{name}", f"{name}={bam}")]
        assert main(["call", "--gtf", str(gtf), "--outdir", str(tmp_path / "out"), *options, *more]) == 0
        summary = json.loads((tmp_path / "out" / "summary.json").read_text())
        return summary, pd.read_csv(tmp_path / "out" / "peaks.tsv", sep="\t"), capsys.readouterr().err

    return call


def counted_as(summary):
    return [summary["libraries"][name]["strandedness"] for name in ("ip", "input")]


def test_libraries_on_both_sides_of_the_threshold_are_judged_together(call):
    summary, peaks, said = call(0.21, 0.18)
    assert counted_as(summary) == ["forward", "forward"]
    assert len(peaks) == 0
    sources = {library["strandedness_source"] for library in summary["libraries"].values()}
    assert sources == {"inferred from all libraries together"}
    assert "chosen: strandedness of ip = forward" in said and "must be counted alike" in said


def test_a_library_far_from_the_others_makes_all_of_them_unstranded(call):
    summary, peaks, said = call(0.5, 0.02)
    assert counted_as(summary) == ["unstranded", "unstranded"]
    assert len(peaks) == 0
    assert "strandedness of input = unstranded" in said


def test_libraries_of_opposite_orientation_keep_theirs(call):
    summary, peaks, _ = call(0.98, 0.02)
    assert counted_as(summary) == ["reverse", "forward"]
    assert len(peaks) == 0


def test_a_mixture_that_the_user_gives_is_kept_and_told(call):
    summary, _, said = call(0.02, 0.02, "--library-strandedness=ip=unstranded", "--library-strandedness=input=forward")
    assert counted_as(summary) == ["unstranded", "forward"]
    assert "not comparable" in said and "--library-strandedness" in said


def test_a_mixture_of_a_given_and_an_inferred_value_is_told(call):
    assert "not comparable" in call(0.3, 0.02, "--library-strandedness=input=forward")[2]
    assert "not comparable" not in call(0.02, 0.02, "--library-strandedness=input=forward")[2]


def test_a_library_with_too_few_fragments_follows_the_others():
    estimates = {"small": judge_votes(30, 20), "large": judge_votes(9000, 1000)}
    assert judge_together(estimates).strandedness == "forward"
    estimates["large_too"] = judge_votes(600, 400)
    assert judge_together(estimates).strandedness == "unstranded"
    assert "large_too" in judge_together(estimates).reason
