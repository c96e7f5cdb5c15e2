"""Trained convolutional networks of one shape and task as one model directory: the mean of their logits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ribolm import console
from ribolm.errors import DataError, UsageError
from ribolm.models.convolution.configuration import ConvolutionConfig
from ribolm.models.convolution.towers import name_among_towers, name_in_tower
from ribolm.models.state import State
from ribolm.models.weights import LoadedModel, load_model, network_of_state, save_model

OWN_KEYS = ("tokenizer", "threshold", "threshold_f1", "calibration")  # of task.json: of one training, not of the task


def unite_models(directories: Sequence[Path], out: Path) -> Path:
    """Write a model directory whose logit is the mean of the logits of all towers of the given ones.

    Calibration and threshold, where they have any, are the means of theirs. UsageError for fewer than two directories
    or one given twice; DataError for models of other families, shapes, vocabularies or tasks.
    """
    if len({directory.resolve() for directory in directories}) != len(directories) or len(directories) < 2:
        raise UsageError("Uniting takes two or more model directories, each once.")
    models = [load_model(directory) for directory in directories]
    configs = [_config(model, models[0]) for model in models]
    state: State = {}
    n_towers = 0
    for model, config in zip(models, configs, strict=True):
        for name, tensor in model.network.state_dict().items():
            state[name_among_towers(*name_in_tower(name, config.towers, n_towers))] = tensor
        n_towers += config.towers
    network = network_of_state(configs[0].with_towers(n_towers), models[0].network.spec, state, out)
    parts = [
        {"sha256": model.sha256, **{key: model.manifest.get(key) for key in ("key", "data", "seeds", "settings")}}
        for model in models
    ]
    save_model(out, network, models[0].tokenizer, _task(models, configs), {"kind": "united", "parts": parts})
    console.notice(f"{out}: {n_towers} towers of {len(models)} models, {network.n_parameters():,} weights.")
    return out


def _config(model: LoadedModel, first: LoadedModel) -> ConvolutionConfig:
    """The configuration of a model that can stand beside the first one."""
    config, other = model.network.config, first.network.config
    if not isinstance(config, ConvolutionConfig) or not isinstance(other, ConvolutionConfig) or model.task is None:
        raise DataError(f"{model.directory}: is no trained convolutional model. Only those are united.")
    same_vocabulary = model.tokenizer.identity() == first.tokenizer.identity()
    if config.one_tower != other.one_tower or not same_vocabulary or _shared(model) != _shared(first):
        raise DataError(
            f"{model.directory}: has another shape, vocabulary or task than {first.directory}. "
            "Unite models of one recipe."
        )
    return config


def _shared(model: LoadedModel) -> dict[str, Any]:
    """What a task is, whoever was trained on it."""
    return {key: value for key, value in (model.task or {}).items() if key not in OWN_KEYS}


def _task(models: Sequence[LoadedModel], configs: Sequence[ConvolutionConfig]) -> dict[str, Any]:
    """The task with the mean, over towers, of the parts' calibrations and thresholds, where it has any."""
    if "calibration" not in (models[0].task or {}):
        return _shared(models[0])
    tasks = [model.task or {} for model in models]
    calibrations = [task.get("calibration") or {} for task in tasks]
    towers = [config.towers for config in configs]
    slope, intercept, threshold = (
        sum(value * n for value, n in zip(values, towers, strict=True)) / sum(towers)
        for values in (
            [float(calibration.get("slope", 1.0)) for calibration in calibrations],
            [float(calibration.get("intercept", 0.0)) for calibration in calibrations],
            [float(task.get("threshold", 0.5)) for task in tasks],
        )
    )
    platt = {"method": "platt", "slope": slope, "intercept": intercept, "mean_of": len(models)}
    return {**_shared(models[0]), "threshold": threshold, "calibration": platt}
