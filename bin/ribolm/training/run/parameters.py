"""Which weights are trained, how fast, and which of them decay."""

from __future__ import annotations

from typing import Any

from torch import nn

from ribolm.errors import UsageError
from ribolm.models.backbones import family_of
from ribolm.models.network import Network


def freeze(network: Network, frozen_layers: int) -> None:
    """Leave the embeddings and the first `frozen_layers` of the encoder as they are; 0 freezes nothing.

    With every layer frozen the encoder's final norm is frozen too: only the head learns. Raises UsageError for a number
    that the encoder does not have.
    """
    family, n_layers = family_of(network.config), network.config.n_layers
    if not 0 <= frozen_layers <= n_layers:
        raise UsageError(f"--freeze {frozen_layers} is not possible: the encoder has layers 1 to {n_layers}.")
    if not frozen_layers:
        return
    for name, parameter in network.named_parameters():
        last_norm = frozen_layers == n_layers and family.is_last_norm(name)
        if (family.depth(name, n_layers) <= frozen_layers or last_norm) and "lora_" not in name:
            parameter.requires_grad_(False)


def parameter_groups(network: Network, weight_decay: float, layer_decay: float = 1.0) -> list[dict[str, Any]]:
    """Groups for the optimiser, in a fixed order: `params`, `names`, `weight_decay`, `scale` of the learning rate.

    A layer learns at `layer_decay` times the rate of the one above it (Howard & Ruder 2018: discriminative rates); the
    head at the full rate. Biases and norms, that is everything of fewer than two dimensions, do not decay. Parameters
    that need no gradient are left out. Raises UsageError when nothing is left to train, or for a decay beyond 0 to 1.
    """
    if not 0 < layer_decay <= 1:
        raise UsageError(f"--layer-decay {layer_decay} must be above 0 and at most 1.")
    family, n_layers = family_of(network.config), network.config.n_layers
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        depth, decays = family.depth(name, n_layers), parameter.ndim >= 2
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
