"""Sums of attention maps that are never held whole equal the sums of the whole maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ribolm.errors import UsageError
from ribolm.models import attention_features, attention_rows
from ribolm.models.attention_features import attention_channels, corrected_maps
from ribolm.models.mosaicbert_config import MosaicBertConfig
from ribolm.models.network import MASKED_LM, Network, new_network
from ribolm.models.presets import preset_config
from ribolm.models.ragged import pack
from ribolm.sequences.tokenizers import make_tokenizer

from .conftest import lively, padded, peer_of, sequences

LENGTHS = (3, 4, 61, 130)  # with special tokens
# (values, least rows) of a block: all at once; seven rows of both heads, of the longest sequence; nine of one head
BLOCKS = {"one block": (1 << 18, 32), "rows": (2 * 130 * 7, 1), "heads and rows": (130 * 9, 9)}


@pytest.fixture(params=BLOCKS)
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    values, least = BLOCKS[request.param]
    monkeypatch.setattr(attention_rows, "BLOCK_VALUES", {"cpu": values})
    monkeypatch.setattr(attention_rows, "LEAST_ROWS", least)
    monkeypatch.setattr(attention_features, "CORRECTED_ROWS", 13)


def test_blocks_cover_every_row_of_every_head_once() -> None:
    for n_heads, length, most in ((20, 100, 1 << 18), (20, 1000, 1 << 18), (20, 8000, 1 << 18), (3, 1, 1), (2, 50, 10)):
        seen = np.zeros((n_heads, length), dtype=int)
        sizes = []
        for heads, rows in attention_rows._blocks(n_heads, length, most):
            seen[heads, rows] += 1
            sizes.append((heads.stop - heads.start) * (rows.stop - rows.start))
        assert (seen == 1).all() and sizes[0] == max(sizes)
        assert max(sizes) * length <= max(most, attention_rows.LEAST_ROWS * length)


def drawn_weights(network: Network, channels: int, seed: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(channels, network.config.n_attention_maps, generator=generator)


@torch.no_grad()
def whole(network: Network, tokens: Tensor, weights: Tensor) -> Tensor:
    """The definition: every map held, symmetrised, corrected, weighed."""
    maps: list[Tensor] = []
    network.encoder(pack([tokens.numpy()]), on_attention=lambda _layer, _row, found: maps.append(found))
    return torch.einsum("ck,kij->cij", weights, corrected_maps(torch.cat(maps)[:, 1:-1, 1:-1]))


def largest_difference(found: Tensor, expected: Tensor) -> float:
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("length", LENGTHS[1:])
def test_streamed_equals_whole_maps(network: Network, length: int, channels: int) -> None:
    (row,) = sequences((length,))
    tokens, weights = torch.from_numpy(row), drawn_weights(network, channels)
    found = attention_channels(network, tokens, weights)
    assert found.dtype == torch.float32 and found.shape == (channels, length - 2, length - 2)
    assert largest_difference(found, whole(network, tokens, weights)) <= 1e-5


@pytest.mark.usefixtures("blocks")
def test_streamed_equals_whole_maps_in_fp64(network: Network) -> None:
    (row,) = sequences((130,))
    tokens, weights = torch.from_numpy(row), drawn_weights(network.double(), 2).double()
    found = attention_channels(network, tokens, weights)
    assert found.dtype == torch.float64
    assert largest_difference(found, whole(network, tokens, weights)) <= 1e-9


def test_the_mean_of_corrected_maps_is_zero_and_they_are_symmetric(network: Network) -> None:
    (row,) = sequences((61,))
    (found,) = attention_channels(network, torch.from_numpy(row), drawn_weights(network, 1))
    assert torch.allclose(found, found.T, atol=1e-7)
    assert float(found.sum(0).abs().max()) <= 1e-4 * float(found.abs().sum(0).max())


def test_a_single_base_has_nothing_left(network: Network) -> None:
    (row,) = sequences((3,))
    found = attention_channels(network, torch.from_numpy(row), drawn_weights(network, 1))
    assert found.shape == (1, 1, 1) and float(found.abs().max()) <= 1e-6


@torch.no_grad()
def test_contacts_equal_those_of_transformers(network: Network) -> None:
    batch = pack(sequences((61,)))
    peer = peer_of(network, attn_implementation="eager")
    head = network.encoder.contact_head.regression
    head.weight.normal_(generator=torch.Generator().manual_seed(1)).mul_(3)
    head.bias.fill_(-0.3)
    peer.load_state_dict(network.state_dict(), strict=False)
    ids, inside = padded(batch)
    theirs = peer.esm.predict_contacts(ids, inside.long())[0]
    ours = (attention_channels(network, batch.tokens, head.weight)[0] + head.bias).sigmoid()
    assert float((ours - theirs).abs().max()) <= 1e-6


def test_features_at_pairs_are_those_of_the_channels(network: Network) -> None:
    (row,) = sequences((61,))
    tokens, weights = torch.from_numpy(row), drawn_weights(network, 2)
    pairs = torch.from_numpy(np.stack(np.triu_indices(59, 6), axis=1))
    found = attention_features.attention_features(network, tokens, pairs)
    assert found.shape == (len(pairs), network.config.n_attention_maps)
    expected = attention_channels(network, tokens, weights)[:, pairs[:, 0], pairs[:, 1]]
    assert largest_difference(weights @ found.T, expected) <= 1e-5


def test_reading_does_not_change_what_the_network_computes(network: Network) -> None:
    class Nothing(attention_rows.RowReader):
        def read(self, block: attention_rows.Block) -> None: ...

    batch = pack(sequences((61, 4, 130)))
    with torch.no_grad():
        expected, found = network.encoder(batch), network.encoder(batch, on_attention=Nothing())
    assert float((found - expected).abs().max()) <= 1e-5 * float(expected.abs().max())


def test_layers_without_weights_are_not_read(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    original = attention_features._WeightedSums.read

    def spy(self: object, block: attention_rows.Block) -> None:
        read.append(block.layer)
        original(self, block)  # type: ignore[arg-type]

    monkeypatch.setattr(attention_features._WeightedSums, "read", spy)
    (row,) = sequences((61,))
    tokens, weights = torch.from_numpy(row), drawn_weights(network, 1)
    weights[:, : network.config.num_attention_heads] = 0
    found = attention_channels(network, tokens, weights)
    assert set(read) == {1}
    assert largest_difference(found, whole(network, tokens, weights)) <= 1e-5


class Sizes(TorchDispatchMode):
    """The largest number of elements of any tensor that an operation makes."""

    largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        made = function(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else (made,):
            if isinstance(tensor, Tensor):
                self.largest = max(self.largest, tensor.numel())
        return made


def test_no_tensor_holds_the_maps_of_all_heads(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    length = 600
    monkeypatch.setattr(attention_rows, "BLOCK_VALUES", {"cpu": 1 << 14})
    (row,) = sequences((length,))
    tokens = torch.from_numpy(row)
    with Sizes() as sizes:
        attention_channels(network, tokens, drawn_weights(network, 1))
    assert sizes.largest == length**2  # of the sum itself; two heads in two layers would be four times as much
    with Sizes() as sizes:
        whole(network, tokens, drawn_weights(network, 1))
    assert sizes.largest >= 4 * (length - 2) ** 2


@torch.no_grad()
def test_biased_attention_is_read_as_well() -> None:
    config = MosaicBertConfig(
        vocab_size=10, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        pad_token_id=1, mask_token_id=9, bos_token_id=0, eos_token_id=2, initializer_range=0.3,
    )  # fmt: skip
    network = lively(new_network(config, MASKED_LM, seed=1))
    (row,) = sequences((61,))
    tokens, weights = torch.from_numpy(row), drawn_weights(network, 2)
    assert largest_difference(attention_channels(network, tokens, weights), whole(network, tokens, weights)) <= 1e-5


def test_a_backbone_without_attention_is_refused() -> None:
    tokenizer = make_tokenizer("hyena")
    network = new_network(preset_config("hyena-tiny", tokenizer), None, seed=1)
    with pytest.raises(UsageError, match=r"The model has no attention.*Use a transformer"):
        attention_channels(network, torch.tensor([7, 8, 9, 1]), torch.ones(1, 4))


def test_weights_of_another_model_are_refused(network: Network) -> None:
    with pytest.raises(ValueError, match=r"weights of shape \(1, 5\) for 4 attention maps"):
        attention_channels(network, torch.tensor([0, 4, 2]), torch.ones(1, 5))
