"""Convolutional networks side by side, each with a head of its own: the answer is the mean of their logits."""

import torch
from torch import Tensor, nn

from ribolm.models.convolution.backbone import Convolution
from ribolm.models.convolution.configuration import ConvolutionConfig
from ribolm.models.convolution.heads import FramesHead, WeighingHead
from ribolm.models.heads import HeadSpec
from ribolm.models.ragged import Ragged


class Towers(nn.Module):
    """Backbones side by side: [T] tokens to the hidden states of all, [T, D], tower by tower."""

    def __init__(self, config: ConvolutionConfig) -> None:
        super().__init__()
        self.config = config
        self.towers = nn.ModuleList([Convolution(config.one_tower) for _ in range(config.towers)])

    @property
    def token_embeddings(self) -> Tensor:
        """One-hot rows of the four letters, the same for all towers, [vocabulary, 4]."""
        return _first(self).token_embeddings

    def embed(self, batch: Ragged) -> Tensor:
        """One-hot letters [T, 4]."""
        return _first(self).embed(batch)

    def forward(self, batch: Ragged, embedded: Tensor | None = None) -> Tensor:
        """Hidden states [T, D]; `embedded` [T, 4] stands in for the letters. DataError for too long a sequence."""
        return torch.cat([tower(batch, embedded) for tower in self.towers], dim=1)


class TowerHeads(nn.Module):
    """One head per tower, and the mean of their logits."""

    def __init__(self, config: ConvolutionConfig, spec: HeadSpec) -> None:
        super().__init__()
        self.towers = nn.ModuleList([build_head(config.one_tower, spec) for _ in range(config.towers)])

    def forward(self, hidden: Tensor, batch: Ragged) -> Tensor:
        """Logits [B, labels] from hidden states [T, D]."""
        parts = hidden.chunk(len(self.towers), dim=1)
        return torch.stack([head(part, batch) for head, part in zip(self.towers, parts, strict=True)]).mean(dim=0)


def build(config: ConvolutionConfig) -> Convolution | Towers:
    """The backbone of a configuration."""
    return Convolution(config) if config.towers == 1 else Towers(config)


def build_head(config: ConvolutionConfig, spec: HeadSpec) -> WeighingHead | FramesHead | TowerHeads:
    """The head of one answer per sequence."""
    if config.towers > 1:
        return TowerHeads(config, spec)
    return FramesHead(config, spec) if config.head == "frames" else WeighingHead(config, spec)


def name_in_tower(name: str, towers: int, tower: int) -> tuple[str, int]:
    """Of a weight of a network of `towers`: its name in a network of one tower, and its tower counted from `tower`.

    `convolution.towers.2.norm.bias` is `convolution.norm.bias` of tower 2 behind the first.
    """
    if towers == 1:
        return name, tower
    part, _, number, rest = name.split(".", 3)
    return f"{part}.{rest}", tower + int(number)


def name_among_towers(name: str, tower: int) -> str:
    """The name that a weight of a network of one tower has as that tower of several."""
    part, rest = name.split(".", 1)
    return f"{part}.towers.{tower}.{rest}"


def _first(backbone: Towers) -> Convolution:
    tower = backbone.towers[0]
    assert isinstance(tower, Convolution)
    return tower
