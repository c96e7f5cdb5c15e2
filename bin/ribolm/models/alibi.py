"""ALiBi: attention scores fall linearly with the distance of two tokens, at a slope per head (Press et al. 2022)."""

import math

import torch
from torch import Tensor


def alibi_slopes(heads: int) -> list[float]:
    """Slope of every head: 2^(-8 i / n) for n heads where n is a power of two.

    Else those of the next lower power of two, then every second one of the next higher (the paper's own code).
    """
    lower = 2 ** math.floor(math.log2(heads))
    slopes = _of_power_of_two(lower)
    return slopes + _of_power_of_two(2 * lower)[::2][: heads - lower]


def _of_power_of_two(heads: int) -> list[float]:
    return [2 ** (-8 * number / heads) for number in range(1, heads + 1)]


def alibi_bias(heads: int, length: int, device: torch.device) -> Tensor:
    """What is added to the scores of a bidirectional encoder: −slope · |i − j|, fp32 [heads, length, length].

    A shorter sequence takes the upper left corner.
    """
    places = torch.arange(length, device=device)
    distance = (places[:, None] - places).abs()
    return torch.tensor(alibi_slopes(heads), device=device)[:, None, None] * -distance
