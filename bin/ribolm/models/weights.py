"""Model directories: config.json, model.safetensors, vocabulary, task.json, manifest.json, README.md."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from ribolm.errors import DataError
from ribolm.files import atomic_directory, require_file, require_no_other_kind, sha256_of, write_json
from ribolm.models.backbones import FAMILIES, family_of, read_config
from ribolm.models.configuration import EncoderConfig
from ribolm.models.directories import (
    CARD,
    CONFIG,
    MANIFEST,
    OWN_FILES,
    TASK,
    WEIGHTS,
    fingerprint,
    read_json,
    require_model,
)
from ribolm.models.family import BackboneConfig
from ribolm.models.heads import HEADS, HeadSpec, Kind
from ribolm.models.network import Network, head_name, language_model
from ribolm.models.pair_maps.configuration import PairMapConfig
from ribolm.models.state import check_state, read_state, write_state
from ribolm.models.token_dropout import trained_with_token_dropout
from ribolm.sequences.tokenizers import Tokenizer, is_description, mapping_of, read_tokenizer, write_tokenizer
from ribolm.version import __version__

FORMAT_VERSION = 1
HEAD_PREFIXES = tuple(
    sorted({f"{name}." for heads in (HEADS, *(family.heads for family in FAMILIES)) for name, _ in heads.values()})
)
LEVELS: dict[str, Kind] = {
    "token": "token",
    "sequence": "sequence",
    "regression": "regression",
    "multilabel": "multilabel",
    "pair": "pair",
    "structure": "structure",
}
PROBLEMS = {"regression": "regression", "multilabel": "multi_label_classification"}
Wanted = Literal["as stored", "masked_lm"] | None


@dataclass(frozen=True)
class LoadedModel:
    """A model directory in memory; `sha256` is that of its model.safetensors, `task` None for a pretrained model.

    `mapping`: the amino acids that spell its nucleotides, or whose rows they began as; None for other models.
    """

    network: Network
    tokenizer: Tokenizer
    task: dict[str, Any] | None
    manifest: dict[str, Any]
    directory: Path
    sha256: str

    @property
    def mapping(self) -> str | None:
        """See above."""
        return _mapping(self.network.config)


def head_of_task(task: Mapping[str, Any], source: Path | str = TASK) -> HeadSpec:
    """The head that a task asks for (keys level, labels, pooling); DataError when they are missing or unknown."""
    level, labels = task.get("level"), task.get("labels")
    if level not in LEVELS or not isinstance(labels, list) or not labels:
        raise DataError(
            f"{source}: level {level!r} with labels {labels!r} is no task. Name a level of {', '.join(LEVELS)} "
            "and a list of labels."
        )
    delay_nt, both_strands = int(task.get("delay_nt", 0)), bool(task.get("both_strands", False))
    pair_map = PairMapConfig.from_dict(task.get("pair_map"), source) if level == "structure" else None
    return HeadSpec(LEVELS[level], len(labels), task.get("pooling"), delay_nt, both_strands, pair_map)


def save_model(
    directory: Path | str,
    network: Network,
    tokenizer: Tokenizer,
    task: Mapping[str, Any] | None = None,
    manifest: Mapping[str, Any] | None = None,
    card: str | None = None,
) -> Path:
    """Write a model directory, whole or not at all, and return its path.

    `task` goes to task.json with the tokenizer's name and digest added, `manifest` to manifest.json with the version
    and the sha256 of every file; both with mapping and token dropout where nucleotides are mapped. Weights are fp32.
    Files of a model that was there before go; of a folder that holds no model none is taken away.
    Raises DataError when head, task and vocabulary do not belong together.
    """
    directory = Path(directory)
    _check_parts(network, tokenizer, task)
    require_no_other_kind(directory, lambda content: "format_version" in content, "model")
    before = OWN_FILES if (directory / MANIFEST).exists() else ()
    with atomic_directory(directory, optional=before) as temporary:
        write_state(temporary / WEIGHTS, network.state_dict())
        write_json(temporary / CONFIG, _config_content(network, task))
        write_tokenizer(temporary, tokenizer)
        if task is not None:
            write_json(temporary / TASK, {**task, **_mapped(network), "tokenizer": tokenizer.identity()})
        if card is not None:
            (temporary / CARD).write_text(card, "utf-8")
        written = sorted(path.name for path in temporary.iterdir())
        files = {name: fingerprint(temporary / name) for name in written}
        versions = {"format_version": FORMAT_VERSION, "ribolm": __version__, "torch": torch.__version__}
        write_json(temporary / MANIFEST, {**(manifest or {}), **_mapped(network), **versions, "files": files})
    return directory


def load_model(directory: Path | str, head: Wanted = "as stored") -> LoadedModel:
    """Read a model directory into fp32 on the CPU, in evaluation mode.

    `head`: "as stored" (the task's head, else the masked LM), "masked_lm", or None for the encoder alone. Raises
    DataError for files that are missing, damaged, changed since the manifest was written or not belonging together.
    """
    directory = Path(directory)
    manifest = read_manifest(directory)
    tokenizer = read_tokenizer(directory)
    config = with_mapping(read_config(read_json(directory / CONFIG), str(directory / CONFIG)), tokenizer)
    task = read_json(directory / TASK) if TASK in manifest["files"] else None
    state = read_state(directory / WEIGHTS)
    spec = _spec(directory, config, head, task, state)
    network = network_of_state(config, spec, state, directory / WEIGHTS)
    _check_parts(network, tokenizer, task if head == "as stored" else None)
    if task is not None and not is_description(task.get("tokenizer"), tokenizer):
        raise DataError(f"{directory}: task.json and the vocabulary name different tokenizers. Copy the model again.")
    return LoadedModel(network.eval(), tokenizer, task, manifest, directory, manifest["files"][WEIGHTS]["sha256"])


def with_mapping(config: BackboneConfig, tokenizer: Tokenizer) -> BackboneConfig:
    """The configuration with the mapping of its tokenizer where it names none; DataError where it names another."""
    mapping = mapping_of(tokenizer)
    if mapping is None or not isinstance(config, EncoderConfig):
        return config
    if config.nucleotide_mapping not in (None, mapping):
        raise DataError(
            f"the weights are of mapping {config.nucleotide_mapping} by their config.json, but the tokenizer gives the "
            f"ids of {mapping}. Use --mapping {config.nucleotide_mapping}."
        )
    return replace(config, nucleotide_mapping=mapping)


def _mapping(config: BackboneConfig) -> str | None:
    return config.nucleotide_mapping if isinstance(config, EncoderConfig) else None


def _mapped(network: Network) -> dict[str, Any]:
    """What every file about a model of mapped nucleotides tells; nothing for others."""
    mapping = _mapping(network.config)
    return {} if mapping is None else {"mapping": mapping, "token_dropout": trained_with_token_dropout(network)}


def network_of_state(config: BackboneConfig, spec: HeadSpec | None, state: dict[str, Any], source: Path) -> Network:
    """A network that takes over the tensors of a state; other heads' weights are left out, all else must fit."""
    kept = f"{head_name(config, spec)}." if spec else ""
    state = {
        name: value
        for name, value in state.items()
        if not name.startswith(HEAD_PREFIXES) or (kept and name.startswith(kept))
    }
    with torch.device("meta"):
        network = Network(config, spec)
    check_state(state, network.state_dict(), source)
    network.load_state_dict(state, strict=True, assign=True)
    return network


def read_manifest(directory: Path, check_sha256: bool = True) -> dict[str, Any]:
    """Read manifest.json and hold the files against it: present, of the stated size and (by default) sha256."""
    manifest = read_json(require_model(directory) / MANIFEST)
    files = manifest.get("files")
    if manifest.get("format_version") != FORMAT_VERSION or not isinstance(files, dict) or WEIGHTS not in files:
        raise DataError(
            f"{directory / MANIFEST}: is not of model format {FORMAT_VERSION}. Write the model with this version."
        )
    for name, wanted in files.items():
        path = directory / Path(name).name
        if not path.exists():
            raise DataError(f"{path}: is missing, though manifest.json names it. Copy the whole model again.")
        size = require_file(path).stat().st_size
        if size != wanted["bytes"] or (check_sha256 and sha256_of(path) != wanted["sha256"]):
            raise DataError(f"{path}: is not the file that manifest.json describes. Copy the whole model again.")
    return manifest


def _spec(
    directory: Path, config: BackboneConfig, head: Wanted, task: Mapping[str, Any] | None, state: Mapping[str, Any]
) -> HeadSpec | None:
    pretrained = language_model_of(config, state)
    if head == "masked_lm" and (pretrained is None or pretrained.kind != head):
        raise DataError(f"{directory}: has no masked LM head. Use the pretrained model that it was made from.")
    if head == "as stored" and task is not None:
        return head_of_task(task, directory / TASK)
    return pretrained if head is not None else None


def language_model_of(config: BackboneConfig, state: Mapping[str, Any]) -> HeadSpec | None:
    """The language model's head of a configuration's family where a state holds its weights, else None."""
    if not family_of(config).language_model:
        return None
    spec = language_model(config)
    prefix = f"{head_name(config, spec)}."
    return spec if any(name.startswith(prefix) for name in state) else None


def _config_content(network: Network, task: Mapping[str, Any] | None) -> dict[str, Any]:
    kind = network.spec.kind if network.spec else ""
    architectures = family_of(network.config).architectures
    architecture = architectures.get(kind) or architectures[""]
    content = {**network.config.to_dict(), "architectures": [architecture], "dtype": "float32"}
    if kind in PROBLEMS:
        content["problem_type"] = PROBLEMS[kind]
    if task is not None:
        labels = [str(label) for label in task["labels"]]
        content["id2label"] = {str(number): label for number, label in enumerate(labels)}
        content["label2id"] = {label: number for number, label in enumerate(labels)}
    return content


def _check_parts(network: Network, tokenizer: Tokenizer, task: Mapping[str, Any] | None) -> None:
    """Vocabulary, encoder, head and task must be of one model."""
    config = network.config
    found = (config.vocab_size, config.pad_token_id, config.mask_token_id)
    wanted = (tokenizer.vocab_size, tokenizer.pad_id, tokenizer.mask_id)
    if found != wanted:
        raise DataError(
            f"vocabulary size, <pad> and <mask> are {wanted} in the tokenizer but {found} in config.json. "
            "Use the vocabulary that the model was trained with."
        )
    with_mapping(config, tokenizer)
    if task is not None and head_of_task(task) != network.spec:
        raise DataError(f"the task asks for {head_of_task(task)}, but the network has {network.spec}.")
