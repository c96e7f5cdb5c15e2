"""The m6A model that comes with ribolm, applied and judged where nothing is trained: a run with known sites alone."""

import csv
import gzip
import io
import json
from pathlib import Path

from .runs import DATA, Launcher

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
