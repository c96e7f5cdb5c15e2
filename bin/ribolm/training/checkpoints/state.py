"""Where a run stands: plain numbers, saved with every checkpoint."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass
class TrainingState:
    """Progress after `step` finished optimiser steps.

    `best_*` and `evaluations_without_gain` serve early stopping; `best_weights` is a folder inside the checkpoint
    folder, `best_counts` what the value was counted over (n, and prevalence where there is one). `evaluated_step` is
    the last step whose evaluation is finished, so that a run killed during an evaluation repeats it. `elapsed_s`
    counts all runs together.
    """

    step: int = 0
    tokens: int = 0
    elapsed_s: float = 0.0
    evaluated_step: int = -1
    best_value: float | None = None
    best_step: int = -1
    best_weights: str | None = None
    best_sha256: str | None = None
    best_counts: dict[str, float] | None = None
    evaluations_without_gain: int = 0
    finished: bool = False
    stopped_early: bool = False

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingState":
        """The inverse of `to_dict`; keys it does not know are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in known})
