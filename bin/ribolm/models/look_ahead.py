"""What a causal backbone can know of a token: states read some tokens later, and of the other strand too.

The state of token i is read at token i + delay of its row, where the bases that follow it have been seen; behind the
end of a row N stands for them. With both strands the row's reverse complement is read as well: a token has two states.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ribolm.models.ragged import Ragged, ragged

Bases = tuple[int, int, int, int, int]  # ids of A, C, G, T and N


def look_ahead(
    encode: Callable[[Ragged], Tensor], batch: Ragged, delay_nt: int, both_strands: bool, bases: Bases, n_behind: int
) -> Tensor:
    """States [T, D] of a batch of one token per base, or [T, 2 · D] with those of the other strand behind.

    `n_behind`: special tokens at the end of every row, none at its start.
    """
    own = _delayed(encode, batch, delay_nt, bases[4])
    if not both_strands:
        return own
    mirror = _mirror(batch, n_behind)
    complement = torch.arange(max(max(bases), int(batch.tokens.max())) + 1, device=batch.tokens.device)
    complement[list(bases[:4])] = torch.tensor(bases[3::-1], device=batch.tokens.device)
    other = batch._replace(tokens=complement[batch.tokens[mirror]])
    return torch.cat((own, _delayed(encode, other, delay_nt, bases[4])[mirror]), dim=1)


def _delayed(encode: Callable[[Ragged], Tensor], batch: Ragged, delay_nt: int, filler: int) -> Tensor:
    """States [T, D] read `delay_nt` tokens behind each token of its row, rows made longer by as many fillers."""
    if not delay_nt:
        return encode(batch)
    device = batch.tokens.device
    row = _rows(batch)
    place = torch.arange(len(batch.tokens), device=device) + row * delay_nt
    tokens = torch.full((len(batch.tokens) + len(batch.lengths) * delay_nt,), filler, device=device)
    tokens[place] = batch.tokens
    return encode(ragged(tokens, [length + delay_nt for length in batch.lengths]))[place + delay_nt]


def _mirror(batch: Ragged, n_behind: int) -> Tensor:
    """Index of the token that each token of a batch is paired with on the other strand; special ones keep theirs."""
    device = batch.tokens.device
    row = _rows(batch)
    starts, ends = batch.cu_seqlens[:-1].long()[row], batch.cu_seqlens[1:].long()[row] - n_behind
    place = torch.arange(len(batch.tokens), device=device)
    return torch.where(place < ends, starts + ends - 1 - place, place)


def _rows(batch: Ragged) -> Tensor:
    rows = torch.arange(len(batch.lengths), device=batch.tokens.device)
    return rows.repeat_interleave(batch.cu_seqlens.diff().long(), output_size=len(batch.tokens))
