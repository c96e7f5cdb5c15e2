"""One answer per sequence from hidden states: a head that knows places, and one that knows reading frames."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ribolm.models.convolution.configuration import ConvolutionConfig
from ribolm.models.convolution.layout import padded, tokens_to_end
from ribolm.models.heads import HeadSpec, in_fp32
from ribolm.models.ragged import Ragged


class WeighingHead(nn.Module):
    """A head that knows places: each unit weighs every stretch, and a dense layer reads the units' weighted means."""

    def __init__(self, config: ConvolutionConfig, spec: HeadSpec) -> None:
        super().__init__()
        self.stretch_nt, self.max_tokens = config.stretch_nt, config.max_tokens
        self.units = nn.Linear(config.hidden_size, config.head_units)
        self.places = nn.Parameter(torch.empty(config.n_stretches, config.head_units))
        self.dense = nn.Linear(config.head_units, config.head_size)
        self.out_proj = nn.Linear(config.head_size, spec.n_labels)
        self.dropout = config.head_dropout_prob

    def forward(self, hidden: Tensor, batch: Ragged) -> Tensor:
        """Logits [B, labels] from hidden states [T, D]."""
        firsts = padded(hidden, batch, self.max_tokens)[:, :: self.stretch_nt]
        x = (self.units(firsts) * self.places).mean(dim=1)
        x = functional.dropout(x, self.dropout, self.training)
        x = functional.dropout(torch.tanh(self.dense(x)), self.dropout, self.training)
        return in_fp32(self.out_proj, x)


class FramesHead(nn.Module):
    """A head that knows reading frames: mean and maximum over each frame, counted from the end, and a dense layer."""

    def __init__(self, config: ConvolutionConfig, spec: HeadSpec) -> None:
        super().__init__()
        self.max_tokens = config.max_tokens
        self.dense = nn.Linear(6 * config.hidden_size, config.head_size)
        self.out_proj = nn.Linear(config.head_size, spec.n_labels)
        self.dropout = config.head_dropout_prob

    def forward(self, hidden: Tensor, batch: Ragged) -> Tensor:
        """Logits [B, labels] from hidden states [T, D]; a frame without a token counts as zeros."""
        frames = tokens_to_end(batch.lengths, hidden.device) % 3
        x = padded(hidden, batch, self.max_tokens)
        parts = []
        for frame in range(3):
            inside = padded((frames == frame).to(x.dtype)[:, None], batch, self.max_tokens)
            some = inside.amax(dim=1)
            strongest = x.masked_fill(inside == 0, -torch.inf).amax(dim=1).masked_fill(some == 0, 0.0)
            parts += [(x * inside).sum(dim=1) / inside.sum(dim=1).clamp(min=1), strongest]
        y = functional.dropout(torch.cat(parts, dim=1), self.dropout, self.training)
        y = functional.dropout(functional.gelu(self.dense(y)), self.dropout, self.training)
        return in_fp32(self.out_proj, y)
