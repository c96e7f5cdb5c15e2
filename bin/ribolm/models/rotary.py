"""Rotary positions: queries and keys rotated by angles that grow with the position (Su et al. 2021)."""

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ribolm.models.configuration import EncoderConfig
from ribolm.models.ragged import Ragged, positions_of


class Rotation(NamedTuple):
    """The rotation of the tokens of a batch.

    cosine and sine [T, 1, 1, head_size / 2] fp32; `turns` complex64 [T, hidden_size] on a CPU, None elsewhere:
    e^(i · angle) for every pair of neighbouring features of all queries and keys.
    """

    cosine: Tensor
    sine: Tensor
    turns: Tensor | None


class RotaryEmbeddings(nn.Module):
    """Angles of every position: position · frequency, for head_size / 2 frequencies."""

    inv_freq: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.head_size, self.heads, self.theta = config.head_size, config.num_attention_heads, config.rope_theta
        self.register_buffer("inv_freq", torch.empty(config.head_size // 2))
        self._latest: tuple[tuple[int, ...], Rotation] | None = None
        self.register_load_state_dict_post_hook(_forget)  # type: ignore[no-untyped-call]
        self.reset()

    def reset(self) -> None:
        """Set the frequencies theta^(-2i / head_size); a checkpoint may bring its own, rounded ones."""
        # on the CPU by name: arithmetic on the meta device would import torch's compiler (3 s)
        exponents = torch.arange(0, self.head_size, 2, dtype=torch.float, device="cpu") / self.head_size
        self.inv_freq = 1.0 / (self.theta**exponents)
        self._latest = None

    def forward(self, batch: Ragged) -> Rotation:
        """The rotation of a batch; positions are 0, 1, … in every sequence. That of the latest lengths is kept."""
        latest = self._latest
        if latest and latest[0] == batch.lengths and latest[1].cosine.device == batch.tokens.device:
            return latest[1]
        with torch.inference_mode(False), torch.no_grad():  # so that training may go on with what inference kept
            rotation = self._rotation(batch)
        self._latest = (batch.lengths, rotation)
        return rotation

    def _rotation(self, batch: Ragged) -> Rotation:
        device = batch.tokens.device
        positions = positions_of(batch)
        angles = torch.arange(max(batch.lengths), device=device).float()[:, None] * self.inv_freq.float()
        turns = torch.polar(torch.ones_like(angles), angles).repeat(1, 2 * self.heads) if device.type == "cpu" else None
        of_tokens = angles[positions][:, None, None]
        return Rotation(of_tokens.cos(), of_tokens.sin(), None if turns is None else turns[positions])


def _forget(module: RotaryEmbeddings, _keys: Any) -> None:
    """Drop the kept rotation: the frequencies have been loaded anew."""
    module._latest = None


def rotate(qkv: Tensor, rotation: Rotation) -> Tensor:
    """Rotate queries and keys of qkv [T, 3, heads, head_size], features paired as halves (ESM), in fp32."""
    first, second = qkv[:, :2].float().chunk(2, dim=-1)
    cosine, sine = rotation.cosine, rotation.sine
    turned = torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)
    return torch.cat((turned.to(qkv.dtype), qkv[:, 2:]), dim=1)


def pairs_side_by_side(parameter: Tensor, head_size: int) -> Tensor:
    """Reorder the rows of a query or key matrix [D, n] (or bias [D]) so that the two features of a pair are neighbours.

    Scores do not change when queries and keys are reordered alike, and neighbours rotate as one complex number.
    """
    rows = parameter.view(-1, 2, head_size // 2, *parameter.shape[1:])
    return rows.transpose(1, 2).flatten(0, 2)


def rotate_in_place(qkv: Tensor, turns: Tensor) -> Tensor:
    """Rotate queries and keys of a contiguous fp32 qkv [T, 3 · D] on a CPU, pairs side by side; overwrites qkv."""
    if torch.is_grad_enabled() and qkv.requires_grad:
        return cast(Tensor, _Turn.apply(qkv, turns))
    return _turn(qkv, turns)


def _turn(qkv: Tensor, turns: Tensor) -> Tensor:
    n, width = turns.shape
    torch.view_as_complex(qkv[:, : 2 * width].view(n, width, 2)).mul_(turns)
    return qkv


class _Turn(torch.autograd.Function):
    """The rotation in place; its gradient is the rotation back."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, turns: Tensor) -> Tensor:
        ctx.save_for_backward(turns)
        ctx.mark_dirty(qkv)
        return _turn(qkv, turns)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (turns,) = ctx.saved_tensors
        gradient = gradients[0].clone(memory_format=torch.contiguous_format)
        return _turn(gradient, turns.conj()), None
