"""BAM files without an aligner."""

import dataclasses
from pathlib import Path

import numpy as np
import pysam
import pytest

from ribolm.simulation.m6a_bam import write_bam
from ribolm.simulation.m6a_fragments import Experiment, draw_fragments
from ribolm.simulation.m6a_options import Library
from ribolm.simulation.m6a_reads import Reads, make_reads

LIBRARY = Library(0, "control", 1, "ip")


def small_reads(small: Experiment, **changes: object) -> Reads:
    options = dataclasses.replace(small.options, **{"fragments": 4000, **changes})
    fragments = draw_fragments(dataclasses.replace(small, options=options), LIBRARY)
    return make_reads(small.transcripts, fragments, LIBRARY, options)


@pytest.fixture(scope="module")
def paired(small: Experiment, tmp_path_factory: pytest.TempPathFactory) -> tuple[Reads, Path]:
    path = tmp_path_factory.mktemp("bam") / "x.bam"
    reads = small_reads(small)
    write_bam(path, reads)
    return reads, path


def alignments(path: Path) -> list[pysam.AlignedSegment]:
    with pysam.AlignmentFile(str(path)) as handle:
        return list(handle)


def test_the_file_is_sorted_indexed_and_whole(paired: tuple[Reads, Path]) -> None:
    reads, path = paired
    found = alignments(path)
    assert len(found) == 2 * len(reads.fragments)
    places = [(a.reference_id, a.reference_start) for a in found]
    assert places == sorted(places)
    with pysam.AlignmentFile(str(path)) as handle:
        assert handle.header.to_dict()["HD"]["SO"] == "coordinate"
        assert handle.references == reads.transcripts.contig_names
        first = found[0]
        region = handle.fetch(first.reference_name, first.reference_start, first.reference_end)
        assert first.query_name in {a.query_name for a in region}
        assert sum(handle.count(name) for name in handle.references) == len(found)
    assert pysam.quickcheck(str(path)) == ""


def test_alignments_spell_the_genome_under_their_blocks(small: Experiment, tmp_path: Path) -> None:
    reads = small_reads(small, error_rate=0.0, read_length_nt=51)
    write_bam(tmp_path / "x.bam", reads)
    t = reads.transcripts
    spliced = 0
    for a in alignments(tmp_path / "x.bam"):
        offset = int(t.contig_offset[a.reference_id])
        blocks = a.get_blocks()
        expected = b"".join(t.genome[offset + x : offset + y].tobytes() for x, y in blocks).decode()
        assert a.query_sequence == expected
        assert all(x < y for x, y in blocks) and a.query_length == 51
        spliced += len(blocks) > 1
    assert spliced > 300


def test_blocks_are_those_of_the_transcript(paired: tuple[Reads, Path]) -> None:
    reads, path = paired
    t, n = reads.transcripts, reads.read_length_nt
    for a in alignments(path)[::17]:
        k = int(a.query_name[1:]) - 1
        start, transcript = int(reads.fragments.start[k]), int(reads.fragments.transcript[k])
        if not bool(reads.is_sense(np.array([k]), 1 if a.is_read2 else 0)[0]):
            start += int(reads.fragments.length_nt[k]) - n
        assert a.get_blocks() == t.blocks(transcript, start, start + n)


def test_pairs_point_inwards_and_name_each_other(paired: tuple[Reads, Path]) -> None:
    by_name: dict[str, list[pysam.AlignedSegment]] = {}
    for a in alignments(paired[1]):
        by_name.setdefault(str(a.query_name), []).append(a)
    for mates in by_name.values():
        assert len(mates) == 2
        forward, reverse = sorted(mates, key=lambda a: a.is_reverse)
        assert not forward.is_reverse and reverse.is_reverse
        assert {forward.is_read1, reverse.is_read1} == {True, False}
        assert forward.reference_start <= reverse.reference_start
        assert forward.reference_end <= reverse.reference_end
        for one, other in ((forward, reverse), (reverse, forward)):
            assert one.is_proper_pair and one.mapping_quality == 60 and one.get_tag("NH") == 1
            assert (one.next_reference_id, one.next_reference_start) == (other.reference_id, other.reference_start)
            assert one.mate_is_reverse == other.is_reverse
        assert forward.template_length == -reverse.template_length
        assert forward.template_length == reverse.reference_end - forward.reference_start


def test_dutp_reads_two_run_with_the_transcript(paired: tuple[Reads, Path]) -> None:
    reads, path = paired
    t = reads.transcripts
    for a in alignments(path):
        gene = t.transcript_gene[reads.fragments.transcript[int(a.query_name[1:]) - 1]]
        with_transcript = a.is_reverse == (t.gene_strand[gene] < 0)
        assert with_transcript == a.is_read2


def test_bam_and_fastq_hold_the_same_letters(paired: tuple[Reads, Path]) -> None:
    reads, path = paired
    for a in alignments(path)[::29]:
        k = np.array([int(a.query_name[1:]) - 1])
        assert a.get_forward_sequence() == reads.letters(k, 1 if a.is_read2 else 0)[0].tobytes().decode()


def test_single_reads_carry_no_mate(small: Experiment, tmp_path: Path) -> None:
    write_bam(tmp_path / "x.bam", small_reads(small, single_end=True))
    found = alignments(tmp_path / "x.bam")
    assert {a.flag for a in found} == {0, 16}
    assert {(a.next_reference_id, a.template_length) for a in found} == {(-1, 0)}


def test_no_read_is_a_valid_file(small: Experiment, tmp_path: Path) -> None:
    write_bam(tmp_path / "x.bam", small_reads(small, fragments=0))
    assert alignments(tmp_path / "x.bam") == []
