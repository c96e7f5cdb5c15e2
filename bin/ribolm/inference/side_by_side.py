"""Forward passes side by side on a CPU, a thread for each: products of one pass are too small to keep all cores busy.

A pass by one thread rounds the same however many threads there are.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

AHEAD_PER_THREAD = 2  # passes that are begun before the first answer is taken
Task = TypeVar("Task")
Answer = TypeVar("Answer")


def side_by_side(run: Callable[[Task], Answer], tasks: Iterable[Task]) -> Iterator[Answer]:
    """Yield run(task) of every task in their order, as many at a time as PyTorch has threads, one thread for each.

    More threads than cores are not used: each holds the activations of a pass. `run` is called by several threads at
    once. Raises what it raises; tasks that wait are not begun then.
    """
    if torch.get_num_threads() == 1:
        yield from map(run, tasks)
        return
    n = min(torch.get_num_threads(), n_cores())
    waiting: deque[Future[Answer]] = deque()
    with _single_threads(n) as pool:
        for task in tasks:
            if len(waiting) == AHEAD_PER_THREAD * n:
                yield waiting.popleft().result()
            waiting.append(pool.submit(run, task))
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _single_threads(n: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of n threads that have one of PyTorch's each."""
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(n, "pass", initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)  # what one thread sets, threads begin with that come later


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
