"""Families that agree, techniques that are alike, and what is said about the labels' quality."""

import csv
import json

import polars
import pytest

from ribolm.errors import DataError, UsageError
from ribolm.genome.regions import read_bed
from ribolm.labels.evidence import combine
from ribolm.labels.label_sites import gather_evidence
from ribolm.labels.placing import OUTCOMES, Limits, Placed
from ribolm.labels.quality import family_histogram, is_drach, measure_quality
from ribolm.labels.site_files import read_site_bed, write_site_files
from ribolm.labels.sites import SiteSource

SCHEMA = {
    "chrom": polars.String, "start0": polars.Int64, "strand": polars.String, "context": polars.String,
    "level": polars.Float64, "coverage": polars.Int64, "technique": polars.String, "tissue": polars.String,
}  # fmt: skip


def placed(source, rows, not_a=None):
    """(start0, technique[, level, coverage, tissue]) on c1 +, all of context GGACT but those at 90 and above."""
    full = [("c1", r[0], "+", "GGACT" if r[0] < 90 else "TTATT", *(r[2:4] or (None, None)), r[1], (*r, None)[4]
             if len(r) > 4 else None) for r in rows]  # fmt: skip
    outcomes = dict.fromkeys(OUTCOMES, 0) | {"rows": len(rows), "placed": len(rows)}
    return Placed(source, polars.DataFrame(full, schema=SCHEMA, orient="row"), outcomes, not_a or {})


TABLES = [
    placed("clip", [(10, "miCLIP"), (20, "miCLIP"), (95, "miCLIP")], {"miCLIP": 1}),
    placed("mazter", [(10, "MAZTER-seq"), (30, "MAZTER-seq")]),
    placed("atlas", [(30, "m6A-REF-seq", None, None, "Brain"), (20, "GLORI;m6ACE", 0.8, 40, "Liver;Brain")]),
    placed("glori", [(20, "GLORI", 0.4, 20), (40, "GLORI", 0.5, 30)]),
]


def test_a_site_needs_two_families_and_two_mazf_methods_are_one(families, capsys):
    found = combine(TABLES, families, "auto")
    assert found.min_families == 2 and found.kept["start0"].to_list() == [10, 20]
    assert "families that must agree on a site = 2" in capsys.readouterr().err
    by_place = {row["start0"]: row for row in found.sites.iter_rows(named=True)}
    assert by_place[30]["n_tables"] == 2 and by_place[30]["families"] == "MazF"
    twenty = by_place[20]
    assert (twenty["sources"], twenty["techniques"]) == ("atlas;clip;glori", "GLORI;m6ACE;miCLIP")
    assert twenty["n_families"] == 3 and twenty["level"] == pytest.approx(0.6) and twenty["coverage"] == 60
    assert twenty["tissues"] == "Brain;Liver" and by_place[10]["tissues"] is None and by_place[10]["level"] is None
    assert found.outcome_rows()[-3:] == [("all", "distinct", 5), ("all", "too_few_families", 3), ("all", "kept", 2)]


def test_one_family_alone_is_believed_by_default_and_never_when_two_are_asked_for(families, capsys):
    single = [placed("rat", [(10, "m6A-REF-seq"), (20, "MAZTER-seq")])]
    assert len(combine(single, families, "auto").kept) == 2
    assert len(combine(single, families, "2").kept) == 0
    assert "No site was seen by 2 families (present: MazF)" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "1.5", ""])
def test_the_number_of_families_is_a_whole_number(families, wrong):
    with pytest.raises(UsageError, match="--min-families"):
        combine(TABLES, families, wrong)


def test_no_site_at_all_is_a_valid_empty_result(families, capsys, tmp_path):
    found = combine([placed("clip", [])], families, "auto")
    assert len(found.sites) == 0 and "valid but empty" in capsys.readouterr().err
    assert measure_quality(found, families) == [] and family_histogram(found) == {}
    write_site_files(tmp_path, found, [], "hg38", "")
    assert read_bed(tmp_path / "sites.bed") == [] and not (tmp_path / "sites.bedrmod").exists()


