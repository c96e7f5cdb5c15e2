"""The encoder computes what transformers' EsmModel computes, however a batch is laid out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ribolm.models.configuration import EncoderConfig
from ribolm.models.heads import HeadSpec
from ribolm.models.network import MASKED_LM, Network, new_network
from ribolm.models.ragged import Ragged, pack, rows_of

from .conftest import lively, padded, peer_of, sequences

TOLERANCE = 1e-5
LAYOUTS = {
    "one sequence": (90,),
    "bucket of one length": (40, 40, 40),
    "packed, neighbours alike": (130, 130, 77, 77, 200),
    "padded inside": (3, 9, 5, 31, 2, 17),
    "one token": (1, 64),
}


def assert_equal(ours: Tensor, theirs: Tensor) -> None:
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) <= TOLERANCE


@pytest.mark.parametrize("token_dropout", [False, True], ids=["", "token dropout"])
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("layout", LAYOUTS)
@torch.no_grad()
def test_hidden_states_and_logits_equal_transformers(
    config: EncoderConfig, layout: str, masked: bool, token_dropout: bool
) -> None:
    network = lively(new_network(replace(config, token_dropout=token_dropout), MASKED_LM, 1))
    batch = pack(sequences(LAYOUTS[layout], masked))
    ids, inside = padded(batch)
    peer = peer_of(network)
    theirs = peer(ids, attention_mask=inside.long(), output_hidden_states=True)
    assert_equal(network.encoder(batch), theirs.hidden_states[-1][inside])
    assert_equal(network(batch), theirs.logits[inside])


@torch.no_grad()
def test_selected_positions_get_the_logits_they_get_among_all(network: Network) -> None:
    batch = pack(sequences((40, 60), masked=True))
    selected = torch.tensor([0, 41, 99])
    assert_equal(network(batch, selected), network(batch)[selected])


@pytest.mark.parametrize("lengths", [(50, 50), (33, 70)])
def test_gradients_equal_transformers(config: EncoderConfig, lengths: tuple[int, ...]) -> None:
    network = lively(new_network(replace(config, token_dropout=True), MASKED_LM, 1)).train()
    peer = peer_of(network).train()
    batch = pack(sequences(lengths, masked=True))
    ids, inside = padded(batch)
    weights = torch.randn(len(batch.tokens), config.vocab_size, generator=torch.Generator().manual_seed(3))
    (network(batch) * weights).sum().backward()
    (peer(ids, attention_mask=inside.long()).logits[inside] * weights).sum().backward()
    theirs = dict(peer.named_parameters())
    for name, parameter in network.named_parameters():
        if "contact_head" in name:
            assert parameter.grad is None
            continue
        expected = theirs[name].grad
        scale = float(expected.abs().max())
        assert float((parameter.grad - expected).abs().max()) <= 2e-5 * max(1.0, scale), name


@torch.no_grad()
def test_a_sequence_does_not_depend_on_its_company(network: Network) -> None:
    """Order, neighbours and lengths around it move a hidden state by rounding alone (1e-5)."""
    rows = sequences((70, 12, 70, 64, 5, 130), masked=True)
    alone = [network.encoder(pack([row])) for row in rows]
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(rows))[: 6 - seed]
        batch = pack([rows[number] for number in order])
        for number, hidden in zip(order, rows_of(batch, network.encoder(batch)), strict=True):
            assert_equal(hidden, alone[number])


@torch.no_grad()
def test_generic_layers_equal_those_of_the_cpu(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path that other devices take, run here."""
    batch = pack(sequences((40, 80, 33)))
    quick = network(batch)
    monkeypatch.setattr("ribolm.models.linear._ONEDNN", False)
    assert_equal(network(batch), quick)


def test_training_goes_on_after_inference(network: Network) -> None:
    batch = pack(sequences((40, 40)))
    with torch.inference_mode():
        before = network(batch).clone()
    network.train()(batch).sum().backward()
    assert_equal(network.eval()(batch).detach(), before.clone())
    assert network.encoder.embeddings.word_embeddings.weight.grad is not None


