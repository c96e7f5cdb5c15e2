"""A model of secondary structure: what its task.json says of decoding and of the folding program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from ribolm.errors import DataError, UsageError
from ribolm.folding.energy import PARAMETERS, EnergyModel, energy_models
from ribolm.labels.structure.decoding import BEYOND, HIDDEN, METHODS, SHOWN, DecodingRule
from ribolm.models.directories import TASK, level_of
from ribolm.models.pair_maps.configuration import PairMapConfig
from ribolm.models.weights import LoadedModel, load_model
from ribolm.training.machine.precision import Device

LEVEL = "structure"


class Reading(NamedTuple):
    """How an answer is read. program_share: weight of the folding program's probabilities beside the network's."""

    rule: DecodingRule
    program_share: float


@dataclass(frozen=True)
class StructureModel:
    """A loaded model on a device. energies: those that the folding program had.

    reading, beyond, without: how answers are read of RNAs up to `within_nt`, of longer ones (the network was trained on
    none), and of those that are not folded by the program.
    """

    loaded: LoadedModel
    shape: PairMapConfig
    reading: Reading
    beyond: Reading
    without: Reading
    within_nt: float
    energies: tuple[EnergyModel, ...]
    device: Device

    def reading_of(self, length_nt: int, thermodynamics: bool, canonical: bool) -> Reading:
        """The reading of an RNA that is shown the folding program, or not; canonical: AU, GC and GU pairs alone."""
        shown = self.reading if length_nt <= self.within_nt else self.beyond
        chosen = shown if thermodynamics else self.without
        return chosen._replace(rule=replace(chosen.rule, canonical=canonical))


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
    spec = loaded.network.spec
    assert spec is not None and spec.pair_map is not None
    told = task.get("thermodynamics", {})
    energies = energy_models(told.get("parameters", PARAMETERS[0]), told.get("temperature_c", 37.0))
    reading, beyond, without = (_reading(task, suffix, spec.pair_map, directory) for suffix in (SHOWN, BEYOND, HIDDEN))
    loaded.network.to(device.name).eval()
    within_nt = task.get("within_nt", inf)
    if not isinstance(within_nt, int | float) or not within_nt > 0:
        raise DataError(f"{directory / TASK}: within_nt {within_nt!r} is no length. Copy the model again.")
    return StructureModel(loaded, spec.pair_map, reading, beyond, without, within_nt, energies, device)


def _reading(task: dict[str, Any], suffix: str, shape: PairMapConfig, directory: Path) -> Reading:
    key = f"program_share{suffix}"
    share = task.get(key, 0.0)
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        raise DataError(f"{directory / TASK}: {key} {share!r} is none from 0 to 1. Copy the model again.")
    return Reading(_rule(task, suffix, shape, directory), share)


def _rule(task: dict[str, Any], suffix: str, shape: PairMapConfig, directory: Path) -> DecodingRule:
    """How a task.json decodes; its keys with a suffix are those of one reading, where they differ."""
    decoding = task.get("decoding")
    if decoding not in METHODS:
        known = ", ".join(METHODS)
        raise DataError(f"{directory / TASK}: decoding {decoding!r} is none of {known}. Train it anew.")
    found = {name: task.get(f"{name}{suffix}", task.get(name)) for name in ("threshold", "recall_weight")}
    threshold, recall_weight = found["threshold"], found["recall_weight"] if "recall_weight" in task else 1.0
    if not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise DataError(f"{directory / TASK}: threshold {threshold!r} is no probability. Copy the model again.")
    if not isinstance(recall_weight, int | float) or not 0 < recall_weight < inf:
        raise DataError(f"{directory / TASK}: recall_weight {recall_weight!r} is none. Copy the model again.")
    return DecodingRule(threshold, decoding, min_loop_nt=shape.min_distance - 1, recall_weight=recall_weight)
