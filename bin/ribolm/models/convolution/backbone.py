"""Motifs over one-hot letters, the maximum of each per stretch, and residual dilated convolutions over stretches."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ribolm.errors import DataError
from ribolm.models.convolution.configuration import ConvolutionConfig
from ribolm.models.convolution.frames import CHANNELS, frame_channels
from ribolm.models.convolution.layout import laid_end_to_end, padded, tokens_to_end
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
        n_channels = 4 + CHANNELS * config.reading_frames
        self.motifs = nn.Conv1d(n_channels, config.hidden_size, config.motif_nt, padding=config.motif_nt // 2)
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
        x = self._channels(x, batch).transpose(1, 2)
        x = functional.max_pool1d(functional.gelu(self.motifs(x)), config.stretch_nt, ceil_mode=True).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        hidden = self.norm(x).repeat_interleave(config.stretch_nt, dim=1)
        return laid_end_to_end(hidden, batch.lengths)

    def _channels(self, letters: Tensor, batch: Ragged) -> Tensor:
        """What the motifs read, [B, max_tokens, channels], of letters [T, 4]."""
        rows = padded(letters, batch, self.config.max_tokens)
        if not self.config.reading_frames:
            return rows
        frames = functional.one_hot(tokens_to_end(batch.lengths, letters.device) % 3, 3).to(letters.dtype)
        return torch.cat((rows, frame_channels(rows, padded(frames, batch, self.config.max_tokens))), dim=2)
