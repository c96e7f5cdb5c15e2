"""What a network is trained for: masked tokens, or labels of tokens or sequences.

An objective turns gathered rows into a batch with targets (`prepare`, on the host, pure), and a batch into a loss as a
sum and a weight (`loss`): one optimiser step minimises the sum of all sums over the sum of all weights, over every
micro-batch and every process. Validation adds up `statistics` and reads `metrics` off the total.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ribolm.models.ragged import Ragged, ragged
from ribolm.training import running_metrics
from ribolm.training.batches import RowBatch
from ribolm.training.losses import LossSum, binary_loss, categorical_loss, huber_loss, squared_loss
from ribolm.training.masking import mask_tokens
from ribolm.training.running_metrics import Statistics

Level = Literal["token", "sequence"]
Target = Literal["binary", "categorical", "value"]


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


class LabelArray(Protocol):
    """Labels that can be read by index: an array, a memory map, or `relabelling.Relabelled`."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: Any, /) -> NDArray[Any]: ...


class MaskVocabulary(Protocol):
    """What masked language modelling asks of a tokenizer."""

    @property
    def mask_id(self) -> int: ...
    @property
    def base_ids(self) -> NDArray[Any]: ...


@dataclass(frozen=True)
class MaskedTokens:
    """Masked language modelling: cross entropy of the hidden tokens (see `masking.mask_tokens`)."""

    tokenizer: MaskVocabulary
    seed: int
    rate: float = 0.15
    span: int = 1
    watch: str = "loss"

    def prepare(self, batch: RowBatch) -> TrainingBatch:
        """Hide tokens; targets int64 [N] are the true ids of the hidden ones."""
        base_ids = np.asarray(self.tokenizer.base_ids, dtype=np.int64)
        masked = mask_tokens(batch, base_ids, self.tokenizer.mask_id, self.seed, self.rate, self.span)
        return TrainingBatch(
            sequences_of(batch, masked.tokens), torch.from_numpy(masked.chosen), torch.from_numpy(masked.targets)
        )

    def loss(self, network: nn.Module, batch: TrainingBatch) -> LossSum:
        """Summed cross entropy over the hidden tokens and their number."""
        return categorical_loss(network(batch.sequences, batch.selected), batch.targets)

    def statistics(self, network: nn.Module, batch: TrainingBatch) -> Statistics:
        """Loss, weight and the number of hidden tokens that were guessed."""
        logits = network(batch.sequences, batch.selected)
        right = (logits.argmax(dim=-1) == batch.targets).sum()
        return {**_loss_statistics(categorical_loss(logits, batch.targets)), "right": _number(right)}

    def metrics(self, statistics: Statistics) -> dict[str, float]:
        """loss, perplexity, accuracy, n (hidden tokens)."""
        loss, n = _mean_loss(statistics), float(statistics.get("weight", np.zeros(())))
        accuracy = float(statistics["right"]) / n if n else float("nan")
        return {"loss": loss, "perplexity": float(np.exp(loss)), "accuracy": accuracy, "n": n}


@dataclass(frozen=True)
class LabelLoss:
    """How answers are compared with labels.

    class_weights: categorical: one per class; binary: (negative, positive); several binary labels: the weight of a
    positive of each against a negative. delta: Huber's, None for the squared error.
    """

    class_weights: tuple[float, ...] | None = None
    focal_gamma: float = 0.0
    smoothing: float = 0.0
    delta: float | None = None


