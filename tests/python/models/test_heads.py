"""Heads: shapes, parity where transformers has the head, fp32 logits, wrong specifications refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from ribolm.errors import DataError
from ribolm.models.heads import HeadSpec, pool
from ribolm.models.network import Network
from ribolm.models.ragged import pack

from .conftest import padded, peer_of, sequences

Headed = Callable[[HeadSpec], Network]


@torch.no_grad()
def test_token_head_equals_transformers(headed: Headed) -> None:
    network = headed(HeadSpec("token", 3))
    batch = pack(sequences((40, 25)))
    ids, inside = padded(batch)
    theirs = peer_of(network, "EsmForTokenClassification")(ids, attention_mask=inside.long()).logits[inside]
    assert float((network(batch) - theirs).abs().max()) <= 1e-5
    assert torch.allclose(network(batch, torch.tensor([3, 60])), theirs[[3, 60]], atol=1e-5)


@pytest.mark.parametrize("kind", ["sequence", "regression", "multilabel"])
@torch.no_grad()
def test_sequence_heads_equal_transformers_when_pooled_by_cls(headed: Headed, kind: Any) -> None:
    network = headed(HeadSpec(kind, 4, "cls"))
    batch = pack(sequences((40, 25, 3)))
    ids, inside = padded(batch)
    theirs = peer_of(network, "EsmForSequenceClassification")(ids, attention_mask=inside.long()).logits
    assert network(batch).shape == (3, 4)
    assert float((network(batch) - theirs).abs().max()) <= 1e-5


def test_mean_pooling_leaves_special_tokens_out() -> None:
    batch = pack([[0, 4, 5, 2], [0, 7, 2], [0, 2]])
    hidden = torch.arange(9.0)[:, None]
    assert pool(hidden, batch, "mean", (0, 2)).tolist() == [[1.5], [5.0], [0.0]]
    assert pool(hidden, batch, "mean", (0, None)).tolist() == [[2.0], [5.5], [8.0]]
    assert pool(hidden, batch, "cls", (0, 2)).tolist() == [[0.0], [4.0], [7.0]]


@torch.no_grad()
def test_pair_head_is_symmetric(headed: Headed) -> None:
    network = headed(HeadSpec("pair"))
    batch = pack(sequences((40, 25)))
    pairs = torch.tensor([[1, 30], [5, 9], [41, 60]])
    logits = network(batch, pairs)
    assert logits.shape == (3, 1)
    assert torch.allclose(logits, network(batch, pairs.flip(1)), atol=1e-6)
    with pytest.raises(ValueError, match="pairs of positions"):
        network(batch)


@pytest.mark.parametrize("kind", ["token", "sequence", "regression", "multilabel", "pair"])
def test_logits_are_fp32_under_bf16_and_every_weight_learns(headed: Headed, kind: Any) -> None:
    network = headed(HeadSpec(kind, 2)).train()
    batch = pack(sequences((40, 25)))
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(batch, torch.tensor([[1, 2], [3, 9]]) if kind == "pair" else None)
    assert logits.dtype == torch.float32
    logits.square().sum().backward()
    still = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    assert still == {"esm.contact_head.regression.weight", "esm.contact_head.regression.bias"}


@pytest.mark.parametrize(
    ("kind", "n_labels", "pooling"),
    [("tokens", 1, None), ("token", 0, None), ("token", 1, "mean"), ("sequence", 1, "max")],
)
def test_wrong_specifications_are_refused(kind: Any, n_labels: int, pooling: Any) -> None:
    with pytest.raises(DataError):
        HeadSpec(kind, n_labels, pooling)


def test_sequences_are_pooled_by_their_mean_unless_told() -> None:
    assert HeadSpec("sequence").pooling == "mean"
    assert HeadSpec("token").pooling is None
