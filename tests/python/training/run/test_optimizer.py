import itertools

import pytest
import torch
from torch.optim.adamw import adamw

from ribolm.training.feed.streams import generator, seed_global_generators, stream_key
from ribolm.training.run.optimizer import AdamW
from ribolm.training.run.schedule import Schedule


def parameters(seed: int = 0) -> list[torch.nn.Parameter]:
    chance = torch.Generator().manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(*shape, generator=chance)) for shape in ((40, 7), (33,), (5, 5))]


def gradients(step: int) -> list[torch.Tensor]:
    chance = torch.Generator().manual_seed(100 + step)
    return [torch.randn(*shape, generator=chance) for shape in ((40, 7), (33,), (5, 5))]


def groups(owned: list[torch.nn.Parameter]) -> list[dict]:
    return [
        {"params": [owned[0], owned[2]], "weight_decay": 0.1, "scale": 1.0},
        {"params": [owned[1]], "weight_decay": 0.0, "scale": 0.5},
    ]


@torch.no_grad()
def step_of_torch(parameter: torch.nn.Parameter, state: tuple, rate: float, decay: float) -> None:
    """What torch.optim.AdamW(fused=True) does; the class itself would import torch's compiler."""
    tensors = ([parameter], [parameter.grad], [state[0]], [state[1]], [], [state[2]])
    constants = {"beta1": 0.9, "beta2": 0.98, "eps": 1e-8, "lr": rate, "weight_decay": decay}
    adamw(*tensors, fused=True, foreach=False, amsgrad=False, maximize=False, **constants)


def test_steps_equal_those_of_torch_bit_for_bit() -> None:
    ours, theirs = parameters(), parameters()
    optimizer = AdamW(groups(ours), betas=(0.9, 0.98), eps=1e-8)
    states = [(torch.zeros_like(p), torch.zeros_like(p), torch.zeros(())) for p in theirs]
    for step in range(6):
        for one, other, gradient in zip(ours, theirs, gradients(step), strict=True):
            if step == 2 and gradient.shape == (5, 5):  # a step without this parameter
                one.grad = other.grad = None
                continue
            one.grad, other.grad = gradient.clone(), gradient.clone()
        rate = 0.01 / (step + 1)
        optimizer.step(rate)
        for place, decay, scale in ((0, 0.1, 1.0), (1, 0.0, 0.5), (2, 0.1, 1.0)):
            if theirs[place].grad is not None:
                step_of_torch(theirs[place], states[place], rate * scale, decay)
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_a_saved_state_goes_on_exactly() -> None:
    whole, cut = parameters(), parameters()
    one, other = AdamW(groups(whole)), AdamW(groups(cut))
    for step in range(4):
        if step == 2:
            state = {name: tensor.clone() for name, tensor in other.state_dict().items()}
            other = AdamW(groups(cut))
            other.load_state_dict(state)
        for owned, optimizer in ((whole, one), (cut, other)):
            for parameter, gradient in zip(owned, gradients(step), strict=True):
                parameter.grad = gradient
            optimizer.step(0.01)
    assert all(torch.equal(a, b) for a, b in zip(whole, cut, strict=True))


def test_a_state_of_other_parameters_is_refused() -> None:
    owned = parameters()
    optimizer = AdamW(groups(owned))
    for parameter, gradient in zip(owned, gradients(0), strict=True):
        parameter.grad = gradient
    optimizer.step(0.01)
    state = optimizer.state_dict()
    with pytest.raises(ValueError, match="keys of no parameter"):
        AdamW(groups(owned)[:1]).load_state_dict(state)
    with pytest.raises(ValueError, match="shape"):
        AdamW(groups(owned)[::-1]).load_state_dict(state)


def test_the_rate_rises_to_the_peak_and_falls_to_the_floor() -> None:
    schedule = Schedule(peak=1.0, steps=100, warmup_steps=10, floor=0.1)
    rates = [schedule.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == rates[9] == rates[10] == 1.0
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))
    assert schedule.rate(100) == pytest.approx(0.1) and rates[55] == pytest.approx(0.55)
    assert Schedule(2.0, 5, 0).rate(0) == 2.0


def test_streams_are_functions_of_seed_name_and_counters() -> None:
    draws = {
        generator(*key).random() for key in ((1, "a"), (2, "a"), (1, "b"), (1, "a", 0), (1, "a", 1), (1, "a", 0, 0))
    }
    assert len(draws) == 6
    assert generator(1, "order", 3).random() == generator(1, "order", 3).random()
    assert stream_key(1, "init") == 0xBF16EFBCC9EC6D2085B5CD6574319EBC  # locked: a change would alter every training
    seed_global_generators(1, "step", 5)
    first = torch.rand(3)
    seed_global_generators(1, "step", 5)
    assert torch.equal(first, torch.rand(3))
