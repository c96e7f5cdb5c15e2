"""Several processes of one command on one machine, with the exit codes of the command.

torchrun ends with 1 whatever its processes ended with, so that a retry could not tell "stopped after saving" (143) from
"out of memory" (75) or bad data (65). This starts the processes with torchrun's variables, passes signals on, ends all
when one ends badly, and returns the code that says most. Each process has a session of its own, so that a Ctrl-C of the
terminal comes once, by way of this one; it is asked to stop when this one is no more.
"""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ribolm.console import choice
from ribolm.errors import UsageError
from ribolm.files import is_whole_number

TELLING = (143, 75, 65, 2)  # in this order, before any other code
GRACE_S = 20.0  # from the end of one process to the kill of those that wait for it
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux's prctl
PACKAGE_ROOT = Path(__file__).resolve().parents[3]


def is_worker() -> bool:
    """Whether this process is one of several already, by torchrun's two variables that no shell exports by itself."""
    return {"RANK", "WORLD_SIZE"} <= os.environ.keys()


def require_own_number(processes: int) -> None:
    """Raise UsageError where several processes are asked for and this is already one of another number of them."""
    if processes > 1 and is_worker() and os.environ["WORLD_SIZE"] != str(processes):
        raise UsageError(
            f"--processes {processes}, but RANK and WORLD_SIZE={os.environ['WORLD_SIZE']} say that this is one of "
            f"{os.environ['WORLD_SIZE']} processes already. Unset both, or leave --processes out."
        )


def launch(module: str, argv: Sequence[str], processes: int) -> int:
    """Run `module`.main(argv) in so many processes; returns the exit code."""
    program = f"import sys; from {__name__} import follow; follow({os.getpid()}); "
    program += f"from {module} import main; sys.exit(main(sys.argv[1:]))"
    with tempfile.TemporaryDirectory(prefix="ribolm-") as folder:
        shared = {
            **os.environ,
            "WORLD_SIZE": str(processes),
            "RIBOLM_RENDEZVOUS": f"{folder}/meeting",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(PACKAGE_ROOT), os.environ.get("PYTHONPATH")))),
        }
        shared.setdefault("GLOO_SOCKET_IFNAME", "lo")
        threads, reason = _threads(processes)
        choice("threads of a process", threads, reason)
        shared["OMP_NUM_THREADS"] = str(threads)
        workers: list[subprocess.Popen[bytes]] = []
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR2, signal.SIGINT)}
        try:
            for number in before:
                signal.signal(number, lambda number, _frame: _pass_on(workers, number))
            for rank in range(processes):
                mine = {**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}
                command = [sys.executable, "-c", program, *argv]
                workers.append(subprocess.Popen(command, env=mine, start_new_session=True))
            return _wait(workers)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            for worker in workers:
                worker.kill()
                worker.wait()


def _threads(processes: int) -> tuple[int, str]:
    """Threads of each process, so that all together have what is given or, where nothing is, every core; the reason."""
    given, cores = os.environ.get("OMP_NUM_THREADS", ""), len(os.sched_getaffinity(0))
    told = is_whole_number(given) and int(given) > 0
    total, of = (int(given), f"OMP_NUM_THREADS={given}") if told else (cores, f"{cores} cores")
    return max(1, total // processes), f"{of} over {processes} processes"


def follow(parent: int) -> None:
    """Let this process be sent SIGTERM, and so save and end, when its parent ends, whatever ends that."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _pass_on(workers: Sequence["subprocess.Popen[bytes]"], number: int) -> None:
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(number)


def _wait(workers: Sequence["subprocess.Popen[bytes]"]) -> int:
    """Wait for all; after the first that ends badly the others have GRACE_S."""
    failed_s = None
    while any(worker.poll() is None for worker in workers):
        if failed_s is None and any(worker.returncode for worker in workers):
            failed_s = time.monotonic()
        if failed_s is not None and time.monotonic() - failed_s > GRACE_S:
            _pass_on(workers, signal.SIGKILL)
        time.sleep(0.05)
    codes = [worker.returncode if worker.returncode >= 0 else 128 - worker.returncode for worker in workers]
    return next((code for code in TELLING if code in codes), max(codes))
