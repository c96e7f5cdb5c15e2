"""What a reading frame is beside the letters: which of three, its stop codons and its start codons."""

import torch
from torch import Tensor
from torch.nn import functional

CHANNELS = 6


def frame_channels(letters: Tensor, frames: Tensor) -> Tensor:
    """Channels [B, W, 6] of one-hot letters A, C, G, T [B, W, 4] and each one's frame, one-hot [B, W, 3].

    The frame; a stop codon begins here; one begins further on in the same frame; an AUG began before in the same frame.
    Letters may be shares of several bases, so that gradients reach them.
    """
    a, _, g, t = letters.unbind(dim=2)
    start = a * _next(t, 1) * _next(g, 2)
    stop = t * (_next(a, 1) * (_next(a, 2) + _next(g, 2)) + _next(g, 1) * _next(a, 2))
    behind = _ahead_in_frame(stop.flip(1)).flip(1)
    return torch.cat((frames, torch.stack((stop, behind, _ahead_in_frame(start)), dim=2)), dim=2)


def _next(x: Tensor, n: int) -> Tensor:
    """Values [B, W] of the n-th letter from each one on, zero beyond the end."""
    return functional.pad(x[:, n:], (0, n))


def _ahead_in_frame(x: Tensor) -> Tensor:
    """The largest of the values [B, W] that stand 3, 6, 9, … before each one, zero where there is none."""
    width = x.shape[1]
    codons = functional.pad(x, (3, -width % 3)).view(len(x), -1, 3)
    return codons.cummax(dim=1).values[:, :-1].reshape(len(x), -1)[:, :width]
