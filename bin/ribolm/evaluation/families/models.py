"""Encoders as methods: the mean over the bases of their last hidden states, and the same shape with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm.console import choice
from ribolm.evaluation.families.assessment import Method
from ribolm.evaluation.families.floors import laid_out
from ribolm.evaluation.families.likeness import cosine
from ribolm.files import require_each_once
from ribolm.inference.batches import Forward
from ribolm.inference.embeddings import embed_rows
from ribolm.models.directories import names_of
from ribolm.models.network import Network, new_network
from ribolm.models.presets import preset_config
from ribolm.models.token_dropout import use_token_dropout
from ribolm.models.weights import LoadedModel, load_model
from ribolm.sequences.rna import RnaRecord
from ribolm.sequences.tokenizers import Tokenizer, make_tokenizer

PRESET = "8m"  # the shape of the random encoder where no model is given
TOKENS_PER_BATCH = {"cpu": 8_192, "cuda": 262_144}


@dataclass(frozen=True)
class Encoders:
    """Given encoders and one random encoder per shape; `facts`: by name what decides the embeddings."""

    methods: tuple[Method, ...]
    facts: dict[str, dict[str, Any]]


def encoder_methods(directories: Sequence[Path], records: Sequence[RnaRecord], device: str, seed: int) -> Encoders:
    """Embed the records by every model and by random weights of every shape among them (of preset 8m without a model).

    Special tokens are left out of the mean, and token dropout is off. Raises DataError for a folder that is no model,
    UsageError for one that is given twice.
    """
    loaded = [load_model(directory, head=None) for directory in directories]
    require_each_once("--model", list(directories), [one.sha256 for one in loaded])
    methods: list[Method] = []
    facts: dict[str, dict[str, Any]] = {}
    for name, one in zip(names_of(directories), loaded, strict=True):
        methods.append(_method(name, "model", one.network, one.tokenizer, records, device))
        facts[name] = {**_facts(one.network, one.tokenizer), "model_sha256": one.sha256, **training_facts(one)}
    for name, network, tokenizer in random_encoders(loaded, seed):
        methods.append(_method(name, "random", network, tokenizer, records, device))
        facts[name] = {**_facts(network, tokenizer), "trained_on": "nothing: random weights", "seed": seed}
    return Encoders(tuple(methods), facts)


def random_encoders(loaded: Sequence[LoadedModel], seed: int) -> list[tuple[str, Network, Tokenizer]]:
    """An encoder with random weights for every shape and vocabulary among models: name, network, tokenizer.

    Without a model, of preset 8m with ESM-2's vocabulary.
    """
    if not loaded:
        tokenizer = make_tokenizer("esm")
        choice("shape of the random encoder", PRESET, "no --model is given")
        return [
            (f"random encoder {PRESET}", new_network(preset_config(PRESET, tokenizer), None, seed).eval(), tokenizer)
        ]
    shapes = {(str(one.network.config), str(one.tokenizer.identity())): one for one in reversed(loaded)}
    found: list[tuple[str, Network, Tokenizer]] = []
    for one in reversed(shapes.values()):
        alone = len(shapes) == 1
        name = "random encoder" if alone else f"random encoder {len(found) + 1}"
        found.append((name, new_network(one.network.config, None, seed).eval(), one.tokenizer))
    return found


def training_facts(model: LoadedModel) -> dict[str, Any]:
    """What a model's manifest tells of its training: kind, data, parent; random weights are called so."""
    manifest = model.manifest
    if manifest.get("preset") and manifest.get("parent") is None and not manifest.get("data"):
        return {"trained_on": "nothing: random weights"}
    told = {key: manifest[key] for key in ("kind", "data", "parent", "source") if manifest.get(key)}
    return {"trained_on": told or "not told by its manifest"}


def _method(
    name: str, kind: str, network: Network, tokenizer: Tokenizer, records: Sequence[RnaRecord], device: str
) -> Method:
    use_token_dropout(network, False)
    forward = Forward.prepare((network,), tokenizer, device, "fp32", 0)
    forward.tokens_per_batch = TOKENS_PER_BATCH[forward.device.kind]
    tokens, offsets = tokenizer.encode_rows(*laid_out(records))
    return Method(name, kind, cosine(embed_rows(forward, tokens, offsets)), network.n_parameters())


def _facts(network: Network, tokenizer: Tokenizer) -> dict[str, Any]:
    dropout = use_token_dropout(network, False)
    return {"tokenizer": tokenizer.identity(), "token_dropout": dropout, "pooling": "mean over bases"}
