"""Rows of the embedding moved from one vocabulary into another: a mapping is no more than a choice of four rows.

Only the rows of tokens that RNA uses are ever read, so ESM-2's 33 tokens may shrink to RESM's eleven, and come back,
with equal logits. The same move makes the controls of a mapping: bases that begin as other amino acids, as the letters
that they are written with, or as numbers drawn by chance.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from ribolm import console
from ribolm.errors import DataError, UsageError
from ribolm.models.configuration import EncoderConfig
from ribolm.models.esm import EMBEDDING
from ribolm.models.network import MASKED_LM
from ribolm.models.state import State
from ribolm.models.weights import LoadedModel, load_model, network_of_state, save_model
from ribolm.sequences.mappings import AMINO_ACIDS, mapping_name
from ribolm.sequences.single import ESM_TOKENS, RNA_TOKENS, EsmTokenizer, RnaTokenizer
from ribolm.sequences.tokenizers import Tokenizer

Vocabulary = Literal["compact", "esm"]
KEPT, RANDOM = "kept", "random"
BIAS = "lm_head.bias"
TOKENWISE = (EMBEDDING, BIAS)  # what has one row per token
BASES = [RNA_TOKENS.index(base) for base in "AGCU"]


def transplant(
    source: Path, out: Path, vocabulary: Vocabulary, rows: str = KEPT, rows_of: Path | None = None, seed: int = 1
) -> Path:
    """Write a pretrained model of ESM-2's shape with its rows in another vocabulary, or with other rows for the bases.

    `rows`: "kept" (those of the model's mapping), a mapping as `mappings.mapping_name` reads it, or "random" (drawn by
    `seed`, each feature with mean and spread of the twenty amino acids'). `rows_of`: for the way back to ESM-2's
    vocabulary, the model that the tokens without a base come from. Raises UsageError for a choice without effect,
    DataError for models that do not fit.
    """
    model = load_model(source, "masked_lm")
    config = _config(model)
    if vocabulary == "compact":
        if rows_of is not None:
            raise UsageError("--rows-of has no effect with --vocabulary compact: it needs no other rows. Leave it out.")
        state, tokenizer, name = _compact(model, rows, seed)
    elif config.vocab_size == len(RNA_TOKENS):
        state, tokenizer, name = _back(model, rows, rows_of)
    else:
        state, tokenizer, name = _other_rows(model, rows, rows_of, seed)
    config = replace(
        config,
        vocab_size=tokenizer.vocab_size,
        pad_token_id=tokenizer.pad_id,
        mask_token_id=tokenizer.mask_id,
        bos_token_id=tokenizer.cls_id,
        eos_token_id=tokenizer.eos_id,
        nucleotide_mapping=name,
    )
    network = network_of_state(config, MASKED_LM, state, source)
    told = {"rows": rows if rows in (KEPT, RANDOM) else name, "vocabulary": vocabulary}
    seeds = {"seeds": {"rows": seed}} if rows == RANDOM else {}
    save_model(out, network, tokenizer, manifest={"parent": model.sha256, "transplant": told, **seeds})
    console.notice(f"{out}: {network.n_parameters():,} weights, vocabulary of {tokenizer.vocab_size}, mapping {name}.")
    return out


def _config(model: LoadedModel) -> EncoderConfig:
    config = model.network.config
    if not isinstance(config, EncoderConfig) or model.tokenizer.kind not in ("esm", "rna"):
        raise DataError(
            f"{model.directory}: has the tokenizer {model.tokenizer.label}, not ESM-2's with mapped nucleotides. "
            "Give a model of ribolm-weights convert."
        )
    return config


def _compact(model: LoadedModel, rows: str, seed: int) -> tuple[State, Tokenizer, str]:
    """The eleven rows of a model of ESM-2's vocabulary, or the bases of a compact one drawn anew."""
    state = _state(model)
    aligned = bool(model.tokenizer.specifics()["aligned"])
    tokenizer = RnaTokenizer.create(aligned)
    name = model.mapping if rows in (KEPT, RANDOM) else mapping_name(rows)
    if isinstance(model.tokenizer, EsmTokenizer):
        taken = _esm_rows(EsmTokenizer.create(str(name)))
        found: State = {**state, **{key: state[key][taken].clone() for key in TOKENWISE}}
    elif rows == RANDOM:
        raise UsageError(
            "--rows random draws from the spread of ESM-2's amino acids, which a compact vocabulary has not. Give the "
            "model of ESM-2's vocabulary."
        )
    else:
        raise UsageError(f"{model.directory} has the compact vocabulary already. Give --vocabulary esm, or leave it.")
    if rows == RANDOM:
        _draw(found, state, BASES, seed)
        name = RANDOM
    return found, tokenizer, str(name)


def _back(model: LoadedModel, rows: str, rows_of: Path | None) -> tuple[State, Tokenizer, str]:
    """A compact model's rows put in the places of the other model's mapping, all else as there."""
    if rows != KEPT:
        raise UsageError(f"--rows {rows} has no effect on the way back: the rows are the model's. Leave it out.")
    if rows_of is None:
        raise UsageError(
            "A compact vocabulary has eleven rows. Give the other 22 by --rows-of, the model it came from."
        )
    other = load_model(rows_of, "masked_lm")
    theirs, ours = _config(other), _config(model)
    if not isinstance(other.tokenizer, EsmTokenizer) or theirs.hidden_size != ours.hidden_size:
        raise DataError(f"{rows_of}: has not ESM-2's vocabulary, or another width. Give the model it came from.")
    if model.mapping not in (RANDOM, other.mapping):
        raise DataError(
            f"{model.directory}: its rows began as mapping {model.mapping}, those of {rows_of} are {other.mapping}. "
            "Give the model that it came from."
        )
    state, host = _state(model), other.network.state_dict()
    for key in TOKENWISE:
        whole = host[key].clone()
        whole[_esm_rows(other.tokenizer)] = state[key]
        state[key] = whole
    return state, other.tokenizer, str(other.mapping)


def _other_rows(model: LoadedModel, rows: str, rows_of: Path | None, seed: int) -> tuple[State, Tokenizer, str]:
    """ESM-2's vocabulary as it is, with the ids of another mapping or with random rows for the bases."""
    if rows == KEPT or rows_of is not None:
        raise UsageError(
            f"{model.directory} has ESM-2's vocabulary already. Give other --rows, and no --rows-of, or leave it."
        )
    state, tokenizer = _state(model), model.tokenizer
    assert isinstance(tokenizer, EsmTokenizer)
    if rows == RANDOM:
        found = {**state, **{key: state[key].clone() for key in TOKENWISE}}
        _draw(found, state, tokenizer.base_ids.tolist(), seed)
        return found, tokenizer, tokenizer.mapping
    other = EsmTokenizer.create(mapping_name(rows), tokenizer.aligned)
    return state, other, other.mapping


def _state(model: LoadedModel) -> State:
    return dict(model.network.state_dict())


def _esm_rows(tokenizer: EsmTokenizer) -> list[int]:
    """Row of ESM-2 for each of the eleven tokens."""
    letters = {"U" if base == "T" else base: amino_acid for base, amino_acid in tokenizer.amino_acids.items()}
    return [ESM_TOKENS.index(letters.get(token, token)) for token in RNA_TOKENS]


def _draw(into: State, source: State, ids: list[int], seed: int) -> None:
    """Draw the rows `ids` of `into`, every feature normal with mean and spread of the amino acids' in `source`."""
    generator = torch.Generator().manual_seed(seed)
    amino_acids = [ESM_TOKENS.index(letter) for letter in AMINO_ACIDS]
    for key in TOKENWISE:
        known: Tensor = source[key][amino_acids]
        drawn = torch.randn((len(ids), *known.shape[1:]), generator=generator)
        into[key][ids] = known.mean(dim=0) + known.std(dim=0) * drawn
