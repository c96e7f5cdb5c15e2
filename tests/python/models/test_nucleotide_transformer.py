"""Nucleotide Transformer: the first version equals transformers' ESM classes, the second the published code."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ribolm.errors import DataError
from ribolm.models.attention_maps import attention_maps
from ribolm.models.backbones import FAMILIES, family_of, read_config
from ribolm.models.heads import HeadSpec
from ribolm.models.network import MASKED_LM, Network, new_network
from ribolm.models.nucleotide_transformer import NucleotideTransformerConfig
from ribolm.models.ragged import pack, rows_of

from .conftest import lively, padded
from .ports import assert_close, network_of, reference, shuffled

# config.json of 500m-human-ref and of v2-500m-multi-species, the fields that matter
V1 = {
    "model_type": "esm", "position_embedding_type": "absolute", "tie_word_embeddings": False, "token_dropout": True,
    "emb_layer_norm_before": False, "is_folding_model": False, "layer_norm_eps": 1e-12, "mask_token_id": 2,
    "pad_token_id": 1, "vocab_size": 4105, "max_position_embeddings": 1002, "hidden_size": 1280,
    "num_hidden_layers": 24, "num_attention_heads": 20, "intermediate_size": 5120,
}  # fmt: skip
V2 = {
    "add_bias_fnn": False, "position_embedding_type": "rotary", "tie_word_embeddings": False, "token_dropout": False,
    "emb_layer_norm_before": False, "is_folding_model": False, "layer_norm_eps": 1e-12, "mask_token_id": 2,
    "pad_token_id": 1, "vocab_size": 4107, "max_position_embeddings": 2050, "hidden_size": 1024,
    "num_hidden_layers": 29, "num_attention_heads": 16, "intermediate_size": 4096,
}  # fmt: skip
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 24}
TINY = {**V1, **SMALL, "max_position_embeddings": 40}
TINY_V2 = {**V2, **SMALL}
LAYOUTS = [(9, 9, 9), (3, 9, 38, 31), (30,)]


@pytest.fixture
def first() -> Network:
    return lively(new_network(read_config({**TINY, "initializer_range": 0.3}), MASKED_LM, seed=1))


@pytest.fixture(params=["first", "second"])
def either(request: pytest.FixtureRequest) -> Network:
    return network_of(TINY if request.param == "first" else TINY_V2, seed=3)


def rows(lengths: tuple[int, ...], masked: bool = False) -> list[np.ndarray]:
    stream = np.random.default_rng(0)
    found = [np.r_[3, stream.integers(4, 24, length - 1)] for length in lengths]
    for row in found if masked else ():
        row[1:][stream.random(len(row) - 1) < 1 / 4] = 2
    return found


def peer_of(network: Network) -> Any:
    transformers = pytest.importorskip("transformers")
    config = transformers.EsmConfig(**network.config.to_dict(), attn_implementation="eager")
    peer = transformers.EsmForMaskedLM(config)
    peer.load_state_dict(network.state_dict(), strict=True)
    return peer.eval()


@pytest.mark.parametrize("lengths", LAYOUTS)
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@torch.no_grad()
def test_the_first_version_equals_transformers(first: Network, lengths: tuple[int, ...], masked: bool) -> None:
    batch = pack(rows(lengths, masked))
    ids, inside = padded(batch)
    theirs = peer_of(first)(ids, attention_mask=inside.long(), output_hidden_states=True, output_attentions=True)
    assert_close(first.encoder(batch), theirs.hidden_states[-1][inside])
    assert_close(first(batch), theirs.logits[inside])
    for number, ours in enumerate(attention_maps(first, batch)):
        length = batch.lengths[number]
        assert_close(ours, theirs.attentions[-1][number, :, :length, :length])


@torch.no_grad()
def test_the_second_version_equals_the_published_code() -> None:
    known = reference("nucleotide_transformer_v2")
    network = network_of(known.config, known.seed)
    assert_close(network.encoder(known.batch), known.outputs["hidden"])
    assert_close(network(known.batch), known.outputs["logits"])
    assert_close(attention_maps(network, known.batch)[1], known.outputs["attention"])


def test_the_second_version_has_the_published_names() -> None:
    known = reference("nucleotide_transformer_v2")
    state = dict.fromkeys(known.keys, torch.zeros(1))
    network = Network(read_config(known.config), MASKED_LM)
    found, fates = family_of(network.config).rename(state, network.config)
    assert set(found) == set(network.state_dict())
    positions, second = sorted(fates.left_out)  # the frequencies of one layer are those of the other
    assert positions == "esm.embeddings.position_embeddings.weight" and second.endswith("rotary_embeddings.inv_freq")
    assert fates.added == []


@torch.no_grad()
def test_the_half_of_the_gate_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    known = reference("nucleotide_transformer_v2")
    monkeypatch.setattr("ribolm.models.encoder.NUCLEOTIDE_TRANSFORMER_GATE", 1)
    network = network_of(known.config, known.seed)
    assert float((network(known.batch) - known.outputs["logits"]).abs().max()) > 0.1


@pytest.mark.parametrize(
    ("content", "parameters"),
    [
        (V1, 485_699_306),
        (V2, 496_246_236),
    ],
    ids=["500m-human-ref", "v2-500m-multi-species"],
)
def test_published_sizes_have_the_published_number_of_weights(content: dict[str, Any], parameters: int) -> None:
    with torch.device("meta"):
        network = Network(read_config(content), MASKED_LM)
    assert network.n_parameters() == parameters


@torch.no_grad()
def test_order_batch_and_padding_move_nothing(either: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = pack(rows((12, 12, 5, 38, 20), masked=True))
    expected = rows_of(batch, either(batch))
    for order in ([3, 0, 4, 1, 2], [2], [1, 1], [4, 3]):
        other = shuffled(batch, order)
        for number, logits in zip(order, rows_of(other, either(other)), strict=True):
            assert_close(logits, expected[number])
    monkeypatch.setattr("ribolm.models.attention.SHORT_TOKENS", 10_000)  # pads inside attention
    assert_close(either(batch), torch.cat(expected))


def test_a_sequence_longer_than_the_table_of_positions_is_refused(first: Network) -> None:
    first(pack(rows((38,))))
    assert first.config.max_tokens == 38
    with pytest.raises(DataError, match="a sequence of 39 tokens is longer than the 38 that the model has places for"):
        first(pack(rows((9, 39))))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"position_embedding_type": "relative_key", "add_bias_fnn": True}, "has absolute or rotary"),
        ({"emb_layer_norm_before": True}, "emb_layer_norm_before is True"),
        ({"hidden_size": None}, "lacks hidden_size"),
        ({"hidden_size": 17}, "hidden_size 17 is not an even multiple"),
    ],
)
def test_configurations_that_do_not_fit_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_config({**TINY, **changes})


@pytest.mark.parametrize("content", [TINY, TINY_V2], ids=["first", "second"])
def test_a_configuration_survives_its_file(content: dict[str, Any]) -> None:
    config = read_config(content)
    assert isinstance(config, NucleotideTransformerConfig)
    assert read_config(json.loads(json.dumps(config.to_dict()))) == config


def test_only_the_first_version_is_named_esm() -> None:
    """transformers reads model_type esm without a gate."""
    assert read_config(TINY).to_dict()["model_type"] == "esm"
    assert read_config(TINY_V2).to_dict()["model_type"] == "nucleotide_transformer_v2"


def test_esm2_stays_esm2() -> None:
    content = {**TINY, "position_embedding_type": "rotary", "tie_word_embeddings": True}
    assert family_of(read_config(content)).name == "ESM-2"


def test_what_no_published_weights_have_proved_says_so() -> None:
    told = {family.name: family.parity for family in FAMILIES}
    for name in ("Nucleotide Transformer", "DNABERT-2", "HyenaDNA"):
        assert "unverified against published weights" in told[name]


def test_a_tied_decoder_is_the_embedding_matrix() -> None:
    network = Network(read_config({**TINY, "tie_word_embeddings": True}), MASKED_LM)
    assert "lm_head.decoder.weight" not in network.state_dict()


def test_every_weight_takes_part_in_training(either: Network) -> None:
    network = either.train()
    network(pack(rows((12, 9), masked=True))).sum().backward()
    missing = [name for name, weight in network.named_parameters() if weight.requires_grad and weight.grad is None]
    assert missing == []


def test_embeddings_may_be_given(either: Network) -> None:
    """Gradients with respect to the input start here."""
    batch = pack(rows((12, 9)))
    embedded = either.encoder.embed(batch).detach().requires_grad_()
    hidden: Tensor = either.encoder(batch, embedded=embedded)
    hidden.sum().backward()
    assert embedded.grad is not None
    assert_close(hidden.detach(), either.encoder(batch).detach())


def test_a_sequence_is_pooled_without_its_cls(either: Network) -> None:
    network = new_network(either.config, HeadSpec("sequence", 2, "mean"), seed=2).eval()
    assert network.head is not None
    assert network.head.special_ids == (3, None)
    assert network(pack(rows((12, 9)))).shape == (2, 2)
