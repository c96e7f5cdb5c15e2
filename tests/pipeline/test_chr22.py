"""The eight real libraries of the tutorial, from FASTQ to evaluated sites and the report."""

import json
import os
from pathlib import Path

import pytest

from .runs import ROOT, Launcher

DATA = Path(os.environ.get("RIBOLM_DATA", ROOT.parent / "shared" / "data")).resolve()
pytestmark = [pytest.mark.slow, pytest.mark.realdata]


@pytest.mark.skipif(not (DATA / "m6a" / "merip_chr22_fastq").exists(), reason="RIBOLM_DATA holds no merip_chr22_fastq")
def test_real_libraries_reach_the_report(launcher: Launcher, tools: None) -> None:
    short = ("--pretrain_steps", "40", "--finetune_epochs", "1", "--bootstrap_draws", "100")
    run = launcher.run(*short, env={"RIBOLM_DATA": str(DATA)}, profile="test_full,local")
    assert run.status == 0, run.text
    assert run.tasks("COMPLETED")["HISAT2_ALIGN"] == 8
    for group in ("control", "treated"):
        assert len((run.outdir / "peaks" / group / "peaks.bed").read_text().splitlines()) > 30
        assert len((run.outdir / "sites" / group / "sites.bed").read_text().splitlines()) > 30
    metrics = json.loads((run.outdir / "evaluation" / "metrics.json").read_text())["metrics"]
    assert {row["method"] for row in metrics} >= {"finetuned", "random_start", "motif rule"}
    assert len(json.loads((run.outdir / "quality" / "headline.json").read_text())["numbers"]) == 5
    assert (run.outdir / "multiqc" / "multiqc_report.html").stat().st_size > 1_000_000
