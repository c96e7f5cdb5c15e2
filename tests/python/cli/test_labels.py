"""ribolm-labels on the committed demo: sites from three tables, labels on stored sequences, folds; what it refuses."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ribolm.alphabet import letters, reverse_complement
from ribolm.cli.labels import main
from ribolm.genome.fasta import Genome
from ribolm.genome.regions import read_bed
from ribolm.sequences.places import Place
from ribolm.sequences.store import StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer

DATA = Path(__file__).parents[2] / "data" / "m6a"
FASTA = str(DATA / "genome.fa.gz")
SHEET = str(DATA / "evidence" / "sites.csv")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels") / "out"
    assert main(["sites", "--sheet", SHEET, "--fasta", FASTA, "--outdir", str(folder)]) == 0
    return folder


def test_two_families_that_agree_give_nearly_true_labels(labelled: Path) -> None:
    truth = {(r.chrom, r.start0, r.strand) for r in read_bed(DATA / "truth" / "sites.bed")}
    kept = {(r.chrom, r.start0, r.strand) for r in read_bed(labelled / "sites.bed")}
    assert len(kept & truth) > 0.85 * len(truth) and len(kept - truth) <= 0.03 * len(kept)
    with (labelled / "outcomes.tsv").open(newline="") as handle:
        rows = [(r["source"], r["outcome"], int(r["count"])) for r in csv.DictReader(handle, delimiter="\t")]
    assert ("all", "kept", len(kept)) in rows
    assert {source for source, outcome, n in rows if outcome == "base_not_a" and n} == {"miclip", "glori", "atlas"}
    assert (labelled / "sites.bedrmod").is_file()


def test_the_report_has_three_sections(labelled: Path) -> None:
    for stem in ("label_quality", "label_outcomes", "label_families"):
        content = json.loads((labelled / f"{stem}_mqc.json").read_text())
        assert content["id"] == f"ribolm_{stem}" and content["data"], stem
    table = json.loads((labelled / "label_quality_mqc.json").read_text())["data"]
    assert table["miCLIP"]["sites"] > 200 and table["GLORI"]["most_shared"].startswith("miCLIP: ")
    assert "level" in table["GLORI"] and "{least}" not in (labelled / "label_families_mqc.json").read_text()


def test_tokens_and_folds_of_a_store(labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    genome, tokenizer = Genome.open(FASTA), make_tokenizer("nucleotide")
    with StoreWriter(tmp_path / "store", tokenizer) as writer:
        for k, site in enumerate(read_bed(labelled / "sites.bed")[:12]):
            low = max(site.start0 - 50, 0)
            text = letters(genome.fetch(site.chrom, low, low + 101).tobytes())
            text = reverse_complement(text) if site.strand == "-" else text
            place = Place(site.chrom, site.strand, ((low, low + 101),), f"G{k}", f"C{k}")
            writer.add(tokenizer.encode(text), f"s{k}", place)
    store, out, folds = str(tmp_path / "store"), str(tmp_path / "out"), str(tmp_path / "folds.tsv")
    assert main(["tokens", "--store", store, "--sites", str(labelled / "sites.bed"), "--out", out]) == 0
    values = np.asarray(TokenStore.open(out).label("m6a"))
    assert np.count_nonzero(values == 1) >= 12 and np.isnan(values).any() and (values == 0).any()
    assert main(["folds", "--store", out, "--folds", "4", "--seed", "3", "--out", folds]) == 0
    assert Path(folds).read_text().startswith("row\tname\tchrom\tcluster\tfold\tby\n0\ts0\t")
    assert main(["folds", "--store", out, "--by", "chromosome", "--folds", "4", "--out", folds]) == 2
    assert "units cannot fill 4 folds" in capsys.readouterr().err


def test_a_single_table_needs_no_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = ["--table", str(DATA / "evidence" / "miclip.bed"), "--technique", "miCLIP", "--build", "any"]
    assert main(["sites", *table, "--fasta", FASTA, "--outdir", str(tmp_path / "o")]) == 0
    assert "families that must agree on a site = 1" in capsys.readouterr().err
    assert len(read_bed(tmp_path / "o" / "sites.bed")) > 200 and not (tmp_path / "o" / "sites.bedrmod").exists()


def test_measured_sites_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    (tmp_path / "sites.bedrmod").write_text("of a run on a table with levels")
    table = ["--table", str(DATA / "evidence" / "miclip.bed"), "--technique", "miCLIP", "--build", "any"]
    assert main(["sites", *table, "--fasta", FASTA, "--outdir", str(tmp_path)]) == 0
    assert (tmp_path / "sites.bed").exists() and not (tmp_path / "sites.bedrmod").exists()


def test_a_task_that_is_no_plain_name_is_refused(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = make_tokenizer("nucleotide")
    with StoreWriter(tmp_path / "store", tokenizer) as writer:
        site = read_bed(labelled / "sites.bed")[0]
        text = letters(Genome.open(FASTA).fetch(site.chrom, site.start0, site.start0 + 9).tobytes())
        writer.add(tokenizer.encode(text), "s", Place(site.chrom, "+", ((site.start0, site.start0 + 9),)))
    words = ["--store", str(tmp_path / "store"), "--sites", str(labelled / "sites.bed"), "--task", "m6a/x"]
    assert main(["tokens", *words, "--out", str(tmp_path / "out")]) == 2
    assert "Task 'm6a/x' is no plain name. Use letters, digits" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_sites_on_no_known_family_count_end_in_valid_empty_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["sites", "--sheet", SHEET, "--fasta", FASTA, "--min-families", "9", "--outdir", str(tmp_path / "o")]
    assert main(arguments) == 0
    assert "valid but empty" in capsys.readouterr().err and read_bed(tmp_path / "o" / "sites.bed") == []
    assert json.loads((tmp_path / "o" / "summary.json").read_text())["sites_kept"] == 0


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("miCLIP", "magic"), 65, "technique 'magic' is unknown"),
        (("miCLIP", ""), 65, "does not name its technique"),
        (("simulated\nglori", "hg19\nglori"), 2, "--build is needed"),
        (("miclip.bed", "missing.bed"), 65, "no such file"),
        (("build", "buidl"), 65, "build"),
    ],
)
def test_a_sheet_with_a_fault_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], code: int, words: str
) -> None:
    shutil.copytree(DATA / "evidence", tmp_path / "evidence")
    sheet = tmp_path / "evidence" / "sites.csv"
    sheet.write_text(sheet.read_text().replace(*change))
    assert main(["sites", "--sheet", str(sheet), "--fasta", FASTA, "--outdir", str(tmp_path / "o")]) == code
    error = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(error) == 1 and words in error[0] and not (tmp_path / "o").exists()


def test_a_chain_of_the_wrong_build_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = tmp_path / "wrong.chain"
    length = Genome.open(FASTA).lengths["chr1"]
    size = length - 7
    chain.write_text(f"chain 1 chr1 {length} + 0 {size} chr1 {length} + 7 {length} 1\n{size}\n")
    table = ["--table", str(DATA / "evidence" / "miclip.bed"), "--technique", "miCLIP", "--table-build", "old"]
    more = ["--build", "new", "--chain", f"old={chain}", "--fasta", FASTA, "--outdir", str(tmp_path / "o")]
    assert main(["sites", *table, *more]) == 65
    assert "wrong.chain does not lead from the build" in capsys.readouterr().err and not (tmp_path / "o").exists()


@pytest.mark.parametrize("more", [[], ["--sheet", SHEET, "--table", SHEET]])
def test_either_a_sheet_or_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    assert main(["sites", *more, "--fasta", FASTA, "--outdir", str(tmp_path / "o")]) == 2
    assert "Give either --sheet or --table" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--technique", "miCLIP"], ["--table-build", "old"]])
def test_options_of_a_table_have_no_effect_on_a_sheet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    assert main(["sites", "--sheet", SHEET, "--fasta", FASTA, "--outdir", str(tmp_path / "o"), *more]) == 2
    assert f"{more[0]} has no effect with --sheet" in capsys.readouterr().err and not (tmp_path / "o").exists()
