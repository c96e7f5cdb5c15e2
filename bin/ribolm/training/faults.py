"""Points of the loop at which a test lets it fail; in production every call is one comparison.

A plan is `POINT@N=ACTION[,…]`, by `plan()` or the variable RIBOLM_FAULTS: at the N-th arrival (from 1) at the point,
`kill` (SIGKILL to itself), `term` (SIGTERM to itself), `full` (no space left), `oom` (accelerator out of memory) or
`nan` (told to the caller).
"""

import errno
import os
import signal
from collections import Counter

POINTS = (
    "step.forward", "step.backward", "step.update", "evaluation.batch", "decision.batch", "save.begin", "save.model",
    "save.optimizer", "save.state", "save.manifest", "save.aside", "save.renamed", "save.best", "finish.saved",
    "finish.model", "cross.batch", "cross.product",
)  # fmt: skip
ACTIONS = ("kill", "term", "full", "oom", "nan")
_plan: dict[tuple[str, int], str] = {}
_arrivals: Counter[str] = Counter()


def plan(text: str) -> None:
    """Set the plan and forget earlier arrivals. Raises ValueError for an unknown point or action."""
    _plan.clear()
    _arrivals.clear()
    for item in filter(None, text.split(",")):
        place, _, action = item.partition("=")
        point, _, count = place.partition("@")
        if point not in POINTS or action not in ACTIONS:
            raise ValueError(f"{item}: a fault is POINT@N=ACTION with POINT in {POINTS} and ACTION in {ACTIONS}")
        _plan[point, int(count or 1)] = action


def reach(point: str) -> bool:
    """Arrive at a point; True where the plan asks for a NaN there."""
    if not _plan:
        return False
    _arrivals[point] += 1
    action = _plan.get((point, _arrivals[point]))
    if action in ("kill", "term"):
        os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGTERM)
    if action == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), point)
    if action == "oom":
        import torch

        raise torch.OutOfMemoryError("injected: the accelerator is out of memory")
    return action == "nan"


plan(os.environ.get("RIBOLM_FAULTS", ""))
