"""Track polya on the simulated genome: from the list of known sites to models, a scan and its report."""

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .images import images, named_images, with_engine
from .runs import MODES, ROOT, Launcher, Refusals, Run

POLYA = ROOT / "tests" / "data" / "polya"
PROFILE = "test_polya,local"
POLYA_SMALL = str(ROOT / "assets" / "models" / "polya-small")


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


def test_the_session_names_published_files_alone(scan: Run) -> None:
    session = scan.outdir / "scan" / "simulated" / "igv_session.xml"
    paths = [resource.get("path", "") for resource in ElementTree.parse(session).getroot().iter("Resource")]
    assert len(paths) == 3 and all((session.parent / path).is_file() for path in paths)


def test_the_scan_stands_beside_the_regression(scan: Run) -> None:
    found = json.loads((scan.outdir / "scan_beside" / "simulated" / "metrics.json").read_text())
    rows = {(row["method"], row["kept"]) for row in found["recovery"]}
    assert len(rows) == 6 and len(found["differences"]) == 3
    assert "Beside the 4-mer regression" in (scan.outdir / "multiqc" / "multiqc_report.html").read_text()


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


def test_a_backbone_is_asked_without_training(scan: Run) -> None:
    folder = scan.outdir / "fewshot" / "simulated.gene.m6a-sites-small"
    content = json.loads((folder / "metrics.json").read_text())
    assert content["settings"]["shots"] == 2 and content["settings"]["draws"] == 10
    assert len(rows(folder / "draws.tsv")) == 3 * 10, "ten draws on each fold"
    found = {row["metric"]: row for row in content["metrics"]}
    assert found["roc_auc"]["averaging"] == "ranking" and found["f1"]["averaging"] == "positive class"
    assert 0.3 < found["roc_auc"]["mean"] < 1, "a backbone of m6A need not know poly(A) sites"


def test_models_of_tokens_are_tested_on_whole_genes_in_pairs(scan: Run) -> None:
    folder = scan.outdir / "tokens" / "simulated"
    found = {(row["method"], int(row["tolerance_nt"])): row for row in rows(folder / "methods.tsv")}
    methods = {"causal", "bidirectional", "candidate rule", "shuffled labels"}
    assert found.keys() == {(method, tolerance) for method in methods for tolerance in (0, 5, 10, 25)}
    for method, auc, gain in (("causal", 0.7, 3), ("bidirectional", 0.9, 50)):
        row = found[method, 0]
        assert float(row["roc_auc_low"]) > auc
        assert float(row["average_precision"]) > gain * float(row["prevalence"])
        assert float(found[method, 25]["recall"]) >= float(row["recall"])
    pairs = {(row["other"], row["metric"]) for row in rows(folder / "differences.tsv") if row["tolerance_nt"] == "0"}
    assert ("bidirectional", "average_precision") in pairs
    tasks = scan.tasks("COMPLETED")
    assert (tasks["LABELS_POLYATOKENS"], tasks["TRAIN_CAUSAL"], tasks["TRAIN_BIDIRECTIONAL"]) == (2, 1, 1)
    causal = json.loads((scan.outdir / "models" / "simulated.tokens.causal.fold0.seed1" / "task.json").read_text())
    assert causal["delay_nt"] == 20 and causal["both_strands"] and causal["level"] == "token"


def test_known_sites_that_were_not_scanned_are_left_out_and_counted(scan: Run) -> None:
    summary = json.loads((scan.outdir / "scan" / "simulated" / "summary.json").read_text())
    account = summary["known_sites"]
    assert account["listed"] == account["asked"] + account["not_scanned"] + account["unknown_bases"]
    assert account["not_scanned"] > 0.8 * account["listed"] and account["asked"] > 20
    assert next(row for row in summary["recovery"] if row["kept"] == "calls")["recovered"] > 0.3


def test_the_report_tells_scan_models_and_methods(scan: Run) -> None:
    text = (scan.outdir / "multiqc" / "multiqc_report.html").read_text()
    for part in (
        "ribolm: poly(A) sites",
        "Poly(A) sites at a glance",
        "Models of windows",
        "Known sites among the calls",
        "Signals destroyed",
        "Few-shot",
        "Sites base by base",
        "scored by a model trained on the first set",
    ):
        assert part in text
    assert "MeRIP" not in text


