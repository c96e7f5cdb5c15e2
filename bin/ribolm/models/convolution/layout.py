"""Sequences laid end to end as rows of one width, and back."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ribolm.models.ragged import Ragged


def padded(x: Tensor, batch: Ragged, width: int) -> Tensor:
    """Values per token [T, D] as [B, width, D], zero behind the end of each sequence."""
    lengths = batch.lengths
    if lengths == (width,) * len(lengths):
        return x.view(len(lengths), width, -1)
    out = x.new_zeros(len(lengths) * width, x.shape[1])
    return out.index_copy(0, token_places(lengths, width, x.device), x).view(len(lengths), width, -1)


def laid_end_to_end(x: Tensor, lengths: Sequence[int]) -> Tensor:
    """Values [B, at least the longest, D] as [T, D]."""
    if len(set(lengths)) == 1:
        return x[:, : lengths[0]].reshape(-1, x.shape[2])
    return x.flatten(0, 1)[token_places(lengths, x.shape[1], x.device)]


def token_places(lengths: Sequence[int], width: int, device: torch.device) -> Tensor:
    """Index of every token among rows of `width`, int64 [T]."""
    row = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    starts = torch.cumsum(torch.tensor([0, *lengths[:-1]]), 0)
    return (torch.arange(len(row)) - starts[row] + row * width).to(device)


def tokens_to_end(lengths: Sequence[int], device: torch.device) -> Tensor:
    """Number of tokens that follow each one in its sequence, int64 [T]."""
    ends = torch.cumsum(torch.tensor(lengths), 0)
    return (torch.repeat_interleave(ends, torch.tensor(lengths)) - 1 - torch.arange(int(ends[-1]))).to(device)
