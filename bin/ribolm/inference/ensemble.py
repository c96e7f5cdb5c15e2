"""One or several models that answer one question together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ribolm.errors import DataError, UsageError
from ribolm.files import require_each_once
from ribolm.inference.calibration import Calibration, Float64
from ribolm.models.weights import LoadedModel, load_model
from ribolm.sequences.tiling import OVERLAP_NT, WINDOW_NT
from ribolm.sequences.tokenizers import Tokenizer


@dataclass(frozen=True)
class Ensemble:
    """Token models of one task, one tokenizer and one window."""

    models: tuple[LoadedModel, ...]
    calibrations: tuple[Calibration, ...]
    task: str
    tokenizer: Tokenizer
    window_nt: int
    overlap_nt: int

    def combine(self, logits: Float64) -> tuple[Float64, Float64]:
        """(mean calibrated logit, mean uncalibrated logit), each [n], of logits [n, models]."""
        calibrated = [c.apply(logits[:, i]) for i, c in enumerate(self.calibrations)]
        return np.mean(calibrated, axis=0, dtype=np.float64), np.mean(logits, axis=1, dtype=np.float64)

    def provenance(self) -> dict[str, Any]:
        """What made a table of calls: task, tokenizer, window and the sha256 of every model's weights."""
        return {
            "task": self.task,
            "tokenizer": self.tokenizer.label,
            "window_nt": self.window_nt,
            "overlap_nt": self.overlap_nt,
            "models": [model.sha256 for model in self.models],
        }


def load_ensemble(directories: Sequence[Path]) -> Ensemble:
    """Load models that predict one label per nucleotide.

    Raises UsageError without a model and for one given twice; DataError for a pretrained model, one of another level
    than tokens or with more than one label, a tokenizer without one token per nucleotide, and models that differ in
    task, tokenizer or window.
    """
    if not directories:
        raise UsageError("Give at least one --model.")
    require_each_once("--model", directories)
    models = tuple(load_model(directory) for directory in directories)
    require_each_once("--model", directories, [model.sha256 for model in models])
    keys = [_key(model) for model in models]
    for model, key in zip(models, keys, strict=True):
        for what, value, first in zip(("task", "tokenizer", "window"), key, keys[0], strict=True):
            if value != first:
                raise DataError(
                    f"{model.directory}: its {what} is {_shown(value)}, but that of {models[0].directory} is "
                    f"{_shown(first)}. Models that predict together must agree; predict with each by itself."
                )
    task, tokenizer, (window_nt, overlap_nt) = keys[0]
    calibrations = tuple(Calibration.of_task(model.task or {}, str(model.directory / "task.json")) for model in models)
    return Ensemble(models, calibrations, task, tokenizer, window_nt, overlap_nt)


def _shown(value: object) -> str:
    if isinstance(value, Tokenizer):
        return f"'{value.kind}' {value.specifics() or ''}".strip()[:60]
    return f"{value[0]} nt, overlap {value[1]}" if isinstance(value, tuple) else f"'{value}'"


def _key(model: LoadedModel) -> tuple[str, Tokenizer, tuple[int, int]]:
    """What must agree between models: task, tokenizer, window and overlap."""
    source = model.directory
    if model.task is None:
        raise DataError(f"{source}: is a pretrained model without a task. Fine-tune it, or give a fine-tuned model.")
    labels = model.task.get("labels", [])
    if model.task.get("level") != "token" or len(labels) != 1:
        raise DataError(
            f"{source}: predicts {len(labels)} labels per {model.task.get('level')}, not one per nucleotide. "
            "Give a model of sites."
        )
    if not model.tokenizer.per_nucleotide:
        raise DataError(f"{source}: its tokenizer '{model.tokenizer.kind}' has no token per nucleotide. Give another.")
    try:
        window = int(model.task.get("window_nt") or WINDOW_NT), int(model.task.get("overlap_nt", OVERLAP_NT))
    except (TypeError, ValueError) as error:
        raise DataError(f"{source / 'task.json'}: window_nt or overlap_nt is no number. Train again.") from error
    if not 0 <= window[1] < window[0]:
        raise DataError(f"{source / 'task.json'}: overlap_nt {window[1]} does not fit window_nt {window[0]}.")
    return str(model.task.get("task")), model.tokenizer, window
