"""All commands on a small run: valid for MultiQC, the same bytes again, words where there is nothing to show."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

CONFIG = Path(__file__).resolve().parents[3] / "assets" / "multiqc_config.yml"
PARAMETERS = {"track": "m6a", "trimmer": "fastp", "p_cutoff": 1e-10, "outdir": "out <&>", "steps": None}
VERSIONS = "FASTP:\n    fastp: 1.2.3\nWorkflow:\n    Nextflow: 25.04.4\n    ribolm: 0.1.0dev\n"


def write_report(command, run, outdir: Path, gtf: Path | None = None) -> None:
    """Run every command that writes sections."""
    gtf = gtf or run.gtf
    motifs = [word for folder in run.folders for word in ("--motif", outdir / f"{folder.name}.motif.json")]
    summaries = [word for folder in run.folders for word in ("--summary", folder / "summary.json")]
    parameters, versions = run.root / "params.json", run.root / "versions.yml"
    parameters.write_text(json.dumps(PARAMETERS))
    versions.write_text(VERSIONS)
    strands = run.root / "control_1_ip.strandedness.json"
    fractions = {"fraction_forward": 0.02, "fraction_reverse": 0.98, "fragments": 900, "reason": "98 % one way"}
    strands.write_text(json.dumps({"library": "control_1_ip", "strandedness": "reverse", **fractions}))
    assert command("peaks", *run.folder_arguments, "--gtf", gtf, "--outdir", outdir) == 0
    assert command("motif", *run.peak_arguments, "--fasta", run.fasta, "--gtf", gtf, "--outdir", outdir) == 0
    assert command("metagene", *run.peak_arguments, "--gtf", gtf, "--outdir", outdir) == 0
    assert command("strandedness", "--json", strands, "--outdir", outdir) == 0
    assert command("headline", *run.folder_arguments, *motifs, "--out", outdir / "headline.json") == 0
    words = ["--parameters", parameters, "--versions", versions, *summaries, "--outdir", outdir]
    assert command("methods", *words) == 0


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} in JSON")


def sections(outdir: Path) -> dict[str, dict]:
    """Sections by id, read by a parser that knows neither NaN nor Infinity."""
    found = {}
    for path in sorted(outdir.glob("*_mqc.json")):
        content = json.loads(path.read_text(), parse_constant=refuse_constant)
        assert content["id"].startswith("ribolm_") and content["id"] not in found
        assert content["data"], path
        found[content["id"]] = content
    return found


def run_multiqc(outdir: Path, target: Path) -> str:
    if shutil.which("multiqc") is None:
        pytest.skip("multiqc is not installed")
    command = ["multiqc", "--strict", "--force", "--config", CONFIG, "--cl-config", "export_plots: false"]
    done = subprocess.run(
        [*command, "--filename", "multiqc_report.html", "-o", target, outdir],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (target / "multiqc_report.html").read_text()


def test_every_section_is_there_and_multiqc_takes_them(command, small_run, tmp_path: Path) -> None:
    outdir = tmp_path / "q"
    write_report(command, small_run, outdir)
    assert {f"ribolm_{name}" for name in EXPECTED} == set(sections(outdir))
    page = run_multiqc(outdir, tmp_path / "multiqc")
    chapters = ["headline", "libraries", "peaks", "motif", "metagene", "methods"]
    places = [page.index(f'id="mqc-module-section-ribolm_{chapter}"') for chapter in chapters]
    assert places == sorted(places)


EXPECTED = """reads_in_peaks reads_in_peaks_table general_reads_in_peaks left_out size_factors groups cumulative_counts
fold_change correlation_spearman correlation_pearson peak_widths peak_features motif_enrichment motif_profile
motif_logos metagene_profile stop_codon_distance metagene_regions strandedness strandedness_table
general_strandedness headline""".split()


def test_a_second_run_writes_the_same_bytes(command, small_run, tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        write_report(command, small_run, tmp_path / name)
        contents.append({path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())})
    assert contents[0] == contents[1]
    assert any(name.endswith(".png") for name in contents[0])


def test_without_a_peak_every_section_says_so_and_multiqc_takes_them(command, empty_run, tmp_path: Path) -> None:
    outdir = tmp_path / "q"
    write_report(command, empty_run, outdir)
    found = sections(outdir)
    words = {name: content["data"] for name, content in found.items() if content["plot_type"] == "html"}
    assert "No group has a peak" in words["ribolm_peak_widths"]
    assert "No group has a peak" in words["ribolm_metagene_profile"]
    assert "no peak with a DRACH" in words["ribolm_motif_logos"]
    assert found["ribolm_motif_enrichment"]["data"]["control"]["left_out"] == "the group has no peak"
    numbers = json.loads((outdir / "headline.json").read_text())["numbers"]
    assert len(numbers) == 5 and numbers[0]["value"] == "control 0 · treated 0"
    run_multiqc(outdir, tmp_path / "multiqc")


def test_without_cds_sections_say_so(command, small_run, tmp_path: Path) -> None:
    outdir = tmp_path / "q"
    write_report(command, small_run, outdir, small_run.gtf_without_cds)
    found = sections(outdir)
    assert "no CDS rows" in found["ribolm_metagene_profile"]["description"]
    assert "no CDS rows" in found["ribolm_stop_codon_distance"]["data"]
    assert "no CDS rows" in found["ribolm_metagene_regions"]["data"]


def test_runs_of_single_groups_do_not_overwrite_each_other(command, small_run, tmp_path: Path) -> None:
    for folder in small_run.folders:
        peaks = ["--peaks", folder / "peaks.bed", "--name", folder.name, "--gtf", small_run.gtf]
        assert command("motif", *peaks, "--fasta", small_run.fasta, "--outdir", tmp_path / "q") == 0
        assert command("metagene", *peaks, "--outdir", tmp_path / "q") == 0
    names = {path.name for path in (tmp_path / "q").iterdir()}
    assert {"control.motif_enrichment_mqc.json", "treated.motif_enrichment_mqc.json"} <= names
    ids = [json.loads((tmp_path / "q" / f"{g}.motif_logos_mqc.json").read_text())["id"] for g in ("control", "treated")]
    assert ids == ["ribolm_motif_logos_control", "ribolm_motif_logos_treated"]


def test_methods_name_versions_parameters_choices_and_references_in_order(command, small_run, tmp_path: Path) -> None:
    write_report(command, small_run, tmp_path / "q")
    text = (tmp_path / "q" / "methods_mqc.html").read_text()
    assert "fastp 1.2.3" in text and "Nextflow 25.04.4 [1]" in text
    assert "out &lt;&amp;&gt;" in text and "mixture &lt;of&gt; two" in text
    assert text.index("Di Tommaso") < text.index("Dominissini") < text.index("Chen S")
    limits = (tmp_path / "q" / "limits_mqc.html").read_text()
    assert "raw p-values" in limits and "not a combined test" in limits


def test_headline_numbers_are_those_of_the_files(command, small_run, tmp_path: Path) -> None:
    write_report(command, small_run, tmp_path / "q")
    numbers = {n["label"]: n for n in json.loads((tmp_path / "q" / "headline.json").read_text())["numbers"]}
    assert numbers["m6A peaks"]["value"] == "control 3 · treated 2"
    assert numbers["Enrichment in peaks"]["value"] == "control 4.0× · treated 4.0×"
    assert numbers["Peaks within 200 nt of the stop codon"]["value"] == "control 67 % · treated 50 %"
    assert numbers["Peaks shared between groups"]["value"] == "67 % / 100 %"
    assert "2 of 3 peaks of control, 2 of 2 of treated" in numbers["Peaks shared between groups"]["note"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["peaks", "--peaks-dir", "nowhere", "--outdir", "q"], 65, "nowhere/summary.json: no such file"),
        (["motif", "--peaks", "a=x.bed", "--fasta", "f.fa", "--gtf", "g.gtf", "--outdir", "q"], 65, "x.bed: no such"),
        (["metagene", "--peaks", "a=x.bed", "--peaks", "a=y.bed", "--gtf", "g", "--outdir", "q"], 2, "called 'a'"),
        (["strandedness", "--json", "x.json", "--outdir", "q"], 65, "x.json: no such file"),
        (["headline", "--out", "q/h.json"], 2, "--peaks-dir"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    command, tmp_path: Path, monkeypatch, capsys, words: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(*words) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "q").exists()
