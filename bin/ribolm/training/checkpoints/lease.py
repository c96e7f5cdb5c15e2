"""A lease on a checkpoint folder: one writer at a time, whoever started it.

`lease.json` names the holder (host, boot, process namespace, process id and its start) and a random token. Whether a
holder lives is asked of the kernel where it runs under the same kernel and process namespace; of any other holder its
heartbeat is judged, by the clock of the file system that both write to, so that clocks of hosts need not agree.
"""

import contextlib
import errno
import fcntl
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ribolm.console import notice
from ribolm.errors import Stopped, ToolError

HEARTBEAT_S = 20.0
STALE_AFTER_S = 300.0  # fifteen missed heartbeats: a stalled file system must not look like a dead writer


class Busy(ToolError):
    """Another process is training in this folder (exit 1)."""


class LeaseLost(ToolError):
    """Another process took this folder over while this one was away (exit 1)."""


def _read_text(path: str) -> str:
    with contextlib.suppress(OSError):
        return Path(path).read_text("utf-8").strip()
    return ""


def process_start(pid: int) -> str | None:
    """Clock ticks since boot at which a process started; None when there is no such process, or it is a zombie."""
    fields = _read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in "ZX":
        return None
    return fields[19]


def _identity() -> dict[str, Any]:
    namespace = ""
    with contextlib.suppress(OSError):
        namespace = os.readlink("/proc/self/ns/pid")
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "boot": _read_text("/proc/sys/kernel/random/boot_id"),
        "pid_namespace": namespace,
        "pid": pid,
        "process_start": process_start(pid),
        "token": secrets.token_hex(16),
    }


class Lease:
    """Context manager: holds the folder, renews the heartbeat in a thread, gives the folder back at the end.

    `wait` False raises Busy when another process holds the folder; True waits until it is free, with a notice.
    `stopped` is asked while waiting; when it says so, Stopped is raised.
    """

    def __init__(
        self,
        folder: Path,
        *,
        wait: bool = False,
        stopped: Callable[[], bool] = lambda: False,
        heartbeat_s: float = HEARTBEAT_S,
        stale_after_s: float = STALE_AFTER_S,
    ) -> None:
        self.path = folder / "lease.json"
        self.wait, self.stopped = wait, stopped
        self.heartbeat_s, self.stale_after_s = heartbeat_s, stale_after_s
        self.identity = _identity()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Lease":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        told_s = -1e9
        while (holder := self._try()) is not None:
            who = f"process {holder.get('pid')} on {holder.get('host')} trains in {self.path.parent}"
            if not self.wait:
                raise Busy(f"{who}. Let it finish, stop it, or wait for it with --if-busy wait.")
            if time.monotonic() - told_s > 60:
                notice(f"{who}: waiting until it ends.")
                told_s = time.monotonic()
            if self.stopped():
                raise Stopped(f"Stopped while waiting: {who}.")
            time.sleep(min(1.0, self.heartbeat_s))
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        with self._guard():
            if self.held():
                self.path.unlink(missing_ok=True)

    def held(self) -> bool:
        """Whether the folder is still this process's: nobody has taken it over since."""
        holder = _read_lease(self.path)
        return holder is not None and holder.get("token") == self.identity["token"]

    def check(self) -> None:
        """Raise LeaseLost when the folder is no longer ours; called before anything in it is written."""
        if not self.held():
            raise LeaseLost(
                f"{self.path.parent}: another process took this folder over. Nothing more is written by this one."
            )

    def _try(self) -> dict[str, Any] | None:
        """Take the lease; None when it is ours now, else who holds it."""
        with self._guard():
            holder = _read_lease(self.path)
            if holder is not None and self._alive(holder):
                return holder
            if holder is not None:
                notice(
                    f"{self.path.parent}: taking over from process {holder.get('pid')} on {holder.get('host')}, dead."
                )
            if not self._replace(holder):
                return _read_lease(self.path) or {}
        return None

    def _replace(self, dead: dict[str, Any] | None) -> bool:
        """Put our lease in place of a dead one or of none; False when another process was quicker."""
        mine = self.path.with_name(f".lease.{self.identity['token']}.tmp")
        mine.write_text(json.dumps(self.identity), "utf-8")
        try:
            if dead is not None:
                grave = self.path.with_name(f".lease.{self.identity['token']}.dead")
                os.rename(self.path, grave)
                buried = _read_lease(grave)
                if buried is not None and buried.get("token") != dead.get("token"):
                    os.rename(grave, self.path)  # a third process was quicker: give it its lease back
                    return False
                grave.unlink(missing_ok=True)
            os.link(mine, self.path)  # fails where a lease exists: whole or not at all, on NFS too
        except (FileExistsError, FileNotFoundError):
            return False
        finally:
            mine.unlink(missing_ok=True)
        return True

    def _alive(self, holder: dict[str, Any]) -> bool:
        same_kernel = all(holder.get(key) == self.identity[key] for key in ("boot", "pid_namespace"))
        if same_kernel and holder.get("boot"):
            return bool(process_start(int(holder["pid"])) == holder["process_start"])
        return self._age_s() < self.stale_after_s

    def _age_s(self) -> float:
        """Seconds since the last heartbeat, by the clock of the file system."""
        probe = self.path.with_name(f".lease.{self.identity['token']}.clock")
        probe.touch()
        try:
            return probe.stat().st_mtime - self.path.stat().st_mtime
        except FileNotFoundError:
            return float("inf")
        finally:
            probe.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._ended.wait(self.heartbeat_s):
            with contextlib.suppress(OSError):  # a full disk must not end the training; the next beat tries again
                if self.held():
                    os.utime(self.path)

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """Keep two processes of one host out of the exchange of a lease; where locks are unknown, links must do."""
        with self.path.with_name(".lease.lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL):
                    raise
            yield


def _read_lease(path: Path) -> dict[str, Any] | None:
    """The holder named in a lease; {} where it cannot be read, None when there is none."""
    try:
        holder = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}
