"""Weighted sums of corrected attention maps, streamed: what contacts and structures are read from.

With A the map of one head (special tokens left out) and S = A + Aᵀ, the average product correction is
APC(S) = S − r·rᵀ / t, r the row sums of S and t its total (Dunn et al. 2008; Rao et al. 2021 for attention). A sum
Σₖ wₖ·APC(Sₖ) over the heads of all layers is linear in the maps, so Σₖ wₖ·Aₖ is added up row by row, symmetrised at
the end, and needs of every head its r alone. Nothing of the size heads · L · L is ever held.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ribolm.models.attention import OnAttention
from ribolm.models.attention_maps import attending
from ribolm.models.attention_rows import Block, RowReader
from ribolm.models.network import Network
from ribolm.models.ragged import ragged

CORRECTED_ROWS = 256  # rows that are symmetrised and corrected at a time


@torch.no_grad()
def attention_channels(network: Network, tokens: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums of the corrected symmetric attention maps of one sequence, [channels, L, L].

    tokens int64 [n], special tokens included, which L leaves out; weights [channels, layers · heads] with layers first,
    as ESM-2 numbers its maps. In evaluation mode as the network is set, in its number format. Layers without weights
    are not read. Memory: channels · n · n values twice, and 8 bytes for every map and token. Raises UsageError for a
    backbone without attention.
    """
    n_maps = attending(network).config.n_attention_maps
    if weights.ndim != 2 or weights.shape[1] != n_maps:
        raise ValueError(f"weights of shape {tuple(weights.shape)} for {n_maps} attention maps")
    weights = weights.to(tokens.device, _number_format(network))
    heads = attending(network).config.num_attention_heads
    reader = _WeightedSums(weights, heads, inner_tokens(network, tokens), len(tokens))
    _look(network, tokens, reader)
    return reader.corrected()


@torch.no_grad()
def attention_features(network: Network, tokens: Tensor, pairs: Tensor) -> Tensor:
    """Corrected symmetric attention of every head at pairs of positions, [P, layers · heads].

    tokens as for `attention_channels`; pairs int64 [P, 2], positions counted without special tokens. The maps of one
    layer are held at a time. Raises UsageError for a backbone without attention.
    """
    inner, (left, right) = inner_tokens(network, tokens), pairs.unbind(1)
    n_maps = attending(network).config.n_attention_maps
    out = torch.empty(len(pairs), n_maps, device=tokens.device, dtype=_number_format(network))

    def keep(layer: int, _sequence: int, maps: Tensor) -> None:
        corrected = corrected_maps(maps[:, inner, inner])
        out[:, layer * len(maps) : (layer + 1) * len(maps)] = corrected[:, left, right].T

    _look(network, tokens, keep)
    return out


@torch.no_grad()
def corrected_map_stack(network: Network, tokens: Tensor) -> Tensor:
    """Corrected symmetric attention of every head, all held at once: [layers · heads, L, L]; tokens as above."""
    inner, found = inner_tokens(network, tokens), []

    def keep(_layer: int, _sequence: int, maps: Tensor) -> None:
        found.append(corrected_maps(maps[:, inner, inner]))

    _look(network, tokens, keep)
    return torch.cat(found)


def corrected_maps(maps: Tensor) -> Tensor:
    """APC(A + Aᵀ) of maps A [heads, L, L]: the definition, for maps that are held whole."""
    symmetric = maps + maps.transpose(1, 2)
    sums = symmetric.sum(-1)
    expected = sums[:, :, None] * sums[:, None, :] / sums.sum(-1)[:, None, None]
    return symmetric - expected.nan_to_num()


def inner_tokens(network: Network, tokens: Tensor) -> slice:
    """The tokens of a sequence that are not the special ones around it."""
    config = network.config
    first = int(len(tokens) > 0 and int(tokens[0]) == config.bos_token_id)
    last = len(tokens) - int(len(tokens) > first and int(tokens[-1]) == config.eos_token_id)
    return slice(first, last)


def _number_format(network: Network) -> torch.dtype:
    return next(network.parameters()).dtype


def _look(network: Network, tokens: Tensor, on_attention: OnAttention) -> None:
    attending(network)(ragged(tokens, [len(tokens)]), on_attention=on_attention)


class _WeightedSums(RowReader):
    """Σₖ wₖ·Aₖ over all tokens, and of every map the sums of its inner rows and columns."""

    def __init__(self, weights: Tensor, heads: int, inner: slice, n_tokens: int) -> None:
        self.by_layer = weights.view(len(weights), -1, heads).unbind(1)
        self.is_read = [bool(of_layer.any()) for of_layer in self.by_layer]
        self.weights, self.inner = weights, inner
        self.total = weights.new_zeros(len(weights), n_tokens, n_tokens)
        # fp64: sums of thousands, and what is subtracted is nearly as large as what it is subtracted from
        shape = len(self.by_layer), heads, n_tokens
        self.sums = torch.zeros(shape, dtype=torch.float64, device=weights.device)

    def reads(self, layer: int) -> bool:
        return self.is_read[layer]

    def read(self, block: Block) -> None:
        heads, rows, flat = block.heads, block.rows, block.probabilities.flatten(1)
        weights, total = self.by_layer[block.layer][:, heads], self.total[:, rows]
        if len(weights) == 1:  # in one pass over the maps
            total[0].view(-1).addmv_(flat.T, weights[0])
        else:
            total += (weights @ flat).view(total.shape)
        start, stop = max(rows.start, self.inner.start), min(rows.stop, self.inner.stop)
        inside = block.probabilities[:, start - rows.start : max(stop - rows.start, 0)]
        sums = self.sums[block.layer][heads]
        sums += inside.sum(1)
        sums[:, start:stop] += inside[:, :, self.inner].sum(-1)

    def corrected(self) -> Tensor:
        """Σₖ wₖ·APC(Aₖ + Aₖᵀ), [channels, L, L]."""
        used = self.weights.any(0)
        total, sums = self.total[:, self.inner, self.inner], self.sums.flatten(0, 1)[used][:, self.inner]
        share = (self.weights[:, used].double() / sums.sum(1)).nan_to_num(posinf=0.0, neginf=0.0)
        out = torch.empty_like(total, memory_format=torch.contiguous_format)
        for first in range(0, total.shape[1], CORRECTED_ROWS):
            rows = slice(first, first + CORRECTED_ROWS)
            for channel, of_maps in enumerate(share):
                expected = (sums[:, rows] * of_maps[:, None]).T @ sums
                out[channel, rows] = total[channel, rows] + total[channel, :, rows].T - expected
        return out
