"""Token dropout is set for a use, whatever a model was trained with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ribolm.models.configuration import EncoderConfig
from ribolm.models.network import Network, new_network
from ribolm.models.presets import preset_config
from ribolm.models.ragged import pack
from ribolm.models.token_dropout import trained_with_token_dropout, use_token_dropout
from ribolm.sequences.tokenizers import make_tokenizer


def tiny(token_dropout: bool) -> Network:
    config = preset_config("tiny", make_tokenizer("esm"))
    assert isinstance(config, EncoderConfig)
    return new_network(replace(config, token_dropout=token_dropout), None, seed=1).eval()


def states(network: Network) -> torch.Tensor:
    with torch.inference_mode():
        return network(pack([np.array([0, 15, 32, 17, 19, 13, 2])]))


def test_a_model_trained_with_it_answers_as_one_without_when_it_is_off() -> None:
    network = tiny(True)
    as_trained = states(network)
    assert use_token_dropout(network, False) is False
    assert torch.equal(states(network), states(tiny(False)))
    assert not torch.equal(states(network), as_trained)
    assert use_token_dropout(network, True) is True
    assert torch.equal(states(network), as_trained)
    assert trained_with_token_dropout(network) is True


def test_a_backbone_without_the_rule_says_so() -> None:
    tokenizer = make_tokenizer("hyena")
    network = new_network(preset_config("hyena-tiny", tokenizer), None, seed=1)
    assert use_token_dropout(network, False) is None
    assert trained_with_token_dropout(network) is None
