"""The one seam of attention: SDPA on a CPU, packed `varlen_attn` on CUDA, eager where the maps are wanted."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ribolm import console
from ribolm.models.attention_rows import RowReader, attend_by_rows
from ribolm.models.ragged import Ragged
from ribolm.models.rotary import Rotation

Backend = Literal["sdpa", "varlen", "eager"]
# Called with (layer, sequence, probabilities [heads, L, L]); one map at a time, so that none is kept unless wanted.
OnMap = Callable[[int, int, Tensor], None]
OnAttention = OnMap | RowReader
SHORT_TOKENS = 64  # mean tokens per group of one length below which padding costs less than another call
_told: set[str] = set()
_telling = Lock()


class Plan(NamedTuple):
    """What every layer needs to know of a batch.

    groups: (sequences, length) of neighbours of one length; rotation: None where positions are not rotary; bias: added
    to the scores of a sequence, [heads, longest, longest], of which a shorter one takes the upper left corner.
    """

    backend: Backend
    cu_seqlens: Tensor
    lengths: tuple[int, ...]
    groups: tuple[tuple[int, int], ...]
    rotation: Rotation | None
    dropout: float
    on_attention: OnAttention | None
    bias: Tensor | None = None


class Wanted(NamedTuple):
    """What a backbone wants of attention: backend None chooses one; dropout acts where `training` is true."""

    backend: Backend | None
    head_size: int
    dropout: float
    training: bool
    on_attention: OnAttention | None


def plan_attention(
    batch: Ragged, x: Tensor, wanted: Wanted, rotation: Rotation | None = None, bias: Tensor | None = None
) -> Plan:
    """Choose a backend for hidden states x [T, D] of a batch, tell it once, and lay out what the layers need."""
    dtype = torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else x.dtype
    backend, reason = choose_backend(x.device, dtype, wanted.head_size, wanted.dropout, bias is not None)
    if wanted.backend:
        backend, reason = wanted.backend, "asked for"
    if wanted.on_attention and not isinstance(wanted.on_attention, RowReader):
        backend, reason = "eager", "attention maps are wanted"
    tell_backend(backend, reason)
    groups = neighbours_of_one_length(batch.lengths)
    dropout = wanted.dropout if wanted.training else 0.0
    bias = None if bias is None else bias.to(dtype)
    return Plan(backend, batch.cu_seqlens, batch.lengths, groups, rotation, dropout, wanted.on_attention, bias)


def choose_backend(
    device: torch.device, dtype: torch.dtype, head_size: int, dropout: float, biased: bool = False
) -> tuple[Backend, str]:
    """The backend for packed sequences and the reason for it."""
    if device.type != "cuda":
        return "sdpa", f"{device.type} has no packed kernel"
    if dtype not in (torch.float16, torch.bfloat16):
        return "sdpa", f"the packed kernel takes no {str(dtype).removeprefix('torch.')}"
    if head_size % 8 or head_size > 256:
        return "sdpa", f"the packed kernel takes no heads of {head_size}"
    if dropout > 0:
        return "sdpa", "the packed kernel has no attention dropout"
    if biased:
        return "sdpa", "the packed kernel adds no bias to the scores"
    return "varlen", "packed sequences on CUDA"


def tell_backend(backend: Backend, reason: str) -> None:
    """Print the chosen backend once per process."""
    with _telling:
        if backend not in _told:
            _told.add(backend)
            console.choice("attention", backend, reason)


def neighbours_of_one_length(lengths: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Runs of neighbouring sequences of one length as (number of sequences, length)."""
    groups: list[tuple[int, int]] = []
    for length in lengths:
        if groups and groups[-1][1] == length:
            groups[-1] = (groups[-1][0] + 1, length)
        else:
            groups.append((1, length))
    return tuple(groups)


