"""Which tokens masked language modelling hides, and what stands in their place.

BERT's rule (Devlin et al. 2019): of the chosen tokens 80 % become the mask, 10 % a random base, 10 % stay. Only tokens
of a base are chosen, and drawn unless others are asked for, never N, cls or eos. Choices depend on (seed, row, copy,
epoch) alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ribolm.training.feed.batches import RowBatch
from ribolm.training.feed.row_streams import uniform

Int64Array = NDArray[np.int64]

MASKED_SHARE, RANDOM_SHARE = 0.8, 0.1
DRAWS_PER_TOKEN = 4  # chosen or not, what becomes of it, which base, one spare: a token's draws never meet another's


class Masked(NamedTuple):
    """tokens: int64 [T] as the model sees them; chosen: int64 [N], places in T; targets: int64 [N], the true ids."""

    tokens: Int64Array
    chosen: Int64Array
    targets: Int64Array


def mask_tokens(
    batch: RowBatch,
    base_ids: Int64Array,
    mask_id: int,
    seed: int,
    rate: float = 0.15,
    span: int = 1,
    drawn_ids: Int64Array | None = None,
) -> Masked:
    """Hide a share `rate` of the bases; with `span` > 1 in stretches of that many tokens.

    `drawn_ids`: what the random ones are drawn from, None: the bases.

    Stretches begin anywhere with the probability q that covers the share, 1 - (1 - q)^span = rate, and may touch; one
    stretch shares its fate of 80/10/10, the random bases in it are drawn one by one.
    """
    lengths = batch.lengths
    column = np.arange(len(batch.tokens)) - np.repeat(batch.cu_seqlens[:-1], lengths)
    keys = np.repeat(batch.keys(seed, "mask"), lengths)
    base = np.zeros(max(int(batch.tokens.max(initial=0)), int(np.max(base_ids))) + 1, bool)
    base[base_ids] = True
    begin_rate = 1 - (1 - rate) ** (1 / span)
    # A place before the first token may begin a stretch too, so that the edges are hidden as often as the middle.
    chosen, distance = np.zeros(len(keys), bool), np.zeros(len(keys), np.int64)
    for back in range(span):
        begins = uniform(keys, (column - back + span) * DRAWS_PER_TOKEN) < begin_rate
        distance[begins & ~chosen] = back
        chosen |= begins
    at = np.flatnonzero(chosen & base[batch.tokens])
    start = (column[at] - distance[at] + span) * DRAWS_PER_TOKEN
    fate = uniform(keys[at], start + 1)
    drawn = uniform(keys[at], (column[at] + span) * DRAWS_PER_TOKEN + 2)
    tokens = batch.tokens.copy()
    pool = np.asarray(base_ids if drawn_ids is None else drawn_ids)
    random_base = pool[np.floor(drawn * len(pool)).astype(np.int64)]
    hidden = np.where(fate < MASKED_SHARE, mask_id, tokens[at])
    tokens[at] = np.where((fate >= MASKED_SHARE) & (fate < MASKED_SHARE + RANDOM_SHARE), random_base, hidden)
    return Masked(tokens, at, batch.tokens[at])
