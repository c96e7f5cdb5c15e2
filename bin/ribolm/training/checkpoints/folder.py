"""Checkpoints that are whole or not there: written beside, brought to the disk, renamed; the manifest last.

    identity.json         key, format version and settings of the run that this folder belongs to
    fitting.json          tokens per micro-batch that fit the card; no part of the identity
    step-00000120/        model.safetensors  optimizer.safetensors  state.json  manifest.json (sizes and sha256)
    best-00000080/        model.safetensors: weights of the best evaluation, as long as a checkpoint names them
    lease.json, log.jsonl

No pickles: the optimiser's state is tensors too. A checkpoint that does not verify is left alone and the one before it
is taken.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.files import sha256_of, write_json
from ribolm.training.checkpoints.state import TrainingState
from ribolm.training.checkpoints.tensors import read_tensors, unique_state, write_tensors
from ribolm.training.faults import reach
from ribolm.training.settings import FORMAT_VERSION

ASIDE = ".aside.tmp"  # suffix of a folder that another one is about to replace


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint, read to the CPU."""

    folder: Path
    state: TrainingState
    record: dict[str, Any]
    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]


class Checkpoints:
    """The checkpoints of one run in one folder; `check` is asked before anything is written (the lease's)."""

    def __init__(self, folder: Path, keep: int = 2, check: Callable[[], None] = lambda: None) -> None:
        self.folder, self.keep, self.check = folder, keep, check
        self._damaged: set[str] = set()  # names of checkpoints that did not verify

    def claim(self, key: str, settings: dict[str, Any]) -> None:
        """Bind an empty folder to a configuration; raise DataError when it belongs to another one."""
        path = self.folder / "identity.json"
        if not path.exists():
            if self._steps():
                raise DataError(f"{self.folder}: holds checkpoints but no identity.json. Choose another folder.")
            self.check()
            write_json(path, {"key": key, "format_version": FORMAT_VERSION, "settings": settings})
            return
        found = _read_identity(path)
        if found["key"] != key:
            raise DataError(
                f"{self.folder}: holds checkpoints of another configuration "
                f"({_difference(found, settings)}). Choose another --checkpoint-dir, or repeat that run's settings."
            )

    def clean(self) -> None:
        """Put back what killed writers had set aside, remove what they left unfinished. Only for the lease's holder."""
        self.check()
        for path in self.folder.glob(f".*{ASIDE}"):
            target = path.with_name(path.name.removeprefix(".").removesuffix(ASIDE))
            if not target.exists():
                os.replace(path, target)
        for path in self.folder.glob(".*.tmp"):
            if path.is_dir():
                shutil.rmtree(path)
            elif not path.name.startswith(".lease."):  # those may be of a process that asks for the lease just now
                path.unlink()

    def discard(self) -> None:
        """Remove every checkpoint and the identity: a beginning anew."""
        self.check()
        for path in [*self._steps(), *self.folder.glob("best-*")]:
            self._remove(path)
        (self.folder / "identity.json").unlink(missing_ok=True)

    def newest(self, step: int | None = None) -> Checkpoint | None:
        """The newest checkpoint that verifies (or the one of `step`); None where there is none at all."""
        for folder in reversed(self._steps()):
            if step is not None and folder.name != _name("step", step):
                continue
            try:
                return self._read(folder)
            except DataError as error:
                self._damaged.add(folder.name)
                notice(f"{error} The checkpoint before it is taken.")
        return None

    def save(self, module: torch.nn.Module, optimizer: dict[str, Tensor], state: TrainingState, **record: Any) -> Path:
        """Write a checkpoint, then remove older ones beyond `keep`. Raises OSError when the disk refuses."""
        self.check()
        reach("save.begin")
        target = self.folder / _name("step", state.step)
        with self._whole(target) as folder:
            write_tensors(folder / "model.safetensors", unique_state(module))
            reach("save.model")
            write_tensors(folder / "optimizer.safetensors", optimizer)
            reach("save.optimizer")
            write_json(folder / "state.json", {"state": state.to_dict(), "record": record})
            reach("save.state")
        reach("save.renamed")
        self._damaged.discard(target.name)
        self._prune(target.name)
        return target

    def save_best(self, module: torch.nn.Module, step: int) -> str:
        """Write the best weights so far; returns the sha256 of the file. Raises OSError when the disk refuses."""
        self.check()
        target = self.folder / best_name(step)
        with self._whole(target) as folder:
            write_tensors(folder / "model.safetensors", unique_state(module))
            reach("save.best")
        return sha256_of(target / "model.safetensors")

    def best_weights(self, state: TrainingState) -> dict[str, Tensor]:
        """Weights of the best evaluation that `state` names. Raises DataError when they are gone or damaged."""
        return read_tensors(self._verified_best(state))

    def _verified_best(self, state: TrainingState) -> Path:
        path = self.folder / str(state.best_weights) / "model.safetensors"
        wrong = not path.is_file() or (state.best_sha256 is not None and sha256_of(path) != state.best_sha256)
        if wrong:
            raise DataError(f"{path}: the best weights are missing or damaged. Delete the checkpoints after them.")
        return path

    def _read(self, folder: Path) -> Checkpoint:
        verify(folder)
        content = json.loads((folder / "state.json").read_text("utf-8"))
        state = TrainingState.from_dict(content["state"])
        if state.best_weights is not None:
            self._verified_best(state)
        weights = read_tensors(folder / "model.safetensors")
        return Checkpoint(folder, state, content["record"], weights, read_tensors(folder / "optimizer.safetensors"))

    @contextlib.contextmanager
    def _whole(self, target: Path) -> Iterator[Path]:
        """A folder that gets its manifest and then its name at the end of the block, or vanishes."""
        temporary = target.with_name(f".{target.name}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            files = {path.name: _settled(path) for path in sorted(temporary.iterdir())}
            reach("save.manifest")
            write_json(temporary / "manifest.json", {"format_version": FORMAT_VERSION, "files": files})
            _settle_folder(temporary)
            self.check()
            _exchange(temporary, target)
            _settle_folder(self.folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _prune(self, newest: str) -> None:
        """Remove what is older than the last `keep` whole checkpoints up to the newest, and best weights nobody names.

        Those of later steps are left of a start whose last ones were damaged, and count for nothing.
        """
        steps = self._steps()
        kept = [path.name for path in steps if path.name <= newest and path.name not in self._damaged][-self.keep :]
        for folder in steps:
            if len(kept) == self.keep and folder.name < kept[0]:
                self._remove(folder)
        named = set()
        for folder in self._steps():
            with contextlib.suppress(OSError, ValueError, KeyError):
                named.add(json.loads((folder / "state.json").read_text("utf-8"))["state"]["best_weights"])
        for folder in self.folder.glob("best-*"):
            if folder.name not in named:
                self._remove(folder)

    def _remove(self, folder: Path) -> None:
        """Remove a folder so that a kill half-way leaves nothing that looks like a checkpoint."""
        doomed = folder.with_name(f".{folder.name}.old.tmp")
        shutil.rmtree(doomed, ignore_errors=True)
        os.replace(folder, doomed)
        shutil.rmtree(doomed)

    def _steps(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("step-*") if path.is_dir())


def _exchange(temporary: Path, target: Path) -> None:
    """Give a new folder its name; one that has it already is there until then, or set aside under a name of its own."""
    aside = target.with_name(f".{target.name}{ASIDE}")
    shutil.rmtree(aside, ignore_errors=True)
    if target.exists():
        os.replace(target, aside)
        reach("save.aside")
    os.replace(temporary, target)
    shutil.rmtree(aside, ignore_errors=True)


def verify(folder: Path) -> None:
    """Raise DataError unless every file of a checkpoint has the size and the sha256 of its manifest."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        version, files = manifest["format_version"], manifest["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder}: has no readable manifest.json.") from error
    if version != FORMAT_VERSION:
        raise DataError(f"{folder}: is of format {version}; this ribolm reads format {FORMAT_VERSION}.")
    for name, expected in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != expected["bytes"] or sha256_of(path) != expected["sha256"]:
            raise DataError(f"{folder}: {name} is missing or damaged.")


def _read_identity(path: Path) -> dict[str, Any]:
    """key, format_version and settings of a folder's run; DataError for a file that is not of ours."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return {name: found[name] for name in ("key", "format_version", "settings")}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: cannot be read. Choose another --checkpoint-dir, or delete this one.") from error


def best_name(step: int) -> str:
    """Folder of the weights that were best at a step."""
    return _name("best", step)


def _name(kind: str, step: int) -> str:
    return f"{kind}-{step:08d}"


def _settled(path: Path) -> dict[str, Any]:
    """Bring a file to the disk; its size and sha256."""
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _settle_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _difference(found: dict[str, Any], settings: dict[str, Any]) -> str:
    """What differs between a folder's run and this one."""
    if found["format_version"] != FORMAT_VERSION:
        return f"format {found['format_version']}, not {FORMAT_VERSION}"
    return difference(found["settings"], settings)


def difference(found: dict[str, Any], settings: dict[str, Any]) -> str:
    """The settings of two runs that differ, some of them, as `name: theirs, not ours`."""
    theirs, ours = _flat(found), _flat(settings)
    names = sorted(name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name))
    told = [f"{name}: {theirs.get(name)}, not {ours.get(name)}" for name in names[:5]]
    return "; ".join(told) + ("; …" if len(names) > 5 else "")


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
