"""What a masked language model makes of RNA: loss of hidden nucleotides, overall and by type of RNA."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from ribolm.console import Progress, notice
from ribolm.evaluation.bootstrap import DRAWS, interval_note, percentile_interval
from ribolm.evaluation.tables import write_tsv
from ribolm.files import atomic_directory, sha256_of, write_json
from ribolm.genome.coordinates import Int64
from ribolm.models.network import Network
from ribolm.models.token_dropout import trained_with_token_dropout, use_token_dropout
from ribolm.models.weights import load_model
from ribolm.sequences.overlap import joined
from ribolm.sequences.rna import read_rna
from ribolm.sequences.rna_types import types_of
from ribolm.sequences.tokenizers import Tokenizer
from ribolm.sequences.vocabulary import TokenArray
from ribolm.training.feed.batches import Feed
from ribolm.training.log import TrainingLog
from ribolm.training.machine.precision import Device, choose_device
from ribolm.training.objectives.masked_tokens import MaskedTokens

Float64 = npt.NDArray[np.float64]
ALL = "all"
TOKENS_PER_BATCH = {"cpu": 4096, "cuda": 65536}
COLUMNS = (
    "type", "n_sequences", "n", "loss", "loss_low", "loss_high", "chance_loss", "perplexity", "accuracy",
)  # fmt: skip


@dataclass(frozen=True)
class TokenRows:
    """Rows of tokens in memory, as a feed reads them: row i is tokens[offsets[i]:offsets[i + 1]]."""

    tokens: TokenArray
    offsets: Int64
    tokenizer: Tokenizer


@dataclass(frozen=True)
class HiddenTokens:
    """Per sequence, float64 [n]: summed loss (nats) of its hidden tokens, their number, and how many were guessed."""

    loss: Float64
    n: Float64
    right: Float64


@dataclass(frozen=True)
class PerplexityOptions:
    """What `ribolm-evaluate perplexity` is told; `types`: a table of names and types, None: the headers say them.

    token_dropout None: as the model was trained, for its masked tokens are scored as in training.
    """

    model: Path
    sequences: Path
    types: Path | None = None
    mask_rate: float = 0.15
    draws: int = DRAWS
    seed: int = 1
    device: str = "auto"
    token_dropout: bool | None = None


def assess_perplexity(options: PerplexityOptions, outdir: Path) -> None:
    """Score the RNAs of a FASTA by a pretrained model and write the results; valid and empty for an empty FASTA.

    Raises DataError for a model without a head of the masked LM and for the faults of the files.
    """
    records = read_rna(options.sequences)
    types = types_of(records, options.types)
    model = load_model(options.model, "masked_lm")
    network, tokenizer = model.network, model.tokenizer
    trained = trained_with_token_dropout(network)
    wanted = trained if options.token_dropout is None else options.token_dropout
    in_force = None if wanted is None else use_token_dropout(network, wanted)
    objective = MaskedTokens(tokenizer, options.seed, options.mask_rate, tokenizer.overlap_tokens)
    rows = TokenRows(*tokenizer.encode_rows(*joined([record.letters for record in records])), tokenizer)
    device = choose_device(options.device, "fp32", 0, TrainingLog(None))
    found = hidden_losses(network, rows, device, objective)
    table = perplexity_rows(found, types, objective.chance_loss, options.draws, options.seed)
    settings = {
        "model": {"sha256": model.sha256, "mapping": model.mapping, "tokenizer": tokenizer.label},
        "token_dropout": in_force,
        "sequences": {"name": options.sequences.name, "sha256": sha256_of(options.sequences)},
        "types": options.types and options.types.name,
        "mask_rate": options.mask_rate,
        "draws": options.draws,
        "seed": options.seed,
    }
    write_perplexity(outdir, table, settings, options.draws)


@torch.no_grad()
def hidden_losses(network: Network, rows: TokenRows, device: Device, objective: MaskedTokens) -> HiddenTokens:
    """Hide tokens as in training, by chance that belongs to each row alone, and score them.

    Sequences of like length go through together; what else is in a batch moves a loss by no more than rounding.
    """
    n_rows = len(rows.offsets) - 1
    found = HiddenTokens(np.zeros(n_rows), np.zeros(n_rows), np.zeros(n_rows))
    with Progress("scoring", n_rows, "sequences") as progress:
        if not n_rows:
            return found
        budget = TOKENS_PER_BATCH[device.kind]
        network.to(device.name).eval()
        for batch in Feed(rows, seed=0, tokens_per_step=budget, shuffle=False).once(budget):
            prepared = objective.prepare(batch)
            assert prepared.selected is not None
            owner = np.searchsorted(batch.cu_seqlens, prepared.selected.numpy(), side="right") - 1
            on_device = prepared.to(device.name)
            with device.autocast():
                logits = network(on_device.sequences, on_device.selected)
            losses = functional.cross_entropy(logits.float(), on_device.targets, reduction="none")
            right = logits.argmax(dim=-1) == on_device.targets
            row = batch.rows[owner]
            np.add.at(found.loss, row, losses.double().cpu().numpy())
            np.add.at(found.n, row, 1.0)
            np.add.at(found.right, row, right.double().cpu().numpy())
            progress.advance(len(batch))
    return found


def perplexity_rows(
    found: HiddenTokens, types: Sequence[str], chance_loss: float, draws: int = DRAWS, seed: int = 1
) -> list[dict[str, Any]]:
    """One row for all sequences and one per type, the most frequent first; `COLUMNS`.

    loss: mean over hidden tokens, with the 95 % bootstrap interval over sequences; perplexity: e^loss.
    """
    kinds, number = np.unique(np.asarray(types, dtype=np.str_), return_inverse=True)
    order = sorted(range(len(kinds)), key=lambda i: (-int((number == i).sum()), str(kinds[i])))
    groups = [(ALL, np.arange(len(types)))] + [(str(kinds[i]), np.flatnonzero(number == i)) for i in order]
    return [_row(name, members, found, chance_loss, draws, seed) for name, members in groups]


def _row(name: str, members: Int64, found: HiddenTokens, chance_loss: float, draws: int, seed: int) -> dict[str, Any]:
    loss, n = found.loss[members], found.n[members]
    total = float(n.sum())
    mean = float(loss.sum()) / total if total else math.nan
    random = np.random.Generator(np.random.Philox(seed))
    drawn = np.full(draws if len(members) > 1 else 0, np.nan)
    for at in range(len(drawn)):
        chosen = random.integers(len(members), size=len(members))
        weight = n[chosen].sum()
        drawn[at] = loss[chosen].sum() / weight if weight else math.nan
    interval = percentile_interval(mean, drawn)
    return {
        "type": name,
        "n_sequences": len(members),
        "n": int(total),
        "loss": interval.value,
        "loss_low": interval.low,
        "loss_high": interval.high,
        "chance_loss": chance_loss,
        "perplexity": math.exp(mean) if total else None,
        "accuracy": float(found.right[members].sum()) / total if total else None,
    }


def write_perplexity(outdir: Path, rows: Sequence[dict[str, Any]], settings: dict[str, Any], draws: int) -> None:
    """Write perplexity.tsv and metrics.json, and tell the numbers of all sequences."""
    note = interval_note(draws, rows[0]["n_sequences"], "sequences") if rows else None
    with atomic_directory(outdir) as folder:
        write_tsv(folder / "perplexity.tsv", rows, COLUMNS)
        write_json(folder / "metrics.json", {"settings": settings, "metrics": list(rows), "interval_note": note})
    if note:
        notice(note)
    for row in rows[:1]:
        told = f"{row['n']:,} hidden tokens of {row['n_sequences']:,} sequences"
        if row["loss"] is None:
            notice(f"there is no loss: {told}.")
            continue
        words = round(math.exp(row["chance_loss"]))
        chance = f"by chance ln {words} = {row['chance_loss']:.4f}"
        notice(f"loss {row['loss']:.4f} ({chance}), perplexity {row['perplexity']:.3f}, {told}.")
