"""Depth of aligned blocks against a brute-force count with pysam."""

from pathlib import Path

import numpy as np
import pysam
import pytest

from ribolm.errors import DataError
from ribolm.reads.alignments import ReadFilter
from ribolm.reads.coverage import Depth, read_depth, sum_steps

CONTIGS = {"chr1": 5000, "chr2": 3000, "chr3": 100}
CIGARS = ("50M", "20M500N30M", "10S40M", "25M3D25M", "20M2I28M", "10M100N15M100N25M", "30=1X19=")


def write_bam(path: Path, n: int, sort: bool = True) -> Path:
    """Random single reads on two contigs, some flagged unmapped, secondary, duplicate, QC-failed."""
    random = np.random.Generator(np.random.Philox(3))
    header = pysam.AlignmentHeader.from_references(list(CONTIGS), list(CONTIGS.values()))
    records = []
    for i in range(n):
        read = pysam.AlignedSegment(header)
        read.query_name = f"r{i}"
        read.flag = int(random.choice([0, 0, 0, 0, 16, 256, 1024, 512, 4]))
        read.reference_id = int(random.integers(2))
        read.reference_start = int(random.integers(2000))
        read.mapping_quality = int(random.integers(60))
        read.cigarstring = CIGARS[int(random.integers(len(CIGARS)))]
        read.query_sequence = "A" * read.infer_query_length()
        records.append(read)
    if sort:
        records.sort(key=lambda read: (read.reference_id, read.reference_start))
    with pysam.AlignmentFile(str(path), "wb", header=header) as handle:
        for read in records:
            handle.write(read)
    return path


def brute_force(path: Path, min_mapq: int, duplicates: bool) -> dict[str, np.ndarray]:
    depth = {name: np.zeros(length, dtype=int) for name, length in CONTIGS.items()}
    with pysam.AlignmentFile(str(path)) as handle:
        for read in handle:
            if read.flag & (4 | 256 | 512 | 2048) or read.mapping_quality < min_mapq:
                continue
            if read.is_duplicate and not duplicates:
                continue
            place = read.reference_start
            for kind, length in read.cigartuples:
                if kind in (0, 2, 7, 8):
                    depth[read.reference_name][place : place + length] += 1
                if kind in (0, 2, 3, 7, 8):
                    place += length
    return depth


def unrolled(depth: Depth, length: int) -> np.ndarray:
    """Depth per base."""
    dense = np.zeros(length, dtype=int)
    for start0, end0, value in zip(depth.position0[:-1], depth.position0[1:], depth.depth[:-1], strict=True):
        dense[start0:end0] = value
    return dense


@pytest.mark.parametrize(("min_mapq", "duplicates"), [(0, True), (30, True), (0, False)])
def test_spliced_depth_equals_brute_force(tmp_path: Path, min_mapq: int, duplicates: bool) -> None:
    bam = write_bam(tmp_path / "x.bam", 3000)
    found: dict[str, Depth] = {}
    read_filter = ReadFilter(min_mapq=min_mapq, duplicates="keep" if duplicates else "exclude")
    reads = read_depth(bam, found.__setitem__, read_filter)
    expected = brute_force(bam, min_mapq, duplicates)
    assert sorted(found) == ["chr1", "chr2"]
    for contig, depth in found.items():
        assert depth.depth[-1] == 0 and (np.diff(depth.depth) != 0).all()
        assert np.array_equal(unrolled(depth, CONTIGS[contig]), expected[contig])
    assert reads.bases == sum(int(depth.sum()) for depth in expected.values())
    assert reads.mates == 0 and reads.fragments == reads.alignments


def test_mates_that_are_both_aligned_are_one_fragment(tmp_path: Path) -> None:
    header = pysam.AlignmentHeader.from_references(list(CONTIGS), list(CONTIGS.values()))
    with pysam.AlignmentFile(str(tmp_path / "x.bam"), "wb", header=header) as handle:
        for start0, flag in ((100, 99), (160, 147), (300, 73), (400, 0)):
            read = pysam.AlignedSegment(header)
            read.query_name, read.flag, read.reference_id, read.reference_start = f"r{flag}", flag, 0, start0
            read.mapping_quality, read.cigarstring, read.query_sequence = 60, "50M", "A" * 50
            handle.write(read)
    reads = read_depth(tmp_path / "x.bam", lambda _contig, _depth: None)
    assert (reads.alignments, reads.fragments, reads.bases) == (4, 3, 200)


def test_a_bam_without_alignments_has_no_depth(tmp_path: Path) -> None:
    found: dict[str, Depth] = {}
    reads = read_depth(write_bam(tmp_path / "x.bam", 0), found.__setitem__)
    assert reads == (0, 0, 0) and reads.bases_per_fragment == 0
    assert found == {}


def test_an_unsorted_bam_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x\.bam: is not sorted by position"):
        read_depth(write_bam(tmp_path / "x.bam", 200, sort=False), lambda _contig, _depth: None)


def test_steps_at_one_place_add_up_and_cancel() -> None:
    ends, steps = sum_steps(np.array([5, 3, 5, 9, 3], np.int32), np.array([1, 1, -1, -2, 1], np.int32))
    assert ends.tolist() == [3, 9] and steps.tolist() == [2, -2]
