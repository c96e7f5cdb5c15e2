import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ribolm.errors import Stopped
from ribolm.training.checkpoints.lease import Busy, Lease, LeaseLost, process_start


def forge(folder: Path, **changes: object) -> None:
    """A lease of somebody else: like ours but for `changes`."""
    identity = {**Lease(folder).identity, "token": "theirs", **changes}
    (folder / "lease.json").write_text(json.dumps(identity))


def test_one_holder_at_a_time_and_free_again_at_the_end(tmp_path: Path) -> None:
    with Lease(tmp_path) as first:
        first.check()
        with pytest.raises(Busy, match=f"process {os.getpid()} on ") as refusal, Lease(tmp_path):
            pass
        assert refusal.value.exit_code == 1
    assert not (tmp_path / "lease.json").exists()
    with Lease(tmp_path):
        pass


def test_the_lease_of_a_dead_process_of_this_host_is_taken_over_at_once(tmp_path: Path, capsys) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    forge(tmp_path, pid=child.pid, process_start=process_start(child.pid))
    with pytest.raises(Busy), Lease(tmp_path):
        pass
    child.communicate(b"\n")
    with Lease(tmp_path) as lease:
        lease.check()
    assert "taking over from process" in capsys.readouterr().err


def test_a_number_that_another_process_has_now_is_no_sign_of_life(tmp_path: Path) -> None:
    forge(tmp_path, process_start="1")  # this pid lives, but began at another time
    with Lease(tmp_path) as lease:
        assert lease.held()


@pytest.mark.parametrize("place", [{"boot": "another kernel"}, {"pid_namespace": "pid:[1]"}])
def test_a_holder_elsewhere_is_judged_by_its_heartbeat(tmp_path: Path, place: dict) -> None:
    forge(tmp_path, pid=2**30, **place)
    with pytest.raises(Busy), Lease(tmp_path):
        pass
    long_ago = time.time() - 301
    os.utime(tmp_path / "lease.json", (long_ago, long_ago))
    with Lease(tmp_path) as lease:
        assert lease.held()


def test_the_heart_beats(tmp_path: Path) -> None:
    with Lease(tmp_path, heartbeat_s=0.01):
        os.utime(tmp_path / "lease.json", (0, 0))
        deadline = time.monotonic() + 10
        while (tmp_path / "lease.json").stat().st_mtime < 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (tmp_path / "lease.json").stat().st_mtime > 1


def test_a_holder_that_lost_its_lease_writes_nothing_more(tmp_path: Path) -> None:
    with Lease(tmp_path, heartbeat_s=0.01) as lease:
        forge(tmp_path)
        with pytest.raises(LeaseLost, match="took this folder over"):
            lease.check()
    assert json.loads((tmp_path / "lease.json").read_text())["token"] == "theirs"


def test_waiting_ends_when_the_folder_is_free_or_a_signal_comes(tmp_path: Path, capsys) -> None:
    asked = []

    def stopped() -> bool:
        asked.append(True)
        return len(asked) > 2

    with Lease(tmp_path) as first:
        with (
            pytest.raises(Stopped, match="while waiting") as stop,
            Lease(tmp_path, wait=True, stopped=stopped, heartbeat_s=0.01),
        ):
            pass
        assert stop.value.exit_code == 143
        assert capsys.readouterr().err.count("waiting until it ends") == 1

        def free() -> bool:
            first.path.unlink(missing_ok=True)
            return False

        with Lease(tmp_path, wait=True, stopped=free, heartbeat_s=0.01) as second:
            assert second.held()


def test_a_torn_lease_does_not_block_for_ever(tmp_path: Path) -> None:
    (tmp_path / "lease.json").write_text('{"pid": 1')
    with pytest.raises(Busy), Lease(tmp_path):
        pass
    os.utime(tmp_path / "lease.json", (0, 0))
    with Lease(tmp_path) as lease:
        assert lease.held()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_many_that_come_at_once_get_one_lease(tmp_path: Path) -> None:
    forge(tmp_path, pid=2**30)
    ready, go = os.pipe(), os.pipe()
    children = []
    for _ in range(6):
        pid = os.fork()
        if pid == 0:
            os.close(go[1])
            os.read(go[0], 1)
            try:
                with Lease(tmp_path):
                    os.write(ready[1], b"1")
                    time.sleep(0.5)
                os._exit(0)
            except Busy:
                os._exit(3)
        children.append(pid)
    os.close(go[0])
    os.close(go[1])
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children)
    assert codes == [0, 3, 3, 3, 3, 3]
    for descriptor in ready:
        os.close(descriptor)
