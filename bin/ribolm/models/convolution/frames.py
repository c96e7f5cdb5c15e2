"""What a reading frame is beside the letters: which of three, its stop codons and its start codons."""

import torch
from torch import Tensor
from torch.nn import functional

CHANNELS = 6
KEPT = 0.9  # of nearness per codon


def frame_channels(letters: Tensor, frames: Tensor) -> Tensor:
    """Channels [B, W, 6] of one-hot letters A, C, G, T [B, W, 4] and each one's frame, one-hot [B, W, 3].

    The frame; a stop codon begins here; how near the next one in the same frame is; how near the last AUG before in it.
    Nearness is `KEPT` to the power of the distance in codons. Letters may be shares of several bases, so that gradients
    reach them.
    """
    a, _, g, t = letters.unbind(dim=2)
    start = a * _next(t, 1) * _next(g, 2)
    stop = t * (_next(a, 1) * (_next(a, 2) + _next(g, 2)) + _next(g, 1) * _next(a, 2))
    behind = _nearness(stop.flip(1)).flip(1)
    return torch.cat((frames, torch.stack((stop, behind, _nearness(start)), dim=2)), dim=2)


def _next(x: Tensor, n: int) -> Tensor:
    """Values [B, W] of the n-th letter from each one on, zero beyond the end."""
    return functional.pad(x[:, n:], (0, n))


def _nearness(x: Tensor) -> Tensor:
    """The largest of the values [B, W] that stand 3, 6, 9, … before each one, less with every codon between."""
    width = x.shape[1]
    codons = KEPT * functional.pad(x, (3, -width % 3)).view(len(x), -1, 3)[:, :-1]
    step, n = 1, codons.shape[1]
    while step < n:
        earlier = functional.pad(codons, (0, 0, step, 0))[:, :n]
        codons, step = torch.maximum(codons, KEPT**step * earlier), 2 * step
    return codons.reshape(len(x), -1)[:, :width]
