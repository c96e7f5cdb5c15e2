"""Contact maps to compare: given models, and of each shape random weights with a regression fitted alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.files import require_each_once, sha256_of
from ribolm.inference.contacts import ContactModel, load_contact_model
from ribolm.labels.structure.files import read_structures
from ribolm.models.directories import names_of
from ribolm.models.network import new_network
from ribolm.models.token_dropout import use_token_dropout
from ribolm.models.weights import LoadedModel
from ribolm.training.recipes.contacts import fit_regression, training_pairs


@dataclass(frozen=True)
class ContactArm:
    """A contact model with its name and kind (model, random)."""

    name: str
    kind: str
    model: ContactModel


def contact_arms(directories: Sequence[Path], fit_on: Path | None, seed: int) -> list[ContactArm]:
    """The models, each followed by its control with random weights; what cannot be run is told.

    The control needs `fit_on`, the structures that the contact heads were fitted on. Raises UsageError for a model that
    is given twice, DataError for one without a fitted head and for other structures.
    """
    loaded = [load_contact_model(directory) for directory in directories]
    require_each_once("--model", list(directories), [one.loaded.sha256 for one in loaded])
    names, arms = names_of(directories), list[ContactArm]()
    for name, model in zip(names, loaded, strict=True):
        arms.append(ContactArm(name, "model", model))
        if fit_on is None:
            notice(f"random weights of the shape of {name}: not run: no --fit-on, what its contact head was fitted on.")
        else:
            control = "random weights" if len(names) == 1 else f"random weights, {name}"
            arms.append(ContactArm(control, "random", random_contact_model(model, fit_on, seed)))
    if not loaded:
        notice("contact maps: not run: no --model is given.")
    return arms


def random_contact_model(model: ContactModel, fit_on: Path, seed: int) -> ContactModel:
    """A model as `model` with random weights, its contact head fitted as that one's was: same RNAs, distance and C.

    Raises DataError where `fit_on` is not the file of that fit.
    """
    record = model.record
    told: Mapping[str, Any] = record.get("structures") or {}
    if told.get("sha256") != sha256_of(fit_on):
        raise DataError(
            f"{fit_on}: is not the file that {model.loaded.directory.name} was fitted on ({told.get('file')}). "
            "Give that file, so that the control learns from the same RNAs."
        )
    wanted = set(record["rnas"])
    structures = [one for one in read_structures(fit_on) if one.name in wanted]
    network = new_network(model.loaded.network.config, None, seed).eval()
    dropout = use_token_dropout(network, bool(record.get("token_dropout")))
    loaded = LoadedModel(network, model.loaded.tokenizer, None, {}, Path("random weights"), "")
    features, is_pair = training_pairs(loaded, structures, int(record["separation"]))
    weights, bias = fit_regression(features, is_pair, float(record["c"]), int(record["seed"]))
    own = {**record, "maps_used": int((weights != 0).sum()), "token_dropout": dropout, "backbone_sha256": None}
    return ContactModel(loaded, torch.from_numpy(weights)[None], bias, own)
