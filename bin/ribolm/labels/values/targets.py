"""What a network learns instead of the measured value: its logarithm where asked, standardised on the training rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.errors import DataError
from ribolm.genome.coordinates import Int64

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

# Natural logarithms, and what undoes them
TRANSFORMS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "none": (lambda x: x, lambda x: x),
    "log": (np.log, np.exp),
    "log1p": (np.log1p, np.expm1),
}
LEAST = {"none": -np.inf, "log": 0.0, "log1p": -1.0}  # values must be above it


def transformed(values: Float64, transform: str) -> Float64:
    """Values on the scale that is learnt, of the same shape."""
    return np.asarray(TRANSFORMS[transform][0](values), dtype=np.float64)


def restored(values: Float64, transform: str) -> Float64:
    """Values in the units of the measurement again, of the same shape."""
    return np.asarray(TRANSFORMS[transform][1](values), dtype=np.float64)


@dataclass(frozen=True)
class Target:
    """How one value is learnt: transformed, then minus `mean` over `std`, both of the training rows."""

    mean: float = 0.0
    std: float = 1.0
    transform: str = "none"

    def value(self, answers: npt.ArrayLike) -> Float64:
        """Answers of the network in the units of the measurement, float64 of the same shape."""
        return restored(np.asarray(answers, dtype=np.float64) * self.std + self.mean, self.transform)

    def to_dict(self) -> dict[str, Any]:
        """The key `target` of task.json, one of its list."""
        return {"scaler": "standard", "mean": self.mean, "std": self.std, "transform": self.transform}

    @classmethod
    def of_dict(cls, content: Any, source: str) -> Target:
        """The inverse; DataError for an unknown scaler or transform, or for what is no number."""
        try:
            mean, std, transform = float(content["mean"]), float(content["std"]), str(content.get("transform", "none"))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{source}: target {content!r} has no mean and std. Train the model again.") from error
        known = content.get("scaler") == "standard" and transform in TRANSFORMS
        if not known or not (np.isfinite(mean) and np.isfinite(std) and std > 0):
            raise DataError(f"{source}: target {content!r} is no standard scaler. Train the model again.")
        return cls(mean, std, transform)


@dataclass(frozen=True)
class Standardised:
    """Labels float32 [n] or [n, k] that read as (label - mean) / std; `mean`, `std` float32 [] or [k]."""

    labels: npt.NDArray[np.float32]
    mean: Float32
    std: Float32

    @classmethod
    def on(cls, labels: npt.NDArray[np.float32], rows: Int64) -> Standardised:
        """Mean and standard deviation of the known labels of some rows; a constant label is only centred.

        Raises DataError where a label is unknown in all of these rows.
        """
        chosen = np.asarray(labels[rows], dtype=np.float64)
        known = np.isfinite(chosen)
        if not known.any(axis=0).all():
            raise DataError("No training row has a known value of every label. Check the labels and the folds.")
        mean = np.mean(chosen, axis=0, where=known)
        std = np.std(chosen, axis=0, where=known)
        return cls(labels, np.float32(mean), np.float32(np.where(std > 0, std, 1.0)))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Any, /) -> Float32:
        return np.asarray((np.asarray(self.labels[index]) - self.mean) / self.std, dtype=np.float32)

    def targets(self, transforms: Mapping[str, str], task: str) -> list[Target]:
        """What undoes it, one for each label of the task; `transforms`: of the tasks of the store."""
        transform = transforms.get(task, "none")
        pairs = zip(np.atleast_1d(self.mean).tolist(), np.atleast_1d(self.std).tolist(), strict=True)
        return [Target(mean, std, transform) for mean, std in pairs]
