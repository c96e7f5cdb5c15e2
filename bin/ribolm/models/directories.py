"""A model directory seen from outside: its files, and whether it is one at all, told without loading torch."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ribolm.errors import DataError, UsageError
from ribolm.files import require_file, sha256_of, write_json

WEIGHTS, CONFIG, TASK, MANIFEST, CARD = "model.safetensors", "config.json", "task.json", "manifest.json", "README.md"
REGRESSION = "regression.safetensors"  # the floor that a model of windows may bring for scans
OWN_FILES = (WEIGHTS, CONFIG, TASK, MANIFEST, CARD, REGRESSION, "vocab.json", "tokenizer.json")
SHIPPED = Path(__file__).parents[3] / "assets" / "models"
PICKLES = ("pytorch_model.bin", "model.pt", "model.ckpt", "model.pth", "weights.ckpt")


def require_model(directory: Path) -> Path:
    """Return a folder that has a model's manifest; DataError for anything else, told before long work."""
    if not directory.is_dir():
        raise DataError(f"{directory}: is no model directory. Check the path.")
    if not (directory / MANIFEST).exists():
        pickles = [name for name in PICKLES if (directory / name).exists()]
        what = f"holds {pickles[0]}, a pickle, which may run code" if pickles else "has no manifest.json"
        raise DataError(f"{directory}: {what}. Give a ribolm model, or make one with `ribolm-weights convert`.")
    return directory


def shipped_model(name: str) -> Path:
    """The folder of a model that comes with ribolm; UsageError where this installation has none."""
    folder = SHIPPED / name
    if not (folder / MANIFEST).exists():
        raise UsageError(f"The default model {name} is not part of this installation. Give --model.")
    return folder


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a model directory; DataError for anything else."""
    require_file(path)
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: is no JSON ({error}). Copy the model again.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: is no JSON object. Copy the model again.")
    return content


def fingerprint(path: Path) -> dict[str, Any]:
    """What a manifest says of a file: its size and sha256."""
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def add_to_manifest(directory: Path, name: str) -> None:
    """Let the manifest of a model directory name a file that was written beside the model, as it is now."""
    content = read_json(require_model(directory) / MANIFEST)
    files = {**content.get("files", {}), name: fingerprint(directory / name)}
    write_json(directory / MANIFEST, {**content, "files": files})


def level_of(directory: Path) -> str | None:
    """What one answer of a fine-tuned model belongs to ("token", "sequence", …); None for a pretrained one."""
    task = require_model(directory) / TASK
    return str(read_json(task).get("level")) if task.exists() else None


def names_of(directories: Sequence[Path]) -> list[str]:
    """A name for each folder: its own, or its path where two folders are called alike."""
    names = [directory.resolve().name for directory in directories]
    return [name if names.count(name) == 1 else str(path) for name, path in zip(names, directories, strict=True)]
