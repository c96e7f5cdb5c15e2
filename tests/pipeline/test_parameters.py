"""Parameters: help, types, ranges and names come from nextflow_schema.json."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .runs import DATA, MODES, ROOT, Launcher, Refusals, reads

SCHEMA = json.loads((ROOT / "nextflow_schema.json").read_text())
PROPERTIES = {name: rule for group in SCHEMA["$defs"].values() for name, rule in group["properties"].items()}


def config_defaults() -> dict[str, str]:
    """The params block of nextflow.config as written."""
    block = re.search(r"^params \{(.*?)^\}", (ROOT / "nextflow.config").read_text(), re.S | re.M)
    assert block
    return dict(re.findall(r"^\s+(\w+)\s+= (.+)$", block.group(1), re.M))


def test_configuration_and_schema_agree() -> None:
    defaults = config_defaults()
    assert defaults.keys() == PROPERTIES.keys()
    for name, text in defaults.items():
        expected = PROPERTIES[name].get("default")
        written = None if text == "null" else json.loads(text.replace("'", '"'))
        assert written == expected, name


def test_what_must_match_a_pattern_is_also_told_in_words() -> None:
    assert not [name for name, entry in PROPERTIES.items() if "pattern" in entry and not entry.get("errorMessage")]


@pytest.mark.parametrize("mode", ["v1", "v2-strings"])
def test_help_names_every_parameter_and_starts_nothing(launcher: Launcher, mode: str) -> None:
    run = launcher.run("--help", env=MODES[mode])
    assert run.status == 0, run.text
    assert [name for name in PROPERTIES if f"--{name} " not in run.text] == []
    assert run.trace == []


WRONG = {
    "--peakcaller macs3": "Unknown parameter --peakcaller. Did you mean --peak_caller?",
    "--save-align true": "Did you mean --save_align?",
    "--bin_size 5x": "--bin_size: '5x' is not an integer.",
    "--gc_correction maybe": "--gc_correction: 'maybe' is not true or false.",
    "--trimmer fastpp": "--trimmer: 'fastpp' is not one of fastp, cutadapt. Did you mean 'fastp'?",
    "--p_cutoff 1.5": "--p_cutoff: 1.5 is above the maximum of 1.",
    "--min_mapq -1": "--min_mapq: -1 is below the minimum of 0.",
    "--gtf /nowhere/genes.gtf": "--gtf: /nowhere/genes.gtf does not exist.",
    "--folds 2": "--folds: 2 is below the minimum of 3.",
    "--structure_energies rna_turner": "--structure_energies: 'rna_turner' does not fit. Write rna_turner2004",
    "--min_families two": "--min_families: 'two' does not fit. Write auto",
    "--multiqc_title": "--multiqc_title needs a value.",
}


@pytest.mark.parametrize("mode", ["v1", "v2-strings"])
def test_every_wrong_parameter_is_told_before_anything_starts(launcher: Launcher, mode: str) -> None:
    run = launcher.run(*(word for option in WRONG for word in option.split()), env=MODES[mode])
    assert run.status == 1
    assert [sentence for sentence in WRONG.values() if sentence not in run.text] == []
    assert run.trace == []


CONTRADICTIONS = {
    "--steps preprocess,allign": "--steps: 'allign' is not a step of this track. Did you mean 'align'?",
    "--steps finetune,predict": "--steps: finetune builds on peaks, corpus, labels; predict builds on peaks. Give "
    "--steps peaks,corpus,labels,finetune,predict. In place of step peaks you may give your own by --peaks.",
    "--steps report": "--steps report: nothing would be computed, so that there is nothing to report. Name a",
    f"--peaks {DATA}/truth/regions.bed --steps align,predict": "Leave align out of --steps, or leave out --peaks.",
    f"--size_factors {DATA}/samplesheet.csv --spikein_fasta {DATA}/genome.fa.gz": "Choose one.",
}


def test_parameters_that_do_not_fit_the_track_or_each_other(refused: Refusals) -> None:
    told = refused({"": [], **{options: options.split() for options in CONTRADICTIONS}}, "test,local")
    assert {options: told[options] for options, part in CONTRADICTIONS.items() if part not in told[options]} == {}
    assert told[""] == "", "the profile itself is accepted"


def test_results_that_cannot_be_written_are_told_before_anything_starts(launcher: Launcher) -> None:
    run = launcher.run("--outdir", "/proc/results")
    assert run.status == 1
    assert "--outdir: /proc/results cannot be made" in run.text
    assert run.trace == []


def test_a_missing_file_is_named_by_row_and_column(launcher: Launcher, sheet: Callable[..., Path]) -> None:
    path = sheet(
        f"c,control,1,ip,{reads('control_1.ip', 1)},,,",
        "c,control,1,input,missing.fastq.gz,,,",
    )
    run = launcher.run("--input", str(path))
    assert run.status == 1
    assert "samples.csv row 3, column 'fastq_1': 'missing.fastq.gz' does not exist" in run.text
    assert "neither beside the sheet nor in" in run.text


def test_fastq_without_the_align_step_is_named(launcher: Launcher, small_sheet: Path) -> None:
    run = launcher.run("--input", str(small_sheet), "--steps", "peaks")
    assert run.status == 1
    assert re.search(r"samples\.csv: library c_(ip|input) is given as FASTQ, but --steps leaves out align", run.text)


def test_usage_names_every_parameter() -> None:
    text = (ROOT / "docs" / "usage.md").read_text()
    assert [name for name in PROPERTIES if f"`--{name}`" not in text] == []


def test_presets_of_the_schema_and_of_the_usage_are_those_of_the_package() -> None:
    from ribolm.models.presets import CONVOLUTION_PRESETS, HYENA_PRESETS, PRESETS

    names = [*PRESETS, *CONVOLUTION_PRESETS, *HYENA_PRESETS]
    row = re.search(r"^\| `--preset` .* One of (.*?)\. \|", (ROOT / "docs" / "usage.md").read_text(), re.M)
    assert PROPERTIES["preset"]["enum"] == names
    assert row and re.findall(r"`([\w-]+)`", row[1]) == names


def test_energies_of_the_schema_are_those_of_the_package() -> None:
    from ribolm.folding.energy import PARAMETERS

    rule = PROPERTIES["structure_energies"]
    assert rule["default"] == PARAMETERS[0] and all(name in rule["description"] for name in PARAMETERS)
    for right in (*PARAMETERS, ",".join(PARAMETERS), ",".join(reversed(PARAMETERS))):
        assert re.fullmatch(rule["pattern"], right), right
    for wrong in ("turner2004", "rna_turner2004,", "rna_turner2004;rna_turner1999", f"{PARAMETERS[1]},{PARAMETERS[1]}"):
        assert not re.fullmatch(rule["pattern"], wrong), wrong


def test_presets_of_tokens_are_those_of_the_package() -> None:
    from ribolm.models.presets import HYENA_PRESETS, PRESETS

    text = (ROOT / "subworkflows" / "local" / "initialise" / "backbones.nf").read_text()
    causal = {name: int(nt) for name, nt in re.findall(r"'(hyena[\w-]*)': (\d+)", text)}
    assert causal == {name: config["max_seq_len"] for name, config in HYENA_PRESETS.items()}
    listed = re.search(r"def encoderPresets\(\) \{\s+return \[(.*?)\]", text)
    assert listed and re.findall(r"'(\w+)'", listed.group(1)) == list(PRESETS)
