"""A small convolutional network, the second model that a language model has to beat; a pure function of data and seed.

One layer of motifs, the maximum of each over stretches of ten bases, two dense layers, as DeeReCT-PolyA (Xia et al.
2019, doi 10.1093/bioinformatics/bty991) but for its group normalisation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from ribolm.alphabet import Letters

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

MOTIFS, WIDTH_NT, STRETCH_NT, HIDDEN = 32, 11, 10, 64
EPOCHS, ROWS_PER_STEP, RATE, DECAY, DROPOUT = 6, 128, 2e-3, 1e-2, 0.3
ROWS_AT_A_TIME = 2_048


class MotifNetwork(nn.Module):
    """Convolution, maximum per stretch, two dense layers; windows of one width."""

    def __init__(self, window_nt: int, seed: int) -> None:
        super().__init__()
        n_stretches = -(-window_nt // STRETCH_NT)
        self.motifs = nn.Conv1d(4, MOTIFS, WIDTH_NT, padding="same")
        self.dense = nn.Linear(MOTIFS * n_stretches, HIDDEN)
        self.out = nn.Linear(HIDDEN, 1)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer, fan_in in ((self.motifs, 4 * WIDTH_NT), (self.dense, MOTIFS * n_stretches), (self.out, HIDDEN)):
                layer.weight.normal_(0.0, (2 / fan_in) ** 0.5, generator=generator)
                layer.bias.zero_()  # type: ignore[union-attr]

    def forward(self, codes: Tensor, dropped: Tensor | None = None) -> Tensor:
        """Logits [n] of codes int64 [n, window_nt] (4 = unknown); `dropped` bool [n, features] for training."""
        hot = functional.one_hot(codes, 5)[..., :4].float().transpose(1, 2)
        found = functional.relu(self.motifs(hot))
        pooled = functional.max_pool1d(found, STRETCH_NT, ceil_mode=True).flatten(1)
        if dropped is not None:
            pooled = pooled.masked_fill(dropped, 0.0) / (1 - DROPOUT)
        logits: Tensor = self.out(functional.relu(self.dense(pooled)))[:, 0]
        return logits


@dataclass(frozen=True)
class SmallNetwork:
    """A trained network."""

    network: MotifNetwork

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    @torch.inference_mode()
    def logits(self, letters: Letters) -> Float64:
        """Logits of windows uint8 [n, window_nt], float64 [n]."""
        parts = [np.zeros(0)]
        for begin in range(0, len(letters), ROWS_AT_A_TIME):
            parts.append(self.network(_codes(letters[begin : begin + ROWS_AT_A_TIME])).double().numpy())
        return np.concatenate(parts)


def fit(letters: Letters, is_positive: Bool, seed: int = 1, epochs: int = EPOCHS) -> SmallNetwork:
    """Train on windows uint8 [n, window_nt] with AdamW and a rate that falls as a cosine; no row is held out."""
    network = MotifNetwork(letters.shape[1], seed)
    codes, target = _codes(letters), torch.from_numpy(is_positive.astype(np.float32))
    generator = torch.Generator().manual_seed(seed + 1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    n_steps = max(1, epochs * -(-len(codes) // ROWS_PER_STEP))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for _ in range(epochs):
        order = torch.randperm(len(codes), generator=generator)
        for begin in range(0, len(codes), ROWS_PER_STEP):
            rows, width = order[begin : begin + ROWS_PER_STEP], network.dense.in_features
            dropped = torch.rand((len(rows), width), generator=generator) < DROPOUT
            loss = functional.binary_cross_entropy_with_logits(network(codes[rows], dropped), target[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return SmallNetwork(network.eval())


def _codes(letters: Letters) -> Tensor:
    table = np.full(256, 4, dtype=np.int64)
    table[list(b"ACGT")] = np.arange(4)
    return torch.from_numpy(table[letters])
