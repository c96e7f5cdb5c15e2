import os
import signal
import subprocess
import sys
import time
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
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        open(f"{other}{rank}", "w").close()
        time.sleep(60)
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


def test_a_signal_reaches_every_process(module: str, tmp_path: Path) -> None:
    package = Path(__file__).resolve().parents[4] / "bin"
    imports = "import sys; from ribolm.training.machine.launcher import launch"
    program = f"{imports}; sys.exit(launch('{module}', sys.argv[1:], 2))"
    environment = {**os.environ, "PYTHONPATH": f"{package}:{tmp_path}"}
    parent = subprocess.Popen([sys.executable, "-c", program, "wait", str(tmp_path / "up")], env=environment)
    deadline = time.monotonic() + 60
    while not all((tmp_path / f"up{rank}").exists() for rank in (0, 1)) and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.send_signal(signal.SIGTERM)
    assert parent.wait(60) == 143
