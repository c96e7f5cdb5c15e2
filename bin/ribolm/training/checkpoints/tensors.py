"""Tensors of a module to a safetensors file and back, exactly."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ribolm.errors import DataError


def unique_state(module: torch.nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name; a tensor that has two names (tied weights) appears under its first."""
    seen: set[int] = set()
    state = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            state[name] = tensor.detach()
    return state


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors and bring them to the disk. Raises OSError when the disk refuses."""
    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, str(path))
    except SafetensorError as error:
        raise OSError(0, str(error), str(path)) from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors to the CPU. Raises DataError when the file is damaged."""
    try:
        return load_file(str(path))
    except (SafetensorError, OSError) as error:
        raise DataError(f"{path}: cannot be read ({error}). Delete this checkpoint.") from error


@torch.no_grad()
def restore(module: torch.nn.Module, tensors: dict[str, Tensor], source: Path | str) -> None:
    """Copy tensors into a module in place. Raises DataError naming every key or shape that does not fit."""
    state = unique_state(module)
    missing, extra = sorted(state.keys() - tensors.keys()), sorted(tensors.keys() - state.keys())
    shapes = [name for name in state.keys() & tensors.keys() if state[name].shape != tensors[name].shape]
    if missing or extra or shapes:
        raise DataError(
            f"{source}: the weights do not fit the network (missing {missing[:3]}, unknown {extra[:3]}, other shape "
            f"{sorted(shapes)[:3]}). Use the checkpoint folder of this configuration."
        )
    for name, tensor in tensors.items():
        state[name].copy_(tensor)
