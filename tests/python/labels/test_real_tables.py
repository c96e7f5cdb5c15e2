"""Real tables of sites: formats as their authors left them, positions that fit the genomes at hand."""

import os
from pathlib import Path

import pytest

from ribolm.errors import DataError
from ribolm.genome.fasta import Genome
from ribolm.genome.regions import read_bed
from ribolm.labels.chains import read_chain
from ribolm.labels.evidence import combine
from ribolm.labels.placing import Limits, place_sites
from ribolm.labels.quality import measure_quality
from ribolm.labels.sites import SiteSource, read_sites

REPOSITORY = Path(__file__).parents[3]
M6A = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "m6a"
SITES = M6A / "sites"
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not SITES.is_dir(), reason=f"no real data at {SITES} (set RIBOLM_DATA)"),
]
MICLIP = {
    "sysy": "GSE63753_hek293.sysy.CITS.m6A.12051.hg38.bed.gz",
    "abcam": "GSE63753_hek293.abcam.CIMS.m6A.9536.hg38.bed.gz",
}


@pytest.fixture(scope="module")
def chr22() -> Genome:
    return Genome.open(M6A / "ref" / "hg38_chr22_consensus.padded.fa.gz")


def miclip(name, families, path=None):
    return read_sites(SiteSource(name, path or SITES / MICLIP[name], "hg38", "miCLIP"), families)


def test_the_rat_atlas_is_read_whole_and_two_families_keep_none_of_it(families):
    table = read_sites(SiteSource("rat", SITES / "m6A-Atlas2_Rat_Site.txt.gz", "rn6"), families)
    rows = table.rows
    assert table.format == "atlas" and len(rows) == 6156
    assert rows["technique"].unique().to_list() == ["m6A-REF-seq"] and families.of(rows["technique"]) == ("MazF",)
    assert set(rows["strand"].unique()) == {"+", "-"} and rows["start0"].min() > 0
    assert {"Brain", "Brain;Kidney", "Brain;Kidney;Liver"} <= set(rows["tissue"].unique())


def test_every_covered_mi_clip_site_is_an_a_and_one_family_is_seen(families, chr22):
    placed = [place_sites(miclip(name, families), chr22, None, Limits()) for name in MICLIP]
    assert [one.outcomes["rows"] for one in placed] == [12050, 9536]
    assert all(one.outcomes["base_not_a"] == 0 and one.outcomes["placed"] == 70 for one in placed)
    evidence = combine(placed, families, "auto")
    assert evidence.min_families == 1 and len(evidence.kept) == 129
    (quality,) = measure_quality(evidence, families)
    assert quality.family == "miCLIP" and 0.7 < quality.drach_share < 0.85
    assert len(combine(placed, families, "2").kept) == 0


def test_a_chain_there_and_back_loses_nothing_and_a_wrong_one_is_noticed(families, chr22, tmp_path):
    straight = place_sites(miclip("abcam", families), chr22, None, Limits())
    shift, size = 1_234_567, chr22.lengths["chr22"]
    moved = tmp_path / "moved.bed"
    rows = [r for r in read_bed(SITES / MICLIP["abcam"]) if r.chrom == "chr22"]
    lines = (f"chr22\t{r.start0 + shift}\t{r.end0 + shift}\tx\t1\t{r.strand}\n" for r in rows)
    moved.write_text("".join(lines))
    for error_nt in (0, 3):
        chain = tmp_path / f"back{error_nt}.chain"
        first, length = shift + error_nt, size - error_nt
        header = f"chain 9 chr22 {size + shift + 9} + {first} {first + length} chr22 {size} + 0 {length} 1"
        chain.write_text(f"{header}\n{length}\n")
        table = miclip("abcam", families, moved)
        if error_nt:
            with pytest.raises(DataError, match=r"back3\.chain does not lead from the build"):
                place_sites(table, chr22, read_chain(chain), Limits())
        else:
            assert place_sites(table, chr22, read_chain(chain), Limits()).rows.equals(straight.rows)


@pytest.mark.parametrize("name", [*sorted(p.name for p in SITES.glob("GSM*.bed.gz"))[:3], "iM6A_m6ACE_hg19.bed.gz"])
def test_every_bed_is_read_without_a_word_about_its_rows(families, name, capsys):
    table = read_sites(SiteSource("x", SITES / name, "any", "miCLIP"), families)
    assert len(table.rows) > 3000 and table.format == "bed"
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and said[0].startswith("chosen: format of ")


def test_tables_without_positions_on_a_genome_are_refused(families):
    with pytest.raises(DataError, match="neither the header of m6A-Atlas v2"):
        read_sites(SiteSource("x", SITES / "YTHDF_full.csv.gz", "any", "miCLIP"), families)
