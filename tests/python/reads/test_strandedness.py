"""Strandedness from reads on exons of one strand."""

import gzip

import pysam
import pytest

from ribolm.errors import DataError
from ribolm.genome.annotation import read_gtf
from ribolm.genome.exon_space import build_exon_space
from ribolm.reads.strandedness import infer_strandedness, judge_votes


@pytest.fixture(name="space")
def _space(tmp_path):
    """A plus gene at 0-1000, a minus gene at 2000-3000, both strands at 4000-5000."""
    rows = [
        ("plus", 1, 1000, "+"),
        ("minus", 2001, 3000, "-"),
        ("both_1", 4001, 5000, "+"),
        ("both_2", 4001, 5000, "-"),
    ]
    gtf = tmp_path / "genes.gtf.gz"
    with gzip.open(gtf, "wt") as out:
        for name, start1, end1, strand in rows:
            attributes = f'gene_id "{name}"; transcript_id "{name}.1";'
            out.write(f"one\ttest\texon\t{start1}\t{end1}\t.\t{strand}\t.\t{attributes}\n")
    return build_exon_space(read_gtf(gtf))


def write_library(path, places, is_paired=True, flips=0):
    """Forward fragments (read 1 like the transcript) at (start0, strand); the first `flips` the other way round."""
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": "one", "LN": 10_000}]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for i, (start0, strand) in enumerate(places):
            is_reverse = (strand < 0) != (i < flips)
            flags = [0x41 | 0x10 * is_reverse, 0x81 | 0x10 * (not is_reverse)] if is_paired else [0x10 * is_reverse]
            for flag in flags:
                read = pysam.AlignedSegment(out.header)
                read.query_name, read.flag, read.mapping_quality = f"r{i}", flag, 60
                read.reference_id, read.reference_start, read.cigartuples = 0, start0, [(0, 50)]
                if is_paired:
                    read.next_reference_id, read.next_reference_start = 0, start0
                out.write(read)
    return path


PLACES = [(10 + i, 1) for i in range(300)] + [(2010 + i, -1) for i in range(300)]


@pytest.mark.parametrize("is_paired", [True, False])
@pytest.mark.parametrize(
    ("flips", "strandedness"),
    [(0, "forward"), (110, "forward"), (300, "unstranded"), (490, "reverse"), (600, "reverse")],
)
def test_share_of_one_orientation_decides(tmp_path, space, is_paired, flips, strandedness):
    bam = write_library(tmp_path / "reads.bam", PLACES, is_paired, flips)
    estimate = infer_strandedness(bam, space)
    assert estimate.strandedness == strandedness
    assert estimate.fragments == 600
    assert estimate.fraction_forward == pytest.approx(1 - flips / 600)
    assert estimate.fraction_reverse == pytest.approx(flips / 600)
    assert "600 fragments" in estimate.reason


def test_exons_of_both_strands_and_of_none_do_not_vote(tmp_path, space):
    bam = write_library(tmp_path / "reads.bam", [(4100, 1)] * 500 + [(6000, 1)] * 500)
    estimate = infer_strandedness(bam, space)
    assert (estimate.strandedness, estimate.fragments, estimate.fraction_forward) == ("unstranded", 0, 0.0)
    assert "only 0 fragments" in estimate.reason


def test_few_fragments_are_called_unstranded(tmp_path, space):
    estimate = infer_strandedness(write_library(tmp_path / "reads.bam", PLACES[:99]), space)
    assert (estimate.strandedness, estimate.fraction_forward) == ("unstranded", 1.0)
    assert "100 are needed" in estimate.reason


def test_reading_stops_at_the_wanted_number(tmp_path, space):
    bam = write_library(tmp_path / "reads.bam", PLACES, flips=250)
    estimate = infer_strandedness(bam, space, max_fragments=200)
    assert (estimate.strandedness, estimate.fragments) == ("reverse", 200)


def test_damaged_bam_is_refused(tmp_path, space):
    bam = tmp_path / "reads.bam"
    bam.write_bytes(b"not a BAM")
    with pytest.raises(DataError, match=r"reads\.bam"):
        infer_strandedness(bam, space)


def test_judgement_at_the_limits():
    assert judge_votes(800, 200).strandedness == "forward"
    assert judge_votes(799, 201).strandedness == "unstranded"
    assert judge_votes(20, 80).strandedness == "reverse"
