"""Motifs over one-hot letters, the maximum of each per stretch, and residual dilated convolutions over stretches."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ribolm.errors import DataError
from ribolm.models.convolution.configuration import ConvolutionConfig
from ribolm.models.heads import HeadSpec, in_fp32
from ribolm.models.ragged import Ragged


class Layer(nn.Module):
    """Norm over channels, GELU, dilated convolution, added to what came in."""

    def __init__(self, config: ConvolutionConfig, dilation: int) -> None:
        super().__init__()
        width, reach = config.hidden_size, dilation * (config.kernel - 1) // 2
        self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.convolution = nn.Conv1d(width, width, config.kernel, padding=reach, dilation=dilation)
        self.dropout = config.hidden_dropout_prob

    def forward(self, x: Tensor) -> Tensor:
        """Hidden states [B, stretches, D] of hidden states."""
        y = self.convolution(functional.gelu(self.norm(x)).transpose(1, 2)).transpose(1, 2)
        return x + functional.dropout(y, self.dropout, self.training)


class Convolution(nn.Module):
    """The backbone: [T] tokens to [T, D] hidden states; tokens of one stretch share theirs.

    Every sequence is padded to `max_tokens`, so that one result does not depend on what else is in the batch.
    """

    def __init__(self, config: ConvolutionConfig) -> None:
        super().__init__()
        self.config = config
        self.motifs = nn.Conv1d(4, config.hidden_size, config.motif_nt, padding=config.motif_nt // 2)
        dilations = [config.dilations[i % len(config.dilations)] for i in range(config.n_layers)]
        self.layers = nn.ModuleList([Layer(config, dilation) for dilation in dilations])
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    @property
    def token_embeddings(self) -> Tensor:
        """One-hot rows of the four letters, zero for all other tokens, [vocabulary, 4]."""
        table = torch.zeros(self.config.vocab_size, 4, device=self.motifs.weight.device)
        table[list(self.config.base_token_ids), range(4)] = 1.0
        return table

    def embed(self, batch: Ragged) -> Tensor:
        """One-hot letters [T, 4]."""
        ids = torch.tensor(self.config.base_token_ids, device=batch.tokens.device)
        return (batch.tokens[:, None] == ids).float()

    def forward(self, batch: Ragged, embedded: Tensor | None = None) -> Tensor:
        """Hidden states [T, D]; `embedded` [T, 4] stands in for the letters. DataError for too long a sequence."""
        config = self.config
        if max(batch.lengths) > config.max_tokens:
            raise DataError(
                f"A sequence of {max(batch.lengths):,} tokens is longer than the {config.max_tokens:,} of this model. "
                "Cut it, or use another model."
            )
        x = self.embed(batch) if embedded is None else embedded
        if self.training and config.input_dropout_prob:
            x = x * (torch.rand(len(x), 1, device=x.device) >= config.input_dropout_prob)
        x = padded(x, batch, config.max_tokens).transpose(1, 2)
        x = functional.max_pool1d(functional.gelu(self.motifs(x)), config.stretch_nt, ceil_mode=True).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        hidden = self.norm(x).repeat_interleave(config.stretch_nt, dim=1)
        return laid_end_to_end(hidden, batch.lengths)


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


def padded(x: Tensor, batch: Ragged, width: int) -> Tensor:
    """Values per token [T, D] as [B, width, D], zero behind the end of each sequence."""
    lengths = batch.lengths
    if lengths == (width,) * len(lengths):
        return x.view(len(lengths), width, -1)
    out = x.new_zeros(len(lengths) * width, x.shape[1])
    return out.index_copy(0, _places(lengths, width, x.device), x).view(len(lengths), width, -1)


def laid_end_to_end(x: Tensor, lengths: Sequence[int]) -> Tensor:
    """Values [B, at least the longest, D] as [T, D]."""
    if len(set(lengths)) == 1:
        return x[:, : lengths[0]].reshape(-1, x.shape[2])
    return x.flatten(0, 1)[_places(lengths, x.shape[1], x.device)]


def _places(lengths: Sequence[int], width: int, device: torch.device) -> Tensor:
    """Index of every token among rows of `width`, int64 [T]."""
    row = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    starts = torch.cumsum(torch.tensor([0, *lengths[:-1]]), 0)
    return (torch.arange(len(row)) - starts[row] + row * width).to(device)
