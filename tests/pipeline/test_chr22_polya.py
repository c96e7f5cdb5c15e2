"""Real chr22 (hg19), from FASTA, genes and a list of sites to an annotated scan by the model that comes with ribolm."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from .runs import ROOT, Launcher

DATA = Path(os.environ.get("RIBOLM_DATA", ROOT.parent / "shared" / "data")).resolve() / "polya"
pytestmark = [pytest.mark.slow, pytest.mark.realdata]
ON_STRAND = {"+": 421_996, "-": 421_742}  # candidates, counted without ribolm
USABLE = 263  # listed sites with 60 known bases on either side


@pytest.mark.skipif(not (DATA / "chr22.hg19.maf_partial.fa.gz").exists(), reason="RIBOLM_DATA holds no polya/chr22")
def test_chr22_is_scanned_by_the_default_model(launcher: Launcher) -> None:
    given = ("--fasta", "maf_partial.fa.gz", "--gtf", "polyester.gtf.gz", "--sites", "pPAS_sites.bed")
    paths = [str(DATA / f"chr22.hg19.{text}") if k % 2 else text for k, text in enumerate(given)]
    run = launcher.run("--track", "polya", *paths, "--bootstrap_draws", "200", profile="local")
    assert run.status == 0, run.text
    name = "chr22.hg19.maf_partial"
    with gzip.open(run.outdir / "candidates" / f"{name}.candidates.bed.gz", "rt") as handle:
        assert Counter(line.rstrip("\n").split("\t")[5] for line in handle) == ON_STRAND
    found = json.loads((run.outdir / "scan_beside" / name / "metrics.json").read_text())
    rows = {(row["method"], row["kept"]): row for row in found["recovery"]}
    assert found["known_sites"] == USABLE and len(rows) == 6
    assert all(row["difference_low"] > 0 for row in found["differences"]), "better than the regression at every share"
    assert rows["model", "1 % of candidates"]["recovered"] > 10 * rows["model", "1 % of candidates"]["by_chance"]
    assert json.loads((run.outdir / "scan" / name / "summary.json").read_text())["calls"] > 0
    report = (run.outdir / "multiqc" / "multiqc_report.html").read_text()
    assert "Beside the 4-mer regression" in report and "scored by polya-small" in report
