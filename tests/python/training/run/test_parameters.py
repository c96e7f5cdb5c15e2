import re
from dataclasses import replace

import pytest
import torch

from ribolm.errors import UsageError
from ribolm.models.backbones import FAMILIES, family_of
from ribolm.models.heads import HeadSpec
from ribolm.models.mosaicbert_config import MosaicBertConfig
from ribolm.models.network import MASKED_LM, Network, new_network
from ribolm.models.nucleotide_transformer import NucleotideTransformerConfig
from ribolm.models.presets import preset_config
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.run.parameters import count_parameters, freeze, parameter_groups


@pytest.fixture
def network() -> Network:
    return new_network(preset_config("tiny", make_tokenizer("nucleotide")), HeadSpec("token"), seed=1)


TOKENIZER = make_tokenizer("nucleotide")
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
# A network of each family: its configuration, and what weights below and above the layers are called
FAMILY_OF_NAMES = {
    "ESM-2": (preset_config("tiny", TOKENIZER), r"embeddings", r"emb_layer_norm_after|contact_head"),
    "DNABERT-2": (MosaicBertConfig(vocab_size=10, **SHAPE), r"embeddings", r"none"),
    "Nucleotide Transformer": (
        NucleotideTransformerConfig(vocab_size=10, position_embedding_type="rotary", **SHAPE),
        r"embeddings",
        r"emb_layer_norm_after|contact_head",
    ),
    "HyenaDNA": (preset_config("hyena-tiny", make_tokenizer("hyena")), r"embeddings", r"ln_f"),
    "ribolm's convolution": (
        preset_config("convolution-50", TOKENIZER), r"^convolution.motifs", r"^convolution.norm",
    ),
    "its towers": (
        replace(preset_config("convolution-101", TOKENIZER), towers=2),
        r"^convolution.towers.[01].motifs",
        r"^convolution.towers.[01].norm",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAMILY_OF_NAMES)
def test_depth_counts_from_the_embeddings_to_the_head(name: str) -> None:
    config, below, above = FAMILY_OF_NAMES[name]
    network, family = new_network(config, HeadSpec("sequence"), seed=1), family_of(config)
    n_layers, found = config.n_layers, set()
    for weight, _ in network.named_parameters():
        in_layer = re.search(r"layers?\.(\d+)\.", weight)
        of_head = not weight.startswith(f"{family.prefix}.") or re.search(above, weight)
        expected = int(in_layer[1]) + 1 if in_layer else n_layers + 1 if of_head else 0
        assert (family.depth(weight, n_layers) == 0) == bool(re.search(below, weight)), weight
        assert family.depth(weight, n_layers) == expected, weight
        found.add(expected)
    assert found == set(range(n_layers + 2))


def test_every_family_has_its_depths_tested() -> None:
    assert {family.name for family in FAMILIES} <= FAMILY_OF_NAMES.keys()


@pytest.mark.parametrize("name", FAMILY_OF_NAMES)
def test_with_all_layers_frozen_nothing_of_any_backbone_learns(name: str) -> None:
    config = FAMILY_OF_NAMES[name][0]
    network = new_network(config, HeadSpec("sequence"), seed=1)
    freeze(network, config.n_layers)
    trained = {name for name, weight in network.encoder.named_parameters() if weight.requires_grad}
    assert not {name for name in trained if not name.startswith("contact_head")}
    assert all(weight.requires_grad for weight in network.head.parameters())


def test_every_trained_weight_is_in_one_group_with_its_rate_and_decay(network) -> None:
    groups = parameter_groups(network, weight_decay=0.1, layer_decay=0.5)
    found = {n: (g["weight_decay"], g["scale"]) for g in groups for n in g["names"]}
    assert sum(len(group["names"]) for group in groups) == len(found)
    assert set(found) == {name for name, p in network.named_parameters() if p.requires_grad}
    assert found["classifier.weight"] == (0.1, 1.0)
    assert found["classifier.bias"] == (0.0, 1.0)
    assert found["esm.encoder.layer.1.LayerNorm.weight"] == (0.0, 0.5)
    assert found["esm.encoder.layer.0.intermediate.dense.weight"] == (0.1, 0.25)
    assert found["esm.embeddings.word_embeddings.weight"] == (0.1, 0.125)


def test_one_rate_needs_two_groups(network) -> None:
    groups = parameter_groups(network, weight_decay=0.1)
    assert [(group["weight_decay"], group["scale"]) for group in groups] == [(0.0, 1.0), (0.1, 1.0)]
    assert all(parameter.ndim < 2 for parameter in groups[0]["params"])


def test_frozen_layers_do_not_move_and_are_in_no_group(network) -> None:
    freeze(network, 1)
    names = {name for group in parameter_groups(network, 0.1) for name in group["names"]}
    assert not any("embeddings" in name or "layer.0." in name for name in names)
    assert any("layer.1." in name for name in names) and "classifier.weight" in names
    trained, total = count_parameters(network)
    assert trained == sum(p.numel() for g in parameter_groups(network, 0.1) for p in g["params"]) < total


def test_with_all_layers_frozen_only_the_head_learns(network) -> None:
    freeze(network, 2)
    (biases, weights) = parameter_groups(network, 0.1, layer_decay=0.9)
    assert biases["names"] + weights["names"] == ["classifier.bias", "classifier.weight"]


def test_adapters_in_frozen_layers_go_on_learning(network) -> None:
    layer = network.esm.encoder.layer[0].attention.self
    layer.lora_down = torch.nn.Linear(4, 4)
    freeze(network, 2)
    assert layer.lora_down.weight.requires_grad and not layer.query.weight.requires_grad


def test_tied_weights_are_counted_and_trained_once() -> None:
    network = new_network(preset_config("tiny", make_tokenizer("nucleotide")), MASKED_LM, seed=1)
    assert count_parameters(network)[1] == network.n_parameters()
    parameters = [id(p) for group in parameter_groups(network, 0.1, 0.9) for p in group["params"]]
    assert len(parameters) == len(set(parameters))


@pytest.mark.parametrize("layers", [-1, 3])
def test_layers_that_do_not_exist_cannot_be_frozen(network, layers) -> None:
    with pytest.raises(UsageError, match="layers 1 to 2"):
        freeze(network, layers)


def test_nothing_left_to_train_is_refused(network) -> None:
    network.requires_grad_(False)
    with pytest.raises(UsageError, match="nothing is left to train"):
        parameter_groups(network, 0.1)
    with pytest.raises(UsageError, match="above 0"):
        parameter_groups(network, 0.1, layer_decay=0.0)
