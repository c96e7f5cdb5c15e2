"""One process's stay in a checkpoint folder: lease, processes, device, signals; any number of trainings inside."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from ribolm.console import hush
from ribolm.errors import UsageError
from ribolm.training.checkpoints.folder import Checkpoints
from ribolm.training.checkpoints.lease import Lease
from ribolm.training.checkpoints.provenance import surroundings_record
from ribolm.training.checkpoints.state import TrainingState
from ribolm.training.log import TrainingLog
from ribolm.training.machine.distributed import World, join, leave, world_of_environment
from ribolm.training.machine.fitting import Fitting, choose_fitting
from ribolm.training.machine.precision import Device, choose_device, set_determinism
from ribolm.training.machine.signals import StopFlag
from ribolm.training.objectives.objective import Objective
from ribolm.training.run.loop import Loop, Surroundings
from ribolm.training.run.supply import StepFeed
from ribolm.training.settings import Runtime, Settings


@dataclass(frozen=True)
class Lesson:
    """What is to be learnt: the settings that make its key, the network (trained in place), objective and feeds.

    `groups` are the optimiser's (parameters.parameter_groups). `mfu` turns tokens per second of one process into the
    share of its device's peak. `judge` evaluates on the validation rows (default: the objective).
    """

    settings: Settings
    network: nn.Module
    groups: Sequence[dict[str, Any]]
    objective: Objective
    feed: StepFeed
    validation: StepFeed | None = None
    mfu: Callable[[float], float] = field(default=lambda _tokens_per_s: 0.0)
    judge: Objective | None = None


@dataclass
class Session:
    """An open checkpoint folder. `record` describes the surroundings; it goes into every checkpoint."""

    runtime: Runtime
    world: World
    device: Device
    stop: StopFlag
    log: TrainingLog
    check: Callable[[], None]
    record: dict[str, Any]
    _fitting: Fitting | None = None

    @property
    def folder(self) -> Path:
        """The checkpoint folder; trainings inside a training use folders below it."""
        return self.runtime.checkpoint_dir

    def fitting(self, tokens_per_step: int) -> Fitting:
        """Tokens per micro-batch, one choice for all trainings of the folder."""
        if self._fitting is None:
            asked = self.runtime.tokens_per_micro_batch
            self._fitting = choose_fitting(self.folder, asked, tokens_per_step, self.device.kind, self.log)
        return self._fitting

    def train(self, lesson: Lesson, folder: Path | None = None) -> tuple[Loop, TrainingState]:
        """Train, or go on, in `folder` (default: the session's); afterwards the network has the best weights.

        Raises DataError when the folder belongs to another configuration; see `Loop.train` for the rest.
        """
        folder = folder or self.folder
        folder.mkdir(parents=True, exist_ok=True)
        log = TrainingLog(folder / "log.jsonl", self.world.first)
        checkpoints = Checkpoints(folder, self.runtime.keep, self.check)
        if self.world.first:
            self._claim(checkpoints, lesson.settings)
        self.world.meet()  # no process reads before the folder is in order
        lesson.network.to(self.device.name)
        fitting = self.fitting(lesson.settings.optimisation.tokens_per_step)
        at = Surroundings(
            self.world, self.device, log, checkpoints, self.stop, self.runtime, fitting, self.record, lesson.mfu
        )
        loop = Loop(
            lesson.settings.optimisation,
            lesson.network,
            lesson.groups,
            lesson.objective,
            lesson.feed,
            lesson.validation,
            at,
            lesson.judge,
        )
        state = loop.train()
        self.world.meet()
        loop.use_best()
        return loop, state

    def _claim(self, checkpoints: Checkpoints, settings: Settings) -> None:
        checkpoints.clean()
        if self.runtime.resume == "never":
            checkpoints.discard()
        elif self.runtime.resume == "require" and not any(self.folder.rglob("step-*")):
            raise UsageError(f"--resume require: {self.folder} holds no checkpoint.")
        checkpoints.claim(settings.key(), settings.model_dump(mode="json"))


@contextlib.contextmanager
def open_session(runtime: Runtime, precision: str, determinism: str) -> Iterator[Session]:
    """Join the other processes, take the lease (first process), catch signals; give all back at the end.

    Raises Busy when another process trains in the folder, UsageError for a device that is not there.
    """
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(StopFlag())
        set_determinism(determinism)
        world = world_of_environment()
        log = TrainingLog(None, world.first)
        if not world.first:
            hush()
        device = choose_device(runtime.device, precision, world.local_rank, log)
        join(world, device.name)
        stack.callback(leave, world)
        check: Callable[[], None] = _always
        if world.first:
            wait = runtime.if_busy == "wait"
            lease = stack.enter_context(Lease(runtime.checkpoint_dir, wait=wait, stopped=lambda: stop.name is not None))
            check = lease.check
            log.open(runtime.checkpoint_dir / "log.jsonl", anew=runtime.resume == "never")
        record = surroundings_record(device.name, world.size)
        yield Session(runtime, world, device, stop, log, check, record)


def _always() -> None:
    """Processes that write nothing need no lease."""
