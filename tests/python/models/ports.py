"""Reference outputs of upstream's code, and networks with the weights that it was run on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from torch import Tensor

from ribolm.models.backbones import family_of, read_config
from ribolm.models.heads import HeadSpec
from ribolm.models.network import MASKED_LM, Network
from ribolm.models.ragged import Ragged, ragged

from .drawn import drawn_state

FOLDER = Path(__file__).parents[2] / "data" / "parity"
TOLERANCE = 1e-5


class Reference(NamedTuple):
    """What upstream's code gave: configuration, batch, outputs by name, seed of the weights, names of its weights."""

    config: dict[str, Any]
    batch: Ragged
    outputs: dict[str, Tensor]
    seed: int
    keys: set[str]


def reference(name: str) -> Reference:
    """Read the reference of a port."""
    with safe_open(FOLDER / f"{name}.safetensors", framework="pt") as handle:
        told = handle.metadata()
        found = {key: handle.get_tensor(key) for key in handle.keys()}
    batch = ragged(found.pop("tokens"), json.loads(told["lengths"]))
    return Reference(json.loads(told["config"]), batch, found, int(told["seed"]), set(json.loads(told["keys"])))


def network_of(content: dict[str, Any], seed: int, spec: HeadSpec | None = MASKED_LM) -> Network:
    """A network of a `config.json` with weights drawn by upstream's names, computed tensors as the family sets them."""
    network = Network(read_config(content), spec)
    drawn = drawn_state({name: value.shape for name, value in network.state_dict().items()}, seed)
    network.load_state_dict({**drawn, **{k: v for k, v in network.state_dict().items() if k.endswith("inv_freq")}})
    family_of(network.config).reset(network.encoder)
    return network.eval()


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    """Equal to 1e-5 of the largest value, and of 1 at least."""
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) <= TOLERANCE * max(1.0, float(theirs.abs().max()))


def shuffled(batch: Ragged, order: list[int]) -> Ragged:
    """The same sequences in another order, or some of them."""
    rows = list(batch.tokens.split_with_sizes(batch.lengths))
    return ragged(torch.cat([rows[number] for number in order]), [batch.lengths[number] for number in order])
