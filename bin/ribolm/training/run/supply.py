"""Batches of the next step made ready while this one is computed."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from ribolm.training.feed.batches import RowBatch
from ribolm.training.objectives.objective import Objective, TrainingBatch


class StepFeed(Protocol):
    """What the loop asks of a feed (see batches.Feed)."""

    steps_per_epoch: int
    n_tokens: int

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence."""

    def place(self, step: int) -> tuple[int, int]:
        """(epoch, position) of a step."""

    def micro_batches(
        self, epoch: int, position: int, tokens_per_micro_batch: int, rank: int = 0, world: int = 1
    ) -> Iterable[RowBatch]:
        """The rows of one step of one process."""

    def once(self, tokens_per_micro_batch: int, rank: int = 0, world: int = 1) -> Iterable[RowBatch]:
        """Every row of one process once."""


class Supply:
    """Context manager over a feed: `step(n)` gives the micro-batches of step n on the device.

    One thread works one step ahead. All of it is a pure function of the step, so nothing is lost by a kill.
    """

    def __init__(
        self, feed: StepFeed, objective: Objective, budget: int, device: str, rank: int, world: int, last_step: int
    ) -> None:
        self.feed, self.objective, self.budget, self.device = feed, objective, budget, device
        self.rank, self.world, self.last_step = rank, world, last_step
        self._thread = ThreadPoolExecutor(1, "supply")
        self._ahead: dict[int, Future[list[TrainingBatch]]] = {}

    def __enter__(self) -> "Supply":
        return self

    def __exit__(self, *_error: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def step(self, step: int) -> list[TrainingBatch]:
        """Micro-batches of one step; the next one's are begun."""
        ready = self._ahead.pop(step, None) or self._thread.submit(self._make, step)
        batches = ready.result()
        if step + 1 < self.last_step:
            self._ahead = {step + 1: self._thread.submit(self._make, step + 1)}
        return batches

    def _make(self, step: int) -> list[TrainingBatch]:
        epoch, position = self.feed.place(step)
        rows = self.feed.micro_batches(epoch, position, self.budget, self.rank, self.world)
        return [self.objective.prepare(batch).to(self.device) for batch in rows]
