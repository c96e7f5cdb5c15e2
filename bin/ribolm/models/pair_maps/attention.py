"""What a pair map reads from the attention of its backbone: a learned sum of the corrected maps of all heads."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ribolm.models.attention_features import attention_channels, corrected_map_stack
from ribolm.models.network import Network


def attended(network: Network, weights: Tensor, tokens: Tensor) -> Tensor:
    """Sums of the corrected maps times the length, [L, L, channels], for weights [channels, maps] of a head.

    tokens int64 [n], special tokens included, which L leaves out. A gradient goes to the weights, none to the maps;
    where none is asked for, the maps are streamed and never held. An attended share is about 1 / L, hence the length.
    """
    if torch.is_grad_enabled():
        maps = corrected_map_stack(network, tokens)
        found = functional.linear(maps.permute(1, 2, 0), weights)
    else:
        found = attention_channels(network, tokens, weights).permute(1, 2, 0)
    return found * len(found)
