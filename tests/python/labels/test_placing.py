"""Sites on a genome: only adenosines stay, every row has one outcome, and another build is noticed."""

import polars
import pytest

from ribolm.errors import DataError
from ribolm.labels.chains import read_chain
from ribolm.labels.placing import LOST, Limits, place_sites
from ribolm.labels.sites import SiteSource, read_sites


def place(path, genome, families, technique="miCLIP", chain=None, limits=None):
    table = read_sites(SiteSource("t", path, "b", technique), families)
    return place_sites(table, genome, chain, limits or Limits())


def bed(tmp_path, sites, name="t.bed"):
    path = tmp_path / name
    path.write_text("".join(f"{c}\t{p}\t{p + 1}\tx\t1\t{s}\n" for c, p, s in sites))
    return path


def test_adenosines_of_both_strands_stay_with_their_context(tmp_path, world, genome, families):
    wanted = [("c1", p, s) for s in "+-" for p in world.adenosines("c1", s)[3:8]]
    found = place(bed(tmp_path, wanted), genome, families)
    assert found.rows.select("chrom", "start0", "strand").rows() == sorted(wanted)
    for row in found.rows.iter_rows(named=True):
        assert row["context"] == world.context(row["chrom"], row["start0"], row["strand"])
        assert row["context"][2] == "A" and row["technique"] == "miCLIP" and row["tissue"] is None


def test_every_row_has_one_outcome(tmp_path, world, genome, families):
    a = world.adenosines()
    sites = [*(("c1", p, "+") for p in a[:20]), *[("c1", a[0], "+")] * 3, *(("c1", p, "+") for p in world.others()[:4]),
             ("c2", 1150, "+"), ("c7", 5, "-"), ("c7", 5, "-")]  # fmt: skip
    found = place(bed(tmp_path, sites), genome, families)
    counts = found.outcomes
    assert counts["rows"] == len(sites) == counts["placed"] + sum(counts[name] for name in LOST)
    assert counts["placed"] == 20 == len(found.rows) and counts["duplicate"] == 3 and counts["base_not_a"] == 4
    assert counts["base_unknown"] == 1 and counts["contig_not_in_genome"] == 2
    assert found.not_a == {"miCLIP": 4}


def test_rows_that_repeat_a_site_unite_techniques_tissues_and_keep_the_highest_level(
    tmp_path, world, genome, families, capsys
):
    a = world.adenosines()
    head = "seqnames\tstart\tstrand\tCell_Line\tTechnique\n"
    lines = [("HeLa", "miCLIP"), ("Brain;HeLa", "m6ACE")]
    (tmp_path / "a.txt").write_text(head + "".join(f"c1\t{a[5] + 1}\t+\t{w}\t{t}\n" for w, t in lines))
    found = place(tmp_path / "a.txt", genome, families, "")
    row = found.rows.row(0, named=True)
    assert len(found.rows) == 1 and row["technique"] == "m6ACE;miCLIP" and row["tissue"] == "Brain;HeLa"
    assert "1 rows repeat a site" in capsys.readouterr().err


def test_low_levels_low_coverage_and_other_modifications_are_left_out(tmp_path, world, genome, families):
    a = world.adenosines()
    rows = [(a[0], "a", 50, 90), (a[1], "a", 50, 5), (a[2], "a", 3, 90), (a[3], "m", 50, 90), (a[4], "m6A", 12, 20)]
    text = "".join(f"c1\t{p}\t{p + 1}\t{code}\t0\t+\t{p}\t{p + 1}\t0\t{n}\t{level}\n" for p, code, n, level in rows)
    (tmp_path / "t.bed").write_text(text)
    found = place(tmp_path / "t.bed", genome, families, "nanopore")
    assert found.rows.select("start0", "level", "coverage").rows() == [(a[0], 0.9, 50), (a[4], 0.2, 12)]
    assert [found.outcomes[k] for k in ("level_below", "coverage_below", "other_modification")] == [1, 1, 1]
    assert len(place(tmp_path / "t.bed", genome, families, "nanopore", limits=Limits(0.0, 0)).rows) == 4


@pytest.mark.parametrize("first", [0, 1])
def test_where_glori_counts_from_is_settled_by_the_bases(tmp_path, world, genome, families, first, capsys):
    places = world.adenosines()[:60]
    text = "Chr\tSites\tStrand\tNormeRatio\n" + "".join(f"c1\t{p + first}\t+\t0.5\n" for p in places)
    (tmp_path / "g.tsv").write_text(text)
    found = place(tmp_path / "g.tsv", genome, families, "")
    assert found.rows["start0"].to_list() == places
    assert f"first position of g.tsv = {first}" in capsys.readouterr().err


