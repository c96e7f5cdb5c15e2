"""Memory of training a pair map, which grows with the square of the length; asked before it is needed."""

from __future__ import annotations

from dataclasses import replace

from ribolm.console import choice
from ribolm.errors import UsageError
from ribolm.free_memory import SPARE_SHARE
from ribolm.models.network import Network
from ribolm.models.pair_maps.configuration import PairMapConfig
from ribolm.models.pair_maps.tiles import tiled_bytes
from ribolm.training.feed.batches import Feed
from ribolm.training.machine.memory import (
    FRAGMENTS,
    MemoryNeed,
    available_bytes,
    estimate_training,
    require_memory,
)
from ribolm.training.run.parameters import count_parameters
from ribolm.training.run.session import Session

LEAST_TOKENS = 256  # several short RNAs share a pass of the backbone
# Numbers that the backward pass keeps: per place and channel of the full map; per place (classes of kind and distance
# in 64 bits, logits and their softmax); per cell and channel of a block, of the whole trunk, and in passing.
KEPT_FULL, KEPT_PLACE, KEPT_BLOCK, KEPT_TRUNK = 5, 10, 3, 6


def micro_batch_tokens(longest: int) -> int:
    """Tokens of a micro-batch that needs no more memory than the longest RNA alone, or 256 where that is short."""
    return max(longest + 2, LEAST_TOKENS)


def pair_map_bytes(shape: PairMapConfig, places: int, n_maps: int = 0) -> int:
    """What one step keeps for maps of so many places (the sum of squared lengths of a micro-batch).

    n_maps: attention maps that are read; they are corrected copies, and kept for the gradient of their weights.
    """
    cell = shape.width * (KEPT_BLOCK * len(shape.dilations) + KEPT_TRUNK) / shape.downsampling**2
    return int(4 * places * (KEPT_FULL * shape.map_width + KEPT_PLACE + cell + 2 * n_maps) * FRAGMENTS)


def check_pair_memory(session: Session, network: Network, feed: Feed, validation: Feed | None, step: int) -> None:
    """Tell the memory needed and refuse what will not fit. Raises UsageError."""
    fitting, device, world = session.fitting(step), session.device, session.world
    assert network.spec is not None and network.spec.pair_map is not None
    tokens = max(min(fitting.tokens, step), feed.longest)
    trained, weights = count_parameters(network)
    need = estimate_training(
        network.config,
        weights,
        trained,
        tokens,
        n_outputs=1,
        bf16=device.precision == "bf16",
        device_type=device.kind,
        world=world.size,
    )
    shape = network.spec.pair_map
    n_maps = network.config.n_attention_maps if shape.attention else 0
    maps = pair_map_bytes(shape, tokens * feed.longest, n_maps)
    free, bound = available_bytes(device.name)
    if world.first:
        sharing = world.size if device.kind == "cpu" else 1
        training = replace(need, activations=need.activations + maps)
        require_memory(training, free, bound, feed.longest, sharing)
        _check_dev(shape, need, validation, (free // sharing, bound))


def _check_dev(shape: PairMapConfig, need: MemoryNeed, validation: Feed | None, free: tuple[int, str]) -> None:
    """Tell what scoring dev needs, whose RNAs are neither cropped nor left out. Raises UsageError."""
    if validation is None:
        return
    total = need.state + need.process + tiled_bytes(shape, validation.longest)
    told = f"{total / 1e9:.2f} of {free[0] / 1e9:.2f} GB"
    choice("memory of dev", told, f"maps of {validation.longest:,} nt, whole but in tiles")
    if free[0] and total > free[0] * (1 - SPARE_SHARE):
        raise UsageError(
            f"Scoring an RNA of dev of {validation.longest:,} nt will need {total / 1e9:.1f} GB, but "
            f"{free[0] / 1e9:.1f} GB are free ({free[1]}). Leave long RNAs out of dev: write its store with "
            "`ribolm-labels structures --max-nt`."
        )
