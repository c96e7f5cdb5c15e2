"""Simulated tables of sites: what share is true, how they disagree, and that they are on the A that they name."""

import csv
import json
from pathlib import Path

from ribolm.genome.fasta import Genome
from ribolm.genome.regions import read_bed
from ribolm.simulation.m6a import simulate_m6a
from ribolm.simulation.m6a_options import M6aOptions

DATA = Path(__file__).parents[2] / "data" / "m6a"
Key = tuple[str, int, str]


def rows(name: str, delimiter: str = "\t") -> list[dict[str, str]]:
    with (DATA / "evidence" / name).open(newline="") as handle:
        return list(csv.DictReader(handle, delimiter=delimiter))


def tables() -> dict[str, set[Key]]:
    return {
        "miclip": {(r.chrom, r.start0, r.strand) for r in read_bed(DATA / "evidence" / "miclip.bed")},
        "glori": {(r["Chr"], int(r["Sites"]) - 1, r["Strand"]) for r in rows("glori.tsv")},
        "atlas": {(r["seqnames"], int(r["start"]) - 1, r["strand"]) for r in rows("atlas.tsv")},
    }


def test_the_sheet_names_the_tables_and_what_made_them() -> None:
    sheet = rows("sites.csv", ",")
    assert [(r["source"], r["technique"]) for r in sheet] == [("miclip", "miCLIP"), ("glori", "GLORI"), ("atlas", "")]
    assert all((DATA / "evidence" / r["path"]).is_file() and r["build"] == "simulated" for r in sheet)


def test_each_table_is_incomplete_and_partly_wrong_and_two_that_agree_are_right() -> None:
    truth = {(r.chrom, r.start0, r.strand) for r in read_bed(DATA / "truth" / "sites.bed")}
    found = tables()
    for name, places in found.items():
        assert 0.7 < len(places & truth) / len(truth) < 0.95, name
        assert 0.05 < len(places - truth) / len(places) < 0.2, name
    agreed = {key for places in found.values() for key in places if sum(key in other for other in found.values()) > 1}
    assert len(agreed & truth) > 0.85 * len(truth) and len(agreed - truth) < 0.03 * len(agreed)


def test_nearly_every_place_is_an_a_of_its_strand() -> None:
    genome = Genome.open(DATA / "genome.fa.gz")
    for places in tables().values():
        bases = [genome.fetch(chrom, start0, start0 + 1, strand).tobytes() for chrom, start0, strand in places]
        assert 0.97 < bases.count(b"A") / len(bases) < 1


def test_levels_are_shares_and_higher_at_sites() -> None:
    truth = {(r.chrom, r.start0, r.strand) for r in read_bed(DATA / "truth" / "sites.bed")}
    level = {(r["Chr"], int(r["Sites"]) - 1, r["Strand"]): float(r["Ratio"]) for r in rows("glori.tsv")}
    assert all(0 <= value <= 1 for value in level.values())
    inside = [value for key, value in level.items() if key in truth]
    outside = [value for key, value in level.items() if key not in truth]
    assert sum(inside) / len(inside) > 2 * sum(outside) / len(outside)


def test_the_rule_is_written_beside_the_truth() -> None:
    parameters = json.loads((DATA / "truth" / "parameters.json").read_text())
    assert "are U" in parameters["context_rule"]
    assert parameters["totals"]["context_without_site"] < 0.05 * parameters["totals"]["sites"]


def test_a_null_experiment_has_empty_tables(tmp_path: Path) -> None:
    simulate_m6a(M6aOptions(genes=5, fragments=50, null=True, groups=1, replicates=1), tmp_path / "x")
    assert (tmp_path / "x" / "evidence" / "miclip.bed").read_text() == ""
    assert (tmp_path / "x" / "evidence" / "glori.tsv").read_text().count("\n") == 1
