"""Which weights are trained, how fast, and which of them decay."""

from __future__ import annotations

import re
from typing import Any

from torch import nn

from ribolm.errors import UsageError

_LAYER = re.compile(r"\blayers?\.(\d+)\.")
_FINAL_NORM = re.compile(r"\b(emb_layer_norm_after|ln_f)\.")


def depth_of(name: str, n_layers: int) -> int:
    """Depth of a parameter by its name: embeddings 0, layer i (from 0) i + 1, the final norm and heads above."""
    found = _LAYER.search(name)
    if found:
        return int(found.group(1)) + 1
    return 0 if "embeddings." in name else n_layers + 1


def freeze(network: nn.Module, n_layers: int, frozen_layers: int) -> None:
    """Leave the embeddings and the first `frozen_layers` of the encoder as they are; 0 freezes nothing.

    With every layer frozen the encoder's final norm is frozen too: only the head learns. Raises UsageError for a number
    that the encoder does not have.
    """
    if not 0 <= frozen_layers <= n_layers:
        raise UsageError(f"--freeze {frozen_layers} is not possible: the encoder has layers 1 to {n_layers}.")
    if not frozen_layers:
        return
    for name, parameter in network.named_parameters():
        final_norm = frozen_layers == n_layers and _FINAL_NORM.search(name) is not None
        if (depth_of(name, n_layers) <= frozen_layers or final_norm) and "lora_" not in name:
            parameter.requires_grad_(False)


def parameter_groups(
    network: nn.Module, n_layers: int, weight_decay: float, layer_decay: float = 1.0
) -> list[dict[str, Any]]:
    """Groups for the optimiser, in a fixed order: `params`, `names`, `weight_decay`, `scale` of the learning rate.

    A layer learns at `layer_decay` times the rate of the one above it (Howard & Ruder 2018: discriminative rates); the
    head at the full rate. Biases and norms, that is everything of fewer than two dimensions, do not decay. Parameters
    that need no gradient are left out. Raises UsageError when nothing is left to train, or for a decay beyond 0 to 1.
    """
    if not 0 < layer_decay <= 1:
        raise UsageError(f"--layer-decay {layer_decay} must be above 0 and at most 1.")
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        depth, decays = depth_of(name, n_layers), parameter.ndim >= 2
        scale = layer_decay ** (n_layers + 1 - depth)
        empty = {"params": [], "names": [], "weight_decay": weight_decay if decays else 0.0, "scale": scale}
        key = (depth if layer_decay < 1 else 0, decays)
        group = groups.setdefault(key, empty)
        group["params"].append(parameter)
        group["names"].append(name)
    if not groups:
        raise UsageError("Every weight is frozen; nothing is left to train. Freeze fewer layers.")
    return [groups[key] for key in sorted(groups)]


def count_parameters(network: nn.Module) -> tuple[int, int]:
    """(trained weights, all weights); tied ones count once."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in network.parameters()]
    return sum(size for size, trained in sizes if trained), sum(size for size, _ in sizes)
