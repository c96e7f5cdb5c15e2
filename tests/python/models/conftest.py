"""Small networks and batches, and the same computed by transformers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ribolm.models.configuration import EncoderConfig
from ribolm.models.heads import HeadSpec
from ribolm.models.network import MASKED_LM, Network, new_network
from ribolm.models.presets import preset_config
from ribolm.models.ragged import Ragged
from ribolm.sequences.tokenizers import Tokenizer, make_tokenizer

MASK_ID = 9


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return make_tokenizer("nucleotide")


@pytest.fixture
def config(tokenizer: Tokenizer) -> EncoderConfig:
    # wide initial weights, so that attention and GELU leave their linear range
    return replace(preset_config("tiny", tokenizer), initializer_range=0.3)


@pytest.fixture
def network(config: EncoderConfig) -> Network:
    return lively(new_network(config, MASKED_LM, seed=1))


@torch.no_grad()
def lively(network: Network) -> Network:
    """Biases and LayerNorms away from 0 and 1, where a mistake in their place would show."""
    generator = torch.Generator().manual_seed(5)
    for name, parameter in network.named_parameters():
        if name.endswith("bias") or "norm" in name.lower():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return network.eval()


def sequences(lengths: tuple[int, ...], masked: bool = False, seed: int = 0) -> list[np.ndarray]:
    """Random sequences with cls and eos, and a sixth of the bases masked."""
    stream = np.random.default_rng(seed)
    rows = [np.r_[0, stream.integers(4, 9, max(length - 2, 0)), 2][:length] for length in lengths]
    for row in rows if masked else ():
        row[1:-1][stream.random(max(len(row) - 2, 0)) < 1 / 6] = MASK_ID
    return rows


def padded(batch: Ragged) -> tuple[Tensor, Tensor]:
    """Token ids [B, longest] with padding, and the mask of what is inside."""
    inside = torch.arange(max(batch.lengths)) < torch.tensor(batch.lengths)[:, None]
    ids = torch.full(inside.shape, 1)
    ids[inside] = batch.tokens
    return ids, inside


def peer_of(network: Network, name: str = "EsmForMaskedLM", **more: Any) -> Any:
    """transformers' class with the same weights, loaded strictly but for the tied decoder."""
    transformers = pytest.importorskip("transformers")
    if network.spec and network.spec.kind != "masked_lm":
        more["num_labels"] = network.spec.n_labels
    peer = getattr(transformers, name)(transformers.EsmConfig(**{**network.config.to_dict(), **more}))
    found = peer.load_state_dict(network.state_dict(), strict=False)
    assert (set(found.missing_keys) <= {"lm_head.decoder.weight"}, found.unexpected_keys) == (True, [])
    peer.tie_weights()
    return peer.eval()


@pytest.fixture
def headed(config: EncoderConfig) -> Callable[[HeadSpec], Network]:
    return lambda spec: lively(new_network(config, spec, seed=2))
