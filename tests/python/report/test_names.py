"""Names of libraries, groups and RNAs come through MultiQC whole, beside the files of the tools."""

import csv
import shutil
import subprocess
from pathlib import Path

import pytest

CONFIG = Path(__file__).resolve().parents[3] / "assets" / "multiqc_config.yml"
FLAGSTAT = "10 + 0 in total (QC-passed reads + QC-failed reads)\n9 + 0 mapped (90.00% : N/A)\n"
HISAT2 = (
    "HISAT2 summary stats:\n\tTotal reads: 10\n\t\tAligned 0 time: 1 (10.00%)\n\t\tAligned 1 time: 9 (90.00%)\n"
    "\t\tAligned >1 times: 0 (0.00%)\n\tOverall alignment rate: 90.00%\n"
)


def multiqc_data(found: Path, target: Path) -> Path:
    """The folder of tables that a run of MultiQC leaves."""
    if shutil.which("multiqc") is None:
        pytest.skip("multiqc is not installed")
    words = ["multiqc", "--strict", "--force", "--config", CONFIG, "--cl-config", "export_plots: false"]
    words += ["--filename", "report.html", "-o", target, found]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return target / "report_data"


def names(table: Path) -> list[str]:
    with table.open() as handle:
        return [row["Sample"] for row in csv.DictReader(handle, delimiter="\t")]


def test_names_with_dots_stay_apart_and_join_the_tools(command, dotted_run, tmp_path: Path) -> None:
    outdir = tmp_path / "q"
    assert command("peaks", *dotted_run.folder_arguments, "--gtf", dotted_run.gtf, "--outdir", outdir) == 0
    libraries = sorted(
        f"{folder.name}_{n}_{kind}" for folder in dotted_run.folders for n in "12" for kind in ("ip", "input")
    )
    for name in libraries:
        (outdir / f"{name}.flagstat").write_text(FLAGSTAT)
        (outdir / f"{name}.hisat2.summary.txt").write_text(HISAT2)
    data = multiqc_data(outdir, tmp_path / "multiqc")
    assert sorted(names(data / "multiqc_general_stats.txt")) == libraries
    assert sorted(names(data / "multiqc_ribolm_groups_plot.txt")) == ["liver.fasted", "liver.fat"]