def test_a_table_of_another_build_is_refused(tmp_path, world, genome, families):
    sites = [("c1", p, "+") for p in range(100, 200)]
    with pytest.raises(DataError, match=r"t.bed: \d+ of 100 sites are A in FASTA genome.fa .*give a chain"):
        place(bed(tmp_path, sites), genome, families)


def test_a_table_of_two_builds_is_told_by_its_bases(tmp_path, world, genome, families, capsys):
    a, others = world.adenosines(), world.others()
    place(bed(tmp_path, [("c1", p, "+") for p in a[:96] + others[:4]]), genome, families)
    assert "another genome build" not in capsys.readouterr().err
    place(bed(tmp_path, [("c1", p, "+") for p in a[:60] + others[:20]]), genome, families)
    error = capsys.readouterr().err
    assert "t.bed: 60 of 80 sites are A in FASTA genome.fa (75%). Some rows may be of another genome build" in error


@pytest.mark.parametrize("n_a", [0, 4])
def test_sites_on_unknown_bases_say_nothing_about_the_build(tmp_path, world, genome, families, capsys, n_a):
    sites = [("c2", p, "+") for p in range(1110, 1130)] + [("c1", p, "+") for p in world.adenosines()[:n_a]]
    found = place(bed(tmp_path, sites), genome, families)
    assert found.outcomes["base_unknown"] == 20 and found.outcomes["placed"] == n_a
    error = capsys.readouterr().err
    assert f"t.bed: 20 of {20 + n_a} sites lie on unknown bases (N) of FASTA genome.fa" in error
    assert f"and {n_a} of the other {n_a} are A" in error


def test_too_few_sites_to_judge_are_told_not_refused(tmp_path, world, genome, families, capsys):
    found = place(bed(tmp_path, [("c1", p, "+") for p in world.others()[:3]]), genome, families)
    assert found.outcomes["base_not_a"] == 3 and "Too few to judge" in capsys.readouterr().err


def test_positions_beyond_the_genome_are_refused(tmp_path, world, genome, families):
    sites = [("c1", world.adenosines()[0], "+"), ("c1", 3000, "+")]
    with pytest.raises(DataError, match=r"t.bed line 2: c1:3000 lies beyond the 3,000 nt of that contig"):
        place(bed(tmp_path, sites), genome, families)


def test_contigs_with_other_names_are_refused(tmp_path, genome, families):
    with pytest.raises(DataError, match="No contig name is shared"):
        place(bed(tmp_path, [("1", 5, "+")]), genome, families)
    with pytest.raises(DataError, match="The same contigs have two names"):
        place(bed(tmp_path, [("c2", 5, "+"), ("chrc1", 5, "+")]), genome, families)


def chain_to(tmp_path, shift, length=1000):
    """A chain from c1 of another build, whose positions are `shift` lower, to c1."""
    path = tmp_path / f"shift{shift}.chain"
    path.write_text(f"chain 1 c1 5000 + 0 {length} c1 3000 + {shift} {shift + length} 1\n{length}\n")
    return read_chain(path)


def test_sites_are_lifted_and_the_wrong_chain_is_noticed(tmp_path, world, genome, families):
    places = [p for p in world.adenosines() if 500 <= p < 1400]
    path = bed(tmp_path, [("c1", p - 500, "+") for p in places])
    found = place(path, genome, families, chain=chain_to(tmp_path, 500))
    assert found.rows["start0"].to_list() == places and found.outcomes["lift_unmapped"] == 0
    with pytest.raises(DataError, match=r"chain shift501.chain does not lead from the build"):
        place(path, genome, families, chain=chain_to(tmp_path, 501))
    with pytest.raises(DataError, match=r"after lifting with shift2900.chain lies beyond"):
        place(path, genome, families, chain=chain_to(tmp_path, 2900))
    with pytest.raises(DataError, match=r"No contig name is shared: table x.bed has 'c9'"):
        place(bed(tmp_path, [("c9", 5, "+")], "x.bed"), genome, families, chain=chain_to(tmp_path, 500))


def test_a_table_whose_contigs_the_genome_lacks_in_part_is_carried_through(tmp_path, world, genome, families):
    path = bed(tmp_path, [("c1", world.adenosines()[0], "+"), ("c8", 9, "-")])
    found = place(path, genome, families)
    assert isinstance(found.rows, polars.DataFrame) and found.outcomes["contig_not_in_genome"] == 1
