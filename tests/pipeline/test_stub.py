"""The wiring of every step, by both parsers, with parameters typed and as text."""

from pathlib import Path

import pytest

from .images import images, named_images, with_engine
from .runs import DATA, MODES, Launcher

PROCESSES = {
    "PREPROCESS_SAMPLESHEET": 1,
    "PREPROCESS_GENOME": 1,
    "HISAT2_BUILD": 1,
    "HISAT2_SPLICESITES": 1,
    "FASTP": 3,
    "HISAT2_ALIGN": 2,
    "SAMTOOLS_STATS": 2,
    "PREPROCESS_STRANDEDNESS": 2,
    "PEAKS_CALL": 2,
    "REPORT_PEAKS": 1,
    "REPORT_MOTIF": 1,
    "REPORT_METAGENE": 1,
    "REPORT_STRANDEDNESS": 1,
    "REPORT_TRACKS": 1,
    "REPORT_SESSION": 1,
    "REPORT_HEADLINE": 1,
    "TOKENIZE_PEAKS": 1,
    "LABELS_SITES": 1,
    "LABELS_TOKENS": 1,
    "LABELS_FOLDS": 1,
    "TRAIN_PRETRAIN": 1,
    "TRAIN_FINETUNE": 3 * 2 * 2,  # folds, seeds, start: pretrained or at random
    "PREDICT_STORE": 3 * 2 * 2,
    "PREDICT_SITES": 1,
    "PREDICT_MERGE": 1,
    "EVALUATE_SITES": 1,
    "REPORT_TRAINING": 1,
    "REPORT_EVALUATION": 1,
    "REPORT_METHODS": 1,
    "MULTIQC": 1,
}


@pytest.mark.parametrize("mode", ["v1", "v2-strings"])
def test_every_step_is_wired(launcher: Launcher, small_sheet: Path, tools: None, mode: str) -> None:
    run = launcher.run(
        *("-stub-run", "--input", str(small_sheet), "--save_reference", "true", "--save_align", "false"),
        *("--peaks_per_replicate", "true", "--bins_tsv", "false", "--seeds", "2", "--save_corpus", "true"),
        env=with_engine() | MODES[mode],
        profile="test,local,singularity",
    )
    assert run.status == 0, run.text
    assert run.tasks("COMPLETED") == PROCESSES
    assert images(run) == {name: named_images()[name] for name in PROCESSES}
    assert {"reference/hisat2/genome.1.ht2", "reference/splice_sites.tsv"} <= run.files()
    assert {
        "peaks/control/peaks.bed",
        "peaks/control.replicate_1/peaks.bed",
        "multiqc/multiqc_report.html",
        "corpus/labelled/manifest.json",
        "labels/sites.bed",
        "models/pretrained/model.safetensors",
        "models/finetuned.fold2.seed2/model.safetensors",
        "sites/control/sites.bed",
        "evaluation/metrics.json",
    } <= run.files()
    assert not [name for name in run.files() if name.endswith(".bam")], "'false' as text must not mean yes"


@pytest.mark.parametrize("mode", ["v2", "strings"])
def test_every_step_is_understood(launcher: Launcher, mode: str) -> None:
    run = launcher.run("-preview", env=MODES[mode])
    assert run.status == 0, run.text


def test_a_given_index_reaches_the_aligner_as_the_user_named_it(
    launcher: Launcher, small_sheet: Path, tools: None
) -> None:
    """A link to a task's link would dangle in a container, which mounts what the user named."""
    index = launcher.folder / "my_index"
    index.mkdir()
    run = launcher.run(
        *("-stub-run", "--input", str(small_sheet), "--hisat2_index", str(index), "--steps", "preprocess,align"),
    )
    assert run.status == 0, run.text
    assert "HISAT2_BUILD" not in run.tasks() and run.tasks()["HISAT2_ALIGN"] == 2
    links = list((launcher.folder / "work").glob("*/*/my_index"))
    assert len(links) == 2 and {link.readlink() for link in links} == {index}


def test_own_peaks_start_at_the_sites(launcher: Launcher, tools: None) -> None:
    model = launcher.folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    run = launcher.run(
        *("-stub-run", "--peaks", str(DATA / "truth" / "regions.bed"), "--model", str(model)),
        *("--steps", "corpus,labels,predict,evaluate", "--peaks_per_chunk", "50"),
    )
    assert run.status == 0, run.text
    assert not set(run.tasks()) & {"PREPROCESS_SAMPLESHEET", "HISAT2_BUILD", "PEAKS_CALL", "TRAIN_FINETUNE", "MULTIQC"}
    assert run.tasks()["PREDICT_SITES"] > 1
    assert {"sites/regions/sites.bed", "evaluation/metrics.json"} <= run.files()
