"""A model of secondary structure: what its task.json says of decoding and of the folding program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm.errors import DataError, UsageError
from ribolm.folding.energy import PARAMETERS, EnergyModel, energy_models
from ribolm.labels.structure.decoding import METHODS
from ribolm.models.directories import TASK, level_of
from ribolm.models.pair_maps.configuration import PairMapConfig
from ribolm.models.weights import LoadedModel, load_model
from ribolm.training.machine.precision import Device

LEVEL = "structure"


@dataclass(frozen=True)
class StructureModel:
    """A loaded model on a device. threshold: least probability of a pair, with and without the folding program.

    decoding: how pairs are chosen, see `labels.structure.decoding`; energies: those that the folding program had.
    """

    loaded: LoadedModel
    shape: PairMapConfig
    threshold: float
    threshold_without: float
    decoding: str
    energies: tuple[EnergyModel, ...]
    device: Device

    def least(self, thermodynamics: bool) -> float:
        """The threshold that belongs to what the model is shown."""
        return self.threshold if thermodynamics else self.threshold_without


def require_structure_model(directory: Path) -> None:
    """Raise UsageError for a model of another task, told without loading torch."""
    level = level_of(directory)
    if level != LEVEL:
        what = f"a model of level {level}" if level else "no fine-tuned model"
        raise UsageError(f"{directory}: is {what}. Give one of `ribolm-train structure`.")


def load_structure_model(directory: Path, device: Device) -> StructureModel:
    """Read a model directory and put the network on a device; DataError for a task.json that lacks something."""
    require_structure_model(directory)
    loaded = load_model(directory)
    task: dict[str, Any] = loaded.task or {}
    decoding = task.get("decoding")
    if decoding not in METHODS:
        known = ", ".join(METHODS)
        raise DataError(f"{directory / TASK}: decoding {decoding!r} is none of {known}. Train it anew.")
    spec = loaded.network.spec
    assert spec is not None and spec.pair_map is not None
    told = task.get("thermodynamics", {})
    energies = energy_models(told.get("parameters", PARAMETERS[0]), told.get("temperature_c", 37.0))
    threshold = _probability(task, "threshold", directory)
    without = _probability(task, "threshold_without", directory) if "threshold_without" in task else threshold
    loaded.network.to(device.name).eval()
    return StructureModel(loaded, spec.pair_map, threshold, without, decoding, energies, device)


def _probability(task: dict[str, Any], key: str, directory: Path) -> float:
    value = task.get(key)
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DataError(f"{directory / TASK}: {key} {value!r} is no probability. Copy the model again.")
    return float(value)