def attend(qkv: Tensor, plan: Plan, layer: int) -> Tensor:
    """Softmax attention within each sequence.

    qkv [T, 3, heads, head_size], already rotated; returns [T, heads · head_size]. Scores are scaled by head_size^-1/2.
    """
    if isinstance(plan.on_attention, RowReader):
        if plan.on_attention.reads(layer):
            return _read_rows(qkv, plan, plan.on_attention, layer)
    elif plan.backend == "eager" or plan.on_attention:
        return _eager(qkv, plan, layer, plan.on_attention)
    if plan.backend == "varlen":
        return _varlen(qkv, plan)
    if len(plan.groups) > 1 and (qkv.is_cuda or len(qkv) < SHORT_TOKENS * len(plan.groups)):
        return _padded(qkv, plan)
    if len(plan.groups) == 1:
        return _equal_lengths(qkv, plan.groups[0], plan)
    pieces = qkv.split_with_sizes([number * length for number, length in plan.groups])
    return torch.cat([_equal_lengths(piece, group, plan) for piece, group in zip(pieces, plan.groups, strict=True)])


def _bias(plan: Plan, length: int, dtype: torch.dtype) -> Tensor | None:
    """The bias of a sequence's scores [heads, L, L]; in the type of queries and keys, which it mostly has already."""
    return None if plan.bias is None else plan.bias[:, :length, :length].to(dtype)


def _equal_lengths(qkv: Tensor, group: tuple[int, int], plan: Plan) -> Tensor:
    """Sequences of one length: a reshape, no padding."""
    number, length = group
    query, key, value = qkv.view(number, length, *qkv.shape[1:]).permute(2, 0, 3, 1, 4).unbind(0)
    bias = _bias(plan, length, qkv.dtype)
    mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=plan.dropout)
    return mixed.transpose(1, 2).reshape(number * length, -1)


def _padded(qkv: Tensor, plan: Plan) -> Tensor:
    """Sequences of different length: padded here and nowhere else, with a mask over the keys."""
    lengths = plan.cu_seqlens.diff()
    longest = max(plan.lengths)
    inside = torch.arange(longest, device=qkv.device) < lengths[:, None]
    padded = qkv.new_zeros(len(plan.lengths), longest, *qkv.shape[1:])
    padded[inside] = qkv
    query, key, value = padded.permute(2, 0, 3, 1, 4).unbind(0)
    mask, bias = inside[:, None, None, :], _bias(plan, longest, qkv.dtype)
    if bias is not None:
        mask = bias.masked_fill(~mask, -torch.inf)
    mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=plan.dropout)
    return mixed.transpose(1, 2)[inside].flatten(1)


def _varlen(qkv: Tensor, plan: Plan) -> Tensor:
    """Packed sequences on CUDA."""
    from torch.nn.attention.varlen import varlen_attn

    query, key, value = qkv.unbind(1)
    longest = max(plan.lengths)
    mixed = varlen_attn(query, key, value, plan.cu_seqlens, plan.cu_seqlens, longest, longest)
    assert isinstance(mixed, Tensor)
    return mixed.flatten(1)


def _read_rows(qkv: Tensor, plan: Plan, reader: RowReader, layer: int) -> Tensor:
    """Attention whose maps are read by blocks of rows, one sequence at a time."""
    read = [
        attend_by_rows(piece, _bias(plan, len(piece), qkv.dtype), reader, layer, number)
        for number, piece in enumerate(qkv.split_with_sizes(plan.lengths))
    ]
    return torch.cat(read)


def _eager(qkv: Tensor, plan: Plan, layer: int, on_map: OnMap | None) -> Tensor:
    """Attention whose maps are handed on, one sequence at a time."""
    outputs = []
    for number, piece in enumerate(qkv.split_with_sizes(plan.lengths)):
        query, key, value = piece.permute(1, 2, 0, 3).unbind(0)
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(1, 2)
        bias = _bias(plan, len(piece), qkv.dtype)
        probabilities = (scores if bias is None else scores + bias).softmax(-1)
        if on_map:
            on_map(layer, number, probabilities)
        mixed = functional.dropout(probabilities, plan.dropout) @ value
        outputs.append(mixed.transpose(0, 1).flatten(1))
    return torch.cat(outputs)
