"""Readers of site tables: four formats become one; what has no strand, place or technique is refused."""

import gzip
from pathlib import Path

import pytest

from ribolm.errors import DataError, UsageError
from ribolm.labels import site_formats
from ribolm.labels.sites import SiteSource, genome_build, read_sheet, read_sites, sources_of_tables

ATLAS = (
    "ID\tseqnames\tstart\tstrand\tCondition_Count\tGene_Name\tGene_Biotype\tannotation\tRBP_Num\tmiRNA_Num\t"
    "SplicingSite_Num\tSNP_Num\tCell_Line\tCell_Line_Num\tTechnique\tTechnique_Num\tQuantification\n"
)
ATLAS_ROW = "i1\tc1\t11\t-\t1\tG\tp\tE\t-1\t-1\t-1\t0\tBrain;Liver\t2\tm6a-ref-seq;miCLIP\t2\t1\n"
GLORI_TOOLS = "Chr\tSites\tStrand\tGene\tCR\tAGcov\tAcov\tGenecov\tRatio\tPvalue\tP_adjust\n"
DEPOSITED = "Chr,Sites,Strand,Gene,NonCR,AGcov,Acov,Genecov,NormeRatio,Pvalue,P_adjust\n"


def read(tmp_path: Path, text: str, families, technique="", kind="", name="t.txt"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_sites(SiteSource("t", path, "b", technique, kind), families)


def one(table):
    assert len(table.rows) == 1
    return table.rows.row(0, named=True)


def test_atlas_positions_count_from_one_and_a_row_may_name_several_techniques(tmp_path, families):
    table = read(tmp_path, ATLAS + ATLAS_ROW, families)
    row = one(table)
    assert table.format == "atlas" and (row["chrom"], row["start0"], row["strand"]) == ("c1", 10, "-")
    assert row["technique"] == "m6A-REF-seq;miCLIP" and row["tissue"] == "Brain;Liver" and row["level"] is None


@pytest.mark.parametrize(
    "text", [GLORI_TOOLS + "c1\t11\t+\tG\t0.99\t50\t20\t900\t0.4\t1e-9\t1e-8\n",
             DEPOSITED + "c1,11,+,G,0.01,50,20,900,0.4,1e-9,1e-8\n"]
)  # fmt: skip
def test_both_spellings_of_glori_give_the_level_and_name_their_technique(tmp_path, families, text, capsys):
    table = read(tmp_path, text, families)
    row = one(table)
    assert table.format == "glori" and row["start0"] == 10 and row["technique"] == "GLORI"
    assert row["level"] == 0.4 and row["coverage"] == 50
    assert "technique of t.txt = GLORI" in capsys.readouterr().err


def test_bedmethyl_keeps_level_coverage_and_the_kind_of_modification(tmp_path, families):
    line = "c1\t10\t11\ta\t900\t-\t10\t11\t0\t40\t25.00\n"
    table = read(tmp_path, "#fileformat=bedRModv1.8\n" + line, families, "nanopore")
    row = one(table)
    assert table.format == "bedmethyl" and (row["start0"], row["level"], row["coverage"]) == (10, 0.25, 40)
    assert row["modification"] == "a"


MODKIT = "c1\t{0}\t{1}\ta\t40\t+\t{0}\t{1}\t255,0,0\t"


def test_bedmethyl_of_an_older_modkit_joins_its_last_columns_by_blanks(tmp_path, families, capsys):
    text = "".join(MODKIT.format(k, k + 1) + f"40 {k}.00 {k} 0 0 0 0 0 0\n" for k in (10, 20))
    table = read(tmp_path, text, families, "nanopore")
    assert table.format == "bedmethyl" and table.rows["level"].to_list() == [0.1, 0.2]
    assert table.rows["coverage"].to_list() == [40, 40] and "format of t.txt = bedmethyl" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"line 1, column 'column 10': '40 10.00 .*joined by blanks"):
        read(tmp_path, text, families, "nanopore", "bed")  # every covered A would be a site
    described = "c1\t10\t11\tx\t5\t+\ta\tb\tc\ta gene of 2 names\n"
    assert read(tmp_path, described, families, "miclip").format == "bed"


def test_a_table_of_sites_is_held_in_columns_a_part_at_a_time(tmp_path, families, monkeypatch):
    monkeypatch.setattr(site_formats, "RECORDS_AT_A_TIME", 2)
    text = "".join(f"c1\t{k}\t{k + 1}\ta\t40\t+\t{k}\t{k + 1}\t0\t40\t{k}\n" for k in range(5))
    rows = read(tmp_path, text, families, "nanopore").rows
    assert rows["start0"].to_list() == [0, 1, 2, 3, 4] and rows["line"].to_list() == [1, 2, 3, 4, 5]


