"""deepSRAMP's sequence-only network (Fan et al. 2024, MIT), laid out from the names and shapes of a user's weights.

Only for timing it beside ribolm: one window of 801 nt per site, its middle an A. No weights come with ribolm.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

HALF_NT = 400
LETTERS = b"ATCGNZ"  # ids 0 to 5; Z lies beyond the transcript
HEADS = 4


class DeepSramp(nn.Module):
    """Convolutions and an embedding of one-hot letters, one transformer layer, a two-layer GRU, a small tail."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        conv, letters = state["conv_model.1.weight"].shape[:2]
        embedded, genome = state["token_emb.0.weight"].shape[0], state["genometrans.0.weight"].shape[0]
        width = conv + embedded + genome
        first, second = state["tail.1.weight"].shape[0], state["tail.6.weight"].shape[0]
        if state["tail.1.weight"].shape[1] != width:
            raise SystemExit("the weights use transcript features; give those of a sequence-only model")
        self.letters = letters
        self.conv_model = nn.Sequential(
            nn.Identity(), nn.Conv1d(letters, conv, 3, padding=1), nn.Conv1d(conv, conv, 5, padding=2)
        )
        self.token_emb = nn.Sequential(nn.Linear(letters, embedded))
        self.genometrans = nn.Sequential(nn.Linear(genome, genome))
        layer = nn.TransformerEncoderLayer(
            width, HEADS, 4 * width, dropout=0.2, activation="gelu", batch_first=True, norm_first=True
        )
        self.trans = nn.Sequential(layer)
        self.lstm = nn.GRU(width, width // 2, num_layers=2, bidirectional=True, batch_first=True)
        gap = nn.Identity
        self.tail = nn.Sequential(
            gap(), nn.Linear(width, first), gap(), nn.BatchNorm1d(first), gap(), gap(),
            nn.Linear(first, second), gap(), nn.BatchNorm1d(second), gap(), gap(), nn.Linear(second, 2),
        )  # fmt: skip
        self.load_state_dict(state)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits [B] of the middle of windows of ids [B, 801]."""
        one_hot = functional.one_hot(ids, self.letters).float()
        convolved = self.conv_model(one_hot.transpose(1, 2)).transpose(1, 2)
        x = torch.cat([self.token_emb(one_hot), convolved], dim=-1)
        genome = self.genometrans[0].bias.expand(*x.shape[:2], -1)  # what its layer makes of features that are zero
        x = self.lstm(self.trans(torch.cat([x, genome], dim=-1)))[0]
        x = functional.gelu(self.tail[3](self.tail[1](x).transpose(1, 2)).transpose(1, 2))
        x = functional.gelu(self.tail[8](self.tail[6](x).transpose(1, 2)).transpose(1, 2))
        logits: Tensor = self.tail[11](x)[:, HALF_NT, 1]
        return logits


def read(path: Path) -> DeepSramp:
    """Load a user's weights (tensors only) for inference."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    return DeepSramp({name.removeprefix("sramp."): value for name, value in state.items()}).eval()


def windows(letters: np.ndarray, centres: np.ndarray) -> Tensor:
    """Ids of the windows around positions of one sequence (uint8 letters), int64 [n, 801]."""
    table = np.full(256, LETTERS.index(b"N"), dtype=np.int64)
    for id_, letter in enumerate(LETTERS):
        table[letter] = id_
    padded = np.full(len(letters) + 2 * HALF_NT, LETTERS.index(b"Z"), dtype=np.int64)
    padded[HALF_NT : HALF_NT + len(letters)] = table[letters]
    return torch.from_numpy(padded[centres[:, None] + np.arange(2 * HALF_NT + 1)])
