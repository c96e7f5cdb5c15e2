"""What lies under a peak, base by base."""

from pathlib import Path

import numpy as np
import pytest

from ribolm.genome.annotation import read_gtf
from ribolm.genome.exon_space import build_exon_space
from ribolm.genome.fasta import Genome
from ribolm.genome.transcripts import build_transcript_models
from ribolm.peaks.annotate import ExonIndex, Place, PlaceFinder, middle_base, nearest_drach


@pytest.fixture(name="annotation")
def _annotation(tools, tmp_path):
    more = [
        ("inner", "chr1", "+", [(950, 1000)], None),
        ("mirror", "chr1", "-", [(950, 1000), (1200, 1300)], None),
    ]
    path = tmp_path / "genes.gtf"
    path.write_text("\n".join(tools.gtf_rows([*tools.genes, *more])) + "\n")
    return read_gtf(path)


@pytest.mark.parametrize(
    "strand, blocks, genes",
    [
        ("+", [(960, 970)], ["GENE_A", "inner"]),
        ("-", [(960, 970)], ["mirror"]),
        ("+", [(1000, 1100)], ["GENE_A"]),
        ("-", [(1000, 1200)], []),
        ("-", [(990, 1000), (1200, 1201)], ["mirror"]),
        ("+", [(500, 900)], []),
        ("+", [(499, 500), (900, 951)], ["GENE_A", "inner"]),
    ],
)
def test_genes_are_those_with_exon_bases_under_the_blocks(annotation, strand, blocks, genes):
    assert ExonIndex(annotation).genes("chr1", strand, blocks) == genes
    assert ExonIndex(annotation).genes("chrX", strand, blocks) == []


@pytest.mark.parametrize(
    "low, high, bases", [(0, 113, 0), (100, 120, 7), (480, 950, 70), (940, 1010, 70), (0, 6000, 1487)]
)
def test_exon_bases_count_once_however_many_exons_lie_there(annotation, low, high, bases):
    assert ExonIndex(annotation).exon_bases("chr1", "+", low, high) == bases


@pytest.mark.parametrize(
    "strand, blocks, feature, distance",
    [
        ("+", [(120, 160)], "5'UTR", None),
        ("+", [(300, 340)], "CDS", None),
        ("+", [(2260, 2302)], "stop codon", -20),
        ("+", [(2302, 2342)], "stop codon", 21),
        ("+", [(2303, 2343)], "3'UTR", 22),
        ("+", [(490, 500), (900, 930)], "CDS", -(500 + 2300 - 2000 - 9)),
        ("-", [(3100, 3140)], "3'UTR", 3205 - 3119),
        ("-", [(3196, 3206)], "stop codon", 3205 - 3200),
        ("-", [(4610, 4690)], "5'UTR", None),
    ],
)
def test_features_and_distances_follow_the_transcript(annotation, strand, blocks, feature, distance):
    place = PlaceFinder(build_transcript_models(annotation), True).find("chr1", strand, blocks)
    assert place.feature == feature
    if distance is not None:
        assert place.distance_to_stop_nt == distance


def test_genes_without_coding_region_are_non_coding_or_plain_exons(annotation):
    models = build_transcript_models(annotation)
    assert PlaceFinder(models, True).find("chr2", "+", [(600, 650)]) == Place("non-coding", None)
    assert PlaceFinder(models, False).find("chr2", "+", [(600, 650)]) == Place("exon", None)
    assert PlaceFinder(models, True).find("chr2", "+", [(100, 150)]) is None


def test_the_middle_base_is_found_across_an_intron():
    assert middle_base([(10, 11)]) == 10
    assert middle_base([(10, 12)]) == 10
    assert middle_base([(10, 20), (100, 130)]) == 109


def test_the_nearest_drach_is_found_on_the_genes_own_strand_across_introns(tools, tmp_path):
    (tmp_path / "g.gtf").write_text("\n".join(tools.gtf_rows([
        ("plus", "chr1", "+", [(10, 20), (50, 80)], None), ("minus", "chr1", "-", [(200, 230), (260, 290)], None),
        ("none", "chr1", "+", [(400, 430)], None),
    ])) + "\n")  # fmt: skip
    letters = np.full(500, ord("C"), np.uint8)
    letters[17:20], letters[50:52] = list(b"GGA"), list(b"CT")  # GGACT over the junction, A at 19
    letters[262:267] = list(b"AGTCC")  # GGACT on the minus strand, A at 264
    genome = Genome(Path("g.fa"), ("chr1",), np.array([0, 500]), letters, "", {"chr1": 0})
    space = build_exon_space(read_gtf(tmp_path / "g.gtf"))
    names = [space.names.index(name) for name in ("plus", "plus", "minus", "minus", "none")]
    start, end = np.array([0, 20, 0, 40, 0]), np.array([1, 21, 1, 41, 1])
    # plus: A at 9 of exon space. minus: A is 30 + 4 from the low end, middles at 0 and 40 from it.
    assert nearest_drach(space, genome, np.array(names), start, end) == [9, -11, -34, 6, None]
