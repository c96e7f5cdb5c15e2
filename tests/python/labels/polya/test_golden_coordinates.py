"""One site written out by hand, on either strand: every number that follows from it."""

from __future__ import annotations

import pytest

from ribolm.alphabet import letters, reverse_complement
from ribolm.genome.annotation import read_gtf
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.gene_places import Genes
from ribolm.labels.polya.given_sites import SiteRules, place_sites
from ribolm.labels.polya.outcomes import Outcomes
from ribolm.labels.polya.sets import search_rule
from ribolm.labels.polya.site_lists import read_site_list
from ribolm.labels.polya.strand_letters import window_letters, window_starts0

UPSTREAM = "GCTCGGTCCTGCCGTTGCTCGTCTGGCTCG"  # 30
RNA_END = UPSTREAM + "AATAAA" + "GTCTGTCCGTCTGC"  # 50 letters, the last one is the last base of the RNA
BEHIND = "A" + "TCTGTGTGTTTGTCCTGTTGCTGTCCTGCTCGGTCTGCCTGTCGCTGTCC"  # the anchor and 50 letters
WINDOW = RNA_END + BEHIND
LEAD, TAIL = "GCC" * 4, "CCG" * 11
LENGTH_NT = len(LEAD + WINDOW + TAIL)


@pytest.mark.parametrize(
    "strand, last_base1, anchor0, window_start0, gene",
    [("+", 62, 62, 12, (13, 62)), ("-", 85, 83, 33, (85, 134))],
)
def test_one_site_of_polyasite(tmp_path, strand, last_base1, anchor0, window_start0, gene):
    assert (len(WINDOW), LENGTH_NT) == (101, 146)
    text = letters(LEAD + WINDOW + TAIL)
    text = reverse_complement(text) if strand == "-" else text
    (tmp_path / "g.fa").write_text(f">c\n{text.tobytes().decode()}\n")
    (tmp_path / "g.gtf").write_text(f'c\tx\texon\t{gene[0]}\t{gene[1]}\t.\t{strand}\t.\tgene_id "G";\n')
    row = ("c", last_base1 - 3, last_base1 + 4, f"c:{last_base1}:{strand}", 1.5, strand, 0.5, 2, 1.5, "TE", "NA")
    (tmp_path / "s.bed").write_text("\t".join(map(str, row)) + "\n")
    genome = Genome.open(tmp_path / "g.fa")
    genes, outcomes = Genes.of(read_gtf(tmp_path / "g.gtf"), genome), Outcomes()
    rule = search_rule("ACGT", 10, 35, 101)
    given = place_sites(read_site_list(tmp_path / "s.bed"), genome, genes, rule, SiteRules(), outcomes)
    assert given.places.at0.tolist() == [anchor0] and given.outcome.tolist() == ["kept"]
    assert window_starts0(given.places, 101).tolist() == [window_start0]
    assert window_letters(genome, given.places, 101)[0].tobytes().decode() == WINDOW
    assert rule.name(int(given.hexamer[0]), int(given.distance_nt[0])) == "AATAAA@-20"
    assert chr(given.base[0]) == "A" and not given.is_primed[0] and given.gene.tolist() == [0]