@dataclass(frozen=True)
class Labels:
    """Labels of tokens or sequences out of an array on disk (float32, NaN = unknown, left out of the loss).

    labels: per token [t] or [t, K] as long as tokens.bin; per sequence [n] or [n, K]. target "binary": K yes-no
    questions, soft targets allowed; "categorical": class numbers, or probabilities [., K]; "value": K numbers.
    n_labels: outputs of the head.
    """

    labels: LabelArray
    level: Level
    target: Target
    n_labels: int = 1
    options: LabelLoss = LabelLoss()

    @property
    def watch(self) -> str:
        """average_precision, macro_f1 or loss."""
        return {"binary": "average_precision", "categorical": "macro_f1", "value": "loss"}[self.target]

    def prepare(self, batch: RowBatch) -> TrainingBatch:
        """Read the labels of the rows; of tokens, only those with a label are kept."""
        if self.level == "sequence":
            of_rows = np.asarray(self.labels[batch.rows], dtype=np.float32)
            return TrainingBatch(sequences_of(batch), None, torch.from_numpy(of_rows))
        inner = np.flatnonzero(batch.place >= 0)
        found = np.asarray(self.labels[batch.place[inner]], dtype=np.float32)
        known = ~(np.isnan(found).all(axis=1) if found.ndim == 2 else np.isnan(found))
        selected, targets = torch.from_numpy(inner[known]), torch.from_numpy(found[known])
        return TrainingBatch(sequences_of(batch), selected, targets)

    def loss(self, network: nn.Module, batch: TrainingBatch) -> LossSum:
        """Summed loss over the known labels and their weight."""
        return self._compare(network(batch.sequences, batch.selected), batch.targets)

    def statistics(self, network: nn.Module, batch: TrainingBatch) -> Statistics:
        """Loss and weight, and histograms, counts or moments after the kind of target."""
        logits = network(batch.sequences, batch.selected)
        found = _loss_statistics(self._compare(logits, batch.targets))
        answers = logits.double().cpu().numpy()
        targets = batch.targets.double().cpu().numpy()
        if self.target != "categorical":
            shaped = targets if targets.ndim == 2 else targets[:, None]
            binary = self.target == "binary"
            count = running_metrics.ranking_statistics if binary else running_metrics.moment_statistics
            return {**found, **count(answers, shaped)}
        known = ~np.isnan(targets.sum(axis=1) if targets.ndim == 2 else targets)
        true = targets[known].argmax(axis=1) if targets.ndim == 2 else targets[known].astype(np.int64)
        return {**found, **running_metrics.confusion_statistics(answers[known].argmax(axis=1), true, self.n_labels)}

    def metrics(self, statistics: Statistics) -> dict[str, float]:
        """loss with the metrics of the kind of target; NaN where nothing was labelled."""
        read = {
            "binary": running_metrics.ranking_metrics,
            "categorical": running_metrics.confusion_metrics,
            "value": running_metrics.moment_metrics,
        }[self.target]
        return {"loss": _mean_loss(statistics), **(read(statistics) if statistics else {})}

    def _compare(self, logits: Tensor, targets: Tensor) -> LossSum:
        options, weights = self.options, self.options.class_weights
        if self.target == "categorical":
            per_class = None if weights is None else torch.tensor(weights, device=logits.device)
            return categorical_loss(logits, targets, per_class, options.focal_gamma, options.smoothing)
        targets = targets if targets.ndim == 2 else targets[:, None]
        if self.target == "value":
            return (
                squared_loss(logits, targets) if options.delta is None else huber_loss(logits, targets, options.delta)
            )
        positive = torch.ones(1) if weights is None else torch.tensor(weights)
        if self.n_labels == 1 and weights is not None:
            positive = positive[1:] / positive[:1]
        return binary_loss(logits, targets, positive.to(logits.device), options.focal_gamma, options.smoothing)


def balanced_class_weights(labels: LabelArray, n_classes: int) -> tuple[float, ...]:
    """n / (C · n_c) for each class of a label array read in pieces; classes that never occur weigh 1."""
    counts = np.zeros(n_classes)
    for first in range(0, len(labels), 1 << 22):
        piece = np.asarray(labels[first : first + (1 << 22)]).ravel()
        piece = piece[~np.isnan(piece)]
        if n_classes == 2:
            counts += (len(piece) - piece.sum(dtype=np.float64), piece.sum(dtype=np.float64))
        else:
            counts += np.bincount(piece.astype(np.int64), minlength=n_classes)
    occurring = np.count_nonzero(counts)
    return tuple(float(w) for w in np.where(counts > 0, counts.sum() / (occurring * np.maximum(counts, 1e-9)), 1.0))


def sequences_of(batch: RowBatch, tokens: NDArray[np.int64] | None = None) -> Ragged:
    """What the network is fed for gathered rows; `tokens` stand in for those of the batch (masked ones)."""
    tokens = batch.tokens if tokens is None else tokens
    return ragged(torch.from_numpy(tokens), batch.lengths.tolist())


def _loss_statistics(found: LossSum) -> Statistics:
    return {"loss": _number(found.loss), "weight": _number(found.weight)}


def _number(value: Tensor) -> NDArray[np.float64]:
    return np.asarray(float(value), dtype=np.float64)


def _mean_loss(statistics: Statistics) -> float:
    weight = float(statistics.get("weight", np.zeros(())))
    return float(statistics["loss"]) / weight if weight else float("nan")
