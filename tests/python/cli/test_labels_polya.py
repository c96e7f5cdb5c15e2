"""ribolm-labels polya, polya-tokens and folds on a small simulated genome: files, report, what is refused."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.labels import main
from ribolm.labels.folds import read_folds
from ribolm.sequences.store import TokenStore
from ribolm.simulation.polya import simulate_polya
from ribolm.simulation.polya_options import PolyaOptions


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("polya") / "world"
    simulate_polya(PolyaOptions(contigs=2, contig_nt=60_000, long_genes=0), folder)
    return folder


def inputs(world: Path, sites: str = "sites.polyasite.bed") -> list[str]:
    fasta, gtf = str(world / "genome.fa.gz"), str(world / "genes.gtf.gz")
    return ["--fasta", fasta, "--gtf", gtf, "--polya-sites", str(world / sites)]


@pytest.fixture(scope="module")
def made(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "out"
    assert main(["polya", *inputs(world), "--out", str(out), "--tokenizer", "chunk", "--set", "gene"]) == 0
    return out


def test_a_set_is_a_store_a_fasta_and_a_table_of_the_same_rows(made: Path) -> None:
    store = TokenStore.open(made / "gene" / "store", verify=True)
    label = np.asarray(store.label("polya"))
    with gzip.open(made / "gene" / "windows.fa.gz", "rt") as handle:
        records = handle.read().split()
    names, windows = [name[1:] for name in records[::3]], records[2::3]
    assert store.names(("name",))["name"].to_list() == names and len(set(names)) == len(names) > 20
    assert [f"label={int(value)}" for value in label] == records[1::3]
    assert all(len(window) == 101 and window[50] == "A" for window in windows)
    with gzip.open(made / "gene" / "rows.tsv.gz", "rt") as handle:
        assert [row["name"] for row in csv.DictReader(handle, delimiter="\t")] == names
    assert store.tokenizer.kind == "chunk" and label.mean() == 0.5
    terms = store.manifest["source"]["options"]
    assert (terms["anchor"], terms["anchor_offset0"], terms["window_nt"]) == ("cleavage", 50, 101)


def test_every_given_site_is_listed_with_its_flags_and_every_row_is_accounted_for(made: Path, world: Path) -> None:
    with gzip.open(made / "sites.bed.gz", "rt") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert len(rows) == len((world / "sites.polyasite.bed").read_text().splitlines())
    assert {row["internal_priming"] for row in rows} <= {"0", "1"}
    summary = json.loads((made / "summary.json").read_text())
    assert summary["anchor_offset0"] == 50 and summary["margin_strands"] == "both"
    with (made / "outcomes.tsv").open() as handle:
        counts = {(r["stage"], r["outcome"]): int(r["count"]) for r in csv.DictReader(handle, delimiter="\t")}
    assert sum(n for (stage, _), n in counts.items() if stage == "sites") == len(rows)
    assert counts["gene", "positives"] == counts["gene", "negatives"] == summary["sets"]["gene"]["positives"]


def test_the_report_shows_what_was_dropped_and_both_classes(made: Path) -> None:
    for stem in ("polya_sites", "polya_set_table", "polya_composition", "polya_logos"):
        content = json.loads((made / f"{stem}_mqc.json").read_text())
        assert content["id"] == f"ribolm_{stem}" and content["parent_id"] == "ribolm_polya_sets" and content["data"]
        assert "{" not in content["description"]
    assert (made / "polya_logo_gene.png").stat().st_size > 10_000


def test_sections_of_several_genomes_stand_beside_each_other(world: Path, tmp_path: Path) -> None:
    found = []
    for name in ("human", "mouse"):
        arguments = ["polya", *inputs(world), "--out", str(tmp_path / name), "--set", "gene", "--genome-name", name]
        assert main(arguments) == 0
        found.append({path.name: json.loads(path.read_text()) for path in (tmp_path / name).glob("*_mqc.json")})
    assert not found[0].keys() & found[1].keys() and len(found[0]) == 4
    sites = [content[f"{name}.polya_sites_mqc.json"] for name, content in zip(("human", "mouse"), found, strict=True)]
    assert sites[0]["id"] == sites[1]["id"] and set(sites[0]["data"]) == {"human"}, "one plot of both"
    logos = found[1]["mouse.polya_logos_mqc.json"]
    assert logos["id"] == "ribolm_polya_logos_mouse" and logos["section_name"] == "Logos of both classes: mouse"


@pytest.mark.parametrize("by", ["gene", "similarity", "random"])
def test_a_set_is_dealt_into_folds(made: Path, tmp_path: Path, by: str) -> None:
    out = tmp_path / "folds.tsv"
    assert main(["folds", "--store", str(made / "gene" / "store"), "--out", str(out), "--by", by, "--folds", "3"]) == 0
    assert read_folds(out).n_folds == 3


def test_tokens_of_whole_genes(world: Path, tmp_path: Path) -> None:
    arguments = ["polya-tokens", *inputs(world), "--out", str(tmp_path / "tokens"), "--crop", "500", "--folds", "3"]
    assert main(arguments) == 0
    for name in ("crops", "genes"):
        store = TokenStore.open(tmp_path / "tokens" / name)
        assert store.label_spec("polya").rank == "token" and np.nansum(store.label("polya")) > 0
        read_folds(tmp_path / "tokens" / f"{name}.folds.tsv", store)
    assert main([*arguments, "--fold", "3"]) == 2


@pytest.mark.parametrize(
    "text, code, words",
    [
        ("1\t500\t501\tx\t0\t+\n", 65, "'chr' before the names"),
        ("chr1\t500\t501\n", 65, "so no strand"),
        ("chr1\t500000\t500001\tx\t0\t+\n", 65, "lies beyond contig 'chr1'"),
        ("", 0, "without a site every set is valid and empty"),
    ],
)
def test_bad_lists_leave_nothing_behind_and_an_empty_one_gives_empty_sets(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: int, words: str
) -> None:
    (world / "bad.bed").write_text(text)
    out = tmp_path / "out"
    assert main(["polya", *inputs(world, "bad.bed"), "--out", str(out)]) == code
    assert words in capsys.readouterr().err
    assert out.exists() == (code == 0)
    if code == 0:
        store = out / "intergene" / "store"
        assert len(TokenStore.open(store)) == 0
        assert main(["folds", "--store", str(store), "--out", str(tmp_path / "folds.tsv")]) == 0
        assert "has no sequence, so the table of folds is valid and empty" in capsys.readouterr().err
