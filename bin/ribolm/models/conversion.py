"""Published models turned into model directories, with the fate of every weight."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ribolm import console
from ribolm.errors import DataError, UsageError
from ribolm.models.backbones import family_of
from ribolm.models.configuration import EncoderConfig
from ribolm.models.family import BackboneConfig, Fates
from ribolm.models.mosaicbert_config import MosaicBertConfig
from ribolm.models.network import Network
from ribolm.models.presets import ESM2_PARAMETERS, PRESETS
from ribolm.models.published import Published, read_published
from ribolm.models.weights import (
    PROBLEMS,
    head_of_task,
    language_model_of,
    network_of_state,
    save_model,
    with_mapping,
)
from ribolm.sequences.mappings import DEFAULT, PUBLISHED, mapping_name
from ribolm.sequences.single import ESM_TOKENS
from ribolm.sequences.tokenizers import NO_TOKEN, VOCABULARY_FILE, Tokenizer, make_tokenizer, mapping_of, read_tokenizer

NAMED_MAPPING = re.compile(rf"(?<![A-Za-z])({'|'.join(PUBLISHED)})(?![A-Za-z])", re.IGNORECASE)


def convert_model(
    source: Path, out: Path, tokenizer: Tokenizer | None = None, mapping: str | None = None, allow_stubs: bool = False
) -> Path:
    """Write a model directory from a published model: a folder with config.json and weights, or a file of fair-esm's.

    `tokenizer` None takes that of the family, with the vocabulary that lies in the folder. `mapping`: of ESM-2's
    family, the amino acids that spell nucleotides; None as the source names it, else KDNY. Every weight must have a
    place; those that the backbone does not use are left out by name. Raises DataError for files that are more than
    weights (`allow_stubs`: see `pickles.read_pickle`), other architectures, another vocabulary or mapping, and weights
    that are missing, unknown or of another shape; UsageError for a mapping that contradicts the source's name.
    """
    published = read_published(source, allow_stubs)
    family = family_of(published.config)
    tokenizer = tokenizer or published_tokenizer(source, published.config, mapping)
    _require_named_mapping(source, tokenizer)
    check_vocabulary(source, published.config, tokenizer)
    config = with_mapping(_with_specials(published.config, tokenizer), tokenizer)
    state, fates = family.rename(published.state, config)
    task = task_of_config(published.content, state)
    spec = head_of_task(task) if task is not None else language_model_of(config, state)
    network = network_of_state(config, spec, state, source)
    report = _report(source, published, fates)
    console.notice(f"{source}: {network.n_parameters():,} weights converted{_peculiarities(config)}.")
    _require_size(network, source)
    console.notice(f"{family.name}: compared with {family.parity}.")
    if family.licence:
        console.notice(f"{family.name}: {family.licence}.")
    origin = {"family": family.name, "parity": family.parity, "licence": family.licence}
    parent = {"folder" if source.is_dir() else "file": source.name, "sha256": published.sha256, **report, **origin}
    return save_model(out, network, tokenizer, task, {"parent": parent})


def _report(source: Path, published: Published, fates: Fates) -> dict[str, Any]:
    """Tell what became of every name, none of them missing or unexpected by now; the same for the manifest."""
    left_out = [published.names[name] for name in fates.left_out]
    renamed = [old for new, old in published.names.items() if new != old and old not in left_out] or fates.renamed
    for kind, names in (("renamed", renamed), ("left out", left_out), ("set", fates.added)):
        if names:
            console.notice(f"{source}: {len(names)} weights {kind} ({', '.join(names[:3])}{', …' * (len(names) > 3)}).")
    n_stored, n_dropped = len(published.names), len(left_out)
    console.notice(
        f"{source}: {n_stored} names: {n_stored - n_dropped} mapped, {n_dropped} dropped; {len(fates.added)} set; "
        "0 missing, 0 unexpected."
    )
    counts = {"stored": n_stored, "mapped": n_stored - n_dropped, "dropped": n_dropped, "missing": 0, "unexpected": 0}
    return {"left_out": left_out, "set": fates.added, "names": counts}


def _peculiarities(config: BackboneConfig) -> str:
    if not isinstance(config, EncoderConfig):
        return ""
    mapping = f", mapping {config.nucleotide_mapping}" if config.nucleotide_mapping else ""
    return f", token dropout {config.token_dropout}{mapping}"


def _require_size(network: Network, source: Path) -> None:
    """Raise DataError where a masked LM of one of ESM-2's shapes and vocabulary has not ESM-2's number of weights."""
    config = network.config
    if not isinstance(config, EncoderConfig) or network.spec is None or network.spec.kind != "masked_lm":
        return
    for name, expected in ESM2_PARAMETERS.items():
        shape = {"vocab_size": len(ESM_TOKENS), **PRESETS[name], "token_dropout": config.token_dropout}
        if type(config) is not EncoderConfig or any(getattr(config, key) != value for key, value in shape.items()):
            continue
        if network.n_parameters() != expected:
            raise DataError(
                f"{source}: has {network.n_parameters():,} weights, ESM-2 {name} has {expected:,}. Copy it again."
            )
        console.notice(f"{source}: shape and number of weights are those of ESM-2 {name}.")


def published_tokenizer(source: Path, config: BackboneConfig, mapping: str | None = None) -> Tokenizer:
    """The tokenizer of a family's published models, its vocabulary from the folder; DataError without it."""
    family = family_of(config)
    kind, file = family.tokenizer
    if file is not None and not (source / file).exists():
        raise DataError(f"{source}: lacks {file}, the vocabulary of {family.name}. Copy it there, or name a tokenizer.")
    console.choice("tokenizer", kind, f"that of {family.name}" + (f", words of {file}" if file else ""))
    if kind != "esm":
        if mapping is not None:
            raise UsageError(f"--mapping {mapping} has no effect: {family.name} has nucleotides. Leave it out.")
        return make_tokenizer(kind, file=None if file is None else source / file)
    return make_tokenizer(kind, mapping=mapping_name(mapping) if mapping else _chosen_mapping(source, config))


def _chosen_mapping(source: Path, config: BackboneConfig) -> str:
    """The mapping of a source that nobody named: by its config.json, its file name, or RESM's own."""
    told = config.nucleotide_mapping if isinstance(config, EncoderConfig) else None
    named = NAMED_MAPPING.search(source.name)
    found = told or (named.group(1).upper() if named else DEFAULT)
    reason = "by its config.json" if told else "by the name of the file" if named else "RESM's; ESM-2 itself has none"
    console.choice("mapping", found, reason)
    return found


def _require_named_mapping(source: Path, tokenizer: Tokenizer) -> None:
    """Raise where the name of a source, or the vocabulary in it, tells another mapping than the tokenizer's."""
    mapping, named = mapping_of(tokenizer), NAMED_MAPPING.search(source.name)
    if mapping and named and named.group(1).upper() != mapping:
        raise UsageError(
            f"{source} is of mapping {named.group(1).upper()} by its name, not {mapping}. Give --mapping "
            f"{named.group(1).upper()}, or rename the source if its name is wrong."
        )
    if (source / VOCABULARY_FILE).exists() and (source / VOCABULARY_FILE).read_text("utf-8").lstrip().startswith("{"):
        own = read_tokenizer(source)
        if mapping_of(own) != mapping:
            raise DataError(f"{source}: has the tokenizer {own.label}, not {tokenizer.label}. Name the one it has.")


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
