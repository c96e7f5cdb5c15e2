"""How every command line ends when the system, not the input, is at fault."""

import os
import stat
from pathlib import Path

import pytest

from ribolm.cli import new_app, run
from ribolm.cli.labels import main as labels
from ribolm.cli.peaks import main as peaks
from ribolm.cli.preprocess import main as preprocess
from ribolm.errors import DataError
from ribolm.files import atomic_path, require_file

SHEET = "sample,group,assay,fastq_1\na,g,ip,1.fq\nb,g,input,2.fq\n"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.csv").write_text(SHEET)
    assert preprocess(["samplesheet", "--sheet", str(tmp_path / "s.csv"), "--outdir", "/proc/no/such/place"]) == 1
    stderr = capsys.readouterr().err
    assert stderr.count("\n") == 1 and stderr.startswith("ribolm-preprocess: error: /proc/no/such/place: ")


def test_a_result_that_cannot_be_written_is_told_before_the_input_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert labels(["folds", "--store", "nowhere", "--out", "/proc/no/folds.tsv"]) == 1
    assert "/proc/no: cannot write in /proc" in capsys.readouterr().err


def test_a_package_that_is_not_installed_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    app = new_app("about")

    @app.command()
    def compute() -> None:
        raise ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn")

    assert run(lambda: app, ["compute"], "ribolm-x") == 1
    assert capsys.readouterr().err.startswith("ribolm-x: error: the Python package torch is not installed. ")


def test_an_endless_path_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert preprocess(["samplesheet", "--sheet", "x" * 5000, "--outdir", str(tmp_path / "out")]) in (1, 65)
    assert capsys.readouterr().err.count("\n") == 1


def test_a_pipe_is_refused_because_it_is_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is a pipe or device"):
        require_file(tmp_path / "pipe")


def test_a_result_replaces_no_pipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="which a result cannot replace"), atomic_path(tmp_path / "pipe"):
        pass
    assert labels(["folds", "--store", "nowhere", "--out", str(tmp_path / "pipe")]) == 65
    assert "pipe: is a pipe or device" in capsys.readouterr().err and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(mode=0)
    with pytest.raises(DataError, match="may not be read"):
        require_file(tmp_path / "secret")


@pytest.mark.parametrize(
    ("option", "value"), [("--bin-size", "9" * 20), ("--step-size", "9" * 20), ("--fragment-length", "9" * 20)]
)
def test_numbers_beyond_reason_are_wrong_usage(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert peaks(["call", "--ip", "a.bam", "--input", "b.bam", "--gtf", "g", "--outdir", "o", option, value]) == 2
    assert option in capsys.readouterr().err


def test_a_name_cannot_leave_the_output_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outdir = str(tmp_path / "out")
    arguments = ["--ip", "a.bam", "--input", "b.bam", "--gtf", "g", "--outdir", outdir, "--name", "../x"]
    assert peaks(["call", *arguments]) == 2
    assert "'../x' is empty or holds a slash" in capsys.readouterr().err


def test_an_exit_code_of_a_command_is_passed_on() -> None:
    def app():  # type: ignore[no-untyped-def]
        cli = new_app("about")
        cli.command(name="x")(lambda: 3)
        return cli

    assert run(app, ["x"], "ribolm-x") == 3
