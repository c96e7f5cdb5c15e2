"""The wiring, in every mode of Nextflow 25.04 to 26: both parsers, parameters typed and as text."""

from pathlib import Path

import pytest

from .runs import MODES, Launcher

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
    "REPORT_METHODS": 1,
    "MULTIQC": 1,
}


@pytest.mark.parametrize("mode", MODES)
def test_every_step_is_wired(launcher: Launcher, small_sheet: Path, tools: None, mode: str) -> None:
    run = launcher.run(
        *("-stub-run", "--input", str(small_sheet), "--save_reference", "true", "--save_align", "false"),
        *("--peaks_per_replicate", "true", "--bins_tsv", "false"),
        env=MODES[mode],
    )
    assert run.status == 0, run.text
    assert run.tasks("COMPLETED") == PROCESSES
    assert {"reference/hisat2/genome.1.ht2", "reference/splice_sites.tsv"} <= run.files()
    assert {
        "peaks/control/peaks.bed",
        "peaks/control.replicate_1/peaks.bed",
        "multiqc/multiqc_report.html",
    } <= run.files()
    assert not [name for name in run.files() if name.endswith(".bam")], "'false' as text must not mean yes"
