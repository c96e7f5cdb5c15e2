"""Published weights as they lie on disk, folder or file, in one form for conversion."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm import console
from ribolm.errors import DataError
from ribolm.files import require_file, sha256_of
from ribolm.models.backbones import read_config
from ribolm.models.directories import CONFIG, PICKLES, WEIGHTS, read_json
from ribolm.models.fair_esm import configuration, is_fair_esm, settings_of, transformers_name, without_prefixes
from ribolm.models.family import BackboneConfig
from ribolm.models.pickles import read_pickle
from ribolm.models.state import State, read_state

INDICES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
CONTACT_REGRESSION = "-contact-regression"  # fair-esm publishes the regression in a file of its own


@dataclass(frozen=True)
class Published:
    """What was read: `content` of config.json (empty for a file), weights by the names of transformers or upstream.

    `names`: for every name of `state` that in the files, prefixes left out; `sha256` of each file.
    """

    content: Mapping[str, Any]
    config: BackboneConfig
    state: State
    sha256: dict[str, str]
    names: dict[str, str]


def read_published(source: Path, allow_stubs: bool = False) -> Published:
    """Read a folder with config.json and weights, or one file of fair-esm's names.

    Raises DataError for anything else; see `pickles.read_pickle` for `allow_stubs`.
    """
    if source.is_file():
        return _read_file(source, allow_stubs)
    files = sorted(path.name for path in source.glob("*") if path.suffix in (".pt", ".ckpt", ".pth"))
    if files and not (source / CONFIG).exists():
        raise DataError(f"{source / CONFIG}: no such file. To convert {files[0]} alone give its path, not its folder.")
    content = read_json(source / CONFIG)
    config = read_config(content, str(source / CONFIG))
    state, fingerprints = read_folder(source, allow_stubs)
    return Published(content, config, state, fingerprints, {name: name for name in state})


def _read_file(path: Path, allow_stubs: bool) -> Published:
    found = read_pickle(path, allow_stubs)
    if not is_fair_esm(found.state):
        first = ", ".join(list(found.state)[:3])
        raise DataError(
            f"{path}: its weights ({first}, …) have not fair-esm's names. Give the folder with their config.json."
        )
    sha256 = {path.name: sha256_of(path)}
    state = without_prefixes(found.state)
    regression = path.with_name(f"{path.stem}{CONTACT_REGRESSION}{path.suffix}")
    if regression.exists():
        state |= read_pickle(regression).state
        sha256[regression.name] = sha256_of(regression)
        console.notice(f"{path.name}: the contact regression of {regression.name} is taken too.")
    config = configuration(path, state, settings_of(found.beside))
    names = {transformers_name(name) or name: name for name in state}  # unknown ones are refused later
    if len(names) != len(state):
        twice = next(iter(set(state) - set(names.values())))
        raise DataError(f"{path}: {twice} is there under another name too. Give the file as it was published.")
    return Published({}, config, {new: state[old] for new, old in names.items()}, sha256, names)


def read_folder(source: Path, allow_stubs: bool = False) -> tuple[State, dict[str, str]]:
    """All weights of a folder, sharded or not, and the sha256 of each file; safetensors go before pickles."""
    state: State = {}
    paths = _weight_files(source)
    for path in paths:
        state.update(read_state(path) if path.suffix == ".safetensors" else read_pickle(path, allow_stubs).state)
    return state, {path.name: sha256_of(path) for path in paths}


def _weight_files(source: Path) -> list[Path]:
    safe, pickled = (source / name for name in INDICES)
    index = safe if safe.exists() else None if (source / WEIGHTS).exists() else pickled if pickled.exists() else None
    if index is not None:
        told = read_json(index).get("weight_map")
        names = set(told.values()) if isinstance(told, dict) else set()
        if not names or not all(isinstance(name, str) for name in names):
            raise DataError(f"{index}: names no files of weights (weight_map). Copy the folder again.")
        return [require_file(source / Path(name).name) for name in sorted(names)]
    found = [name for name in (WEIGHTS, *PICKLES) if (source / name).exists()]
    return [require_file(source / (found[0] if found else WEIGHTS))]
