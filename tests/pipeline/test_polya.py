"""Track polya on the simulated genome: from the list of known sites to models, a scan and its report."""

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .runs import ROOT, Launcher, Run

POLYA = ROOT / "tests" / "data" / "polya"
PROFILE = "test_polya,local"


@pytest.fixture(scope="module")
def scan(nextflow: Path, tools: None, pipeline_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    run = Launcher(nextflow, pipeline_copy, tmp_path_factory.mktemp("polya")).run(profile=PROFILE)
    assert run.status == 0, run.text
    yield run


def rows(path: Path) -> list[dict[str, str]]:
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
    with opened as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_published_tree(scan: Run) -> None:
    files = scan.files()
    models = [*(f"simulated.gene.finetuned.fold{k}.seed1" for k in range(3)), "simulated.gene.whole.all.seed1"]
    assert {f"models/{name}/model.safetensors" for name in models} <= files
    assert {
        "labels/simulated/sites.bed.gz",
        "labels/simulated.gene/folds.tsv",
        "candidates/simulated.candidates.bed.gz",
    } <= files
    assert {
        f"scan/simulated/{name}" for name in ("calls.bed.gz", "calls.parquet", "isoforms.tsv", "summary.json")
    } <= files
    assert {"evaluation/simulated.gene/metrics.json", "multiqc/multiqc_report.html"} <= files


def test_fold_models_know_more_than_the_hexamer(scan: Run) -> None:
    found = {row["method"]: row for row in rows(scan.outdir / "evaluation" / "simulated.gene" / "methods.tsv")}
    assert {"finetuned", "4-mer regression", "hexamer rule", "shuffled labels"} <= found.keys()
    assert float(found["finetuned"]["roc_auc_low"]) > 0.85, "downstream elements are learnt"
    assert float(found["hexamer rule"]["roc_auc"]) < 0.6, "negatives hold the signal too"


def test_calls_are_mostly_planted_sites(scan: Run) -> None:
    calls = rows(scan.outdir / "scan" / "simulated" / "calls.bed.gz")
    assert len(calls) >= 30
    truth: dict[str, list[int]] = {"+": [], "-": []}
    for line in (POLYA / "truth" / "sites.bed").read_text().splitlines():
        chrom, start0, _, _, _, strand, *_ = line.split("\t")
        if chrom == "chr1":
            truth[strand].append(int(start0))
    near = [any(abs(int(call["start0"]) - place) <= 20 for place in truth[call["strand"]]) for call in calls]
    assert sum(near) >= 0.5 * len(calls), "the estimated share of false calls is at most a half"


def test_chunks_hide_no_candidate(scan: Run) -> None:
    summary = json.loads((scan.outdir / "scan" / "simulated" / "summary.json").read_text())
    with gzip.open(scan.outdir / "candidates" / "simulated.candidates.bed.gz", "rt") as handle:
        assert summary["candidates"] == sum(1 for _ in handle)
    assert scan.tasks("COMPLETED")["PREDICT_SCAN"] > 1


def test_models_are_explained_on_the_fold_that_they_have_not_seen(scan: Run) -> None:
    folder = scan.outdir / "explain" / "simulated.gene.finetuned.fold0.seed1"
    assert json.loads((folder / "summary.json").read_text())["positives"] == 50
    last = {row["kind"]: row for row in rows(folder / "perturbation.tsv") if float(row["level"]) == 1}
    assert last.keys() == {"signal", "control"}
    assert scan.tasks("COMPLETED")["EXPLAIN_WINDOWS"] == 1
    size = {int(row["place"]): float(row["size"]) for row in rows(folder / "importance.tsv")}
    assert max(size) - min(size) == 100


def test_the_report_tells_scan_models_and_methods(scan: Run) -> None:
    text = (scan.outdir / "multiqc" / "multiqc_report.html").read_text()
    for part in (
        "ribolm: poly(A) sites",
        "Poly(A) sites at a glance",
        "Models of windows",
        "Known sites among the calls",
        "Signals destroyed",
    ):
        assert part in text
    assert "MeRIP" not in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--input", "none.csv"], "none.csv"),
        (["--steps", "evaluate"], "Give --steps labels,evaluate."),
        (["--steps", "scan,report"], "--model is missing."),
        (["--steps", "labels,explain"], "--model is missing. Step explain"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_starts(
    launcher: Launcher, options: list[str], message: str
) -> None:
    run = launcher.run(*options, profile=PROFILE)
    assert run.status != 0
    assert message in run.text
    assert not run.trace
