"""The one training loop: it may be killed at any instant and goes on bit for bit.

Each step is a pure function of (weights, optimiser state, step number): its rows, masks, dropout and rate come from the
number alone. So a checkpoint at a step boundary is all there is to resume from. Order within a round: finish a due
evaluation, end, save when due, stop when asked, step. An evaluation cut short by a signal is repeated after the resume.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import nn

from ribolm.errors import DataError, Stopped, ToolError
from ribolm.training.checkpoints.folder import Checkpoints, best_name
from ribolm.training.checkpoints.state import TrainingState
from ribolm.training.checkpoints.tensors import restore
from ribolm.training.faults import reach
from ribolm.training.feed.batches import RowBatch
from ribolm.training.feed.streams import seed_global_generators
from ribolm.training.log import TrainingLog
from ribolm.training.machine.distributed import StopAsked, World
from ribolm.training.machine.fitting import Fitting
from ribolm.training.machine.precision import Device
from ribolm.training.machine.signals import StopFlag
from ribolm.training.objectives.objective import Objective, TrainingBatch, evaluate
from ribolm.training.run.optimizer import AdamW
from ribolm.training.run.schedule import STEP_PER_FORWARD, Schedule, evaluation_interval
from ribolm.training.run.supply import StepFeed, Supply
from ribolm.training.settings import Optimisation, Runtime

Answer = TypeVar("Answer")
COUNTS = ("n", "prevalence", "chance_loss")  # what a metric is read beside


@dataclass
class Surroundings:
    """Where a loop runs: processes, device, log, checkpoints, the stop flag, and `record` for every checkpoint.

    `mfu` turns tokens per second into the share of the device's peak (0 where it is unknown).
    """

    world: World
    device: Device
    log: TrainingLog
    checkpoints: Checkpoints
    stop: StopFlag
    runtime: Runtime
    fitting: Fitting
    record: dict[str, Any] = field(default_factory=dict)
    mfu: Callable[[float], float] = lambda _tokens_per_s: 0.0


@dataclass
class _Window:
    """What is summed up between two lines of the log."""

    started_s: float = field(default_factory=time.monotonic)
    loss: float = 0.0
    weight: float = 0.0
    tokens: int = 0


class Loop:
    """Trains `network` in place. `validation` None: no evaluation, and the last weights are the result.

    `judge` evaluates (default: the objective): validation may ask another question than the loss.
    """

    def __init__(
        self,
        settings: Optimisation,
        network: nn.Module,
        groups: Sequence[dict[str, Any]],
        objective: Objective,
        feed: StepFeed,
        validation: StepFeed | None,
        surroundings: Surroundings,
        judge: Objective | None = None,
    ) -> None:
        self.settings, self.network, self.objective = settings, network, objective
        self.feed, self.validation, self.at = feed, validation, surroundings
        self.judge = judge or objective
        self.world, self.log = surroundings.world, surroundings.log
        self.optimizer = AdamW(groups, (settings.beta1, settings.beta2), settings.eps)
        self.steps = settings.total_steps(feed.steps_per_epoch)
        self.schedule = Schedule(
            settings.learning_rate, self.steps, round(settings.warmup_share * self.steps), settings.floor
        )
        self.evaluate_every = settings.evaluate_every_steps or self._chosen_interval()
        self.log_every = surroundings.runtime.log_every_steps or max(1, self.steps // 1000)
        self.state = TrainingState()
        self._window, self._told_first = _Window(), False
        self._started_s = self._saved_s = time.monotonic()
        self._elapsed_before_s = 0.0

    def train(self) -> TrainingState:
        """Run to the end, from the newest checkpoint where there is one.

        Raises Stopped after a signal (saved), OutOfMemory (fitting halved), DataError for a loss that is no number.
        """
        self._resume()
        if self.state.finished:
            return self.state
        self.network.train()
        budget, device, world = self.at.fitting.tokens, self.at.device.name, self.world
        with Supply(self.feed, self.objective, budget, device, world.rank, world.size, self.steps) as supply:
            while True:
                self._evaluate_when_due()
                if self.state.step >= self.steps or self.state.stopped_early:
                    break
                self._save_when_due()
                self._stop_when_asked()
                with self.at.fitting.halved_when_full(self.feed.longest, device, self._save):
                    self._step(supply)
        self.state.finished = True
        self._save()
        reach("finish.saved")
        return self.state

    def _chosen_interval(self) -> int:
        """Steps between evaluations where none are given; told."""
        if self.validation is None:
            return self.steps
        per_step, held_out = self.feed.n_tokens / self.feed.steps_per_epoch, self.validation.n_tokens
        every = evaluation_interval(self.steps, self.feed.steps_per_epoch, per_step, held_out)
        share = held_out / (held_out + STEP_PER_FORWARD * per_step * every)
        self.log.choice(
            "steps between evaluations", every, f"some {share:.0%} of the time goes into {held_out:,} tokens"
        )
        return every

    def evaluate(self) -> dict[str, float]:
        """Metrics over the validation rows of all processes, with the network as it is."""
        if self.validation is None:
            return {}
        rows = self.validation.once(self.at.fitting.tokens, self.world.rank, self.world.size)
        with self.at.device.autocast():
            return evaluate(self.judge, self.network, self._watched(rows), self.at.device.name, self.world.add_up)

    @torch.no_grad()
    def ask_held_out(self, answer: Callable[[TrainingBatch], Answer]) -> list[Answer]:
        """What `answer` says to each batch of this process's validation rows, in fp32 as in prediction.

        Raises OutOfMemory (fitting halved).
        """
        if self.validation is None:
            return []
        fitting, device, found = self.at.fitting, self.at.device.name, []
        with fitting.halved_when_full(self.validation.longest, device):
            for rows in self.validation.once(fitting.tokens, self.world.rank, self.world.size):
                reach("decision.batch")
                found.append(answer(self.judge.prepare(rows).to(device)))
        return found

    def use_best(self) -> None:
        """Put the weights of the best evaluation into the network, where there was one."""
        if self.state.best_weights is not None:
            restore(self.network, self.at.checkpoints.best_weights(self.state), self.state.best_weights)

    def _resume(self) -> None:
        """Take over the newest checkpoint; with several processes, the one that the first process finds valid."""
        found = self.at.checkpoints.newest() if self.world.first else None
        step = int(self.world.sum([found.state.step + 1 if found else 0])[0]) - 1
        if step < 0:
            self.log.rewind(0)
            return
        found = found or self.at.checkpoints.newest(step)
        if found is None:
            raise DataError(f"{self.at.checkpoints.folder}: step {step} cannot be read by every process.")
        restore(self.network, found.weights, found.folder)
        self.optimizer.load_state_dict(found.optimizer)
        self.state = found.state
        self._elapsed_before_s = self.state.elapsed_s
        self.log.rewind(step)
        self.log.write("resume", step=step)
        if not self.state.finished:
            self._tell_differences(found.record)
        if self.world.first:
            self.log.notice(f"Resumed after step {step:,} of {self.steps:,}.")

    def _tell_differences(self, before: dict[str, Any]) -> None:
        for name, value in self.at.record.items():
            if name in before and before[name] != value:
                self.log.notice(
                    f"{name} was {str(before[name])[:12]} when the checkpoint was written and is {str(value)[:12]} "
                    "now: the result may differ from that of a run never stopped."
                )

    def _step(self, supply: Supply) -> None:
        """One optimiser step: the sum of the losses of all micro-batches and processes over the sum of weights."""
        step = self.state.step
        seed_global_generators(self.settings.seed, "step", step, self.world.rank)
        self.optimizer.zero_grad()
        loss, weight, tokens = self.world.sum(self._accumulate(supply.step(step)))
        self.world.sum_gradients(self.optimizer.parameters)
        norm = self._scale_gradients(weight) if math.isfinite(loss) else math.nan
        if not math.isfinite(norm):
            self._refuse_nan(loss, norm)
        reach("step.update")
        if weight > 0:
            self.optimizer.step(self.schedule.rate(step))
        self.state.step += 1
        self.state.tokens += int(tokens)
        self._log_step(loss, weight, int(tokens), norm)
        self._require_targets()

    def _require_targets(self) -> None:
        """Raise DataError where a first epoch, or all of a shorter training, had nothing to learn from."""
        step = self.state.step
        if not self.optimizer.has_stepped and (step == self.steps or step % self.feed.steps_per_epoch == 0):
            raise DataError(
                f"Nothing was learnt in {step:,} steps: no sequence had a target, a known label or a hidden token. "
                "Check the labels, the folds, --crop-tokens and --mask-rate."
            )

    def _accumulate(self, batches: Iterable[TrainingBatch]) -> list[float]:
        """Forward and backward over micro-batches; [sum of losses, sum of weights, tokens] of this process."""
        losses, weights, tokens = [], [], 0
        for batch in batches:
            reach_nan = reach("step.forward")
            with self.at.device.autocast():
                loss, weight = self.objective.loss(self.network, batch)
            if reach_nan:
                loss = loss * math.nan
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
            reach("step.backward")
            losses.append(loss.detach().double())
            weights.append(weight.detach().double())
            tokens += batch.n_tokens
        if not losses:
            return [0.0, 0.0, 0.0]
        summed = torch.stack([torch.stack(losses).sum(), torch.stack(weights).sum()]).tolist()
        return [*summed, float(tokens)]

    @torch.no_grad()
    def _scale_gradients(self, weight: float) -> float:
        """Divide by the weight, clip to the largest norm; returns the norm before clipping."""
        gradients = [p.grad for p in self.optimizer.parameters if p.grad is not None]
        if not gradients or weight <= 0:
            return 0.0
        norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))) / weight
        if math.isfinite(norm):
            torch._foreach_mul_(gradients, min(1.0, self.settings.clip_norm / (norm + 1e-6)) / weight)
        return norm

    def _refuse_nan(self, loss: float, norm: float) -> None:
        """Keep the state before this step and end: what comes after a NaN is nothing but NaN."""
        what = "loss" if not math.isfinite(loss) else "gradient"
        self._save()
        raise DataError(
            f"The {what} of step {self.state.step + 1:,} is no finite number. The state after step "
            f"{self.state.step:,} is kept in {self.at.checkpoints.folder}. Lower the learning rate, lengthen the "
            "warm-up, or check the labels, and start with a new checkpoint folder."
        )

    def _evaluate_when_due(self) -> None:
        state = self.state
        due = state.step == self.steps or (state.step and state.step % self.evaluate_every == 0)
        if self.validation is None or not due or state.evaluated_step >= state.step:
            return
        try:
            with self.at.fitting.halved_when_full(self.validation.longest, self.at.device.name, self._save):
                metrics = self.evaluate()
        except StopAsked:
            self._stop_when_asked()
            raise
        self.log.write("evaluation", step=state.step, metrics=metrics)
        self._note_best(metrics)
        state.evaluated_step = state.step
        patience = self.settings.patience
        if patience is not None and state.evaluations_without_gain >= patience:
            state.stopped_early = True
            self.log.choice("last step", state.step, f"{patience} evaluations without gain in {self.judge.watch}")

    def _note_best(self, metrics: dict[str, float]) -> None:
        """Keep the weights when the watched metric is better than ever; a metric of NaN is no gain."""
        state, smaller, value = self.state, self.judge.watch == "loss", metrics[self.judge.watch]
        best = state.best_value
        if math.isnan(value) or (best is not None and (value >= best if smaller else value <= best)):
            state.evaluations_without_gain += 1
            return
        state.best_value, state.best_step, state.evaluations_without_gain = value, state.step, 0
        state.best_weights, state.best_sha256 = best_name(state.step), None
        state.best_counts = {name: metrics[name] for name in COUNTS if name in metrics}
        if self.world.first:
            state.best_sha256 = self._written_best()

    def _written_best(self) -> str:
        """Write the network as the best so far. Raises ToolError: without them the run could not end rightly."""
        try:
            return self.at.checkpoints.save_best(self.network, self.state.step)
        except OSError as error:
            raise ToolError(
                f"The best weights, of step {self.state.step:,}, could not be written ({error}). Free some space and "
                "start again: the run goes on from its newest checkpoint."
            ) from error

    def _watched(self, rows: Iterable[RowBatch]) -> Iterator[RowBatch]:
        """The rows, as long as no process is asked to stop."""
        for batch in self.world.in_step(rows, self._asked_to_stop):
            reach("evaluation.batch")
            yield batch

    def _asked_to_stop(self) -> bool:
        return self.at.stop.name is not None

    def _stop_when_asked(self) -> None:
        if not self.world.any(self._asked_to_stop()):
            return
        self._save()
        raise Stopped(
            f"Stopped by {self.at.stop.name or 'a signal to another process'} after step {self.state.step:,} of "
            f"{self.steps:,}. The same command goes on from the newest checkpoint."
        )

    def _save_when_due(self) -> None:
        every = self.at.runtime.checkpoint_every_steps
        old = time.monotonic() - self._saved_s >= self.at.runtime.checkpoint_every_s
        if self.state.step and (old or (every is not None and self.state.step % every == 0)):
            self._save()

    def _save(self) -> None:
        """Write a checkpoint; a disk that refuses costs nothing but this checkpoint, and the next is tried in time."""
        self._saved_s = time.monotonic()
        self.state.elapsed_s = self._elapsed_before_s + self._saved_s - self._started_s
        if not self.world.first:
            return
        try:
            self.at.checkpoints.save(self.network, self.optimizer.state_dict(), self.state, **self.at.record)
        except OSError as error:
            self.log.notice(
                f"The checkpoint after step {self.state.step:,} could not be written ({error}). The one before it "
                "stays. Free some space."
            )

    def _log_step(self, loss: float, weight: float, tokens: int, norm: float) -> None:
        """One line per `log_every` steps and for the first of a run: the mean loss since the line before."""
        window, step = self._window, self.state.step
        window.loss, window.weight, window.tokens = window.loss + loss, window.weight + weight, window.tokens + tokens
        if step % self.log_every and step != self.steps and self._told_first:
            return
        self._told_first = True
        seconds = max(time.monotonic() - window.started_s, 1e-9)
        self.log.step(
            step=step,
            steps=self.steps,
            tokens=self.state.tokens,
            loss=window.loss / window.weight if window.weight else math.nan,
            learning_rate=self.schedule.rate(step - 1),
            gradient_norm=norm,
            tokens_per_s=window.tokens / seconds,
            mfu=self.at.mfu(window.tokens / seconds / self.world.size),
            elapsed_s=self._elapsed_before_s + time.monotonic() - self._started_s,
        )
        self._window = _Window()
