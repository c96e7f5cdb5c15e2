"""Presets: ESM-2's numbers of weights, and the sizes that the documentation states."""

from __future__ import annotations

import pytest
import torch

from ribolm.errors import DataError, UsageError
from ribolm.models.configuration import EncoderConfig, config_from_dict
from ribolm.models.network import MASKED_LM, Network
from ribolm.models.presets import PRESETS, preset_config
from ribolm.sequences.tokenizers import Tokenizer, make_tokenizer

ESM2 = {"8m": 7_512_474, "35m": 33_501_394, "150m": 148_140_154, "650m": 651_043_254}


def n_parameters(config: EncoderConfig) -> int:
    with torch.device("meta"):
        return Network(config, MASKED_LM).n_parameters()


@pytest.mark.parametrize("preset", ESM2)
def test_sizes_are_esm2s(preset: str) -> None:
    config = preset_config(preset, make_tokenizer("esm"))
    assert (config.vocab_size, config.mask_token_id, config.token_dropout) == (33, 32, True)
    assert n_parameters(config) == ESM2[preset]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("num_hidden_layers", "2", "num_hidden_layers is '2', not a whole number from 0"),
        ("intermediate_size", 64.0, r"intermediate_size is 64\.0, not a whole number"),
        ("num_attention_heads", -2, "num_attention_heads is -2, not a whole number"),
        ("layer_norm_eps", "1e-5", "layer_norm_eps is '1e-5', not a number from 0"),
        ("token_dropout", "yes", "token_dropout is 'yes', not true or false"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(name: str, value: object, told: str) -> None:
    content = preset_config("tiny", make_tokenizer("esm")).to_dict()
    assert config_from_dict(content) == preset_config("tiny", make_tokenizer("esm"))
    with pytest.raises(DataError, match=f"^c.json: {told}"):
        config_from_dict({**content, name: value}, "c.json")


def test_own_sizes(tokenizer: Tokenizer) -> None:
    assert 1_000_000 < n_parameters(preset_config("small", tokenizer)) < 2_500_000
    base = preset_config("base", tokenizer)
    assert (base.num_hidden_layers, base.hidden_size, base.num_attention_heads, base.intermediate_size) == (
        12,
        768,
        12,
        3072,
    )
    assert base.hidden_dropout_prob == 0.1
    assert all(preset_config(name, tokenizer).head_size % 8 == 0 for name in PRESETS)


def test_unknown_preset_is_named(tokenizer: Tokenizer) -> None:
    with pytest.raises(UsageError, match=r"preset 'huge' is unknown. Use one of tiny, mini, small"):
        preset_config("huge", tokenizer)


def test_configurations_come_back(tokenizer: Tokenizer) -> None:
    for name in PRESETS:
        config = preset_config(name, tokenizer)
        assert config_from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"position_embedding_type": "absolute"}, "position_embedding_type is 'absolute'"),
        ({"is_decoder": True}, "is_decoder is True"),
        ({"emb_layer_norm_before": True}, "emb_layer_norm_before is True"),
        ({"model_type": "bert"}, "model_type is 'bert'"),
        ({"hidden_size": None}, "lacks hidden_size"),
        ({"hidden_size": 30, "num_attention_heads": 4}, "not an even multiple"),
        ({"mask_token_id": 40}, "outside the vocabulary"),
        ({"hidden_size": "wide"}, "hidden_size is 'wide', not a whole number"),
    ],
)
def test_other_architectures_are_refused(tokenizer: Tokenizer, change: dict[str, object], told: str) -> None:
    content = {**preset_config("tiny", tokenizer).to_dict(), **change}
    with pytest.raises(DataError, match=told):
        config_from_dict(content)
