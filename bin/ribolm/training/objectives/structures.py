"""Secondary structure: each base chooses its partner among all others, or none.

Cross entropy of that choice, summed over the bases whose partner is known. The probabilities of a folding program are
shown for a part of the rows only (channel dropout), so that one network learns to work with and without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ribolm.folding.pair_lists import StoredPairs
from ribolm.labels.structure.decoding import DecodingRule, decode
from ribolm.models.network import Network
from ribolm.models.pair_maps.folding import fold
from ribolm.models.pair_maps.inputs import PairLogits, PairProbabilities
from ribolm.models.pair_maps.tiles import TILE_NT
from ribolm.training.feed.batches import RowBatch
from ribolm.training.feed.row_streams import uniform
from ribolm.training.objectives.labels import LabelArray
from ribolm.training.objectives.losses import LossSum
from ribolm.training.objectives.objective import TrainingBatch, loss_statistics, mean_loss, sequences_of
from ribolm.training.objectives.running_metrics import Statistics

UNPAIRED, UNKNOWN = -1, -2
THRESHOLD = 0.3  # of the F1 that training watches; the model's own is chosen in the end
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class StructureBatch(TrainingBatch):
    """RNAs with their partners: targets int64 [bases], places inside the RNA, -1 unpaired, -2 unknown.

    lengths: bases of each RNA; known: what a folding program says of each, None where it is not shown.
    """

    lengths: tuple[int, ...]
    known: tuple[PairProbabilities | None, ...]

    def to(self, device: torch.device | str) -> StructureBatch:
        """The same batch on another device."""
        known = tuple(None if one is None else one.to(device) for one in self.known)
        return replace(self, sequences=self.sequences.to(device), targets=self.targets.to(device), known=known)

    def without_known(self) -> StructureBatch:
        """The same batch with nothing of the folding program."""
        return replace(self, known=(None,) * len(self.known))


@dataclass(frozen=True)
class Structures:
    """Partners out of a token store. partners: float32 [t] as `labels.structure.stored` says; pairs: lists or None.

    `hidden_share` of the rows see no list, drawn anew in each epoch for (seed, epoch, row); 0 for evaluation.
    """

    partners: LabelArray
    offsets: Int64
    pairs: StoredPairs | None
    seed: int = 0
    hidden_share: float = 0.0
    min_distance: int = 0
    watch: str = "f1"

    def prepare(self, batch: RowBatch) -> StructureBatch:
        """Partners of the rows or of the stretches cut out of them; a partner outside a stretch is unknown."""
        inner = batch.place >= 0
        row = np.repeat(np.arange(len(batch)), batch.lengths)[inner]
        place = batch.place[inner]
        lengths = np.bincount(row, minlength=len(batch))
        first = np.cumsum(lengths) - lengths
        begin = place[first] - np.asarray(self.offsets)[batch.rows]  # of the stretch inside its row
        targets = self._targets(place, row, lengths, begin)
        hidden = uniform(batch.keys(self.seed, "hidden channel"), 0) < self.hidden_share
        known = tuple(
            None if hide else self._known(int(store_row), int(at), int(n))
            for store_row, at, n, hide in zip(batch.rows, begin, lengths, hidden, strict=True)
        )
        return StructureBatch(sequences_of(batch), None, torch.from_numpy(targets), tuple(lengths.tolist()), known)

    def _targets(self, place: Int64, row: Int64, lengths: Int64, begin: Int64) -> Int64:
        label = np.asarray(self.partners[place], dtype=np.float64)
        unknown = np.isnan(label)
        partner = np.where(unknown, UNPAIRED, label).astype(np.int64)
        paired = partner >= 0
        inside = partner - begin[row]
        own = np.arange(len(row)) - (np.cumsum(lengths) - lengths)[row]
        outside = paired & ((inside < 0) | (inside >= lengths[row]) | (np.abs(inside - own) < self.min_distance))
        return np.where(unknown | outside, UNKNOWN, np.where(paired, inside, UNPAIRED))

    def _known(self, row: int, begin: int, n: int) -> PairProbabilities | None:
        if self.pairs is None:
            return None
        whole = int(self.offsets[row + 1] - self.offsets[row])
        known = PairProbabilities.of(self.pairs.row(row), whole)
        return known if n == whole else known.cropped(begin, begin + n)

    def loss(self, network: nn.Module, batch: TrainingBatch) -> LossSum:
        """Summed cross entropy of the choice of every base with a known partner, and their number."""
        found = [_loss(logits, targets) for logits, targets in _answers(network, batch)]
        return LossSum(torch.stack([one.loss for one in found]).sum(), torch.stack([one.weight for one in found]).sum())

    def statistics(self, network: nn.Module, batch: TrainingBatch) -> Statistics:
        """Loss, weight, and the sum of the F1 of RNAs with their number, with and without the folding program."""
        assert isinstance(batch, StructureBatch)
        total = _statistics(network, batch)
        if self.pairs is None:
            return total
        without = _statistics(network, batch.without_known())
        return {**total, **{f"{name}_without": value for name, value in without.items()}}

    def metrics(self, statistics: Statistics) -> dict[str, float]:
        """loss, f1 (mean over RNAs with pairs, at a fixed threshold), n (RNAs); the first two also `_without`."""
        n = float(statistics["n"]) if statistics else 0.0
        found = {"loss": mean_loss(statistics), "f1": float(statistics["f1"]) / n if n else float("nan"), "n": n}
        if "f1_without" in statistics:
            weight = float(statistics["weight_without"])
            found["f1_without"] = float(statistics["f1_without"]) / n if n else float("nan")
            found["loss_without"] = float(statistics["loss_without"]) / weight if weight else float("nan")
        return found


def _answers(
    network: nn.Module, batch: TrainingBatch, tile_nt: int | None = None
) -> Iterator[tuple[PairLogits, Tensor]]:
    """(logits, partners) of each RNA; tile_nt: see `fold`."""
    assert isinstance(network, Network) and isinstance(batch, StructureBatch)
    targets = batch.targets.split_with_sizes(batch.lengths)
    yield from zip(fold(network, batch.sequences, batch.known, tile_nt), targets, strict=True)


def _loss(logits: PairLogits, targets: Tensor) -> LossSum:
    known = targets != UNKNOWN
    return LossSum(-(known * logits.log_probability(targets)).sum(), known.sum().float())


def _statistics(network: nn.Module, batch: StructureBatch) -> Statistics:
    zero = torch.zeros((), device=batch.targets.device)
    loss, weight, f1, n = zero, zero, 0.0, 0
    for logits, targets in _answers(network, batch, TILE_NT):  # RNAs of dev are not cropped
        one = _loss(logits, targets)
        loss, weight = loss + one.loss, weight + one.weight
        found = _f1(logits.probabilities().cpu().numpy(), targets.cpu().numpy())
        if found is not None:
            f1, n = f1 + found, n + 1
    return {**loss_statistics(LossSum(loss, weight)), "f1": np.asarray(f1), "n": np.asarray(float(n))}


def _f1(probabilities: NDArray[np.float32], targets: Int64) -> float | None:
    """F1 of the pairs of one RNA, where both bases are known; None where it has no pair."""
    chosen = decode("N" * len(targets), probabilities, DecodingRule(THRESHOLD, min_loop_nt=0))
    predicted = np.where(targets == UNKNOWN, UNPAIRED, chosen)
    n_true, n_predicted = np.count_nonzero(targets >= 0), np.count_nonzero(predicted >= 0)
    right = np.count_nonzero((predicted == targets) & (targets >= 0))
    return 2 * right / (n_true + n_predicted) if n_true else None
