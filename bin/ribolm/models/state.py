"""Weight files: safetensors only, read strictly against the names and shapes that a network has."""

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ribolm.errors import DataError
from ribolm.files import require_file

State = dict[str, Tensor]
LISTED = 5  # names of a long list that an error message gives


def write_state(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write weights as safetensors, in fp32 and with the metadata that transformers asks for."""
    from safetensors.torch import save_file

    plain = {name: value.detach().to("cpu", torch.float32).contiguous() for name, value in state.items()}
    save_file(plain, path, metadata={"format": "pt"})


def read_state(path: Path) -> State:
    """Read all weights of a safetensors file as fp32; DataError for a damaged file, other types, NaN or infinity.

    A tensor that several names share may be stored once, its other names in the metadata (as safetensors' `save_model`
    writes); all names are given back.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    require_file(path)
    try:
        stored = load_file(path)
        with safe_open(path, framework="pt") as handle:
            names: dict[str, str] = handle.metadata() or {}
    except (SafetensorError, ValueError) as error:
        raise DataError(f"{path}: is cut short or no safetensors file ({error}). Copy the model again.") from error
    shared = {name: stored[kept] for name, kept in names.items() if name not in stored and kept in stored}
    return finite_state(path, {**stored, **shared})


def finite_state(path: Path, stored: Mapping[str, Tensor]) -> State:
    """Copies in fp32 of the weights that a file holds; DataError for other types, NaN or infinity."""
    state = {}
    for name, value in stored.items():
        if not value.is_floating_point():
            if name.endswith("position_ids"):
                continue
            raise DataError(f"{path}: weight {name} is {value.dtype}, not a floating-point type. Copy the model again.")
        # copied, because MKL's last bits depend on the alignment of its operands, which a file does not give
        state[name] = value.to(torch.float32, copy=True)
        if not math.isfinite(state[name].sum()):  # a sum is finite only where every weight is
            raise DataError(f"{path}: weight {name} holds NaN or infinity. Use the weights of an earlier checkpoint.")
    return state


def check_state(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], source: Path | str) -> None:
    """Raise DataError that names every weight which is missing, unknown or of another shape."""
    problems = [
        _listed("missing", sorted(wanted.keys() - state.keys())),
        _listed("unknown", sorted(state.keys() - wanted.keys())),
        _listed(
            "of another shape",
            [
                f"{name}: {tuple(state[name].shape)} instead of {tuple(wanted[name].shape)}"
                for name in sorted(wanted.keys() & state.keys())
                if state[name].shape != wanted[name].shape
            ],
        ),
    ]
    found = [problem for problem in problems if problem]
    if found:
        raise DataError(f"{source}: weights are {'; '.join(found)}. Use the weights that belong to config.json.")


def _listed(what: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f", and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{what} ({', '.join(names[:LISTED])}{more})"
