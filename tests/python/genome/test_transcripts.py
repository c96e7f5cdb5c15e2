"""Places along transcripts, on both strands, with and without a coding region."""

from pathlib import Path

import numpy as np
import pytest

from ribolm.genome.annotation import read_gtf
from ribolm.genome.exon_space import build_exon_space
from ribolm.genome.transcripts import CDS, NONCODING, UTR3, UTR5, build_transcript_models, paint_regions

ROW = 'chr1\tx\t{kind}\t{start1}\t{end1}\t.\t{strand}\t.\tgene_id "{gene}"; transcript_id "{transcript}";\n'


def write_gtf(path: Path, rows: list[tuple[str, int, int, str, str, str]]) -> Path:
    """Rows: kind, start0, end0, strand, gene, transcript."""
    path.write_text(
        "".join(
            ROW.format(kind=kind, start1=start0 + 1, end1=end0, strand=strand, gene=gene, transcript=transcript)
            for kind, start0, end0, strand, gene, transcript in rows
        )
    )
    return path


@pytest.fixture
def gtf(tmp_path: Path) -> Path:
    """A: + strand, exons [100,200) [300,400), CDS [150,200) [300,347) and stop [347,350): 50 + 100 + 50 nt.

    B: the mirror image on -, with an alternative shorter transcript; C: non-coding.
    """
    return write_gtf(
        tmp_path / "genes.gtf",
        [
            ("exon", 100, 200, "+", "A", "A1"),
            ("exon", 300, 400, "+", "A", "A1"),
            ("CDS", 150, 200, "+", "A", "A1"),
            ("CDS", 300, 347, "+", "A", "A1"),
            ("stop_codon", 347, 350, "+", "A", "A1"),
            ("exon", 1300, 1400, "-", "B", "B1"),
            ("exon", 1100, 1200, "-", "B", "B1"),
            ("CDS", 1300, 1350, "-", "B", "B1"),
            ("CDS", 1153, 1200, "-", "B", "B1"),
            ("stop_codon", 1150, 1153, "-", "B", "B1"),
            ("exon", 1050, 1250, "-", "B", "B2"),
            ("exon", 2000, 2100, "+", "C", "C1"),
        ],
    )


def test_regions_of_a_transcript_have_the_lengths_of_its_utrs_and_cds_with_the_stop_codon(gtf: Path) -> None:
    models = build_transcript_models(read_gtf(gtf))
    by_name = {name: i for i, name in enumerate(models.names)}
    assert models.region_lengths(by_name["A1"]) == (50, 100, 50)
    assert models.region_lengths(by_name["B1"]) == (50, 100, 50)
    assert models.cds_start_nt[by_name["C1"]] == -1
    assert models.has_cds


@pytest.mark.parametrize(
    ("position0", "strand", "name", "place_nt", "region"),
    [
        (100, "+", "A1", 0, UTR5),
        (149, "+", "A1", 49, UTR5),
        (150, "+", "A1", 50, CDS),
        (300, "+", "A1", 100, CDS),
        (349, "+", "A1", 149, CDS),
        (350, "+", "A1", 150, UTR3),
        (399, ".", "A1", 199, UTR3),
        (1399, "-", "B1", 0, UTR5),
        (1349, "-", "B1", 50, CDS),
        (1150, "-", "B1", 149, CDS),
        (1149, "-", "B1", 150, UTR3),
        (1100, "-", "B1", 199, UTR3),
        (1060, "-", "B2", 189, NONCODING),
        (2050, "+", "C1", 50, NONCODING),
    ],
)
def test_a_base_is_located_on_the_first_choice_transcript(
    gtf: Path, position0: int, strand: str, name: str, place_nt: int, region: int
) -> None:
    models = build_transcript_models(read_gtf(gtf))
    found = models.locate("chr1", position0, strand)
    assert found is not None
    model, place = found
    assert (models.names[model], place, models.region(model, place)) == (name, place_nt, region)


@pytest.mark.parametrize(("chrom", "position0", "strand"), [("chr1", 250, "+"), ("chr1", 150, "-"), ("chr9", 150, "+")])
def test_a_base_outside_every_exon_of_its_strand_has_no_place(
    gtf: Path, chrom: str, position0: int, strand: str
) -> None:
    assert build_transcript_models(read_gtf(gtf)).locate(chrom, position0, strand) is None


def test_painted_regions_agree_with_the_place_of_every_base(gtf: Path) -> None:
    annotation = read_gtf(gtf)
    models, space = build_transcript_models(annotation), build_exon_space(annotation)
    painted = paint_regions(space, models)
    assert [len(p) for p in painted] == space.length_nt.tolist()
    for unit, regions in enumerate(painted):
        strand = "+" if space.strand[unit] > 0 else "-"
        for place in range(len(regions)):
            ((start0, _),) = space.blocks(unit, place, place + 1)
            model, place_nt = models.locate("chr1", start0, strand) or (-1, -1)
            assert regions[place] == models.region(model, place_nt), (unit, place)


def test_painting_some_units_gives_the_same_as_painting_all(gtf: Path) -> None:
    annotation = read_gtf(gtf)
    models, space = build_transcript_models(annotation), build_exon_space(annotation)
    everything = paint_regions(space, models)
    some = paint_regions(space, models, np.array([2, 0]))
    assert np.array_equal(some[0], everything[2]) and np.array_equal(some[1], everything[0])


def test_without_cds_every_transcript_is_non_coding(tmp_path: Path) -> None:
    models = build_transcript_models(read_gtf(write_gtf(tmp_path / "g.gtf", [("exon", 10, 60, "-", "A", "A1")])))
    assert not models.has_cds and models.region(0, 3) == NONCODING


def test_exon_rows_given_twice_count_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        ("exon", 100, 200, "+", "A", "A1"),
        ("exon", 300, 400, "+", "A", "A1"),
        ("CDS", 150, 200, "+", "A", "A1"),
        ("CDS", 300, 350, "+", "A", "A1"),
    ]
    once = build_transcript_models(read_gtf(write_gtf(tmp_path / "once.gtf", rows)))
    assert capsys.readouterr().err == ""
    twice = build_transcript_models(read_gtf(write_gtf(tmp_path / "twice.gtf", rows + rows)))
    assert "2 exon rows repeat another of their transcript, the first in line 5" in capsys.readouterr().err
    assert twice.length_nt.tolist() == once.length_nt.tolist() == [200]
    assert (twice.cds_start_nt.tolist(), twice.cds_end_nt.tolist()) == ([50], [150])
    assert twice.locate("chr1", 380, "+") == once.locate("chr1", 380, "+") == (0, 180)


def test_transcripts_whose_exons_overlap_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        ("exon", 100, 200, "+", "A", "A1"),
        ("exon", 199, 300, "+", "A", "A1"),
        ("exon", 100, 200, "+", "A", "A2"),
        ("exon", 200, 300, "+", "A", "A2"),
    ]
    models = build_transcript_models(read_gtf(write_gtf(tmp_path / "genes.gtf", rows)))
    assert models.names == ("A2",)
    assert "1 transcripts have exons that overlap each other" in capsys.readouterr().err
    assert len(build_transcript_models(read_gtf(write_gtf(tmp_path / "one.gtf", rows[:2])))) == 0
