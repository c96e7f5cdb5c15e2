"""Weights that were published as pickles, read for conversion only and without running any code of theirs."""

import pickle
import re
import struct
import zipfile
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.files import require_file
from ribolm.models.state import State, finite_state

WRAPPERS = ("state_dict", "model_state_dict", "model")  # under which training frameworks keep the weights
SCRIPT = "__main__"  # the module that classes of a training script are of, in the file that it wrote
# What torch raises for a damaged file
DAMAGED = (
    RuntimeError, EOFError, KeyError, ValueError, TypeError, AttributeError, IndexError, AssertionError, struct.error,
)  # fmt: skip
REFUSED = re.compile(r"GLOBAL (\S+)")
TOLD = "WeightsUnpickler error: "  # what stands before it in torch's messages is advice to trust the file


class Pickle(NamedTuple):
    """What a file holds: the weights, as stored but in fp32, and what lies beside them (nothing by bare ones)."""

    state: State
    beside: Mapping[str, Any]


def read_pickle(path: Path, allow_stubs: bool = False) -> Pickle:
    """Read a `.bin`, `.pt`, `.pth` or `.ckpt` file.

    torch unpickles tensors, plain containers and `argparse.Namespace` (a bag of values, in which fair-esm keeps its
    settings) alone (`weights_only`). A file that asks for classes of the script that wrote it is refused too, unless
    `allow_stubs`: then empty classes of ours stand in for those, and still nothing else is looked up or called. The
    weights may lie under `state_dict`, `model_state_dict` or `model`. Raises DataError for files that ask for more,
    damaged ones, values that are no weights, NaN and infinity. Memory: the weights in fp32.
    """
    require_file(path)
    stubs = _stubs(path) if allow_stubs else []
    try:
        with torch.serialization.safe_globals([Namespace, *stubs]):
            # mapped where the format allows it: the moments of an optimiser beside the weights are never read
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise _refused(path, str(error)) from error
    except DAMAGED as error:
        raise _damaged(path, str(error)) from error
    beside: Mapping[str, Any] = {}
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            beside = {name: value for name, value in content.items() if name != wrapper}
            content = content[wrapper]
            break
    if not isinstance(content, Mapping) or not content:
        raise DataError(f"{path}: holds no weights. Give the file that the model was published as.")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            what = "no tensor" if isinstance(name, str) else "no name of a weight"
            raise DataError(f"{path}: {name} is {what}. Give the file that the model was published as.")
    return Pickle(finite_state(path, content), beside)


def _named(path: Path) -> Sequence[str]:
    """Names of classes and functions that a file asks for and that are neither tensors nor plain; sorted."""
    if not zipfile.is_zipfile(path):
        return []
    try:
        with torch.serialization.safe_globals([Namespace]):
            return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (RuntimeError, ValueError, pickle.UnpicklingError):
        return []  # reading the file tells what is wrong with it


def _stubs(path: Path) -> list[tuple[type, str]]:
    """An empty class for every name of the script that wrote a file."""
    names = [name for name in _named(path) if name.startswith(f"{SCRIPT}.")]
    if names:
        notice(f"{path}: empty classes stand in for {', '.join(names)}; what they held is left out.")
    return [(_stub(name), name) for name in names]


def _stub(name: str) -> type:
    """A class without any behaviour that takes whatever it is given and keeps none of it."""
    behaviour = {"__new__": lambda cls, *_given: object.__new__(cls), "__setstate__": lambda _self, _state: None}
    return type(name.rpartition(".")[2], (), behaviour)


def _refused(path: Path, reason: str) -> DataError:
    """Why torch unpickles no more of a file: it names what is no weight, or is no file of weights at all."""
    names = _named(path)
    if names and all(name.startswith(f"{SCRIPT}.") for name in names):
        return DataError(
            f"{path}: asks for {', '.join(names)}, classes of the script that wrote it. If you trust where it comes "
            "from, --allow-pickle reads it with empty classes in their place."
        )
    names = names or REFUSED.findall(reason)[:1]
    if not names:
        return _damaged(path, reason)
    return DataError(
        f"{path}: is a pickle that asks for more than weights (names {', '.join(names)}). Do not trust it."
    )


def _damaged(path: Path, reason: str) -> DataError:
    first = next(iter(reason.rpartition(TOLD)[2].strip().splitlines()), "it ends too early")
    return DataError(f"{path}: is cut short or no file of weights ({first[:120]}). Copy it again.")
