"""AdamW by torch's fused kernel, without `torch.optim`.

The first step of any `torch.optim` class imports the compiler (2-3 s [measured, torch 2.15]); this class calls the same
kernel and is held equal to `torch.optim.AdamW(fused=True)` bit for bit by a test.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class AdamW:
    """Decoupled weight decay (Loshchilov and Hutter 2019) over groups of parameters.

    A group is a dict: `params` (list of fp32 Parameters), `weight_decay`, `scale` (its rate is the schedule's times
    this; default 1). Parameters without gradients are left out of a step, as in torch.optim.
    """

    def __init__(
        self, groups: Sequence[dict[str, Any]], betas: tuple[float, float] = (0.9, 0.98), eps: float = 1e-8
    ) -> None:
        self.betas, self.eps = betas, eps
        self.groups = [{**group, "params": [p for p in group["params"] if p.requires_grad]} for group in groups]
        self.parameters: list[Tensor] = [p for group in self.groups for p in group["params"]]
        self._moments: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One update of every parameter that has a gradient."""
        trained = [[p for p in group["params"] if p.grad is not None] for group in self.groups]
        states = [[self._state(p) for p in params] for params in trained]  # all memory is asked for before any change
        for group, params, state in zip(self.groups, trained, states, strict=True):
            if not params:
                continue
            first, second, steps = zip(*state, strict=True)
            torch._foreach_add_(list(steps), 1.0)
            torch._fused_adamw_(
                params,
                [p.grad for p in params],
                list(first),
                list(second),
                [],
                list(steps),
                lr=learning_rate * group.get("scale", 1.0),
                beta1=self.betas[0],
                beta2=self.betas[1],
                weight_decay=group["weight_decay"],
                eps=self.eps,
                amsgrad=False,
                maximize=False,
            )

    @property
    def has_stepped(self) -> bool:
        """Whether anything was ever updated, before a restart or since."""
        return bool(self._moments)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def _state(self, parameter: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """First and second moment like the parameter, fp32 count of steps on its device."""
        key = id(parameter)
        if key not in self._moments:
            zeros = torch.zeros_like(parameter, memory_format=torch.preserve_format)
            self._moments[key] = (zeros, zeros.clone(), torch.zeros((), dtype=torch.float32, device=parameter.device))
        return self._moments[key]

    def state_dict(self) -> dict[str, Tensor]:
        """Moments and counts under `<place of the parameter>.<first|second|steps>`; tensors alone, in a fixed order."""
        state = {}
        for place, parameter in enumerate(self.parameters):
            if id(parameter) in self._moments:
                for name, value in zip(("first", "second", "steps"), self._moments[id(parameter)], strict=True):
                    state[f"{place}.{name}"] = value
        return state

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take over a saved state. Raises ValueError when a shape or a key does not fit these parameters."""
        self._moments = {}
        left = set(state)
        for place, parameter in enumerate(self.parameters):
            names = [f"{place}.{name}" for name in ("first", "second", "steps")]
            if names[0] not in left:
                continue
            # copies: tensors mapped from a file may lie where results get other last bits
            first, second, steps = (state[name].to(parameter.device, copy=True) for name in names)
            if first.shape != parameter.shape or second.shape != parameter.shape:
                raise ValueError(f"optimiser state {place}: shape {tuple(first.shape)}, not {tuple(parameter.shape)}")
            self._moments[id(parameter)] = (first, second, steps)
            left -= set(names)
        if left:
            raise ValueError(f"optimiser state has keys of no parameter: {sorted(left)[:5]}")
