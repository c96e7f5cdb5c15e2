"""Integrated gradients (Sundararajan et al. 2017): what every letter adds to a logit, against unknown letters.

The path goes straight from the embedding of N at every place to the embedding of the window; a token's share is spread
evenly over its letters. The shares of a window add up to the difference of the two logits but for the steps of the
path; what is missing is given back beside them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ribolm.alphabet import Letters, letters
from ribolm.explain.tokens import TOKENS_AT_ONCE, TokenBatch, require_apart, token_batches
from ribolm.models.network import Network
from ribolm.models.ragged import Ragged
from ribolm.sequences.tokenizers import Tokenizer

STEPS = 32
Float32 = npt.NDArray[np.float32]


class Attributions(NamedTuple):
    """Shares of the letters, float32 [n, width_nt]; logits of windows and of all N, and what the shares miss, [n]."""

    shares: Float32
    logits: Float32
    baseline_logits: Float32
    missing: Float32


def integrated_gradients(
    network: Network,
    tokenizer: Tokenizer,
    windows: Letters,
    steps: int = STEPS,
    label: int = 0,
    tokens_at_once: int = TOKENS_AT_ONCE,
) -> Attributions:
    """Attributions of one label's logit of a network with a sequence head, for windows uint8 [n, width_nt].

    `steps`: points of the path, each one pass forward and backward; `missing` tells whether they are enough. Raises
    UsageError for tokens that overlap.
    """
    require_apart(tokenizer)
    device = next(network.parameters()).device
    unknown = int(tokenizer.encode(letters("N"))[0])
    shares = np.zeros(windows.shape, dtype=np.float32)
    ends = np.zeros((2, len(windows)), dtype=np.float32)
    for part in token_batches(tokenizer, windows, tokens_at_once):
        batch = part.batch.to(device)
        tokens = batch.tokens.clone()
        tokens[torch.from_numpy(part.place).to(device)] = unknown
        with torch.no_grad():
            end, start = _embedded(network, batch), _embedded(network, batch._replace(tokens=tokens))
            logits = [_logits(network, batch, embedded, label) for embedded in (end, start)]
        gradient = _mean_gradient(network, batch, start, end, steps, label)
        per_token = ((end - start) * gradient).sum(-1).cpu().numpy()[part.place]
        _spread(shares, part, per_token)
        ends[:, part.rows.start : part.rows.stop] = torch.stack(logits).cpu().numpy()
    missing = ends[0] - ends[1] - shares.sum(axis=1)
    return Attributions(shares, ends[0], ends[1], np.asarray(missing, dtype=np.float32))


def _embedded(network: Network, batch: Ragged) -> Tensor:
    backbone: Any = network.encoder
    embedded: Tensor = backbone.embed(batch)
    return embedded


def _logits(network: Network, batch: Ragged, embedded: Tensor, label: int) -> Tensor:
    backbone: Any = network.encoder
    logits: Tensor = network.answer(backbone(batch, embedded=embedded), batch)[:, label].float()
    return logits


def _mean_gradient(network: Network, batch: Ragged, start: Tensor, end: Tensor, steps: int, label: int) -> Tensor:
    """Gradient [T, D] of the logits with respect to the embeddings, averaged over the middles of the path's steps."""
    total = torch.zeros_like(end)
    for step in range(steps):
        place = (start + (step + 0.5) / steps * (end - start)).requires_grad_()
        (found,) = torch.autograd.grad(_logits(network, batch, place, label).sum(), place)
        total += found
    return total / steps


def _spread(shares: Float32, part: TokenBatch, per_token: Float32) -> None:
    """Add every token's share to its letters, evenly."""
    each = np.repeat(per_token / part.length_nt, part.length_nt)
    row = np.repeat(part.rows.start + part.window, part.length_nt)
    within = np.arange(len(each)) - np.repeat(np.cumsum(part.length_nt) - part.length_nt, part.length_nt)
    shares[row, np.repeat(part.start0, part.length_nt) + within] = each
