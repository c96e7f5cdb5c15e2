"""Peaks in exon space: spliced, on both strands, without a strand, off the exons."""

from pathlib import Path

import pytest

from ribolm.errors import DataError, UsageError
from ribolm.genome.annotation import read_gtf
from ribolm.genome.exon_space import build_exon_space
from ribolm.genome.regions import Region
from ribolm.report.peaks.places import middle_bases, place_peaks, read_named_peaks


def region(strand: str, *blocks: tuple[int, int], chrom: str = "chr1") -> Region:
    return Region(chrom, blocks[0][0], blocks[-1][1], "p", 0, strand, blocks)


def test_peaks_are_placed_from_the_low_coordinate_across_junctions(small_run) -> None:
    space = build_exon_space(read_gtf(small_run.gtf))
    peaks = [
        region("+", (1000, 1025)),
        region("+", (1550, 1600), (2000, 2050)),
        region("-", (6590, 6600), (7000, 7010)),
        region("+", (6000, 6100)),
        region(".", (6000, 6100)),
        region("+", (1580, 2020)),  # an unspliced peak keeps its exonic part
        region("+", (3000, 3100)),
        region("+", (1000, 1025), chrom="chr9"),
    ]
    places = place_peaks(space, peaks)
    found = {int(p): (space.names[u], int(s), int(e)) for p, u, s, e in zip(*_columns(places), strict=True)}
    assert found == {
        0: ("PLUS", 0, 25),
        1: ("PLUS", 550, 650),
        2: ("MINUS", 590, 610),
        4: ("MINUS", 0, 100),
        5: ("PLUS", 580, 620),
    }
    assert places.unplaced == 3


def _columns(places):
    return places.peak, places.unit, places.start_nt, places.end_nt


def test_middle_bases_skip_the_intron(small_run) -> None:
    space = build_exon_space(read_gtf(small_run.gtf))
    places = place_peaks(space, [region("+", (1590, 1600), (2000, 2021)), region("-", (6000, 6010))])
    assert middle_bases(space, places) == [("chr1", 2005, "+"), ("chr1", 6004, "-")]


def test_peaks_on_other_contigs_than_the_gtf_are_refused(small_run) -> None:
    space = build_exon_space(read_gtf(small_run.gtf))
    with pytest.raises(DataError, match=r"'1'.*'chr1'"):
        place_peaks(space, [region("+", (10, 20), chrom="1")])


def test_names_of_groups_come_from_the_argument_the_option_or_the_folder(tmp_path: Path) -> None:
    (tmp_path / "g1").mkdir()
    bed = tmp_path / "g1" / "peaks.bed"
    bed.write_text("chr1\t1\t5\n")
    assert list(read_named_peaks([f"x={bed}"])) == ["x"]
    assert list(read_named_peaks([str(bed)])) == ["g1"]
    assert list(read_named_peaks([str(bed)], "given")) == ["given"]
    with pytest.raises(UsageError, match="Two peak files"):
        read_named_peaks([str(bed), str(bed)])
