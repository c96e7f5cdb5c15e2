"""The m6A model that comes with ribolm, applied and judged where nothing is trained: a run with known sites alone."""

import csv
import gzip
import io
import json
from pathlib import Path

from .runs import DATA, Launcher, Refusals

STEPS = "corpus,labels,predict,evaluate,report"
REGIONS = 60


def test_known_sites_judge_the_default_model(launcher: Launcher, tmp_path: Path, tools: None) -> None:
    """One table of sites, no sheet; its name and that of the peaks are the user's."""
    peaks, sites = tmp_path / "mine.bed", tmp_path / "known sites' table.tsv.gz"
    peaks.write_text("".join((DATA / "truth" / "regions.bed").read_text().splitlines(keepends=True)[:REGIONS]))
    sites.write_bytes(gzip.compress((DATA / "evidence" / "glori.tsv").read_bytes(), mtime=0))
    run = launcher.run(
        *("--peaks", str(peaks), "--sites", str(sites), "--sites_technique", "GLORI"),
        *("--steps", STEPS, "--bootstrap_draws", "20"),
    )
    assert run.status == 0, run.text
    assert "corpus of kmer tokens, k 5, windows of 510 nt that overlap by 128 (so that m6a-sites-small" in run.text
    assert run.tasks()["PREDICT_STORE"] == 1 and "TRAIN_FINETUNE" not in run.tasks()
    rows = csv.DictReader(io.StringIO((run.outdir / "evaluation" / "methods.tsv").read_text()), delimiter="\t")
    assert "m6a-sites-small" in {row["method"] for row in rows}
    assert json.loads((run.outdir / "labels" / "summary.json").read_text())
    assert (run.outdir / "sites" / "mine" / "sites.bed").exists()


def fake_model(folder: Path, k: int) -> Path:
    """What is read of a model directory before anything starts."""
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "vocab.json").write_text(json.dumps({"kind": "kmer", "k": k}))
    (folder / "task.json").write_text(json.dumps({"window_nt": 100, "overlap_nt": 20}))
    return folder


def test_what_cannot_end_well_is_told_before_anything_starts(refused: Refusals, tmp_path: Path) -> None:
    three, five = (str(fake_model(tmp_path / f"words{k}", k)) for k in (3, 5))
    spaced = tmp_path / "my peaks.bed"
    spaced.write_text("")
    (tmp_path / "sheet.csv").write_text("source;path;technique;build\na;a.bed;GLORI;hg38\n")
    regions, table = str(DATA / "truth" / "regions.bed"), str(DATA / "evidence" / "glori.tsv")
    judged = ["--peaks", regions, "--steps", "corpus,labels,predict,evaluate"]
    whole = ["--steps", "preprocess,align,peaks"]
    wrong = {
        "models": ([*judged, "--model", f"{three},{five}"], "words3 reads tokens kmer, k 3, window_nt 100"),
        "tokenizer": ([*judged, "--tokenizer", "nucleotide"], "m6a-sites-small reads tokens of kmer. Leave"),
        "build": (
            [*judged, "--sites", table, "--genome_build", ""],
            "--genome_build is missing. --sites names one table",
        ),
        "technique": (
            [*judged, "--sites", str(tmp_path / "sheet.csv"), "--sites_technique", "GLORI"],
            "Fill the column",
        ),
        "random": ([*judged, "--split_by", "random"], "--split_by random: windows of one gene overlap"),
        "name": (["--peaks", str(spaced), "--steps", "predict"], "--peaks: the file name of 'my peaks'"),
        "counts": (
            [*whole, "--peak_caller", "macs3", "--min_mapq", "20", "--duplicates", "exclude", "--p_cutoff", "1e-5"],
            "macs3 has no use for --p_cutoff, --min_mapq, --duplicates exclude: MACS3 counts",
        ),
    }
    right = {
        "one model": [*judged, "--model", five],
        "models alike": [*judged, "--model", f"{five},{fake_model(tmp_path / 'words', 5)}"],
        "not the default's": [*judged, "--model", three, "--tokenizer", "kmer"],
        "sheet": [*judged, "--sites", str(tmp_path / "sheet.csv"), "--genome_build", ""],
        "table": [*judged, "--sites", table, "--sites_technique", "GLORI"],
        "macs3": [*whole, "--peak_caller", "macs3", "--duplicates", "mark", "--fragment_length", "80"],
        "trained": ["--steps", "peaks,corpus,labels,finetune,evaluate", "--split_by", "similarity"],
    }
    told = refused({**{name: words for name, (words, _text) in wrong.items()}, **right}, "test,local")
    assert {name: told[name] for name, (_words, text) in wrong.items() if text not in told[name]} == {}
    assert {name: told[name] for name in right if told[name]} == {}