def test_bed_is_taken_as_it_is_with_repairs(tmp_path, families):
    text = "﻿track name=x\r\nc1\t10\t11\tname\t5\t+\r\n\r\n"
    table = read(tmp_path, gzip.compress(text.encode()), families, "miclip", name="t.bed.gz")
    assert table.format == "bed" and one(table)["start0"] == 10 and one(table)["technique"] == "miCLIP"


@pytest.mark.parametrize(
    "text, technique, words",
    [
        ("", "miCLIP", "holds no site"),
        ("#only a comment\n", "miCLIP", "holds no site"),
        (ATLAS, "", "holds no site"),
        ("c1\t10\t11\n", "miCLIP", "3 columns, so no strand"),
        ("c1\t10\t11\tx\t1\t.\n", "miCLIP", "line 1, column 'strand': '.' is not . or -"),
        ("c1\t10\t15\tx\t1\t+\n", "miCLIP", "makes a site of 5 bases"),
        ("c1\t10\t11\tx\t1\t+\n", "", "does not name its technique"),
        ("c1\t10\t11\tx\t1\t+\n", "PARIS", "technique 'PARIS' is unknown"),
        (ATLAS + ATLAS_ROW.replace("miCLIP", "magic"), "", "technique 'magic' is unknown"),
        (ATLAS + ATLAS_ROW.replace("m6a-ref-seq;miCLIP", ""), "", "names no technique"),
        (ATLAS.replace("strand", "side") + ATLAS_ROW, "", "neither the header"),
        (ATLAS + ATLAS_ROW.replace("\t11\t", "\tx\t"), "", "'x' is not a whole number"),
        (GLORI_TOOLS.replace("Strand", "Side") + "c1\t1\t+\n", "", "no column 'Strand'"),
        (GLORI_TOOLS.replace("Ratio", "R") + "c1\t1\t+\n", "", "neither a column 'Ratio' nor 'NormeRatio'"),
        (GLORI_TOOLS + "c1\t11\t+\tG\t0.99\t50\t20\t900\t40\t1\t1\n", "", "not a number from 0 to 1"),
        ("chromosome position\nc1 10\n", "miCLIP", "neither the header"),
    ],
)
def test_what_cannot_be_placed_is_refused_in_one_sentence(tmp_path, families, text, technique, words):
    with pytest.raises(DataError, match=words) as told:
        read(tmp_path, text, families, technique)
    assert "\n" not in str(told.value)


def test_a_format_that_contradicts_the_columns_is_refused(tmp_path, families):
    with pytest.raises(DataError, match="calls it glori, but its columns are those of atlas"):
        read(tmp_path, ATLAS + ATLAS_ROW, families, kind="glori")


def test_a_sheet_names_tables_relative_to_itself(tmp_path):
    (tmp_path / "s.csv").write_text("Source,path,technique,build\na,x/a.bed,miCLIP,hg19\nb,/y/b.tsv,,hg38\n")
    first, second = read_sheet(tmp_path / "s.csv")
    assert first == SiteSource("a", tmp_path / "x/a.bed", "hg19", "miCLIP")
    assert second == SiteSource("b", Path("/y/b.tsv"), "hg38")


@pytest.mark.parametrize(
    "text, words",
    [
        ("source,path,technique\na,b,c\n", "column 'build' is missing"),
        ("source,path,build\na,b,\n", "column 'build': '' is empty"),
        ("source,path,build\na,b,h\na,c,h\n", "names two tables"),
        ("source,path,build\na b,b,h\n", "characters other than"),
        ("source,path,build,format\na,b,h,vcf\n", "is not atlas, glori"),
    ],
)
def test_a_sheet_with_gaps_is_refused(tmp_path, text, words):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        read_sheet(tmp_path / "s.csv")


def test_the_build_is_taken_from_tables_that_agree_and_asked_for_otherwise(capsys):
    same = sources_of_tables([Path("a.bed"), Path("b.txt.gz")], "miCLIP", "hg38")
    assert [one.source for one in same] == ["a", "b"]
    assert genome_build(same, None) == "hg38" and "chosen: build" in capsys.readouterr().err
    mixed = [*same, SiteSource("c", Path("c"), "hg19")]
    with pytest.raises(UsageError, match="--build is needed: the tables are of hg19, hg38"):
        genome_build(mixed, None)
    assert genome_build(mixed, "hg19") == "hg19"
    with pytest.raises(UsageError, match="two tables are called 'a'"):
        sources_of_tables([Path("x/a.bed"), Path("y/a.bed")], "", "")
