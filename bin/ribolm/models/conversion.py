"""Folders of transformers' ESM classes turned into model directories, with the fate of every weight."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ribolm import console
from ribolm.errors import DataError
from ribolm.files import require_file
from ribolm.models.configuration import EncoderConfig, config_from_dict
from ribolm.models.heads import HeadSpec
from ribolm.models.network import MASKED_LM
from ribolm.models.state import PICKLES, State, read_state
from ribolm.models.weights import (
    CONFIG,
    PROBLEMS,
    WEIGHTS,
    head_of_task,
    network_of_state,
    read_json,
    save_model,
    sha256_of,
)
from ribolm.sequences.tokenizers import Tokenizer

INDEX = "model.safetensors.index.json"
EMBEDDING = "esm.embeddings.word_embeddings.weight"
DECODER = "lm_head.decoder.weight"
FREQUENCIES = "esm.rotary_embeddings.inv_freq"
OLD_FREQUENCIES = re.compile(r"esm\.encoder\.layer\.(\d+|\*)\.attention\.self\.rotary_embeddings\.inv_freq")
BARE_ENCODER = ("embeddings.", "encoder.", "contact_head.", "rotary_embeddings.", "pooler.")
UNUSED = re.compile(r"esm\.(embeddings\.position_(ids|embeddings\.weight)|pooler\.dense\.(weight|bias))")


@dataclass
class Fates:
    """What became of the weights of a file: names read, left out, and set because the file has none."""

    renamed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)


def convert_model(source: Path, out: Path, tokenizer: Tokenizer) -> Path:
    """Write a model directory from a folder with config.json and safetensors of an ESM class.

    Every weight must have a place; those that rotary ESM-2 does not use are left out by name. Raises DataError for
    pickles, other architectures, another vocabulary, and weights that are missing, unknown or of another shape.
    """
    content = read_json(source / CONFIG)
    config = config_from_dict(content, str(source / CONFIG))
    check_vocabulary(source, config, tokenizer)
    stored, fingerprints = read_folder(source)
    state, fates = rename(stored, config)
    task = task_of_config(content, state)
    spec = _spec(state, task)
    network = network_of_state(config, spec, state, source)
    for kind, names in (("renamed", fates.renamed), ("left out", fates.left_out), ("set", fates.added)):
        if names:
            console.notice(f"{source}: {len(names)} weights {kind} ({', '.join(names[:3])}{', …' * (len(names) > 3)}).")
    console.notice(f"{source}: {network.n_parameters():,} weights converted, token dropout {config.token_dropout}.")
    parent = {"folder": source.name, "sha256": fingerprints, "left_out": fates.left_out, "set": fates.added}
    return save_model(out, network, tokenizer, task, {"parent": parent})


def check_vocabulary(source: Path, config: EncoderConfig, tokenizer: Tokenizer) -> None:
    """Raise DataError when the tokenizer has not the tokens of the source's vocab.txt, or not as many as its config."""
    path = source / "vocab.txt"
    found = path.read_text("utf-8").split() if path.exists() else None
    if tokenizer.vocab_size != config.vocab_size or (found is not None and found != list(tokenizer.tokens)):
        raise DataError(
            f"{source}: has a vocabulary of {len(found) if found else config.vocab_size} tokens that is not the "
            f"'{tokenizer.kind}' tokenizer's. Name the tokenizer that the model was trained with."
        )


def read_folder(source: Path) -> tuple[State, dict[str, str]]:
    """All weights of a folder, sharded or not, and the sha256 of each file."""
    if (source / INDEX).exists():
        names = sorted(set(read_json(source / INDEX).get("weight_map", {}).values()))
    elif not (source / WEIGHTS).exists() and any((source / name).exists() for name in PICKLES):
        raise DataError(f"{source}: its weights are a pickle, which may run code. Convert them to safetensors first.")
    else:
        names = [WEIGHTS]
    state: State = {}
    for name in names:
        state.update(read_state(require_file(source / Path(name).name)))
    return state, {name: sha256_of(source / Path(name).name) for name in names}


def rename(stored: Mapping[str, torch.Tensor], config: EncoderConfig) -> tuple[State, Fates]:
    """Bring older spellings of ESM's weights to today's, drop what rotary ESM-2 never reads, add what it computes."""
    state: State = {}
    fates = Fates()
    for name, value in stored.items():
        new = f"esm.{name}" if name.startswith(BARE_ENCODER) else name
        new = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", new))
        if OLD_FREQUENCIES.fullmatch(new):
            new = FREQUENCIES
            if new in state and not torch.equal(state[new], value):
                raise DataError(f"{name} differs from the other layers' frequencies. Use an ESM-2 model.")
        if UNUSED.fullmatch(new):
            fates.left_out.append(name)
            continue
        if new != name:
            fates.renamed.append(name)
        state[new] = value
    _untie(state, fates)
    _add_computed(state, config, fates)
    return state, fates


def _untie(state: State, fates: Fates) -> None:
    """Drop the decoder's copy of the embedding matrix, after making sure that it is one."""
    if DECODER not in state:
        return
    if EMBEDDING not in state or not torch.equal(state[DECODER], state[EMBEDDING]):
        raise DataError(f"{DECODER} is not the embedding matrix, but ESM-2 ties the two. Use an ESM-2 model.")
    del state[DECODER]
    fates.left_out.append(DECODER)


def _add_computed(state: State, config: EncoderConfig, fates: Fates) -> None:
    """Rotary frequencies follow from the configuration; a contact head is optional and unused by training."""
    wide = config.num_hidden_layers * config.num_attention_heads
    exponents = torch.arange(0, config.head_size, 2, dtype=torch.float) / config.head_size
    computed = {
        FREQUENCIES: 1.0 / (config.rope_theta**exponents),
        "esm.contact_head.regression.weight": torch.zeros(1, wide),
        "esm.contact_head.regression.bias": torch.zeros(1),
    }
    for name, value in computed.items():
        if name not in state:
            state[name] = value
            fates.added.append(name)


def task_of_config(content: Mapping[str, Any], state: Mapping[str, torch.Tensor]) -> dict[str, Any] | None:
    """A task for the classifier of a transformers class, None without one."""
    if "classifier.weight" in state:
        level, n_labels, pooling = "token", len(state["classifier.weight"]), None
    elif "classifier.out_proj.weight" in state:
        level, n_labels, pooling = "sequence", len(state["classifier.out_proj.weight"]), "cls"
        levels = {problem: kind for kind, problem in PROBLEMS.items()}
        level = levels.get(str(content.get("problem_type")), level)
    else:
        return None
    names = content.get("id2label") or {}
    labels = [str(names.get(str(number), f"LABEL_{number}")) for number in range(n_labels)]
    return {"task": "converted", "level": level, "labels": labels, "pooling": pooling}


def _spec(state: Mapping[str, torch.Tensor], task: Mapping[str, Any] | None) -> HeadSpec | None:
    if task is not None:
        return head_of_task(task)
    return MASKED_LM if any(name.startswith("lm_head.") for name in state) else None
