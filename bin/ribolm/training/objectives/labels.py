"""Labels of tokens or of sequences as what a network is to answer: yes or no, one of several classes, or values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ribolm.training.feed.batches import RowBatch
from ribolm.training.objectives import running_metrics
from ribolm.training.objectives.losses import LossSum, binary_loss, categorical_loss, huber_loss, squared_loss
from ribolm.training.objectives.objective import TrainingBatch, loss_statistics, mean_loss, sequences_of
from ribolm.training.objectives.running_metrics import Statistics

Level = Literal["token", "sequence"]
Target = Literal["binary", "categorical", "value"]


class LabelArray(Protocol):
    """Labels that can be read by index: an array, a memory map, or `relabelling.Relabelled`."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: Any, /) -> NDArray[Any]: ...


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
        found = loss_statistics(self._compare(logits, batch.targets))
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
        return {"loss": mean_loss(statistics), **(read(statistics) if statistics else {})}

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


def balanced_binary_weights(labels: NDArray[Any]) -> tuple[float, ...]:
    """Class weights of yes-no labels [n], or of [n, K] the weight of a positive of each label against a negative.

    NaN is unknown; a label with one class only weighs 1.
    """
    if labels.ndim == 1:
        return balanced_class_weights(labels, 2)
    pairs = (balanced_class_weights(column, 2) for column in labels.T)
    return tuple(positive / negative for negative, positive in pairs)
