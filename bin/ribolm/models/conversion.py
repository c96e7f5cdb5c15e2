"""Folders of published models turned into model directories, with the fate of every weight."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ribolm import console
from ribolm.errors import DataError
from ribolm.files import require_file, sha256_of
from ribolm.models.backbones import family_of, read_config
from ribolm.models.configuration import EncoderConfig
from ribolm.models.directories import CONFIG, PICKLES, WEIGHTS, read_json
from ribolm.models.family import BackboneConfig
from ribolm.models.mosaicbert_config import MosaicBertConfig
from ribolm.models.pickles import read_pickle
from ribolm.models.state import State, read_state
from ribolm.models.weights import (
    PROBLEMS,
    head_of_task,
    language_model_of,
    network_of_state,
    save_model,
)
from ribolm.sequences.tokenizers import NO_TOKEN, Tokenizer, make_tokenizer

INDICES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")


def convert_model(source: Path, out: Path, tokenizer: Tokenizer | None = None) -> Path:
    """Write a model directory from a folder with config.json and weights of a published model.

    `tokenizer` None takes that of the family, with the vocabulary that lies in the folder. Every weight must have a
    place; those that the backbone does not use are left out by name. Raises DataError for files that are more than
    weights, other architectures, another vocabulary, and weights that are missing, unknown or of another shape.
    """
    content = read_json(source / CONFIG)
    config = read_config(content, str(source / CONFIG))
    family = family_of(config)
    tokenizer = tokenizer or published_tokenizer(source, config)
    check_vocabulary(source, config, tokenizer)
    config = _with_specials(config, tokenizer)
    stored, fingerprints = read_folder(source)
    state, fates = family.rename(stored, config)
    task = task_of_config(content, state)
    spec = head_of_task(task) if task is not None else language_model_of(config, state)
    network = network_of_state(config, spec, state, source)
    for kind, names in (("renamed", fates.renamed), ("left out", fates.left_out), ("set", fates.added)):
        if names:
            console.notice(f"{source}: {len(names)} weights {kind} ({', '.join(names[:3])}{', …' * (len(names) > 3)}).")
    console.notice(f"{source}: {network.n_parameters():,} weights converted{_peculiarities(config)}.")
    console.notice(f"{family.name}: compared with {family.parity}.")
    if family.licence:
        console.notice(f"{family.name}: {family.licence}.")
    origin = {"family": family.name, "parity": family.parity, "licence": family.licence}
    parent = {"folder": source.name, "sha256": fingerprints, "left_out": fates.left_out, "set": fates.added, **origin}
    return save_model(out, network, tokenizer, task, {"parent": parent})


def _peculiarities(config: BackboneConfig) -> str:
    return f", token dropout {config.token_dropout}" if isinstance(config, EncoderConfig) else ""


def published_tokenizer(source: Path, config: BackboneConfig) -> Tokenizer:
    """The tokenizer of a family's published models, its vocabulary from the folder; DataError without it."""
    family = family_of(config)
    kind, file = family.tokenizer
    if file is not None and not (source / file).exists():
        raise DataError(f"{source}: lacks {file}, the vocabulary of {family.name}. Copy it there, or name a tokenizer.")
    console.choice("tokenizer", kind, f"that of {family.name}" + (f", words of {file}" if file else ""))
    return make_tokenizer(kind, file=None if file is None else source / file)


def _with_specials(config: BackboneConfig, tokenizer: Tokenizer) -> BackboneConfig:
    """The ids that pooling leaves out are those that the tokenizer puts around a sequence; few files name them."""
    if not isinstance(config, EncoderConfig | MosaicBertConfig):
        return config
    first, last = (None if id_ == NO_TOKEN else id_ for id_ in (tokenizer.cls_id, tokenizer.eos_id))
    return replace(config, bos_token_id=first, eos_token_id=last)


def check_vocabulary(source: Path, config: BackboneConfig, tokenizer: Tokenizer) -> None:
    """Raise DataError when the tokenizer has not the tokens of the source's vocab.txt, or not as many as its config."""
    path = source / "vocab.txt"
    found = path.read_text("utf-8").split() if path.exists() else None
    if tokenizer.vocab_size != config.vocab_size or (found is not None and found != list(tokenizer.tokens)):
        raise DataError(
            f"{source}: has a vocabulary of {len(found) if found else config.vocab_size} tokens that is not the "
            f"'{tokenizer.kind}' tokenizer's. Name the tokenizer that the model was trained with."
        )


def read_folder(source: Path) -> tuple[State, dict[str, str]]:
    """All weights of a folder, sharded or not, and the sha256 of each file; safetensors go before pickles."""
    state: State = {}
    paths = _weight_files(source)
    for path in paths:
        state.update(read_state(path) if path.suffix == ".safetensors" else read_pickle(path))
    return state, {path.name: sha256_of(path) for path in paths}


def _weight_files(source: Path) -> list[Path]:
    safe, pickled = (source / name for name in INDICES)
    index = safe if safe.exists() else None if (source / WEIGHTS).exists() else pickled if pickled.exists() else None
    if index is not None:
        names = sorted(set(read_json(index).get("weight_map", {}).values()))
        return [require_file(source / Path(name).name) for name in names]
    found = [name for name in (WEIGHTS, *PICKLES) if (source / name).exists()]
    return [require_file(source / (found[0] if found else WEIGHTS))]


def task_of_config(content: Mapping[str, Any], state: Mapping[str, torch.Tensor]) -> dict[str, Any] | None:
    """A task for the classifier of a transformers class, None without one."""
    if "classifier.weight" in state:
        level, n_labels, pooling = "token", len(state["classifier.weight"]), None
    elif "classifier.out_proj.weight" in state:
        level, n_labels, pooling = "sequence", len(state["classifier.out_proj.weight"]), "cls"
        levels = {problem: kind for kind, problem in PROBLEMS.items()}
        level = levels.get(str(content.get("problem_type")), level)
    elif "score.weight" in state:
        levels = {problem: kind for kind, problem in PROBLEMS.items()}
        level = levels.get(str(content.get("problem_type")), "sequence")
        n_labels, pooling = len(state["score.weight"]), "last"
    else:
        return None
    names = content.get("id2label") or {}
    labels = [str(names.get(str(number), f"LABEL_{number}")) for number in range(n_labels)]
    return {"task": "converted", "level": level, "labels": labels, "pooling": pooling}
