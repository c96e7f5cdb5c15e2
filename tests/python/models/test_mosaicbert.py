"""DNABERT-2's MosaicBERT equals the published code, however a batch is laid out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from ribolm.errors import DataError
from ribolm.models.alibi import alibi_bias, alibi_slopes
from ribolm.models.attention import choose_backend
from ribolm.models.attention_maps import attention_maps
from ribolm.models.backbones import family_of, read_config
from ribolm.models.dnabert2 import rename
from ribolm.models.heads import HeadSpec
from ribolm.models.lora import add_lora, merge_lora
from ribolm.models.mosaicbert_config import MosaicBertConfig
from ribolm.models.network import MASKED_LM, Network, new_network
from ribolm.models.ragged import pack, rows_of

from .drawn import drawn_state
from .ports import assert_close, network_of, reference, shuffled

# config.json of DNABERT-2-117M
PUBLISHED = {
    "alibi_starting_size": 512, "attention_probs_dropout_prob": 0.0, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
    "auto_map": {"AutoModel": "bert_layers.BertModel"}, "hidden_size": 768, "initializer_range": 0.02,
    "intermediate_size": 3072, "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "num_attention_heads": 12,
    "num_hidden_layers": 12, "position_embedding_type": "absolute", "type_vocab_size": 2, "vocab_size": 4096,
}  # fmt: skip


@pytest.fixture
def network() -> Network:
    known = reference("mosaicbert")
    return network_of(known.config, known.seed)


def rows(lengths: tuple[int, ...]) -> list[np.ndarray]:
    stream = np.random.default_rng(0)
    return [np.r_[1, stream.integers(4, 22, length - 2), 2] for length in lengths]


@torch.no_grad()
def test_outputs_equal_the_published_code(network: Network) -> None:
    known = reference("mosaicbert")
    assert_close(network.encoder(known.batch), known.outputs["hidden"])
    assert_close(network(known.batch), known.outputs["logits"])
    assert_close(attention_maps(network, known.batch)[1], known.outputs["attention"])


@torch.no_grad()
def test_the_published_classifier_is_read_too() -> None:
    """Pooler, tanh and linear layer over [CLS] become our classifier."""
    known = reference("mosaicbert")
    config = read_config(known.config)
    network = Network(config, HeadSpec("sequence", 3, "cls"))
    ours = {name: value.shape for name, value in network.state_dict().items()}
    theirs = {name: ours[name] for name in known.keys & set(ours)}
    theirs |= {f"bert.pooler.dense.{part}": ours[f"classifier.dense.{part}"] for part in ("weight", "bias")}
    theirs |= {f"classifier.{part}": ours[f"classifier.out_proj.{part}"] for part in ("weight", "bias")}
    state, fates = rename(drawn_state(theirs, known.seed), config)
    network.load_state_dict(state, strict=True)
    assert len(fates.renamed) == 4
    assert_close(network.eval()(known.batch), known.outputs["class_logits"])


def test_names_are_the_published_ones() -> None:
    known = reference("mosaicbert")
    network = Network(read_config(known.config), MASKED_LM)
    embeddings = torch.zeros(22, 24)
    state = dict.fromkeys(known.keys, torch.zeros(1)) | {
        "bert.embeddings.word_embeddings.weight": embeddings,
        "cls.predictions.decoder.weight": embeddings,
    }
    pretrained = {name: value for name, value in state.items() if not name.startswith(("classifier.", "bert.pooler."))}
    found, fates = rename(pretrained, network.config)
    assert set(found) == set(network.state_dict())
    assert fates.left_out == ["cls.predictions.decoder.weight"]
    bare = {name.removeprefix("bert."): value for name, value in pretrained.items() if name.startswith("bert.")}
    found, fates = rename({**bare, "pooler.dense.weight": torch.zeros(1)}, network.config)
    assert set(found) == {name for name in network.state_dict() if name.startswith("bert.")}
    assert fates.left_out == ["pooler.dense.weight"]


def test_an_untied_decoder_is_refused() -> None:
    state = {
        "bert.embeddings.word_embeddings.weight": torch.zeros(4, 2),
        "cls.predictions.decoder.weight": torch.ones(4, 2),
    }
    with pytest.raises(DataError, match="is not the embedding matrix"):
        rename(state, MosaicBertConfig(vocab_size=22))


@torch.no_grad()
def test_the_half_of_the_gate_matters(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    known = reference("mosaicbert")
    monkeypatch.setattr("ribolm.models.mosaicbert.MOSAICBERT_GATE", 1)
    assert float((network(known.batch) - known.outputs["logits"]).abs().max()) > 0.1


def test_the_published_size_has_the_published_number_of_weights() -> None:
    with torch.device("meta"):
        network = Network(read_config(PUBLISHED), MASKED_LM)
    assert network.n_parameters() == 117_074_176


@torch.no_grad()
def test_order_batch_and_padding_move_nothing(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = pack(rows((12, 12, 5, 90, 20)))
    expected = rows_of(batch, network(batch))
    for order in ([3, 0, 4, 1, 2], [2], [1, 1], [4, 3]):
        other = shuffled(batch, order)
        for number, logits in zip(order, rows_of(other, network(other)), strict=True):
            assert_close(logits, expected[number])
    for short_tokens in (0, 10_000):  # groups of one length; padding inside attention
        monkeypatch.setattr("ribolm.models.attention.SHORT_TOKENS", short_tokens)
        assert_close(network(batch), torch.cat(expected))
    network.encoder.attention_backend = "eager"
    assert_close(network(batch), torch.cat(expected))


@torch.no_grad()
def test_position_counts_through_the_bias_alone(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = pack([np.array([1, 5, 6, 7, 8, 2])])
    turned = pack([np.array([1, 5, 7, 6, 8, 2])])
    at = torch.tensor([2, 3])
    assert not torch.allclose(network(batch)[at], network(turned)[at.flip(0)], atol=1e-3)
    monkeypatch.setattr(
        "ribolm.models.mosaicbert.alibi_bias", lambda heads, length, _: torch.zeros(heads, length, length)
    )
    assert_close(network(batch)[at], network(turned)[at.flip(0)])


def test_slopes_of_heads() -> None:
    assert alibi_slopes(8) == [2.0**-n for n in range(1, 9)]
    assert alibi_slopes(6) == [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3]
    assert alibi_slopes(1) == [2**-8]
    bias = alibi_bias(8, 4, torch.device("cpu"))
    assert bias[0].tolist()[0] == [0.0, -0.5, -1.0, -1.5]
    assert torch.equal(bias, bias.transpose(1, 2))


def test_a_bias_keeps_the_packed_kernel_away() -> None:
    backend, reason = choose_backend(torch.device("cuda"), torch.bfloat16, 64, 0.0, biased=True)
    assert (backend, reason) == ("sdpa", "the packed kernel adds no bias to the scores")


def test_a_configuration_survives_its_file() -> None:
    config = read_config(PUBLISHED)
    assert (config.pad_token_id, config.mask_token_id, config.bos_token_id, config.eos_token_id) == (3, 4, 1, 2)
    content = json.loads(json.dumps(config.to_dict()))
    assert content["model_type"] == "mosaicbert"  # as bert, transformers would read it without ALiBi
    assert read_config(content) == config
    # saved by transformers, a file names BERT's padding, which is this tokenizer's [UNK]
    assert read_config({**PUBLISHED, "model_type": "bert", "pad_token_id": 0}) == config


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ({"hidden_size": None}, "lacks hidden_size"),
        ({"num_attention_heads": 7}, "no multiple of num_attention_heads 7"),
        ({"vocab_size": 3}, "lies outside the vocabulary of 3"),
    ],
)
def test_configurations_that_do_not_fit_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_config({**PUBLISHED, **changes})


def test_plain_bert_is_refused() -> None:
    with pytest.raises(DataError, match="model_type is 'bert', which is none of"):
        read_config({"model_type": "bert", "hidden_size": 768})


@torch.no_grad()
def test_half_precision_stays_close(network: Network) -> None:
    batch = pack(rows((30, 17)))
    exact = network(batch)
    with torch.autocast("cpu", torch.bfloat16):
        half = network(batch)
    assert half.dtype == torch.float32
    assert 0 < float((half - exact).abs().max()) < 0.1 * float(exact.abs().max())


def test_every_weight_is_set_and_takes_part_in_training() -> None:
    network = new_network(read_config(reference("mosaicbert").config), MASKED_LM, seed=1)
    assert all(torch.isfinite(weight).all() for weight in network.parameters())
    network.train()(pack(rows((12, 9)))).sum().backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


def test_adapters_go_on_the_fused_and_gated_layers(network: Network) -> None:
    batch = pack(rows((12, 9)))
    before = network(batch).detach()
    add_lora(network, rank=2, seed=1)
    adapted = {name.rsplit(".", 1)[-1] for name, module in network.named_modules() if hasattr(module, "lora_A")}
    assert adapted == {"Wqkv", "dense", "gated_layers", "wo"}
    assert_close(network(batch).detach(), before)
    assert_close(merge_lora(network)(batch).detach(), before)
    assert family_of(network.config).name == "DNABERT-2"


def test_embeddings_may_be_given(network: Network) -> None:
    """Gradients with respect to the input start here."""
    batch = pack(rows((12, 9)))
    embedded = network.encoder.embed(batch).detach().requires_grad_()
    hidden = network.encoder(batch, embedded=embedded)
    hidden.sum().backward()
    assert embedded.grad is not None
    assert_close(hidden.detach(), network.encoder(batch).detach())
