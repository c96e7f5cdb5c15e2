"""From a model's logit to a probability that means a frequency."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.errors import DataError

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Platt scaling (Platt 1999): calibrated logit = slope · logit + intercept."""

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def of_task(cls, task: Mapping[str, Any], source: str) -> Calibration:
        """Read a task's calibration; without one, logits are taken as they are. DataError for an unknown method."""
        content = task.get("calibration")
        if not content or content.get("method") in (None, "none"):
            return cls()
        if content["method"] != "platt":
            raise DataError(f"{source}: calibration '{content['method']}' is unknown. Use 'platt' or none.")
        try:
            slope, intercept = float(content["slope"]), float(content["intercept"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{source}: the calibration has no slope and intercept ({error}). Train again.") from error
        if not (math.isfinite(slope) and math.isfinite(intercept)):
            raise DataError(f"{source}: slope {slope} and intercept {intercept} are no calibration. Train again.")
        return cls(slope, intercept)

    def apply(self, logits: Float64) -> Float64:
        """Calibrated logits, of the same shape."""
        return self.slope * logits + self.intercept


def probability(logits: Float64) -> Float64:
    """The logistic function, without overflow; float64 of the same shape."""
    shrunk = np.exp(-np.abs(logits))
    return np.asarray(np.where(logits >= 0, 1.0, shrunk) / (1.0 + shrunk), dtype=np.float64)
