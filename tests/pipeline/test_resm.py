"""Track resm on simulated RNAs: from a sheet of data sets to models, structures, values and their report."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from .images import PROFILE as IN_IMAGES
from .images import images, named_images, with_engine
from .runs import MODES, ROOT, Launcher, Refusals, Run

RESM = ROOT / "tests" / "data" / "resm"
PROFILE = "test_resm,local"
HEADER = "sample,task,split,path"

WIRED = {
    "PREPROCESS_DATASETS": 1,
    "PREPROCESS_STRUCTURES": 3,
    "TOKENIZE_RNA": 1,
    "TRAIN_PRETRAIN": 1,
    "EVALUATE_PERPLEXITY": 1,
    "PREDICT_EMBED": 1,
    "REPORT_EMBEDDING": 1,
    "TRAIN_CONTACTS": 1,
    "PREDICT_CONTACTS": 1,
    "EVALUATE_CONTACTS": 1,
    "EVALUATE_FAMILIES": 1,
    "EVALUATE_INTERACTIONS": 1,
    "REPORT_ZEROSHOT": 1,
    "LABELS_STRUCTURES": 2,  # to learn from, to choose by
    "TRAIN_STRUCTURE": 2,  # from the pretrained model, from random weights
    "LABELS_VALUES": 1,
    "LABELS_FOLDS": 1,
    "TRAIN_FINETUNE": 2 * 2 + 1,  # seeds; one model of all rows to predict by
    "PREDICT_STRUCTURE": 1,
    "PREDICT_SEQUENCES": 1,
    "PREDICT_KNOWN": 4,  # both models, with and without thermodynamics
    "PREDICT_FOLDING": 2,
    "EVALUATE_STRUCTURE": 1,
    "REPORT_STRUCTURES": 1,
    "PREDICT_VALUES": 4,
    "EVALUATE_VALUES": 1,
    "REPORT_VALUES": 1,
    "REPORT_TRAINING": 1,
    "REPORT_METHODS": 1,
    "MULTIQC": 1,
}


@pytest.mark.parametrize("mode", ["v1", "v2-strings"])
def test_all_steps_are_wired(launcher: Launcher, mode: str) -> None:
    run = launcher.run("-stub-run", "--seeds", "2", env=MODES[mode], profile=PROFILE)
    assert run.status == 0, run.text
    assert run.tasks("COMPLETED") == WIRED
    assert {
        "models/pretrained/model.safetensors",
        "models/structure.finetuned/model.safetensors",
        "structures/mine.dbn",
        "structures/mine.pairs.tsv",
        "embeddings/mine.pretrained.parquet",
        "evaluation/known/metrics.json",
        "zeroshot/families/metrics.json",
        "zeroshot/known.contacts/metrics.json",
        "multiqc/multiqc_report.html",
    } <= run.files()


def model_directory(folder: Path, name: str, task: dict[str, str]) -> Path:
    """A folder that looks like a model, for stubs."""
    model = folder / name
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "vocab.json").write_text('{"kind": "rna"}')
    (model / "task.json").write_text(json.dumps(task))
    return model


def test_a_plain_fasta_is_embedded_and_folded_in_the_images_of_its_modules(launcher: Launcher) -> None:
    model = model_directory(launcher.folder, "folds", {"task": "structure", "level": "structure"})
    given = ("--track", "resm", "--input", str(RESM / "mine.fa"), "--model", str(model))
    run = launcher.run("-stub-run", *given, env=with_engine(), profile=IN_IMAGES)
    assert run.status == 0, run.text
    assert images(run) == {name: named_images()[name] for name in images(run)}
    expected = (
        "PREDICT_EMBED",
        "REPORT_EMBEDDING",
        "PREDICT_STRUCTURE",
        "REPORT_STRUCTURES",
        "REPORT_METHODS",
        "MULTIQC",
    )
    assert run.tasks("COMPLETED") == dict.fromkeys(expected, 1)
    assert {"structures/mine.dbn", "embeddings/mine.folds.parquet"} <= run.files()
    versions = yaml.safe_load((run.outdir / "pipeline_info" / "ribolm_software_mqc_versions.yml").read_text())
    assert versions["PREDICT_STRUCTURE"].keys() >= {"python", "ribolm", "numpy", "scipy", "torch", "viennarna"}
    assert "torch" not in versions["REPORT_STRUCTURES"] and "scikit-learn" in versions["REPORT_STRUCTURES"]
    assert all(str(version)[0].isdigit() for tools in versions.values() for version in tools.values())


def test_a_sheet_alone_runs_what_its_rows_suffice_for(launcher: Launcher) -> None:
    folds = model_directory(launcher.folder, "folds", {"task": "structure", "level": "structure"})
    loads = model_directory(launcher.folder, "loads", {"task": "load", "level": "regression"})
    given = ("--track", "resm", "--input", str(RESM / "samplesheet.csv"), "--model", f"{folds},{loads}")
    run = launcher.run("-stub-run", *given, profile="local")
    assert run.status == 0, run.text
    tasks = run.tasks("COMPLETED")
    assert not {name for name in tasks if name.startswith("TRAIN")}
    assert (
        "EVALUATE_PERPLEXITY" not in tasks and "Perplexity is not measured: the run has no language model" in run.text
    )
    assert (tasks["PREDICT_KNOWN"], tasks["EVALUATE_STRUCTURE"], tasks["PREDICT_SEQUENCES"]) == (2, 1, 1)
    assert (tasks["EVALUATE_FAMILIES"], tasks["EVALUATE_INTERACTIONS"]) == (1, 1)
    assert "values/mine.loads.tsv" in run.files()


MINE = str(RESM / "mine.fa")
REFUSED = {
    "no input": (["--track", "resm"], "--input is missing. Track resm needs RNAs"),
    "a genome": (["--track", "resm", "--input", MINE, "--fasta", MINE], "--fasta says nothing to track resm"),
    "a sheet as FASTA": (
        ["--track", "resm", "--input", MINE, "--steps", "evaluate"],
        "evaluate needs data sets beside",
    ),
    "too many folds": (
        ["--track", "resm", "--input", MINE, "--value_folds", "9"],
        "--value_folds 9 is more than --folds 5",
    ),
    "scores of peers": (["--track", "resm", "--input", MINE, "--peer_scores", "a=b"], "--peer_scores says nothing to"),
    "a way to split": (["--track", "resm", "--input", MINE, "--split_by", "similarity"], "--split_by similarity says"),
    "a name with spaces": (
        ["--track", "resm", "--input", MINE, "--backbones", "/data/ESM-2 (150M)"],
        "--backbones: the folder name 'ESM-2 (150M)' has other characters",
    ),
    "RNAs for another track": (
        ["--track", "m6a", "--input", MINE],
        "is no samplesheet (.csv). RNAs as FASTA are for --track resm.",
    ),
}


def test_what_does_not_fit_the_track_is_refused(refused: Refusals) -> None:
    accepted = ["--track", "resm", "--input", MINE]
    told = refused({name: options for name, (options, _) in REFUSED.items()} | {"accepted": accepted}, "local")
    assert {name: told[name] for name, (_, part) in REFUSED.items() if part not in told[name]} == {}
    assert told["accepted"] == ""


WRONG = {
    "a step without rows": (
        ["--steps", "pretrain,zeroshot"],
        "a,predict,,mine.fa",
        "data.csv: step pretrain needs a row of task pretrain (FASTA). Add it, or leave pretrain out of --steps.",
    ),
    "a lost file": ([], "a,predict,,lost.fa", "data.csv row 2, column 'path': 'lost.fa' does not exist"),
    "a bad cell": ([], "a,prdict,,mine.fa", "data.csv line 2, column 'task': 'prdict' is not"),
    "no model": (["--model", str(RESM)], "a,predict,,mine.fa", f"--model: {RESM} is no model directory"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_fault_of_the_sheet_is_told_with_its_place(launcher: Launcher, name: str) -> None:
    options, row, sentence = WRONG[name]
    (launcher.folder / "data.csv").write_text(f"{HEADER}\n{row.replace('mine.fa', MINE)}\n")
    run = launcher.run(
        "-stub-run", "--track", "resm", "--input", str(launcher.folder / "data.csv"), *options, profile="local"
    )
    assert run.status == 1
    assert sentence in run.text


@pytest.fixture(scope="module")
def small(nextflow: Path, tools: None, pipeline_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One real run of all steps."""
    run = Launcher(nextflow, pipeline_copy, tmp_path_factory.mktemp("resm")).run(profile=PROFILE)
    assert run.status == 0, run.text
    yield run


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_published_tree(small: Run) -> None:
    models = ("pretrained", "pretrained.contacts", "structure.finetuned", "structure.random_start")
    assert {f"models/{name}/model.safetensors" for name in models} <= small.files()
    assert {f"structures/mine.{kind}" for kind in ("dbn", "tsv", "pairs.tsv")} <= small.files()
    assert {"values/mine.load.tsv", "corpus/corpus_audit.tsv", "multiqc/multiqc_report.html"} <= small.files()


