"""Attention whose maps are read block by block, for sequences whose whole maps would not fit.

A block has some rows of some heads of one layer and sequence, few enough to stay in a CPU's cache. Memory: two blocks
and the values, whatever the length.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK_VALUES = {"cpu": 1 << 19, "cuda": 1 << 26}  # probabilities of one block
LEAST_ROWS = 32  # of a block: fewer would read the keys too often


class Block(NamedTuple):
    """Rows of attention maps: probabilities [heads, rows, L] of some heads of a layer and some tokens of a sequence.

    The numbers are overwritten by the next block.
    """

    layer: int
    sequence: int
    heads: slice
    rows: slice
    probabilities: Tensor


class RowReader(ABC):
    """What reads attention maps as they are computed and keeps of them what it needs."""

    def reads(self, layer: int) -> bool:
        """Whether the maps of a layer are wanted; those of others are not computed one by one."""
        del layer
        return True

    @abstractmethod
    def read(self, block: Block) -> None:
        """Take the next block. Each row of each head of a layer that is read comes once."""


def attend_by_rows(qkv: Tensor, bias: Tensor | None, reader: RowReader, layer: int, sequence: int) -> Tensor:
    """Attended values [L, heads · head_size] of one sequence, qkv [L, 3, heads, head_size]; its maps go to the reader.

    `bias` [heads, L, L] is added to the scores. Gives no gradients.
    """
    query, key, value = qkv.permute(1, 2, 0, 3).unbind(0)
    turned, value = key.transpose(1, 2).contiguous(), value.contiguous()
    query = query * query.shape[-1] ** -0.5
    mixed, blocks = torch.empty_like(query), list(_blocks(len(query), len(qkv), BLOCK_VALUES[qkv.device.type]))
    # room for a block, made once: fresh memory for each would cost as much as the products
    rooms = [query.new_empty(_n(*blocks[0]) * len(qkv)) for _ in range(2)]
    for heads, rows in blocks:
        shape = _n(heads), _n(rows), len(qkv)
        scores, probabilities = (room[: _n(heads, rows) * len(qkv)].view(shape) for room in rooms)
        torch.bmm(query[heads, rows], turned[heads], out=scores)
        if bias is not None:
            scores += bias[heads, rows]
        torch.softmax(scores, -1, out=probabilities)
        reader.read(Block(layer, sequence, heads, rows, probabilities))
        mixed[heads, rows] = torch.bmm(probabilities, value[heads])
    return mixed.transpose(0, 1).flatten(1)


def _blocks(n_heads: int, length: int, most_values: int) -> Iterator[tuple[slice, slice]]:
    """Heads and rows of every block, the largest first; of long sequences few heads, so that there are rows enough."""
    n_rows = min(length, max(LEAST_ROWS, most_values // (n_heads * length)))
    at_once = max(1, min(n_heads, most_values // (n_rows * length)))
    for first in range(0, length, n_rows):
        for head in range(0, n_heads, at_once):
            yield slice(head, min(head + at_once, n_heads)), slice(first, min(first + n_rows, length))


def _n(*parts: slice) -> int:
    """How many places some slices have together."""
    return math.prod(part.stop - part.start for part in parts)