def test_quality_is_told_per_technique(families):
    found = {one.technique: one for one in measure_quality(combine(TABLES, families, "auto"), families)}
    clip = found["miCLIP"]
    assert (clip.sites, clip.not_a, clip.not_a_share, clip.family) == (3, 1, 0.25, "miCLIP")
    assert clip.drach_share == pytest.approx(2 / 3) and clip.backed_share == pytest.approx(2 / 3)
    assert clip.families_per_site == pytest.approx(2.0)
    assert clip.shared_with == {"GLORI": 1, "MAZTER-seq": 1, "m6A-REF-seq": 0, "m6ACE": 1}
    assert found["GLORI"].tissues == ("Brain", "Liver") and found["GLORI"].median_level == pytest.approx(0.55)
    assert found["MAZTER-seq"].backed_share == 0.5 and found["MAZTER-seq"].median_level is None


def test_drach_is_found_in_contexts():
    series = polars.Series(["GGACT", "AAACA", "CGACT", "GGACG", "NGACT", "GGANT"])
    assert is_drach(series).tolist() == [True, True, False, False, False, False]


def test_files_hold_kept_sites_all_evidence_and_measured_levels(families, tmp_path):
    evidence = combine(TABLES, families, "auto")
    write_site_files(tmp_path, evidence, measure_quality(evidence, families), "hg38", "9606")
    sites = read_site_bed(tmp_path / "sites.bed")
    assert [(s.start0, s.name, s.score, s.strand) for s in sites] == [(10, "2of4", 200, "+"), (20, "3of4", 300, "+")]
    assert sites[1].extra == ("GLORI;m6ACE;miCLIP", "3", "GLORI;m6ACE;miCLIP", "atlas;clip;glori", "0.6000",
                              "Brain;Liver", "GGACT")  # fmt: skip
    assert polars.read_parquet(tmp_path / "evidence.parquet")["kept"].sum() == 2
    lines = (tmp_path / "sites.bedrmod").read_text().splitlines()
    assert lines[0] == "#fileformat=bedRModv1.8" and "#assembly=hg38" in lines and "#organism=9606" in lines
    assert [line for line in lines if line[0] != "#"] == ["c1\t20\t21\tm6A\t300\t+\t20\t21\t0\t60\t60"]
    with (tmp_path / "label_quality.tsv").open(newline="") as handle:
        rows = {row["technique"]: row for row in csv.DictReader(handle, delimiter="\t")}
    assert rows["miCLIP"]["not_a_share"] == "0.2500" and rows["miCLIP"]["shared_with.GLORI"] == "1"
    assert rows["m6ACE"]["median_level"] == "0.6000" and rows["MAZTER-seq"]["median_level"] == ""
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["sites_by_families"] == {"1": 3, "2": 1, "3": 1} and summary["sites_kept"] == 2
    assert summary["drach_share_kept"] == 1.0


@pytest.mark.parametrize("row, words", [("c1\t1\t2\tx\t0\t.", "no strand"), ("c1\t1\t4\tx\t0\t+", "not one base")])
def test_known_sites_are_single_bases_with_a_strand(tmp_path, row, words):
    (tmp_path / "s.bed").write_text(row + "\n")
    with pytest.raises(DataError, match=words):
        read_site_bed(tmp_path / "s.bed")


def test_a_table_of_another_build_needs_a_chain_and_a_chain_needs_a_table(tmp_path, world, genome, families, capsys):
    (tmp_path / "t.bed").write_text("".join(f"c1\t{p}\t{p + 1}\tx\t1\t+\n" for p in world.adenosines()[:30]))
    source = SiteSource("t", tmp_path / "t.bed", "hg19", "miCLIP")
    with pytest.raises(DataError, match=r"is of build hg19, the genome of hg38. Give a chain"):
        gather_evidence([source], genome, "hg38", {}, families, "auto", Limits())
    found = gather_evidence([source], genome, "hg19", {"mm9": tmp_path / "x"}, families, "auto", Limits())
    assert len(found.kept) == 30 and "the chain is not used" in capsys.readouterr().err
    chain = tmp_path / "same.chain"
    chain.write_text("chain 1 c1 3000 + 0 3000 c1 3000 + 0 3000 1\n3000\n")
    lifted = gather_evidence([source], genome, "hg38", {"hg19": chain}, families, "auto", Limits())
    assert lifted.kept.equals(found.kept)
