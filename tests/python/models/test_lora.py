"""Adapters: nothing changes before training, the encoder is frozen, a merge gives plain weights back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from ribolm.errors import UsageError
from ribolm.models.heads import HeadSpec
from ribolm.models.lora import add_lora, has_lora, merge_lora
from ribolm.models.network import Network
from ribolm.models.ragged import pack

from .conftest import sequences

pytest.importorskip("peft")
Headed = Callable[[HeadSpec], Network]


def test_adapters_train_and_merge(headed: Headed) -> None:
    network = headed(HeadSpec("token"))
    plain = dict(network.state_dict())
    batch = pack(sequences((40, 70)))
    before = network(batch).detach()
    add_lora(network, rank=2, seed=1)
    assert has_lora(network)
    assert torch.allclose(network(batch), before, atol=1e-5)
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert all("lora_" in name or name.startswith("classifier") for name in trained)
    assert len(trained) == 2 * 2 * 6 + 2
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        network.train()(batch).square().mean().backward()
        optimiser.step()
    after = network.eval()(batch).detach()
    assert not torch.allclose(after, before, atol=1e-3)
    merge_lora(network)
    assert not has_lora(network)
    assert list(network.state_dict()) == list(plain)
    assert torch.allclose(network(batch), after, atol=1e-5)
    assert all(p.requires_grad for name, p in network.named_parameters() if "contact_head" not in name)


def test_adapters_are_a_function_of_the_seed(headed: Headed) -> None:
    states = []
    for number, seed in enumerate((3, 3, 4)):
        torch.manual_seed(number)
        states.append(add_lora(headed(HeadSpec("token")), 2, seed).state_dict())
    name = next(name for name in states[0] if "lora_A" in name)
    assert torch.equal(states[0][name], states[1][name])
    assert not torch.equal(states[0][name], states[2][name])


@pytest.mark.parametrize(("rank", "targets"), [(0, ("query",)), (4, ("decoder",)), (4, ())])
def test_wrong_adapters_are_refused(headed: Headed, rank: int, targets: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="LoRA of rank"):
        add_lora(headed(HeadSpec("token")), rank, 1, targets=targets)
