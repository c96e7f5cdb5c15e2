"""Masked language modelling: the network guesses the tokens that were hidden from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ribolm.training.feed.batches import RowBatch
from ribolm.training.feed.masking import mask_tokens
from ribolm.training.objectives.losses import LossSum, categorical_loss
from ribolm.training.objectives.objective import TrainingBatch, loss_statistics, mean_loss, sequences_of
from ribolm.training.objectives.running_metrics import Statistics


class MaskVocabulary(Protocol):
    """What masked language modelling asks of a tokenizer."""

    @property
    def mask_id(self) -> int: ...
    @property
    def base_ids(self) -> NDArray[Any]: ...


@dataclass(frozen=True)
class MaskedTokens:
    """Masked language modelling: cross entropy of the hidden tokens (see `feed.masking`).

    `drawn_ids`: what replaces hidden tokens at random, None: the bases.
    """

    tokenizer: MaskVocabulary
    seed: int
    rate: float = 0.15
    span: int = 1
    drawn_ids: tuple[int, ...] | None = None
    watch: str = "loss"

    @property
    def chance_loss(self) -> float:
        """The loss of a guess among the bases by chance, ln 4 of nucleotides."""
        return math.log(len(self.tokenizer.base_ids))

    def prepare(self, batch: RowBatch) -> TrainingBatch:
        """Hide tokens; targets int64 [N] are the true ids of the hidden ones."""
        base_ids = np.asarray(self.tokenizer.base_ids, dtype=np.int64)
        drawn = None if self.drawn_ids is None else np.array(self.drawn_ids, dtype=np.int64)
        masked = mask_tokens(batch, base_ids, self.tokenizer.mask_id, self.seed, self.rate, self.span, drawn)
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
        return {**loss_statistics(categorical_loss(logits, batch.targets)), "right": np.asarray(float(right))}

    def metrics(self, statistics: Statistics) -> dict[str, float]:
        """loss, chance_loss, perplexity, accuracy, n (hidden tokens)."""
        loss, n = mean_loss(statistics), float(statistics.get("weight", np.zeros(())))
        accuracy = float(statistics["right"]) / n if n else float("nan")
        perplexity = float(np.exp(loss))
        return {"loss": loss, "chance_loss": self.chance_loss, "perplexity": perplexity, "accuracy": accuracy, "n": n}
