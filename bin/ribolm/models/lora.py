"""Low-rank adapters (LoRA) on the encoder's linear layers through peft, and their merge into plain weights."""

import torch
from torch import nn

from ribolm.errors import UsageError
from ribolm.models.backbones import family_of
from ribolm.models.network import Network


def add_lora(
    network: Network,
    rank: int,
    seed: int,
    alpha: float | None = None,
    dropout: float = 0.0,
    targets: tuple[str, ...] | None = None,
) -> Network:
    """Put adapters of a rank on linear layers of the backbone, in place; the rest of the backbone is frozen.

    `targets`: last names of the layers, all that the family allows by default.
    The change of a layer is alpha / rank · B·A·x (alpha: 2 · rank by default), with B zero at the start, so that
    outputs do not change before training. The head stays trainable. Adapters are a pure function of `seed`. Source: Hu
    et al. 2021. Raises UsageError for a rank below 1 or an unknown target.
    """
    family = family_of(network.config)
    allowed = family.lora_targets
    targets = allowed if targets is None else targets
    if rank < 1 or not set(targets) <= set(allowed) or not targets:
        raise UsageError(f"LoRA of rank {rank} on {', '.join(targets)}: use a rank from 1 and {', '.join(allowed)}.")
    from peft import LoraConfig, inject_adapter_in_model

    chosen = LoraConfig(
        r=rank,
        lora_alpha=2 * rank if alpha is None else alpha,  # type: ignore[arg-type]
        lora_dropout=dropout,
        target_modules=rf"{family.prefix}\.{family.adapted}\.({'|'.join(targets)})",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(chosen, network)
    if network.head is not None:
        network.head.requires_grad_(True)
    return network


def has_lora(network: nn.Module) -> bool:
    """Whether adapters are in place."""
    return any(hasattr(module, "lora_A") for module in network.modules())


def merge_lora(network: Network) -> Network:
    """Add the adapters to the weights they adapt and take them out, in place; all encoder weights are trainable again.

    The state has the plain keys afterwards; outputs in evaluation mode change by rounding alone.
    """
    from peft.tuners.lora import Linear

    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Linear):
                child.merge(safe_merge=True)
                setattr(parent, name, child.get_base_layer())
    network.encoder.requires_grad_(True)
    for name in family_of(network.config).untrained:
        network.encoder.get_submodule(name).requires_grad_(False)
    return network
