import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ribolm.training.machine.launcher import launch

MAIN = """
import os, signal, sys, time
def main(argv):
    rank = int(os.environ["RANK"])
    assert os.environ["WORLD_SIZE"] == "2" and os.environ["LOCAL_RANK"] == str(rank)
    code, other = argv
    if code == "wait":
        got = []
        def end(number, _frame):
            open(f"{other}{rank}.ended", "w").close()
            sys.exit(143)
        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, lambda number, _frame: got.append(number))
        open(f"{other}{rank}", "w").close()
        deadline = time.monotonic() + 60
        while not got and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)
        return 143 if len(got) == 1 else 1
    if code == "threads":
        return int(os.environ["OMP_NUM_THREADS"] != other)
    if rank == 0:
        if code == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        return int(code)
    if other == "hangs":
        time.sleep(60)
    return int(other)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "two_of_us.py").write_text(MAIN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("ribolm.training.machine.launcher.GRACE_S", 0.1)
    return "two_of_us"


@pytest.mark.parametrize(
    ("codes", "expected"),
    [(("0", "0"), 0), (("75", "1"), 75), (("1", "65"), 65), (("1", "143"), 143), (("killed", "hangs"), 137)],
)
def test_the_code_that_says_most_is_returned(module: str, codes: tuple[str, str], expected: int) -> None:
    started_s = time.monotonic()
    assert launch(module, codes, 2) == expected
    assert time.monotonic() - started_s < 30


@pytest.mark.parametrize(("given", "each"), [("6", 3), ("1", 1), ("", None), ("4,2", None)])
def test_processes_share_the_threads(module: str, monkeypatch, capsys, given: str, each: int | None) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    each = each or max(1, len(os.sched_getaffinity(0)) // 2)
    assert launch(module, ["threads", str(each)], 2) == 0
    assert f"threads of a process = {each} (" in capsys.readouterr().err


@pytest.fixture
def parent(module: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command in a process group of its own, as of a terminal, whose two processes wait for signals."""
    package = Path(__file__).resolve().parents[4] / "bin"
    imports = "import sys; from ribolm.training.machine.launcher import launch"
    program = f"{imports}; sys.exit(launch('{module}', sys.argv[1:], 2))"
    environment = {**os.environ, "PYTHONPATH": f"{package}:{tmp_path}"}
    command = [sys.executable, "-c", program, "wait", str(tmp_path / "up")]
    with subprocess.Popen(command, env=environment, start_new_session=True) as process:
        appear(*(tmp_path / f"up{rank}" for rank in (0, 1)))
        yield process
        process.kill()


def appear(*paths: Path) -> None:
    deadline = time.monotonic() + 60
    while not all(path.exists() for path in paths):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_signal_reaches_every_process(parent: subprocess.Popen[bytes]) -> None:
    parent.send_signal(signal.SIGTERM)
    assert parent.wait(60) == 143


def test_a_signal_to_the_group_as_of_ctrl_c_reaches_every_process_once(parent: subprocess.Popen[bytes]) -> None:
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.wait(60) == 143


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is of Linux")
def test_processes_end_when_the_command_is_killed(parent: subprocess.Popen[bytes], tmp_path: Path) -> None:
    parent.kill()
    assert parent.wait(60) == -9
    appear(*(tmp_path / f"up{rank}.ended" for rank in (0, 1)))
