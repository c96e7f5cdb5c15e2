"""HyenaDNA's backbone over packed tokens: gated long convolutions instead of attention; upstream's names of weights.

Causal: what stands behind a token changes nothing before it, so that sequences of different length are padded at their
right end, exactly. Source of the architecture: Poli et al. 2023 (arXiv 2302.10866), Nguyen et al. 2023 (2306.15794).
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from ribolm.errors import DataError
from ribolm.models.hyena.configuration import HyenaConfig
from ribolm.models.hyena.filter import Filter
from ribolm.models.linear import linear, linear_gelu
from ribolm.models.ragged import Ragged

TOKENS_PER_PASS = 1 << 13  # of padded sequences: their activations stay in the cache


class Projection(nn.Linear):
    """A linear layer whose result is added to the residual stream."""

    def forward(self, x: Tensor) -> Tensor:
        """[T, D]."""
        return linear(x, self.weight, self.bias)


class ShortFilter(nn.Module):
    """A causal convolution over three tokens, a weight of its own for every channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width, 1, 3))
        self.bias = nn.Parameter(torch.empty(width))

    def forward(self, u: Tensor) -> Tensor:
        """[C, B, L] of [C, B, L]; outside a sequence there are zeros."""
        before_two, before_one, here = self.weight.float().unbind(-1)
        mixed = torch.addcmul(self.bias.float()[:, None, None], u, here[:, :, None])
        mixed[..., 1:].addcmul_(u[..., :-1], before_one[:, :, None])
        mixed[..., 2:].addcmul_(u[..., :-2], before_two[:, :, None])
        return mixed


class Operator(nn.Module):
    """Hyena's operator of order 2: x0 · filter(x1 · v), all three projected from the input."""

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        width = config.d_model
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = Projection(width, width)
        self.short_filter = ShortFilter(3 * width)
        self.filter_fn = Filter(config)

    def forward(self, x: Tensor, length: int) -> Tensor:
        """[B · L, D] of sequences of one length, laid end to end."""
        channels = self._channels(x)
        with torch.autocast(x.device.type, enabled=False):
            gate, inner, v = self.short_filter(channels.float().view(len(channels), -1, length)).chunk(3)
            mixed = self.filter_fn(v * inner) * gate
        out: Tensor = self.out_proj(mixed.flatten(1).t())
        return out

    def _channels(self, x: Tensor) -> Tensor:
        """in_proj of x, [3 · D, B · L]: channels first, as the convolutions want them."""
        layer = self.in_proj
        if type(layer) is not nn.Linear or torch.is_autocast_enabled(x.device.type):
            turned: Tensor = layer(x).t()
            return turned.contiguous()
        projected = linear(layer.weight, x, None)
        return projected + layer.bias[:, None] if projected.requires_grad else projected.add_(layer.bias[:, None])


class Mlp(nn.Module):
    """The feed-forward part, with GELU by its tanh approximation."""

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.d_model, config.d_inner)
        self.fc2 = Projection(config.d_inner, config.d_model)

    def forward(self, x: Tensor) -> Tensor:
        """[T, D]."""
        y: Tensor = self.fc2(linear_gelu(x, self.fc1, "tanh"))
        return y


class Block(nn.Module):
    """One layer: operator and feed-forward part, each behind a LayerNorm and added to the residual stream in fp32."""

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        self.mixer = Operator(config)
        self.norm1 = nn.LayerNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.mlp = Mlp(config)
        self.norm2 = nn.LayerNorm(config.d_model, eps=config.layer_norm_epsilon)

    def forward(self, x: Tensor, length: int) -> Tensor:
        """[B · L, D] after both parts."""
        x = x + self.mixer(self.norm1(x), length)
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


class TokenEmbeddings(nn.Module):
    """The embedding matrix, rounded up to a multiple of 8 rows."""

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        empty = torch.empty(config.n_embeddings, config.d_model)
        self.word_embeddings = nn.Embedding(config.n_embeddings, config.d_model, _weight=empty)


class Layers(nn.Module):
    """Embeddings, blocks and the final LayerNorm."""

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        self.embeddings = TokenEmbeddings(config)
        self.layers = nn.ModuleList([Block(config) for _ in range(config.n_layer)])
        self.ln_f = nn.LayerNorm(config.d_model, eps=config.layer_norm_epsilon)

    def forward(self, x: Tensor, length: int) -> Tensor:
        """Hidden states [B · L, D] of embeddings of sequences of one length."""
        for layer in self.layers:
            x = layer(x, length)
        y: Tensor = self.ln_f(x)
        return y


class Hyena(nn.Module):
    """HyenaDNA's backbone; parity with upstream's code is tested to 1e-5 in fp32."""

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Layers(config)

    @property
    def token_embeddings(self) -> Tensor:
        """The embedding matrix [16, D]."""
        return self.backbone.embeddings.word_embeddings.weight

    def embed(self, batch: Ragged) -> Tensor:
        """Embeddings [T, D] of the tokens, which `forward` takes as `embedded`."""
        embedded: Tensor = self.backbone.embeddings.word_embeddings(batch.tokens)
        return embedded

    def forward(self, batch: Ragged, embedded: Tensor | None = None) -> Tensor:
        """Hidden states [T, D] of a batch; DataError for a sequence longer than the model's filters."""
        longest = max(batch.lengths, default=0)
        if longest > self.config.max_seq_len:
            raise DataError(
                f"a sequence has {longest:,} tokens with [SEP], but the model reads up to {self.config.max_seq_len:,}. "
                "Cut the sequences into windows, or use a model of a longer context."
            )
        x = self.embed(batch) if embedded is None else embedded
        parts = []
        first = 0
        for lengths in passes(batch.lengths):
            total = sum(lengths)
            parts.append(self._pass(x[first : first + total], lengths))
            first += total
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _pass(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        longest = max(lengths)
        if min(lengths) == longest:
            hidden: Tensor = self.backbone(x, longest)
            return hidden
        inside = torch.arange(longest, device=x.device) < torch.tensor(lengths, device=x.device)[:, None]
        padded = x.new_zeros(len(lengths), longest, x.shape[1])
        padded[inside] = x
        hidden = self.backbone(padded.flatten(0, 1), longest)
        return hidden[inside.flatten()]


def passes(lengths: Sequence[int], tokens: int = TOKENS_PER_PASS) -> Iterator[list[int]]:
    """Runs of neighbouring sequences that are padded to one length: none below half of it, about `tokens` together."""
    run: list[int] = []
    for length in lengths:
        longest, shortest = max(run, default=length), min(run, default=length)
        if run and (max(longest, length) > 2 * min(shortest, length) or (len(run) + 1) * max(longest, length) > tokens):
            yield run
            run = []
        run.append(length)
    if run:
        yield run
