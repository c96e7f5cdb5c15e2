"""Layers of the pair map, channels last: [H, W, C] for maps, [L, D] along the sequence.

Norms go over the channels of one place only: a norm with statistics of the whole map would tell a tile from the map.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ribolm.models.pair_maps.convolution import convolve_relu


class Block(nn.Module):
    """Residual block: norm over channels, dilated 3 x 3 convolution, ReLU, mixing of channels (zero at the start)."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(width, bias=False)
        self.around = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """The map [H, W, C] after the block."""
        mixed: Tensor = x + self.mix(convolve_relu(self.norm(x), self.around))
        return mixed


class SideLayer(nn.Module):
    """Residual layer along the sequence: norm, convolution, GELU, mixing of channels (zero at the start)."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.along = nn.Conv1d(width, width, kernel, padding=kernel // 2)
        self.mix = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """States [L, D] after the layer."""
        y = self.along(self.norm(x).T[None])[0].T
        mixed: Tensor = x + self.mix(functional.gelu(y))
        return mixed


def fold_cells(x: Tensor, factor: int) -> Tensor:
    """[H, W, C] to [H / factor, W / factor, factor² · C]: the places of a cell become channels."""
    height, width, channels = x.shape
    cells = x.view(height // factor, factor, width // factor, factor, channels).permute(0, 2, 1, 3, 4)
    return cells.reshape(height // factor, width // factor, factor * factor * channels)


def unfold_cells(x: Tensor, factor: int) -> Tensor:
    """The inverse of `fold_cells`."""
    height, width, channels = x.shape
    places = x.view(height, width, factor, factor, channels // factor**2).permute(0, 2, 1, 3, 4)
    return places.reshape(height * factor, width * factor, channels // factor**2)


@torch.no_grad()
def initialise(head: nn.Module, generator: torch.Generator) -> None:
    """Set all weights of a pair map: matrices and kernels uniform within 1 / sqrt(fan-in), tables standard normal.

    What a residual layer adds is zero at the start, so that depth costs nothing at first (Zhang et al. 2019, Fixup).
    """
    for module in head.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
            bound = module.weight[0].numel() ** -0.5
            module.weight.uniform_(-bound, bound, generator=generator)
            if module.bias is not None:
                module.bias.uniform_(-bound, bound, generator=generator)
        elif isinstance(module, nn.Embedding):
            module.weight.normal_(generator=generator)
        elif isinstance(module, nn.LayerNorm):
            module.weight.fill_(1.0)
            if module.bias is not None:
                module.bias.zero_()
    for module in head.modules():
        if isinstance(module, Block | SideLayer):
            module.mix.weight.zero_()
            module.mix.bias.zero_()
