"""The run on simulated reads that README promises: its tree, its peaks against the planted truth, its report."""

import csv
import io
import json
import re
from pathlib import Path

import yaml

from .runs import DATA, Run

GROUPS = ("control", "treated")


def intervals(path: Path) -> list[tuple[str, int, int, str]]:
    """chrom, start0, end0, strand of a BED file."""
    rows = [line.split("\t") for line in path.read_text().splitlines() if line and not line.startswith(("#", "track"))]
    return [(row[0], int(row[1]), int(row[2]), row[5]) for row in rows]


def overlapping(place: tuple[str, int, int, str], others: list[tuple[str, int, int, str]]) -> bool:
    return any(
        place[0] == chrom and place[3] == strand and place[1] < end0 and start0 < place[2]
        for chrom, start0, end0, strand in others
    )


def test_published_tree(demo: Run) -> None:
    files = demo.files()
    for group in GROUPS:
        assert {f"peaks/{group}/{name}" for name in ("bins.parquet", "peaks.bed", "peaks.tsv", "summary.json")} <= files
        assert {f"tracks/{group}.{kind}.bw" for kind in ("ip", "input", "log2ratio")} <= files
    assert {"multiqc/multiqc_report.html", "tracks/igv_session.xml", "quality/headline.json"} <= files
    assert {"reference/genome.fa", "reference/genome.fa.fai", "reference/genes.gtf"} <= files
    execution = {"execution_report.html", "execution_timeline.html", "pipeline_dag.html"}
    texts = {"params.json", "ribolm_software_mqc_versions.yml"}
    assert {f"pipeline_info/{name}" for name in execution | texts} <= files
    assert not [name for name in files if name.endswith((".bam", ".fastq.gz", ".ht2", "tokens.bin"))], "only on request"
    models = ["pretrained", *(f"{start}.fold{k}.seed1" for start in ("finetuned", "random_start") for k in range(3))]
    assert {f"models/{name}/model.safetensors" for name in models} <= files
    assert {f"sites/{group}/sites.{kind}" for group in GROUPS for kind in ("bed", "parquet")} <= files
    assert {"labels/sites.bed", "labels/outcomes.tsv", "labels/folds.tsv", "evaluation/metrics.json"} <= files


def test_session_paths_lead_to_published_files(demo: Run) -> None:
    session = demo.outdir / "tracks" / "igv_session.xml"
    paths = set(re.findall(r'"([^"]+\.(?:bw|bed|fa|gtf))"', session.read_text()))
    assert len(paths) >= 10
    assert [path for path in paths if not (session.parent / path).resolve().exists()] == []


def test_peaks_find_the_planted_regions(demo: Run) -> None:
    planted = intervals(DATA / "truth" / "regions.bed")
    called = intervals(demo.outdir / "peaks" / "control" / "peaks.bed")
    assert sum(overlapping(peak, planted) for peak in called) >= 0.95 * len(called)
    assert len(called) >= 200


def test_sites_are_single_adenosines_with_probabilities(demo: Run) -> None:
    header, *lines = (demo.outdir / "sites" / "control" / "sites.bed").read_text().splitlines()
    assert header == "#chrom\tstart0\tend0\tname\tscore\tstrand\tprobability\tlogit\tcontext"
    rows = [line.split("\t") for line in lines]
    assert all(int(row[2]) - int(row[1]) == 1 for row in rows)
    assert all(int(row[4]) == round(1000 * float(row[6])) for row in rows if not row[6].endswith("5" + "0" * 2))
    assert all(row[8][2:4] == "AC" for row in rows), "DRACH by default"
    places = [(row[0], int(row[1]), row[5]) for row in rows]
    assert len(places) == len(set(places)), "peaks in two chunks do not repeat a site"
    assert places == sorted(places)


def test_the_planted_rule_is_learnt(demo: Run) -> None:
    text = (demo.outdir / "evaluation" / "methods.tsv").read_text()
    rows = [row for row in csv.DictReader(io.StringIO(text), delimiter="\t") if row["universe"] == "drach"]
    found = {row["method"]: float(row["average_precision"]) for row in rows}
    assert {"finetuned", "random_start", "motif rule", "k-mer logistic regression", "shuffled labels"} <= found.keys()
    assert found["finetuned"] > 1.5 * found["motif rule"]
    assert found["finetuned"] > found["random_start"], "pretraining is worth something"


def test_versions_and_parameters_are_written(demo: Run) -> None:
    info = demo.outdir / "pipeline_info"
    versions = yaml.safe_load((info / "ribolm_software_mqc_versions.yml").read_text())
    assert versions["HISAT2_ALIGN"].keys() == {"hisat2", "samtools"}
    assert versions["Workflow"].keys() == {"Nextflow", "ribolm"}
    assert all(str(version)[0].isdigit() for tools in versions.values() for version in tools.values())
    parameters = json.loads((info / "params.json").read_text())
    assert parameters["p_cutoff"] == 1e-10
    assert list(parameters) == sorted(parameters)


def test_report_holds_every_section(demo: Run) -> None:
    report = (demo.outdir / "multiqc" / "multiqc_report.html").read_text()
    tools = ("fastp", "hisat2", "samtools")
    chapters = ("headline", "peaks", "motif", "sites", "training", "methods")
    for section in (*tools, *(f"ribolm_{name}" for name in chapters)):
        assert section in report, section
