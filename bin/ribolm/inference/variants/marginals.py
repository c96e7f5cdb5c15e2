"""Effects of substitutions from a masked language model alone: masked marginals (Meier et al. 2021).

The base is masked, and log p(alternative) - log p(reference) read there (doi 10.1101/2021.07.09.450648). As a
difference it is the same whether probabilities are shared out among the four bases or among all tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ribolm.console import Progress, choice
from ribolm.errors import DataError
from ribolm.files import atomic_path, write_json
from ribolm.inference.batches import Float32, Forward
from ribolm.inference.variants.substitutions import ADDED, BASES, Substitution, SubstitutionTable
from ribolm.models.ragged import ragged
from ribolm.models.token_dropout import trained_with_token_dropout, use_token_dropout
from ribolm.models.weights import LoadedModel, load_model
from ribolm.sequences.tokenizers import NO_TOKEN, Tokenizer

NORMALISED_OVER = "A, C, G, U"


def load_masked_model(directory: Path | str) -> LoadedModel:
    """Load a pretrained model with its masked LM head, token dropout as in training.

    DataError for a model that was not pretrained with masks, or whose tokens are not single bases.
    """
    loaded = load_model(directory, "masked_lm")
    tokenizer = loaded.tokenizer
    if not tokenizer.per_nucleotide or tokenizer.overlap_tokens > 1 or tokenizer.mask_id == NO_TOKEN:
        raise DataError(
            f"{directory}: its {tokenizer.kind} tokens are not single bases, so that no base can be masked alone. "
            "Give a model with one token per base."
        )
    trained = trained_with_token_dropout(loaded.network)
    if trained is not None:
        choice("token dropout", "on" if trained else "off", "as in training, for masked positions are scored")
        use_token_dropout(loaded.network, trained)
    return loaded


def masked_log_probabilities(forward: Forward, letters: str, positions0: Sequence[int]) -> Float32:
    """Log probabilities of A, C, G, U at positions of one RNA, each masked alone: float32 [positions, 4].

    They sum to 1 over the four. `forward`: a network with a masked LM head. Every position is a row of the whole
    record; on a CPU one at a time, so that a value does not depend on what else is asked. Raises OutOfMemory where not
    even one row fits on a card.
    """
    tokenizer = forward.tokenizer
    before, after = tokenizer.prefix_ids, tokenizer.suffix_ids
    row = np.r_[before, tokenizer.encode(np.frombuffer(letters.encode(), dtype=np.uint8)), after].astype(np.int64)
    places = np.asarray(positions0, dtype=np.int64) + len(before)
    found = np.empty((len(places), len(BASES)), dtype=np.float32)
    full = np.full(len(places), len(row))
    passes = forward.passes(
        np.arange(len(places)),
        full,
        lambda _: max(1, forward.tokens_per_batch // len(row)),
        lambda part: _masked(forward, row, places[part]),
    )
    for part, values in passes:
        found[part] = values
    return found


def _masked(forward: Forward, row: np.ndarray, at: np.ndarray) -> Float32:
    """One pass of as many copies of a row as places are masked, one in each: float32 [places, 4]."""
    rows = np.repeat(row[None], len(at), axis=0)
    rows[np.arange(len(at)), at] = forward.tokenizer.mask_id
    batch = ragged(torch.from_numpy(rows.ravel()), [len(row)] * len(at)).to(forward.device.name)
    selected = torch.from_numpy(np.arange(len(at)) * len(row) + at).to(forward.device.name)
    bases = torch.from_numpy(base_ids(forward.tokenizer)).to(forward.device.name)
    with torch.inference_mode(), forward.device.autocast():
        logits = forward.networks[0](batch, selected).float()[:, bases]
    return np.asarray(torch.log_softmax(logits, dim=1).cpu().numpy())


def base_ids(tokenizer: Tokenizer) -> np.ndarray:
    """Ids of A, C, G, U, int64 [4]."""
    return np.asarray(tokenizer.encode(np.frombuffer(BASES.encode(), dtype=np.uint8)), dtype=np.int64)


def delta_log_probabilities(
    forward: Forward, letters: Mapping[str, str], substitutions: Sequence[Substitution]
) -> Float32:
    """log p(alternative) - log p(reference) of every substitution with its base masked, float32 [n].

    Substitutions of one base share a pass. Raises DataError for a record that is too long for the model.
    """
    wanted: dict[str, dict[int, list[int]]] = {}
    for number, one in enumerate(substitutions):
        wanted.setdefault(one.name, {}).setdefault(one.position0, []).append(number)
    longest = forward.networks[0].config.max_tokens
    n_special = len(forward.tokenizer.prefix_ids) + len(forward.tokenizer.suffix_ids)
    found = np.empty(len(substitutions), dtype=np.float32)
    with Progress("masking", sum(map(len, wanted.values())), "bases") as progress:
        for name, places in wanted.items():
            if longest is not None and len(letters[name]) + n_special > longest:
                raise DataError(
                    f"Record '{name}' has {len(letters[name]):,} nt, and the model takes {longest - n_special:,}. "
                    "Cut it around its variants."
                )
            chances = masked_log_probabilities(forward, letters[name], list(places))
            for chance, numbers in zip(chances, places.values(), strict=True):
                for number in numbers:
                    one = substitutions[number]
                    found[number] = chance[BASES.index(one.alternative)] - chance[BASES.index(one.reference)]
            progress.advance(len(places))
    return found


def write_marginals(out: Path, table: SubstitutionTable, deltas: Float32, model: LoadedModel) -> None:
    """Write the table with one more column, six decimals, and beside it `<out>.json`: what made the numbers."""
    with atomic_path(out) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(f"{table.header}\t{ADDED}\n")
        rows = zip(table.substitutions, deltas.tolist(), strict=True)
        handle.writelines(f"{one.line}\t{round(delta, 6) + 0.0:.6f}\n" for one, delta in rows)
    write_json(out.with_name(out.name + ".json"), marginal_facts(model, len(table.substitutions)))


def marginal_facts(model: LoadedModel, n: int) -> dict[str, Any]:
    """Model, tokenizer with its mapping, token dropout, and over which tokens probabilities are shared out."""
    return {
        "kind": "masked_marginals",
        "n": n,
        "model": model.directory.name,
        "model_sha256": model.sha256,
        "tokenizer": model.tokenizer.identity(),
        "token_dropout": trained_with_token_dropout(model.network),
        "normalised_over": NORMALISED_OVER,
    }