def test_structures_of_the_users_rnas_are_written_base_by_base(small: Run) -> None:
    lines = (small.outdir / "structures" / "mine.dbn").read_text().splitlines()
    given = [line for line in (RESM / "mine.fa").read_text().splitlines() if not line.startswith(">")]
    assert lines[1::3] == given
    assert [len(text) for text in lines[2::3]] == [len(text) for text in given]
    assert any("(" in text for text in lines[2::3])


def test_the_report_tells_structures_zero_shot_values_and_methods(small: Run) -> None:
    text = (small.outdir / "multiqc" / "multiqc_report.html").read_text()
    for part in (
        "ribolm: RNA language models",
        "Structures as arcs",
        "Maps of RNAs",
        "Families told apart without training",
        "Where targets are bound",
        "Perplexity by type of RNA",
        "Models of values",
        "published&#44; other data",
        "went through a logistic regression with an L1 penalty",
    ):
        assert part in text, part
    assert "MeRIP" not in text


def test_families_stand_beside_floors_and_random_weights(small: Run) -> None:
    kinds = {row["kind"] for row in rows(small.outdir / "zeroshot" / "families" / "methods.tsv")}
    assert kinds == {"model", "random", "floor"}


def test_values_are_tested_on_rows_that_no_model_saw(small: Run) -> None:
    content = json.loads((small.outdir / "evaluation" / "load" / "metrics.json").read_text())
    assert "whole groups" in content["split"]
    found = {row["method"]: row for row in rows(small.outdir / "evaluation" / "load" / "methods.tsv")}
    assert {"finetuned", "random_start"} <= found.keys() and any(row["kind"] == "baseline" for row in found.values())
    assert int(float(found["finetuned"]["n_seen"])) == 0
