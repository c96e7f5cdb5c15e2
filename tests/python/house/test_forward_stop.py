"""A stop of a container reaches its task: bin/forward_stop.bash."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# what Nextflow's wrapper does as process 1 of a container
WRAPPER = """
run_task() {
    bash -C -e -u task.sh &
    local task=$!
    wait $task
    touch ended_by_itself
}
run_task
"""
TASK = """
sleep 60 &
child=$!
trap 'touch saved; kill $child' TERM
touch started
status=0; wait $child || status=$?
exit 143
"""


def stopped(folder: Path, **env: str) -> int | None:
    """Exit status of process 1 of a new process namespace within two seconds of SIGTERM; None when it goes on."""
    (folder / "wrapper.sh").write_text(WRAPPER)
    (folder / "task.sh").write_text(TASK)
    command = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    command += ["bash", "-C", "-e", "-u", "-o", "pipefail", "wrapper.sh"]
    outer = subprocess.Popen(command, cwd=folder, env={**os.environ, **env})
    try:
        while not (folder / "started").exists() and outer.poll() is None:
            time.sleep(0.02)
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
        os.kill(int(children.read_text()), signal.SIGTERM)
        return outer.wait(timeout=2)
    except subprocess.TimeoutExpired:
        return None
    finally:
        outer.kill()
        outer.wait()


def test_sigterm_reaches_the_task_and_its_status_comes_back(tmp_path: Path) -> None:
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-Urpf", "true"], check=False).returncode:
        pytest.skip("no process namespaces for this user: unshare fails")
    without, with_it = tmp_path / "without", tmp_path / "with"
    without.mkdir()
    with_it.mkdir()
    assert stopped(without) is None and not (without / "saved").exists(), "this is why the file is there"
    assert stopped(with_it, BASH_ENV=str(ROOT / "bin" / "forward_stop.bash")) == 143
    assert (with_it / "saved").exists() and not (with_it / "ended_by_itself").exists()
