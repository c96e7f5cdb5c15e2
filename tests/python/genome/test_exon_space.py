from pathlib import Path

import pytest

from ribolm.genome.annotation import read_gtf
from ribolm.genome.exon_space import ExonSpace, build_exon_space


def exon_space(
    folder: Path,
    *exons: tuple[str, str, int, int] | tuple[str, str, int, int, str],
    contigs: set[str] | None = None,
) -> ExonSpace:
    """Exons as (gene, strand, start1, end1[, contig])."""
    rows = []
    for gene, strand, start1, end1, *contig in exons:
        chrom = contig[0] if contig else "chr1"
        rows.append(
            f'{chrom}\tx\texon\t{start1}\t{end1}\t.\t{strand}\t.\tgene_id "{gene}"; transcript_id "{gene}.1";\n'
        )
    path = folder / "a.gtf"
    path.write_text("".join(rows))
    return build_exon_space(read_gtf(path), contigs)


def test_exons_are_merged_and_laid_end_to_end(tmp_path: Path) -> None:
    space = exon_space(tmp_path, ("A", "-", 101, 150), ("A", "-", 141, 160), ("A", "-", 201, 230))
    assert space.names == ("A",)
    assert space.length_nt.tolist() == [90]
    assert space.exon_offset_nt.tolist() == [0, 60]
    assert space.blocks(0, 50, 75) == [(150, 160), (200, 215)]


def test_touching_exons_stay_apart(tmp_path: Path) -> None:
    assert exon_space(tmp_path, ("A", "+", 1, 10), ("A", "+", 11, 20)).exon_start0.tolist() == [0, 10]


def test_genes_that_share_bases_become_one_unit_named_in_byte_order(tmp_path: Path) -> None:
    space = exon_space(tmp_path, ("b", "+", 1, 100), ("B", "+", 51, 150), ("C", "-", 51, 150))
    assert space.names == ("B,b", "C")


def test_only_direct_neighbours_give_their_name(tmp_path: Path) -> None:
    # A overlaps B, B overlaps C: the merged exon goes to the last gene in byte order, whose neighbours are B and C.
    space = exon_space(tmp_path, ("A", "+", 1, 100), ("B", "+", 51, 200), ("C", "+", 151, 300))
    assert space.names == ("B,C",)
    assert space.length_nt.tolist() == [300]


def test_a_neighbour_keeps_its_own_exons_under_its_own_key(tmp_path: Path) -> None:
    space = exon_space(tmp_path, ("A", "+", 1, 100), ("A", "+", 501, 600), ("B", "+", 51, 150), ("B", "+", 901, 950))
    assert space.names == ("A,B",)
    assert space.length_nt.tolist() == [300]


def test_genes_on_two_places_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = exon_space(tmp_path, ("A", "+", 1, 10), ("A", "+", 1, 10, "chr2"), ("B", "+", 1, 10))
    assert (space.names, space.scattered) == (("B",), ("A",))
    said = capsys.readouterr().err
    assert "1 genes lie on several places and are left out ('A')" in said and "gene_id of its own" in said


def test_a_place_on_a_contig_that_nothing_else_knows_scatters_no_gene(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exons = [("A", "+", 1, 10, "chrX"), ("A", "+", 1, 10, "chrY"), ("B", "+", 1, 10, "chrY"), ("C", "-", 5, 9, "chrX")]
    space = exon_space(tmp_path, *exons, contigs={"chrX"})
    assert [(name, space.chroms[chrom]) for name, chrom in zip(space.names, space.chrom, strict=True)] == [
        ("A", "chrX"),
        ("B", "chrY"),
        ("C", "chrX"),
    ]
    assert space.scattered == ()
    assert capsys.readouterr().err == ""
    assert exon_space(tmp_path, *exons, contigs={"chrX", "chrY"}).scattered == ("A",)


def test_a_transcript_on_two_strands_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exon_space(tmp_path, ("A", "+", 1, 10), ("A", "-", 50, 60), ("B", "+", 1, 10)).names == ("B",)
    assert "two strands" in capsys.readouterr().err


def test_same_place_on_another_contig_is_another_unit(tmp_path: Path) -> None:
    assert exon_space(tmp_path, ("A", "+", 1, 10), ("B", "+", 1, 10, "chr2")).names == ("A", "B")