@torch.no_grad()
def test_frequencies_loaded_later_count(network: Network) -> None:
    batch = pack(sequences((40, 40)))
    before = network(batch)
    state = network.state_dict()
    state["esm.rotary_embeddings.inv_freq"] = 2 * state["esm.rotary_embeddings.inv_freq"]
    network.load_state_dict(state)
    assert not torch.allclose(network(batch), before, atol=1e-3)


def test_padding_learns_nothing(network: Network) -> None:
    network.encoder(pack([np.array([0, 1, 4, 2])])).sum().backward()
    gradient = network.encoder.embeddings.word_embeddings.weight.grad
    assert gradient is not None
    assert float(gradient[1].abs().max()) == 0.0


@torch.no_grad()
def test_dropout_acts_in_training_only(config: EncoderConfig) -> None:
    network = new_network(replace(config, hidden_dropout_prob=0.5, attention_probs_dropout_prob=0.5), MASKED_LM, 1)
    batch = pack(sequences((30, 40)))
    assert not torch.equal(network.train()(batch), network(batch))
    assert torch.equal(network.eval()(batch), network(batch))


@torch.no_grad()
def test_half_precision_stays_close(network: Network) -> None:
    batch = pack(sequences((64, 40)))
    exact = network(batch)
    with torch.autocast("cpu", torch.bfloat16):
        half = network(batch)
    assert half.dtype == torch.float32
    assert 0 < float((half - exact).abs().max()) < 0.1 * float(exact.abs().max())


def test_embeddings_may_be_given(network: Network) -> None:
    """Gradients with respect to the input start here."""
    batch = pack(sequences((30, 40)))
    embedded = network.encoder.embeddings(batch).detach().requires_grad_()
    hidden = network.encoder(batch, embedded=embedded)
    hidden.sum().backward()
    assert embedded.grad is not None
    assert_equal(hidden.detach(), network.encoder(batch).detach())


def test_weights_are_a_function_of_the_seed(config: EncoderConfig) -> None:
    torch.manual_seed(1)
    first = new_network(config, MASKED_LM, 7).state_dict()
    torch.manual_seed(2)
    again, other = new_network(config, MASKED_LM, 7).state_dict(), new_network(config, MASKED_LM, 8).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["lm_head.dense.weight"], other["lm_head.dense.weight"])
    matrix = first["esm.encoder.layer.0.intermediate.dense.weight"]
    assert abs(float(matrix.std()) - config.initializer_range) < 0.1 * config.initializer_range
    assert float(first["esm.embeddings.word_embeddings.weight"][1].abs().max()) == 0.0


@pytest.mark.parametrize("lengths", [(3, 0), (3,)])
def test_lengths_that_do_not_fit_are_refused(lengths: tuple[int, ...]) -> None:
    from ribolm.models.ragged import ragged

    with pytest.raises(ValueError, match="add up to"):
        ragged(torch.arange(4), lengths)


def test_a_batch_moves_to_a_device() -> None:
    batch = pack([[0, 4, 2], [0, 2]]).to("cpu")
    assert isinstance(batch, Ragged)
    assert (batch.tokens.tolist(), batch.cu_seqlens.tolist(), batch.lengths) == ([0, 4, 2, 0, 2], [0, 3, 5], (3, 2))
    assert batch.cu_seqlens.dtype == torch.int32


@torch.no_grad()
def test_a_new_head_keeps_the_encoder(network: Network, headed: Callable[[HeadSpec], Network]) -> None:
    other = network.with_new_head(HeadSpec("token", 2), seed=3).eval()
    batch = pack(sequences((20, 30)))
    assert torch.equal(other.encoder(batch), network.encoder(batch))
    assert other(batch).shape == (50, 2)