WIRED = {
    "LABELS_POLYA": 2,
    "LABELS_FOLDS": 4,
    "EVALUATE_FEWSHOT": 4,
    "REPORT_FEWSHOT": 1,
    "TRAIN_FINETUNE": 4 * 3 + 2,  # sets of two genomes; folds, and of each first set one model of all for the scan
    "LABELS_POLYATOKENS": 4,  # two tokenizers
    "TRAIN_CAUSAL": 4,
    "TRAIN_BIDIRECTIONAL": 4,
    "PREDICT_STORE": 8,
    "EVALUATE_TOKENS": 2,
    "REPORT_TOKENS": 1,
    "REPORT_TRAINING": 1,
    "PREDICT_CANDIDATES": 2,
    "PREDICT_SCAN": 4,
    "PREDICT_CALLS": 2,
    "EVALUATE_SCAN": 2,
    "REPORT_SCAN": 1,
    "EXPLAIN_WINDOWS": 4,
    "REPORT_EXPLAIN": 1,
    "PREDICT_SEQUENCES": 12,
    "EVALUATE_SEQUENCES": 4,
    "REPORT_EVALUATION": 1,
    "REPORT_METHODS": 1,
    "MULTIQC": 1,
}


@pytest.mark.parametrize("mode", ["v1", "v2-strings"])
def test_every_step_is_wired_for_several_genomes_and_sets(
    launcher: Launcher, tools: None, tmp_path: Path, mode: str
) -> None:
    files = ",".join(str(POLYA / name) for name in ("genome.fa.gz", "genes.gtf.gz", "sites.polyasite.bed"))
    (tmp_path / "genomes.csv").write_text(f"sample,fasta,gtf,sites\na,{files}\nb,{files}\n")
    given = ("--input", str(tmp_path / "genomes.csv"), "--polya_sets", "gene,intergene", "--token_folds", "2")
    run = launcher.run("-stub-run", *given, profile=f"{PROFILE},singularity", env=with_engine() | MODES[mode])
    assert run.status == 0, run.text
    assert run.tasks("COMPLETED") == WIRED
    assert images(run) == {name: named_images()[name] for name in WIRED}
    assert {
        "fewshot/b.intergene.m6a-sites-small/metrics.json",
        "tokens/a/metrics.json",
        "models/b.tokens.causal.fold1.seed1/model.safetensors",
        "labels/a.tokens.hyena/summary.json",
    } <= run.files()
    assert "labels/a.tokens.hyena/crops" not in {str(Path(name).parent) for name in run.files()}


REFUSED = {
    "a lost sheet": (["--input", "none.csv"], "none.csv"),
    "evaluate without a model": (["--steps", "labels,evaluate"], "--model is missing. Step evaluate needs a model"),
    "peaks": (["--peaks", str(POLYA / "sites.polyasite.bed")], "--peaks says nothing to track polya"),
    "evaluate alone": (["--steps", "evaluate"], "Give --steps labels,evaluate."),
    "a model of hexamers": (
        ["--steps", "labels,evaluate", "--model", POLYA_SMALL],
        "the sets of step evaluate are centred on the site",
    ),
    "a model of tokens": (
        ["--steps", "scan", "--model", str(ROOT / "assets" / "models" / "m6a-sites-small")],
        "answers once per token",
    ),
    "nothing to explain": (["--steps", "labels,explain"], "--model is missing. Step explain"),
    "few-shot alone": (["--steps", "fewshot"], "Give --steps labels,fewshot."),
    "few-shot without a backbone": (
        ["--steps", "labels,fewshot,report", "--init_model", "", "--model", "", "--fewshot_models", ""],
        "--init_model is missing. Step fewshot needs a backbone",
    ),
    "a report of nothing": (["--steps", "report"], "--steps report: nothing would be computed"),
    "too many folds": (["--token_folds", "4"], "--token_folds 4 is more than --folds 3."),
}


def test_what_cannot_be_run_is_refused(refused: Refusals) -> None:
    told = refused({name: options for name, (options, _) in REFUSED.items()} | {"nothing": []}, PROFILE)
    assert {name: told[name] for name, (_, part) in REFUSED.items() if part not in told[name]} == {}
    assert told["nothing"] == "", "the profile itself is accepted"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--token_causal", "small"], "--token_causal: 'small' is neither a model directory"),
        (["--token_crop_nt", "5000"], "Make it at most 493, or choose another --token_causal."),
    ],
)
def test_a_backbone_that_does_not_fit_is_told_before_anything_starts(
    launcher: Launcher, options: list[str], message: str
) -> None:
    run = launcher.run(*options, profile=PROFILE)
    assert run.status != 0
    assert message in run.text
    assert not run.trace
