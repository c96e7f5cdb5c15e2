"""What every executable in bin/ must do, seen from outside: exit codes, one sentence, quick and light answers."""

import contextlib
import importlib
import io
import re
import resource
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from ribolm.version import __version__

BIN = Path(__file__).resolve().parents[3] / "bin"
COMMANDS = sorted(path.name for path in BIN.glob("ribolm-*"))
HEAVY = ("numpy", "pandas", "polars", "pyarrow", "numba", "scipy", "pysam", "matplotlib", "torch", "pybedtools", "RNA")
QUICK_S = 0.3


def call(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, str(BIN / command), *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)


def call_here(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same without a process of its own: twenty times as quick."""
    verb = importlib.import_module(f"ribolm.cli.{command.removeprefix('ribolm-')}")
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = verb.main(list(arguments))
    return subprocess.CompletedProcess(arguments, code, stdout.getvalue(), stderr.getvalue())


def processor_s(command: str, *arguments: str) -> float:
    """Processor time of the quickest of some runs: what the command costs, however busy the machine is."""
    best_s = float("inf")
    for _ in range(8):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        call(command, *arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best_s = min(best_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if best_s <= QUICK_S:
            break
    return best_s


@cache
def sub_commands(command: str) -> tuple[str, ...]:
    listed = call_here(command, "--help").stdout.split("Commands:")[1]
    return tuple(re.findall(r"^  ([a-z][a-z0-9-]*)", listed, flags=re.MULTILINE))


def pairs() -> list[tuple[str, str]]:
    return [(command, sub) for command in COMMANDS for sub in sub_commands(command)]


def assert_usage_error(done: subprocess.CompletedProcess[str], command: str) -> None:
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith(f"{command}: error: ") and done.stderr.count("\n") == 1, done.stderr


def test_there_are_commands() -> None:
    assert "ribolm-preprocess" in COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_version_is_bare_and_quick(command: str) -> None:
    done = call(command, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")
    assert processor_s(command, "--version") <= QUICK_S


def test_versions_of_libraries_stand_behind_it_and_are_quick_as_well() -> None:
    words = ["--version", "python", "numpy", "scipy", "scikit-learn", "polars", "pyarrow", "torch", "viennarna"]
    done = call("ribolm-train", *words)
    first, *others = done.stdout.split()
    assert (first, [word.split("=")[0] for word in others]) == (__version__, words[1:])
    assert all(word.split("=")[1][0].isdigit() for word in others)
    assert processor_s("ribolm-train", *words) <= QUICK_S


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_quick(command: str) -> None:
    done = call(command, "--help")
    assert done.returncode == 0 and done.stderr == "" and "Usage:" in done.stdout
    assert processor_s(command, "--help") <= QUICK_S


@pytest.mark.parametrize("arguments", [["--version", "numpy", "torch", "viennarna"], ["--help"]])
@pytest.mark.parametrize("command", COMMANDS)
def test_answers_without_heavy_imports(command: str, arguments: list[str]) -> None:
    code = (
        "import runpy, sys\n"
        f"sys.argv = {[str(BIN / command), *arguments]!r}\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        f"finally: sys.stderr.write(' '.join(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={"PYTHONPATH": str(BIN)}
    )
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("arguments", [[], ["no-such-verb"], ["--no-such-option"]])
def test_wrong_usage_ends_with_2_and_one_sentence(command: str, arguments: list[str]) -> None:
    assert_usage_error(call(command, *arguments), command)


@pytest.mark.parametrize(("command", "sub"), pairs())
def test_every_sub_command_has_help_and_knows_its_options(command: str, sub: str) -> None:
    done = call_here(command, sub, "--help")
    assert done.returncode == 0 and done.stderr == ""
    options = re.findall(r"^  (--[a-z0-9-]+)", done.stdout, flags=re.MULTILINE)
    assert "--help" in options
    wrong = call_here(command, sub, "--no-such-option", "1")
    assert_usage_error(wrong, command)
    assert "--no-such-option" in wrong.stderr


@pytest.mark.parametrize(("command", "sub"), pairs())
def test_every_sub_command_names_what_is_missing(command: str, sub: str) -> None:
    done = call_here(command, sub)
    assert done.returncode in (2, 65), done.stderr
    assert done.stderr.startswith(f"{command}: error: ") and done.stderr.count("\n") == 1, done.stderr
    assert "--" in done.stderr


def required(command: str, sub: str, folder: Path) -> list[str]:
    """The options that a sub-command needs, paths of files that are not there."""
    text = call_here(command, sub, "--help").stdout
    arguments: list[str] = []
    for block in re.split(r"^  (?=--)", text, flags=re.MULTILINE)[1:]:
        option, kind = re.findall(r"^(--[a-z0-9-]+) ?<?([\w|]*)", block)[0]
        if "[required]" in block or option in ("--ip", "--input", "--bam"):
            absent = kind.split("|")[0] if "|" in kind else str(folder / f"absent{option.strip('-')}")
            value = {"int": "1", "float": "1"}.get(kind, absent)
            arguments += [option, value]
    return arguments


@pytest.mark.parametrize(("command", "sub"), pairs())
def test_every_required_file_that_is_missing_is_named(command: str, sub: str, tmp_path: Path) -> None:
    """Options that take a path, all absent: a sentence, exit 65, nothing written."""
    done = call_here(command, sub, *required(command, sub, tmp_path))
    if done.returncode == 0:
        pytest.skip("needs no input file")
    assert done.returncode in (2, 65), done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith(f"{command}: error: "), done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("command", "sub"), pairs())
def test_every_seed_has_one_range(command: str, sub: str, tmp_path: Path) -> None:
    if "--seed" not in call_here(command, sub, "--help").stdout:
        pytest.skip("has no --seed")
    done = call_here(command, sub, *required(command, sub, tmp_path), "--seed", str(1 << 63))
    assert_usage_error(done, command)
    assert f"--seed {1 << 63} is too large" in done.stderr
