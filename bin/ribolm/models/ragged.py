"""Sequences of different length laid end to end, without padding: the form of every batch of tokens."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


class Ragged(NamedTuple):
    """A batch of B token sequences with T tokens together, cls and eos included, no padding.

    tokens int64 [T]; cu_seqlens int32 [B + 1], where each sequence starts, 0 first and T last; lengths: the same on the
    host, so that no kernel has to wait for the device to learn a shape.
    """

    tokens: Tensor
    cu_seqlens: Tensor
    lengths: tuple[int, ...]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Ragged":
        """The same batch on another device."""
        return Ragged(
            self.tokens.to(device, non_blocking=non_blocking),
            self.cu_seqlens.to(device, non_blocking=non_blocking),
            self.lengths,
        )


def ragged(tokens: Tensor, lengths: Sequence[int]) -> Ragged:
    """A batch from tokens that lie end to end ([T], any integer type) and the lengths of the sequences.

    Raises ValueError when the lengths do not add up to T or one of them is not positive.
    """
    lengths = tuple(int(length) for length in lengths)
    if sum(lengths) != len(tokens) or any(length < 1 for length in lengths):
        raise ValueError(f"lengths of {len(lengths)} sequences add up to {sum(lengths)}, not {len(tokens)}, or hold 0")
    cu_seqlens = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=cu_seqlens[1:])
    return Ragged(tokens.long(), torch.from_numpy(cu_seqlens).to(tokens.device), lengths)


def pack(sequences: Sequence[npt.ArrayLike]) -> Ragged:
    """Lay 1-D arrays of token ids end to end; the ids must already hold cls and eos."""
    arrays = [np.asarray(sequence).astype(np.int64) for sequence in sequences]
    flat = np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int64)
    return ragged(torch.from_numpy(flat), [len(array) for array in arrays])


def positions_of(batch: Ragged) -> Tensor:
    """The place of every token in its sequence, 0, 1, …: int64 [T]."""
    lengths = batch.cu_seqlens.diff()
    starts = batch.cu_seqlens[:-1].repeat_interleave(lengths, output_size=len(batch.tokens))
    return torch.arange(len(batch.tokens), device=batch.tokens.device) - starts


def rows_of(batch: Ragged, values: Tensor) -> list[Tensor]:
    """Split values per token ([T, …]) into one tensor per sequence."""
    return list(values.split_with_sizes(batch.lengths))
