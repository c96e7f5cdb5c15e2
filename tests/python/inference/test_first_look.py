"""What is wrong with the inputs of a prediction is told before torch is imported, which takes longer than the rest."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BIN = Path(__file__).resolve().parents[3] / "bin"
PROGRAM = (
    "import sys; from ribolm.cli.predict import main; code = main(sys.argv[1:]);"
    "print(code, *sorted({'torch', 'pyarrow', 'polars'} & set(sys.modules)))"
)
VCF = "#CHROM\tPOS\tID\tREF\tALT\n"


def call(*words: object) -> tuple[str, str]:
    """What a process of its own prints on both streams."""
    command = [sys.executable, "-c", PROGRAM, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(BIN)})
    return done.stdout.strip(), done.stderr


@pytest.fixture
def files(genome_folder: Path, model: Path, tmp_path: Path) -> dict[str, Path]:
    texts = {
        "bad.bed": "chr1\t5\t20\np\tx\t20\n",
        "bad.fa": "ACGT\n",
        "bad.vcf": f"{VCF}chr1\t1\t.\tA\tC\nchr1\tx\t.\tA\tC\n",
        "good.bed": "chr1\t5\t20\tp\t0\t+\n",
        "good.vcf": VCF,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    found = {name.replace(".", "_"): tmp_path / name for name in texts}
    return {**found, "fa": genome_folder / "genome.fa", "model": model, "absent": tmp_path / "absent"}


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("sites --bed {bad_bed} --fasta {fa} --model {model}", 65, "bad.bed line 2, column 'chromStart': 'x'"),
        ("sites --bed {good_bed} --fasta {fa} --model {absent}", 65, "absent: is no model directory"),
        ("sites --bed {good_bed} --fasta {bad_fa} --model {model}", 65, "bad.fa line 1: a FASTA begins with '>'"),
        ("sites --bed {good_bed} --fasta {fa} --model {model} --model {model}", 2, "is given twice"),
        ("sites --bed {good_bed} --model {model}", 2, "give --fasta"),
        ("sites --bed {good_bed} --fasta {fa}", 2, "Give at least one --model"),
        ("variants --vcf {bad_vcf} --fasta {fa} --model {model}", 65, "bad.vcf line 3, column 'POS': 'x'"),
        ("variants --vcf {bad_bed} --fasta {fa} --model {model}", 65, "bad.bed line 1: expected #CHROM"),
        ("variants --vcf {good_vcf} --fasta {fa} --model {absent}", 65, "absent: is no model directory"),
        ("variants --vcf {good_vcf} --fasta {bad_fa} --model {model}", 65, "a FASTA begins with '>'"),
        ("variants --vcf {good_vcf} --fasta {fa} --model {model} --site G", 2, "--site has no effect"),
    ],
)
def test_it_is_told_before_torch_is_imported(
    files: dict[str, Path], tmp_path: Path, words: str, code: int, told: str
) -> None:
    stdout, stderr = call(*words.format(**files).split(), "--out", tmp_path / "out")
    assert stdout == str(code), (stdout, stderr)
    assert told in stderr and stderr.count("\n") == 1 and not (tmp_path / "out").exists()


def test_options_of_the_other_kind_of_model_are_refused(
    files: dict[str, Path], tmp_path: Path, make_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from ribolm.cli.predict import main

    task = {"level": "sequence", "pooling": "mean", "anchor": "cleavage", "anchor_offset0": 9}
    windows = make_model(task="polya", labels=["polya"], **task)
    arguments = ["--vcf", files["good_vcf"], "--fasta", files["fa"], "--model", windows, "--out", tmp_path / "out"]
    assert main(["variants", *map(str, arguments), "--universe", "adenosine"]) == 2
    assert "--universe has no effect: the model scores windows" in capsys.readouterr().err
