"""Weights that were published as pickles, read for conversion only and without running any code of theirs."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ribolm.errors import DataError
from ribolm.files import require_file
from ribolm.models.state import State, finite_state

WRAPPERS = ("state_dict", "model_state_dict", "model")  # under which training frameworks keep the weights


def read_pickle(path: Path) -> State:
    """Read the weights of a `.bin`, `.pt`, `.pth` or `.ckpt` file as fp32, names as stored.

    torch unpickles tensors and plain containers alone (`weights_only`); a file that asks for more is refused, as it may
    run code. The weights may lie under `state_dict`, as training frameworks write them; what stands beside them there
    is left. Raises DataError for such files, damaged ones, values that are no weights, NaN and infinity.
    """
    require_file(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).splitlines()[0][:120]
        raise DataError(f"{path}: is a pickle that asks for more than weights ({reason}). Do not trust it.") from error
    except (RuntimeError, EOFError, KeyError, ValueError) as error:
        raise DataError(f"{path}: is cut short or no file of weights ({str(error)[:120]}). Copy it again.") from error
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    if not isinstance(content, Mapping) or not content:
        raise DataError(f"{path}: holds no weights. Give the file that the model was published as.")
    strange = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if strange:
        raise DataError(f"{path}: {strange[0]} is no tensor. Give the file that the model was published as.")
    return finite_state(path, content)
