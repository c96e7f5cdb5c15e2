"""Structures of RNAs: folded by ViennaRNA, read by the network RNA by RNA in tiles, decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from ribolm.alphabet import letters
from ribolm.console import Progress, choice, notice
from ribolm.errors import DataError, UsageError
from ribolm.folding.energy import memory_bytes
from ribolm.folding.many import fold_many
from ribolm.folding.pair_lists import PairList
from ribolm.folding.vienna import probable_pairs
from ribolm.free_memory import SPARE_SHARE
from ribolm.inference.batches import one_sequence
from ribolm.inference.structures.model import StructureModel
from ribolm.labels.structure.decoding import decode, mean_pair_probability
from ribolm.labels.structure.dot_bracket import within_brackets
from ribolm.labels.structure.listed import ListedPairs, listed_pairs
from ribolm.labels.structure.pair_files import LEAST_LISTED
from ribolm.labels.structure.pairs import Structure
from ribolm.models.pair_maps.folding import pair_map, seen, states
from ribolm.models.pair_maps.inputs import PairLogits, PairProbabilities
from ribolm.models.pair_maps.tiles import TILE_NT, tiled
from ribolm.models.ragged import pack
from ribolm.sequences.rna import RnaRecord
from ribolm.training.machine.memory import PROCESS_BYTES, available_bytes

MAX_NT = 4_000
MAP_BYTES, TILE_WIDTHS = 24, 8  # per pair of bases: logits, their mirror, probabilities, what decoding looks at


@dataclass(frozen=True)
class PredictionOptions:
    """thermodynamics: whether ViennaRNA is asked; reactivities: per base by name; canonical: A-U, G-C and G-U alone.

    workers: processes that fold; max_nt: the longest RNA; tile_nt: see `tiles`.
    """

    thermodynamics: bool = True
    reactivities: Mapping[str, NDArray[np.float64]] | None = None
    canonical: bool = False
    workers: int = 1
    max_nt: int = MAX_NT
    tile_nt: int = TILE_NT


@dataclass(frozen=True)
class Prediction:
    """One RNA. pairs: those with a probability from 0.01 on. confidence: mean probability of the predicted pairs, NaN
    where there is none; mea_score: expected share of bases whose partner, or lack of one, is right: the mean of what
    each base gives its own state (what MEA folding sums up: Do et al. 2006, Bioinformatics 22:e90, γ = 1).
    """

    structure: Structure
    pairs: ListedPairs
    confidence: float
    mea_score: float


def predict_structures(
    model: StructureModel, records: Sequence[RnaRecord], options: PredictionOptions
) -> Iterator[Prediction]:
    """Predict RNA by RNA. Raises DataError for one that is too long, UsageError for too little memory."""
    thermodynamics = options.thermodynamics and model.shape.thermodynamic
    _require_length(
        records, options.max_nt, f"--max-nt is {options.max_nt:,}", "Raise it (the memory needed is told then)"
    )
    if thermodynamics:
        folded = min(energies.max_nt for energies in model.energies)
        _require_length(records, folded, f"{folded:,} nt are the most that are folded", "Use --no-thermodynamics")
    _require_memory(model, records, replace(options, thermodynamics=thermodynamics))
    with Progress("structures", len(records), "RNAs") as progress:
        for record, known in zip(records, _folded(model, records, options, thermodynamics), strict=True):
            yield predict_folded(model, record, known, options)
            progress.advance()


def _folded(
    model: StructureModel, records: Sequence[RnaRecord], options: PredictionOptions, thermodynamics: bool
) -> Iterator[PairList | None]:
    if not thermodynamics:
        yield from [None] * len(records)
    else:
        folded = partial(probable_pairs, models=model.energies)
        yield from fold_many(folded, records, options.workers, options.reactivities)


@torch.inference_mode()
def predict_folded(
    model: StructureModel, record: RnaRecord, known: PairList | None, options: PredictionOptions
) -> Prediction:
    """Predict one RNA whose pair probabilities by the folding program are known, or None to go without them."""
    n, tokenizer, device = len(record.letters), model.loaded.tokenizer, model.device
    tokens = tokenizer.encode(letters(record.letters))
    batch = pack([np.r_[tokenizer.prefix_ids, tokens, tokenizer.suffix_ids]]).to(device.name)
    given = None if known is None else PairProbabilities.of(known, n).to(device.name)
    with one_sequence(len(batch.tokens)), device.autocast():
        hidden, bases = states(model.loaded.network, batch)[0]
        maps = seen(model.loaded.network, batch.tokens)
        logits = tiled(pair_map(model.loaded.network), hidden, bases, given, options.tile_nt, maps)
    return _decoded(model, record, logits, given, options.canonical)


def _decoded(
    model: StructureModel, record: RnaRecord, logits: PairLogits, given: PairProbabilities | None, canonical: bool
) -> Prediction:
    rule, share = model.reading_of(len(record.letters), given is not None, canonical)
    answer = logits.probabilities()
    if given is not None:
        given.blend_into(answer, share)
    probabilities = answer.cpu().numpy()
    partner = decode(record.letters, probabilities, rule)
    structure, n_left_out = within_brackets(Structure(record.name, record.letters, partner))
    partner = structure.partner
    if n_left_out:
        notice(f"'{record.name}': {n_left_out:,} predicted pairs cross more others than dot-bracket can say; left out.")
    chosen = torch.from_numpy(partner).to(logits.pairs.device)
    right = logits.log_probability(chosen).exp()
    if given is not None:
        right = (1 - share) * right + share * given.of_states(chosen)
    scores = mean_pair_probability(partner, probabilities), float(right.mean())
    return Prediction(structure, listed_pairs(probabilities, LEAST_LISTED), *scores)


def _require_length(records: Sequence[RnaRecord], most_nt: int, limit: str, remedy: str) -> None:
    """Raise DataError, before anything is computed, where a record is longer than a limit."""
    beyond = [record for record in records if len(record.letters) > most_nt]
    if beyond:
        longer = f" ({len(beyond):,} records are longer)" if len(beyond) > 1 else ""
        raise DataError(
            f"Record '{beyond[0].name}' has {len(beyond[0].letters):,} nt, and {limit}{longer}. {remedy}, leave it "
            "out, or give a shorter stretch."
        )


def prediction_bytes(model: StructureModel, longest: int, options: PredictionOptions) -> int:
    """Memory for one RNA of so many bases: process, maps, one tile, and what ViennaRNA, if asked, holds per worker."""
    shape, side = model.shape, min(longest, options.tile_nt + 2 * model.shape.halo)
    tile = 4 * side**2 * TILE_WIDTHS * (shape.map_width + shape.width / shape.downsampling**2)
    folding = memory_bytes(longest) * max(1, options.workers) if options.thermodynamics else 0
    attended = 4 * shape.map_width * longest**2 if shape.attention else 0
    # attention is summed and then corrected into a second sum; one of them stays beside tiles and maps
    computing = max(2 * attended, attended + tile + MAP_BYTES * longest**2)
    return int(PROCESS_BYTES[model.device.kind] + computing + folding)


def _require_memory(model: StructureModel, records: Sequence[RnaRecord], options: PredictionOptions) -> None:
    longest = max((len(record.letters) for record in records), default=0)
    need = prediction_bytes(model, longest, options)
    free, bound = available_bytes(model.device.name)
    choice("memory", f"{need / 1e9:.2f} of {free / 1e9:.2f} GB", f"maps and folding of {longest:,} nt")
    if free and need > free * (1 - SPARE_SHARE):
        raise UsageError(
            f"An RNA of {longest:,} nt needs {need / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free ({bound}). Use "
            "fewer --processes or --no-thermodynamics, or give shorter RNAs."
        )
