"""Names of libraries, groups and RNAs come through MultiQC whole, beside the files of the tools."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ribolm.report.drawing.multiqc import Section, write_line_tabs, write_lines, write_table

CONFIG = Path(__file__).resolve().parents[3] / "assets" / "multiqc_config.yml"
CHAPTER = "ribolm_training"
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
    """The first column without its header, which tables of lines lack."""
    return sorted(line.split("\t")[0] for line in table.read_text().splitlines() if not line.startswith("Sample\t"))


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
    assert names(data / "multiqc_general_stats.txt") == libraries
    assert names(data / "multiqc_ribolm_groups_plot.txt") == ["liver.fasted", "liver.fat"]


def test_names_with_slashes_and_tags_stay_whole(tmp_path: Path) -> None:
    outdir = tmp_path / "q"
    outdir.mkdir()
    rnas = ["RF1/1-70", "<script>a&b"]
    shown = ["&lt;script&gt;a&amp;b", "RF1&#47;1-70"]
    colours, axes = {name: "#112233" for name in rnas}, ("x", "y")
    write_table(outdir, Section("t", CHAPTER, "T", ""), {n: {"x": 1} for n in rnas}, {"x": {"title": "X"}}, "RNA")
    lines = {name: [(0.0, 1.0), (1.0, 2.0)] for name in rnas}
    write_lines(outdir, Section("l", CHAPTER, "L", ""), lines, colours, axes)
    tabs = {"one": lines, "two": lines}
    write_line_tabs(outdir, Section("d", CHAPTER, "D", ""), tabs, colours, axes, {rnas[0]: "dot"})
    data = multiqc_data(outdir, tmp_path / "multiqc")
    for key in ("t_plot", "l_plot", "d_plot", "d_plot_1"):
        assert names(data / f"multiqc_ribolm_{key}.txt") == shown
    plot = json.loads((outdir / "d_mqc.json").read_text())["pconfig"]
    assert set(plot["colors"]) == set(shown) and plot["dash_styles"] == {"RF1&#47;1-70": "dot"}
