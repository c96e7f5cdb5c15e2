"""Models that answer once per window: which base they ask about, how wide it is, what stands for missing bases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from ribolm.console import choice, notice
from ribolm.errors import DataError
from ribolm.inference.batches import Forward
from ribolm.inference.calibration import Calibration
from ribolm.models.weights import LoadedModel, load_model

Anchor = Literal["hexamer", "cleavage"]
Padding = Literal["N", "refuse"]
ANCHORS: tuple[Anchor, ...] = ("hexamer", "cleavage")
PADDINGS: tuple[Padding, ...] = ("N", "refuse")
WIDEST_NT = 1 << 20
Word = TypeVar("Word", bound=str)
TOKENS_PER_PASS = {"cpu": 8_192, "cuda": 262_144}


@dataclass(frozen=True)
class WindowModel:
    """A model with one logit per window, and the keys of its task.json.

    `anchor`: the base that the window is about, the fourth of a hexamer (its start0 + 3) or the A behind a cleavage;
    `anchor_offset0`: its index in the window of `window_nt` letters. `padding`: "N" stands for bases beyond the ends
    of a sequence, or they are refused. `threshold` on the calibrated probability.
    """

    loaded: LoadedModel
    task: str
    window_nt: int
    anchor: Anchor
    anchor_offset0: int
    padding: Padding
    threshold: float
    calibration: Calibration

    @property
    def after_nt(self) -> int:
        """Letters of the window behind the anchor."""
        return self.window_nt - 1 - self.anchor_offset0

    def provenance(self) -> dict[str, Any]:
        """What decides its logits: task, window and the sha256 of the weights."""
        return {
            "task": self.task,
            "tokenizer": self.loaded.tokenizer.label,
            "window_nt": self.window_nt,
            "anchor": self.anchor,
            "anchor_offset0": self.anchor_offset0,
            "padding": self.padding,
            "models": [self.loaded.sha256],
        }


def load_window_model(directory: Path | str) -> WindowModel:
    """Load a model of windows; DataError for one of another level, with several labels, or an unsound task.json."""
    loaded = load_model(directory)
    source = str(loaded.directory / "task.json")
    task = loaded.task
    if task is None:
        raise DataError(f"{directory}: is a pretrained model without a task. Fine-tune it, or give a fine-tuned model.")
    labels = task.get("labels", [])
    if task.get("level") != "sequence" or len(labels) != 1:
        raise DataError(
            f"{directory}: predicts {len(labels)} labels per {task.get('level')}, not one per sequence. "
            "Give a model that was trained with --level sequence."
        )
    window_nt = _number(task, "window_nt", 1, WIDEST_NT, source)
    return WindowModel(
        loaded,
        str(task.get("task")),
        window_nt,
        _one_of(task, "anchor", ANCHORS, source),
        _number(task, "anchor_offset0", 0, window_nt - 1, source),
        _one_of(task, "padding", PADDINGS, source, "N"),
        _share(task, "threshold", source),
        Calibration.of_task(task, source),
    )


def forward_of(
    model: WindowModel, device: str = "auto", precision: str = "fp32", tokens_per_batch: int | None = None
) -> Forward:
    """The model on a device. UsageError when CUDA is asked for and none is seen.

    `tokens_per_batch`: of one pass on a card. On a CPU every pass has one shape whatever is asked for (products of
    another shape round otherwise), so small that the activations stay in the cache.
    """
    forward = Forward.prepare((model.loaded.network,), model.loaded.tokenizer, device, precision, tokens_per_batch or 0)
    kind = forward.device.kind
    if kind == "cpu" and tokens_per_batch is not None:
        notice("--tokens-per-batch is not used on a CPU, where every pass has one shape.")
    if kind == "cpu" or tokens_per_batch is None:
        forward.tokens_per_batch = TOKENS_PER_PASS[kind]
        reason = "one shape, so that scores do not depend on it" if kind == "cpu" else "default on a card"
        choice("tokens per pass", f"{forward.tokens_per_batch:,}", reason)
    return forward


def _one_of(
    task: Mapping[str, Any], key: str, allowed: tuple[Word, ...], source: str, default: Word | None = None
) -> Word:
    value = task.get(key, default)
    found = next((word for word in allowed if word == value), None)
    if found is None:
        raise DataError(f"{source}: {key} is {value!r}, not one of {', '.join(allowed)}. Train the model again.")
    return found


def _number(task: Mapping[str, Any], key: str, low: int, high: int, source: str) -> int:
    value = task.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise DataError(f"{source}: {key} is {value!r}, not a whole number from {low} to {high:,}. Train again.")
    return value


def _share(task: Mapping[str, Any], key: str, source: str) -> float:
    value = task.get(key, 0.5)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise DataError(f"{source}: {key} is {value!r}, not a probability. Train the model again.")
    return float(value)
