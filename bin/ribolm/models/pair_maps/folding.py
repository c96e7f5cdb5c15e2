"""A network with a pair map, applied to a batch: one pass of the backbone, then RNA by RNA."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from ribolm.models.pair_maps.attention import attended
from ribolm.models.pair_maps.head import PairMapHead
from ribolm.models.pair_maps.inputs import PairLogits, PairProbabilities
from ribolm.models.pair_maps.tiles import tiled
from ribolm.models.ragged import Ragged, rows_of

if TYPE_CHECKING:
    from ribolm.models.network import Network


def pair_map(network: Network) -> PairMapHead:
    """The head of a network of structures; ValueError for another."""
    if not isinstance(network.head, PairMapHead):
        raise ValueError("the network has no head of secondary structure")
    return network.head


def states(network: Network, batch: Ragged) -> list[tuple[Tensor, Tensor]]:
    """(hidden states [L, D], tokens int64 [L]) of each RNA of a batch, special tokens left out."""
    config = network.config
    before, behind = int(config.bos_token_id is not None), int(config.eos_token_id is not None)
    hidden, tokens = rows_of(batch, network.encoder(batch)), rows_of(batch, batch.tokens)
    return [(h[before : len(h) - behind], t[before : len(t) - behind]) for h, t in zip(hidden, tokens, strict=True)]


def fold(
    network: Network, batch: Ragged, probabilities: Sequence[PairProbabilities | None], tile_nt: int | None = None
) -> Iterator[PairLogits]:
    """Logits of each RNA of a batch, computed when asked for; `probabilities`: one or None for each.

    tile_nt: compute maps in such tiles, for what learns nothing from them and may be long; None: whole.
    """
    head, whole = pair_map(network), rows_of(batch, batch.tokens)
    for row, known, told in zip(states(network, batch), probabilities, whole, strict=True):
        logits: PairLogits
        if tile_nt is None:
            logits = head(*row, known, seen(network, told))
        else:
            logits = tiled(head, *row, known, tile_nt, seen(network, told))
        yield logits


def seen(network: Network, tokens: Tensor) -> Tensor | None:
    """What the head reads from attention, None for one that reads none; tokens [n] with the special ones."""
    head = pair_map(network)
    return attended(network, head.attended.weight, tokens) if head.shape.attention else None
