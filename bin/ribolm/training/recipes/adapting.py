"""What of a backbone is trained: all of it, its upper layers, adapters, or nothing."""

from __future__ import annotations

from ribolm.models.network import Network
from ribolm.training.run.parameters import freeze


def adapted(network: Network, frozen_layers: int, lora: int, seed: int, head_only: bool = False) -> Network:
    """Freeze layers, or with `head_only` the whole backbone; put adapters of rank `lora` in (0: none); in place."""
    freeze(network, frozen_layers)
    if head_only:
        network.encoder.requires_grad_(False)
    if lora:
        from ribolm.models.lora import add_lora

        add_lora(network, lora, seed)
    return network


def merged(network: Network, lora: int) -> Network:
    """Add the adapters to the weights, so that the model is a plain one; in place."""
    if lora:
        from ribolm.models.lora import merge_lora

        merge_lora(network)
    return network
