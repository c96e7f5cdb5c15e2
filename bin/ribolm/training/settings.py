"""What a run is (and so its key), and how it is run (which may change from one start to the next)."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

# Of what a checkpoint holds; part of every key. Raise by hand when old checkpoints can no longer be continued.
FORMAT_VERSION = 1


class Optimisation(BaseModel):
    """How the weights are changed; `None` lets the run choose from the data, always the same for the same data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens_per_step: int = Field(16_384, ge=1, description="Tokens per optimiser step, over all processes.")
    steps: int | None = Field(None, ge=1, description="Optimiser steps; excludes epochs.")
    epochs: float | None = Field(None, gt=0, description="Passes over the data; excludes steps.")
    learning_rate: float = Field(5e-4, gt=0, description="Peak of the schedule.")
    warmup_share: float = Field(0.06, ge=0, le=1, description="Share of the steps with a rising rate.")
    floor: float = Field(0.1, ge=0, le=1, description="Share of the peak rate that remains at the end.")
    weight_decay: float = Field(0.01, ge=0)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.98, ge=0, lt=1)
    eps: float = Field(1e-8, gt=0)
    clip_norm: float = Field(1.0, gt=0, description="Largest norm of the gradient.")
    layer_decay: float = Field(1.0, gt=0, le=1, description="Rate of a layer over the rate of the one above it.")
    freeze: int = Field(0, ge=0, description="Lowest layers, with the embedding, that do not change.")
    evaluate_every_steps: int | None = Field(None, ge=1)
    patience: int | None = Field(None, ge=1, description="Evaluations without gain after which training ends.")
    seed: int = Field(1, ge=0)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    determinism: Literal["L1", "L2"] = "L1"

    @model_validator(mode="after")
    def _one_length(self) -> "Optimisation":
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give steps or epochs, one of them")
        return self

    def total_steps(self, steps_per_epoch: int) -> int:
        """Optimiser steps of the whole run."""
        if self.steps is not None:
            return self.steps
        return max(1, round((self.epochs or 0) * steps_per_epoch))


class Settings(BaseModel):
    """All that decides the weights in the end: data, network, objective, optimisation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    data: dict[str, Any]
    network: dict[str, Any]
    objective: dict[str, Any]
    optimisation: Optimisation

    def key(self) -> str:
        """16 hexadecimal digits of sha256 over these settings and the format version; not over the code."""
        text = json.dumps([FORMAT_VERSION, self.model_dump(mode="json")], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


class Runtime(BaseModel):
    """How a run is carried out; nothing here belongs to its key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint_dir: Path
    device: Literal["auto", "cpu", "cuda"] = "auto"
    resume: Literal["auto", "never", "require"] = "auto"
    if_busy: Literal["refuse", "wait"] = "wait"
    tokens_per_micro_batch: int | None = Field(None, ge=1)
    checkpoint_every_s: float = Field(240.0, gt=0, le=300.0, description="At most five minutes are lost.")
    checkpoint_every_steps: int | None = Field(None, ge=1)
    keep: int = Field(2, ge=1)
    log_every_steps: int | None = Field(None, ge=1)

    def named(self, key: str) -> "Runtime":
        """The same with `{key}` in the name of the checkpoint folder replaced by the key of the run."""
        return self.model_copy(update={"checkpoint_dir": Path(str(self.checkpoint_dir).replace("{key}", key))})
