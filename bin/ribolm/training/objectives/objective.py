"""What a network is trained for: masked tokens, or labels of tokens or sequences.

An objective turns gathered rows into a batch with targets (`prepare`, on the host, pure), and a batch into a loss as a
sum and a weight (`loss`): one optimiser step minimises the sum of all sums over the sum of all weights, over every
micro-batch and every process. Validation adds up `statistics` and reads `metrics` off the total.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ribolm.models.ragged import Ragged, ragged
from ribolm.training.feed.batches import RowBatch
from ribolm.training.objectives import running_metrics
from ribolm.training.objectives.losses import LossSum
from ribolm.training.objectives.running_metrics import Statistics


@dataclass(frozen=True)
class TrainingBatch:
    """What a network is fed and what it should answer.

    selected: int64 [N], tokens whose answer counts (None: every sequence answers); targets: class numbers int64 [N], or
    float32 [N] or [N, labels] with NaN for unknown. n_tokens: tokens fed, cls and eos included.
    """

    sequences: Ragged
    selected: Tensor | None
    targets: Tensor

    @property
    def n_tokens(self) -> int:
        """Tokens fed, cls and eos included."""
        return sum(self.sequences.lengths)

    def to(self, device: torch.device | str) -> TrainingBatch:
        """The same batch on another device."""
        selected = None if self.selected is None else self.selected.to(device, non_blocking=True)
        return TrainingBatch(
            self.sequences.to(device, non_blocking=True), selected, self.targets.to(device, non_blocking=True)
        )


class Objective(Protocol):
    """What the loop asks of an objective; `network(sequences, selected)` gives logits in fp32."""

    @property
    def watch(self) -> str:
        """The metric that early stopping reads; larger is better but for "loss"."""

    def prepare(self, batch: RowBatch) -> TrainingBatch:
        """Targets (and masks) for gathered rows: a pure function of the rows and the objective."""

    def loss(self, network: nn.Module, batch: TrainingBatch) -> LossSum:
        """Sum of the losses with its gradient, and its weight; both 0 for a batch without a target."""

    def statistics(self, network: nn.Module, batch: TrainingBatch) -> Statistics:
        """What validation adds up, over batches and processes."""

    def metrics(self, statistics: Statistics) -> dict[str, float]:
        """Named metrics of the total; "loss" is among them."""


@torch.no_grad()  # no inference tensors: caches of the network outlive this
def evaluate(
    objective: Objective,
    network: nn.Module,
    batches: Iterable[RowBatch],
    device: torch.device | str = "cpu",
    reduce: Callable[[Statistics], Statistics] | None = None,
) -> dict[str, float]:
    """Metrics of a network over batches; `reduce` adds up the statistics of all processes. Dropout is off."""
    was_training = network.training
    network.eval()
    total: Statistics = {}
    try:
        for batch in batches:
            total = running_metrics.add(total, objective.statistics(network, objective.prepare(batch).to(device)))
    finally:
        network.train(was_training)
    return objective.metrics(reduce(total) if reduce else total)


def sequences_of(batch: RowBatch, tokens: NDArray[np.int64] | None = None) -> Ragged:
    """What the network is fed for gathered rows; `tokens` stand in for those of the batch (masked ones)."""
    tokens = batch.tokens if tokens is None else tokens
    return ragged(torch.from_numpy(tokens), batch.lengths.tolist())


def loss_statistics(found: LossSum) -> Statistics:
    """Loss and weight as statistics that add up over batches and processes."""
    return {name: np.asarray(float(value), dtype=np.float64) for name, value in found._asdict().items()}


def mean_loss(statistics: Statistics) -> float:
    """Summed loss over summed weight; NaN where nothing was labelled."""
    weight = float(statistics.get("weight", np.zeros(())))
    return float(statistics["loss"]) / weight if weight else float("nan")
