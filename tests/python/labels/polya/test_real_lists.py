"""Real lists on real chr22 (hg19): the anchor lies where it was measured; formats as their authors left them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from ribolm.genome.annotation import read_gtf
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.anchors import find_anchors
from ribolm.labels.polya.gene_places import Genes
from ribolm.labels.polya.given_sites import SiteRules, place_sites
from ribolm.labels.polya.outcomes import Outcomes
from ribolm.labels.polya.sets import search_rule
from ribolm.labels.polya.signals import NO_HEXAMER, measure_signals, signals_of
from ribolm.labels.polya.site_lists import read_site_list
from ribolm.labels.polya.strand_letters import letters_around

REPOSITORY = Path(__file__).parents[4]
POLYA = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "polya"
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not POLYA.is_dir(), reason=f"no real data at {POLYA} (set RIBOLM_DATA)"),
]


@pytest.fixture(scope="module")
def chr22() -> Genome:
    return Genome.open(POLYA / "chr22.hg19.maf_partial.fa.gz")


def test_the_anchor_of_the_sites_on_chr22_is_the_base_behind_those_given(chr22, capsys):
    sites = read_site_list(POLYA / "chr22.hg19.pPAS_sites.bed")
    anchors = find_anchors(sites, chr22)
    assert "the last base before the A, from 0 (makes 78%" in capsys.readouterr().err
    around = letters_around(chr22, anchors.places, 61, 59)  # ±60 nt of the given base
    whole = ~(around == ord("N")).any(axis=1)
    assert whole.sum() == 263
    assert np.mean(around[whole, 61] == ord("A")) == pytest.approx(0.79, abs=0.005)
    last = [np.mean(around[whole, 60] == ord(base)) for base in "CGTA"]
    assert last == pytest.approx([0.43, 0.33, 0.24, 0.0], abs=0.01)
    for strand in (1, -1):
        mine = whole & (anchors.places.strand == strand)
        assert np.mean(around[mine, 61] == ord("A")) > 0.75
    rule = search_rule("ACGT", 13, 57, 121)
    hexamer, distance = signals_of(chr22, anchors.places.take(whole), rule)
    assert 18 <= np.bincount(distance[hexamer == 0] - 1).argmax() <= 20  # from the given base, as it was measured


def test_the_sites_on_chr22_have_signals_that_their_surroundings_lack(chr22):
    genes = Genes.of(read_gtf(POLYA / "chr22.hg19.polyester.gtf.gz"), chr22)
    outcomes, rule = Outcomes(), search_rule("ACGT", 10, 35, 101)
    sites = read_site_list(POLYA / "chr22.hg19.pPAS_sites.bed")
    given = place_sites(sites, chr22, genes, rule, SiteRules(), outcomes)
    shares = measure_signals(chr22, given.places, rule)
    assert shares.share > 0.9 and shares.chance < 0.15 and not shares.is_chance
    counts = outcomes.of("sites")
    assert sum(counts.values()) == 380 and counts["kept"] == 209 and counts["base_not_a"] == 53
    kept = given.places.take(given.kept)
    assert np.mean(given.gene[given.kept] >= 0) > 0.95
    assert np.mean(signals_of(chr22, kept, rule)[0] != NO_HEXAMER) > 0.9


def test_names_of_hg38_in_a_list_of_hg19_are_not_read_as_places(chr22, capsys):
    sites = read_site_list(POLYA / "pPAS_hg19.bed.gz")
    assert len(sites) == 15_998 and sites.shape == "cluster"
    assert "names of another genome build" in capsys.readouterr().err
    anchors = find_anchors(sites, chr22)
    single = find_anchors(read_site_list(POLYA / "chr22.hg19.pPAS_sites.bed"), chr22)
    known = anchors.base == ord("A")
    near = [
        np.abs(single.places.at0[single.places.strand == s] - a).min()
        for a, s in zip(anchors.places.at0[known], anchors.places.strand[known], strict=True)
    ]
    assert known.sum() > 270 and np.mean(np.array(near) <= 10) > 0.8 and np.mean(np.array(near) == 0) > 0.2


@pytest.mark.parametrize(
    "name, file_format, n_sites, first",
    [
        ("gencode.polya.example.bed", "gencode_bed", 4, (74035283, 74035285)),
        ("polyasite_v1.example.bed", "polyasite1", None, (3473431, 3473432)),
        ("polyasite_v2.example.bed", "polyasite2", None, (132345007, 132345015)),
    ],
)
def test_examples_of_published_formats(name, file_format, n_sites, first):
    sites = read_site_list(POLYA / "qapa_examples" / name)
    assert sites.format == file_format
    is_site = np.flatnonzero(sites.is_site)
    assert (sites.start0[is_site[0]], sites.end0[is_site[0]]) == first
    if n_sites is not None:
        assert len(is_site) == n_sites and sites.shape == "pair"
    else:
        assert len(is_site) == len(sites) and (sites.representative0 >= 0).all() and sites.shape == "base"
        assert (sites.representative0 >= sites.start0).all() and (sites.representative0 < sites.end0).all()
