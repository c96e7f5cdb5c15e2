"""RNA records through a backbone: embeddings in the order of the file, some megabytes at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from ribolm.console import Progress, choice
from ribolm.errors import DataError, UsageError
from ribolm.genome.coordinates import Int64
from ribolm.inference.batches import ONE_ROW, Float32, Forward
from ribolm.inference.embeddings import embed_rows, embed_tokens
from ribolm.models.attention_maps import has_attention
from ribolm.models.token_dropout import trained_with_token_dropout, use_token_dropout
from ribolm.models.weights import LoadedModel, load_model
from ribolm.sequences.rna import RnaRecord
from ribolm.sequences.vocabulary import TokenArray
from ribolm.version import __version__

Level = Literal["token", "pooled"]
PART_VALUES = 1 << 24  # numbers that are embedded before they are written
TOKENS_PER_PASS = {"cpu": 2_048, "cuda": 131_072}  # of transformers


class Part(NamedTuple):
    """Some records in the order of the file: their numbers, and values [records, D] or [tokens, D]."""

    rows: range
    values: Float32


@dataclass(frozen=True)
class Embedded:
    """Records to be embedded: tokens end to end (special ones left out), `offsets` int64 [n + 1] their bounds."""

    names: tuple[str, ...]
    tokens: TokenArray
    offsets: Int64
    level: Level
    width: int
    facts: dict[str, Any]

    @property
    def n_values(self) -> int:
        """Rows of the result: records, or tokens."""
        return len(self.tokens) if self.level == "token" else len(self.names)


def embedding_model(directory: Path, token_dropout: bool = False) -> tuple[LoadedModel, bool | None]:
    """A model without its head and with token dropout as asked for; what is in force (None: it knows no such rule).

    Raises UsageError where token dropout is asked of a model that has none.
    """
    loaded = load_model(directory, head=None)
    in_force = use_token_dropout(loaded.network, token_dropout)
    if token_dropout and in_force is None:
        raise UsageError(f"--token-dropout has no effect: {directory} has no such rule. Leave it out.")
    if in_force is not None:
        trained = "on" if trained_with_token_dropout(loaded.network) else "off"
        reason = "asked for" if token_dropout else "so embeddings are read"
        choice("token dropout", "on" if in_force else "off", f"{reason}; it was {trained} in training")
    return loaded, in_force


def embedding_forward(
    model: LoadedModel, device: str = "auto", precision: str = "fp32", tokens_per_batch: int | None = None
) -> Forward:
    """The model on a device. UsageError when CUDA is asked for and none is seen.

    RNAs of like length go through a transformer together, which takes two thirds of the time; other backbones pad a
    batch to its longest on a CPU, where each RNA has a pass of its own.
    """
    network = model.network
    forward = Forward.prepare((network,), model.tokenizer, device, precision, tokens_per_batch or ONE_ROW)
    if tokens_per_batch is None:
        kind, grouped = forward.device.kind, has_attention(network)
        forward.tokens_per_batch = TOKENS_PER_PASS[kind] if grouped or kind == "cuda" else ONE_ROW
        reason = "RNAs of like length share a pass" if forward.tokens_per_batch else "the backbone pads batches"
        choice("tokens per batch", forward.tokens_per_batch or "one RNA", reason)
    return forward


def records_to_embed(
    model: LoadedModel, records: Sequence[RnaRecord], level: Level, token_dropout: bool | None, precision: str
) -> Embedded:
    """Records as tokens of a model, and what is told of them; DataError for one that is too long for the model."""
    tokenizer, config = model.tokenizer, model.network.config
    letters = np.frombuffer("".join(record.letters for record in records).encode("ascii"), dtype=np.uint8)
    bounds = np.cumsum([0, *(len(record.letters) for record in records)]).astype(np.int64)
    tokens, offsets = tokenizer.encode_rows(letters, bounds)
    n_special = len(tokenizer.prefix_ids) + len(tokenizer.suffix_ids)
    most = config.max_tokens
    if most is not None and len(records) and (longest := int(np.diff(offsets).max())) + n_special > most:
        name = records[int(np.argmax(np.diff(offsets)))].name
        raise DataError(
            f"record '{name}' has {longest:,} tokens, but the model reads {most - n_special:,} at most. "
            "Cut the record, or use another model."
        )
    facts = {
        "ribolm": __version__,
        "model": model.directory.name,
        "model_sha256": model.sha256,
        "tokenizer": tokenizer.identity(),
        "token_dropout": token_dropout,
        "precision": precision,
        "level": level,
        "pooling": "mean over tokens, special ones left out" if level == "pooled" else None,
    }
    names = tuple(record.name for record in records)
    return Embedded(names, tokens, offsets, level, int(config.hidden_size), facts)


def embed(forward: Forward, wanted: Embedded) -> Iterator[Part]:
    """Embeddings of records in their order; those of a part go through by length. Memory: that of a part."""
    function = embed_tokens if wanted.level == "token" else embed_rows
    at_once = max(1, PART_VALUES // wanted.width)
    with Progress("embedding", len(wanted.names), "sequences") as progress:
        for rows in parts_of(wanted.offsets, at_once):
            first, last = wanted.offsets[rows.start], wanted.offsets[rows.stop]
            offsets = wanted.offsets[rows.start : rows.stop + 1] - first
            yield Part(rows, function(forward, wanted.tokens[first:last], offsets, progress=progress))


def parts_of(offsets: Int64, tokens_at_once: int) -> Iterator[range]:
    """Runs of rows with at most so many tokens together, or a single longer one."""
    begin, n = 0, len(offsets) - 1
    while begin < n:
        end = int(np.searchsorted(offsets, offsets[begin] + tokens_at_once, side="right")) - 1
        yield range(begin, max(end, begin + 1))
        begin = max(end, begin + 1)
