"""The seam of attention: which backend, told once, and maps from the eager one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from ribolm.models import attention
from ribolm.models.attention import Plan, choose_backend, neighbours_of_one_length, tell_backend
from ribolm.models.network import Network
from ribolm.models.ragged import pack
from ribolm.models.rotary import Rotation

from .conftest import padded, peer_of, sequences

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture(autouse=True)
def untold(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(attention, "_told", set())
    yield


@pytest.mark.parametrize(
    ("device", "dtype", "head_size", "dropout", "backend", "reason"),
    [
        (CPU, torch.float32, 32, 0.0, "sdpa", "cpu has no packed kernel"),
        (CPU, torch.bfloat16, 32, 0.0, "sdpa", "cpu has no packed kernel"),
        (CUDA, torch.bfloat16, 64, 0.0, "varlen", "packed sequences on CUDA"),
        (CUDA, torch.float16, 24, 0.0, "varlen", "packed sequences on CUDA"),
        (CUDA, torch.float32, 64, 0.0, "sdpa", "the packed kernel takes no float32"),
        (CUDA, torch.bfloat16, 20, 0.0, "sdpa", "the packed kernel takes no heads of 20"),
        (CUDA, torch.bfloat16, 64, 0.1, "sdpa", "the packed kernel has no attention dropout"),
    ],
)
def test_backend_and_reason(
    device: torch.device, dtype: torch.dtype, head_size: int, dropout: float, backend: str, reason: str
) -> None:
    assert choose_backend(device, dtype, head_size, dropout) == (backend, reason)


def test_a_choice_is_told_once(network: Network, capsys: pytest.CaptureFixture[str]) -> None:
    for lengths in ((5, 6), (40, 40)):
        network(pack(sequences(lengths)))
    assert capsys.readouterr().err == "chosen: attention = sdpa (cpu has no packed kernel)\n"
    tell_backend("varlen", "packed sequences on CUDA")
    assert "varlen" in capsys.readouterr().err


def test_neighbours_of_one_length_form_groups() -> None:
    assert neighbours_of_one_length((5, 5, 3, 5)) == ((2, 5), (1, 3), (1, 5))


@torch.no_grad()
def test_every_backend_gives_the_same(network: Network) -> None:
    batch = pack(sequences((100, 100, 130, 8)))
    expected = network(batch)
    network.encoder.attention_backend = "eager"
    assert float((network(batch) - expected).abs().max()) <= 1e-5 * float(expected.abs().max())


@torch.no_grad()
def test_padding_inside_attention_equals_groups(monkeypatch: pytest.MonkeyPatch, network: Network) -> None:
    batch = pack(sequences((100, 70, 130, 8)))
    expected = network(batch)
    monkeypatch.setattr(attention, "SHORT_TOKENS", 10_000)
    assert float((network(batch) - expected).abs().max()) <= 1e-5 * float(expected.abs().max())


@torch.no_grad()
def test_maps_equal_transformers_and_come_one_by_one(network: Network) -> None:
    batch = pack(sequences((12, 30, 7)))
    maps: dict[tuple[int, int], Tensor] = {}

    def keep(layer: int, sequence: int, probabilities: Tensor) -> None:
        maps[layer, sequence] = probabilities

    network.encoder(batch, on_attention=keep)
    ids, inside = padded(batch)
    peer = peer_of(network, attn_implementation="eager")
    theirs = peer(ids, attention_mask=inside.long(), output_attentions=True).attentions
    assert sorted(maps) == [(layer, sequence) for layer in range(2) for sequence in range(3)]
    for (layer, sequence), ours in maps.items():
        length = batch.lengths[sequence]
        assert ours.shape == (2, length, length)
        assert float((ours - theirs[layer][sequence, :, :length, :length]).abs().max()) <= 1e-5


def test_packed_kernel_is_called_as_torch_declares_it(
    network: Network, monkeypatch: pytest.MonkeyPatch, varlen_double: Callable[..., Tensor]
) -> None:
    """No CUDA here: a double with torch's signature stands in for the kernel, and the result must not change."""
    batch = pack(sequences((60, 33, 60)))
    with torch.no_grad():
        expected = network(batch)
    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", varlen_double)
    network.encoder.attention_backend = "varlen"
    with torch.no_grad():
        assert float((network(batch) - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    network(batch).sum().backward()


@pytest.fixture
def varlen_double() -> Callable[..., Tensor]:
    import inspect

    from torch.nn.attention.varlen import varlen_attn

    signature = inspect.signature(varlen_attn)

    def double(*arguments: object, **named: object) -> Tensor:
        given = signature.bind(*arguments, **named).arguments
        query, key, value = given["query"], given["key"], given["value"]
        assert query.is_contiguous() or query.stride(-1) == 1
        assert given["cu_seq_q"].dtype == torch.int32
        assert (given["max_q"], given["max_k"]) == (60, 60)
        edges = given["cu_seq_q"].tolist()
        rows = [
            torch.nn.functional.scaled_dot_product_attention(
                *(part[start:end].transpose(0, 1) for part in (query, key, value))
            ).transpose(0, 1)
            for start, end in itertools.pairwise(edges)
        ]
        return torch.cat(rows)

    return double


def test_an_empty_plan_is_not_needed_for_one_token() -> None:
    qkv = torch.randn(1, 3, 2, 8)
    rotation = Rotation(torch.ones(1, 1, 1, 4), torch.zeros(1, 1, 1, 4), None)
    plan = Plan("sdpa", torch.tensor([0, 1], dtype=torch.int32), (1,), ((1, 1),), rotation, 0.0, None)
    assert torch.allclose(attention.attend(qkv, plan, 0), qkv[:, 2].flatten(1))
