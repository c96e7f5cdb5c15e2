import pytest
import torch

from ribolm.errors import UsageError
from ribolm.models.heads import HeadSpec
from ribolm.models.network import MASKED_LM, Network, new_network
from ribolm.models.presets import preset_config
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.run.parameters import count_parameters, depth_of, freeze, parameter_groups


@pytest.fixture
def network() -> Network:
    return new_network(preset_config("tiny", make_tokenizer("nucleotide")), HeadSpec("token"), seed=1)


def test_depth_counts_from_the_embeddings_to_the_head(network) -> None:
    depths = {name: depth_of(name, 2) for name, _ in network.named_parameters()}
    assert depths["esm.embeddings.word_embeddings.weight"] == 0
    assert depths["esm.encoder.layer.0.attention.self.query.weight"] == 1
    assert depths["esm.encoder.layer.1.output.dense.bias"] == 2
    assert depths["esm.encoder.emb_layer_norm_after.weight"] == depths["classifier.weight"] == 3


def test_every_trained_weight_is_in_one_group_with_its_rate_and_decay(network) -> None:
    groups = parameter_groups(network, 2, weight_decay=0.1, layer_decay=0.5)
    found = {n: (g["weight_decay"], g["scale"]) for g in groups for n in g["names"]}
    assert sum(len(group["names"]) for group in groups) == len(found)
    assert set(found) == {name for name, p in network.named_parameters() if p.requires_grad}
    assert found["classifier.weight"] == (0.1, 1.0)
    assert found["classifier.bias"] == (0.0, 1.0)
    assert found["esm.encoder.layer.1.LayerNorm.weight"] == (0.0, 0.5)
    assert found["esm.encoder.layer.0.intermediate.dense.weight"] == (0.1, 0.25)
    assert found["esm.embeddings.word_embeddings.weight"] == (0.1, 0.125)


def test_one_rate_needs_two_groups(network) -> None:
    groups = parameter_groups(network, 2, weight_decay=0.1)
    assert [(group["weight_decay"], group["scale"]) for group in groups] == [(0.0, 1.0), (0.1, 1.0)]
    assert all(parameter.ndim < 2 for parameter in groups[0]["params"])


def test_frozen_layers_do_not_move_and_are_in_no_group(network) -> None:
    freeze(network, 2, 1)
    names = {name for group in parameter_groups(network, 2, 0.1) for name in group["names"]}
    assert not any("embeddings" in name or "layer.0." in name for name in names)
    assert any("layer.1." in name for name in names) and "classifier.weight" in names
    trained, total = count_parameters(network)
    assert trained == sum(p.numel() for g in parameter_groups(network, 2, 0.1) for p in g["params"]) < total


def test_with_all_layers_frozen_only_the_head_learns(network) -> None:
    freeze(network, 2, 2)
    (biases, weights) = parameter_groups(network, 2, 0.1, layer_decay=0.9)
    assert biases["names"] + weights["names"] == ["classifier.bias", "classifier.weight"]


def test_adapters_in_frozen_layers_go_on_learning(network) -> None:
    layer = network.esm.encoder.layer[0].attention.self
    layer.lora_down = torch.nn.Linear(4, 4)
    freeze(network, 2, 2)
    assert layer.lora_down.weight.requires_grad and not layer.query.weight.requires_grad


def test_tied_weights_are_counted_and_trained_once() -> None:
    network = new_network(preset_config("tiny", make_tokenizer("nucleotide")), MASKED_LM, seed=1)
    assert count_parameters(network)[1] == network.n_parameters()
    parameters = [id(p) for group in parameter_groups(network, 2, 0.1, 0.9) for p in group["params"]]
    assert len(parameters) == len(set(parameters))


@pytest.mark.parametrize("layers", [-1, 3])
def test_layers_that_do_not_exist_cannot_be_frozen(network, layers) -> None:
    with pytest.raises(UsageError, match="layers 1 to 2"):
        freeze(network, 2, layers)


def test_nothing_left_to_train_is_refused(network) -> None:
    network.requires_grad_(False)
    with pytest.raises(UsageError, match="nothing is left to train"):
        parameter_groups(network, 2, 0.1)
    with pytest.raises(UsageError, match="above 0"):
        parameter_groups(network, 2, 0.1, layer_decay=0.0)
