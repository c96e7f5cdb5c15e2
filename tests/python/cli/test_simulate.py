"""The command line of ribolm-simulate."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from ribolm.cli.simulate import main
from ribolm.simulation.m6a_options import M6aOptions

COMMAND = Path(__file__).parents[3] / "bin" / "ribolm-simulate"


def test_every_option_of_the_simulation_is_an_option_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["m6a", "--help"]) == 0
    text = capsys.readouterr().out
    for field in dataclasses.fields(M6aOptions):
        flag = field.metadata.get("flag", "--" + field.name.replace("_", "-"))
        assert f"{flag} " in text, flag
    assert "--outdir" in text and "--format" in text


def test_options_reach_the_simulation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--genes",
        "4",
        "--fragments",
        "20",
        "--groups",
        "1",
        "--replicates",
        "1",
        "--single-end",
        "--seed",
        "9",
    ]
    assert main(["m6a", "--outdir", str(tmp_path / "x"), *arguments, "--strandedness", "forward"]) == 0
    assert "4 genes" in capsys.readouterr().out
    text = (tmp_path / "x" / "truth" / "parameters.json").read_text()
    for part in ('"seed": 9', '"single_end": true', '"strandedness": "forward"', '"fragments": 20'):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--genes", "0"], "--genes"),
        (["--enrichment", "0.5"], "--enrichment"),
        (["--strandedness", "dutp"], "--strandedness"),
        (["--seed", "x"], "--seed"),
        (["--fragment-length", "50"], "--fragment-length 50 is shorter than --read-length 75"),
        (["--fragmnts", "5"], "--fragments"),
    ],
)
def test_wrong_usage_is_one_sentence_and_writes_nothing(
    arguments: list[str], part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["m6a", "--outdir", str(tmp_path / "x"), *arguments]) == 2
    error = capsys.readouterr().err
    assert part in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_outdir_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_text("mine")
    assert main(["m6a", "--outdir", str(tmp_path / "x"), "--genes", "3"]) == 65
    assert (tmp_path / "x").read_text() == "mine" and "is a file" in capsys.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from ribolm.cli.simulate import main; main(['--help'])\n"
        "print(sorted({'numpy', 'pysam', 'pandas', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=COMMAND.parent)
    assert done.stdout.splitlines()[-1] == "[]"
