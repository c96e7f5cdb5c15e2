"""Vectors from a backbone's last hidden states: one per sequence, their mean, or one per token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor

from ribolm.console import Progress
from ribolm.genome.coordinates import Int64, ranges
from ribolm.inference.batches import Float32, Forward
from ribolm.models.attention import SHORT_TOKENS
from ribolm.models.heads import pool
from ribolm.models.ragged import Ragged, ragged
from ribolm.sequences.vocabulary import TokenArray


def embed_rows(
    forward: Forward, tokens: TokenArray, offsets: Int64, with_special: bool = False, progress: Progress | None = None
) -> Float32:
    """Mean hidden state of every row tokens[offsets[i]:offsets[i + 1]], float32 [n, D].

    `forward`: a network without a head. Special tokens are left out of the mean; `with_special` puts them in, as
    published few-shot code does. Rows of like length go through together, `forward.tokens_per_batch` at a time; what
    else is in a batch moves a value by no more than rounding. An empty row without special tokens is a row of zeros.
    `progress` counts sequences; without it they have a line of their own. Raises OutOfMemory where not even one
    sequence fits on a card.
    """
    special = () if with_special else _special_ids(forward)
    out = np.zeros((len(offsets) - 1, int(forward.networks[0].config.hidden_size)), dtype=np.float32)
    for rows, means in _passes(
        forward, tokens, offsets, progress, lambda hidden, batch: pool(hidden, batch, "mean", special)
    ):
        out[rows] = means
    return out


def embed_tokens(forward: Forward, tokens: TokenArray, offsets: Int64, progress: Progress | None = None) -> Float32:
    """Hidden state of every token of rows as for `embed_rows`, float32 [T, D]; special tokens are left out."""
    before, n_special = len(forward.tokenizer.prefix_ids), len(_special_ids(forward))
    out = np.empty((len(tokens), int(forward.networks[0].config.hidden_size)), dtype=np.float32)
    for rows, hidden in _passes(forward, tokens, offsets, progress, lambda hidden, _: hidden):
        length = offsets[rows + 1] - offsets[rows]
        starts = np.cumsum(length + n_special) - (length + n_special) + before
        out[ranges(offsets[rows], length)] = hidden[ranges(starts, length)]
    return out


def _special_ids(forward: Forward) -> tuple[int, ...]:
    return (*forward.tokenizer.prefix_ids, *forward.tokenizer.suffix_ids)


def _passes(
    forward: Forward,
    tokens: TokenArray,
    offsets: Int64,
    progress: Progress | None,
    read: Callable[[Tensor, Ragged], Tensor],
) -> Iterator[tuple[Int64, Float32]]:
    """Forward passes over all rows, the longest first: (rows, what is read of their hidden states [T, D] in fp32)."""
    full = np.diff(offsets) + len(_special_ids(forward))
    order = np.flatnonzero(full > 0)[np.argsort(-full[full > 0], kind="stable")]

    def run(rows: Int64) -> Float32:
        batch = _batch(forward, tokens, offsets, rows)
        with torch.inference_mode():
            with forward.device.autocast():
                hidden = forward.networks[0](batch)
            return np.asarray(read(hidden.float(), batch).cpu().numpy())

    def fitting(rest: Int64) -> int:
        return _n_rows(rest, forward.tokens_per_batch)

    with nullcontext(progress) if progress else Progress("embedding", len(order), "sequences") as counter:
        for rows, found in forward.passes(order, full[order], fitting, run):
            yield rows, found
            counter.advance(len(rows))


def _n_rows(full: Int64, most_tokens: int) -> int:
    """How many of the next rows, lengths descending, go through together.

    Short rows of many lengths would be padded inside attention, and be rounded by what is beside them; they wait.
    """
    fit = full[: max(1, most_tokens // int(full[0]))]
    tokens, lengths = np.cumsum(fit), 1 + np.cumsum(np.diff(fit, prepend=fit[0]) != 0)
    padded = (lengths > 1) & (tokens < SHORT_TOKENS * lengths)
    return int(np.argmax(padded)) if padded.any() else len(fit)


def _batch(forward: Forward, tokens: TokenArray, offsets: Int64, rows: Int64) -> Ragged:
    """Some rows end to end on the device, special tokens around each."""
    before, after = forward.tokenizer.prefix_ids, forward.tokenizer.suffix_ids
    length = offsets[rows + 1] - offsets[rows]
    full = length + len(before) + len(after)
    flat, starts = np.empty(int(full.sum()), dtype=np.int64), np.cumsum(full) - full
    for step, token in enumerate(before):
        flat[starts + step] = token
    for step, token in enumerate(after):
        flat[starts + len(before) + length + step] = token
    flat[ranges(starts + len(before), length)] = tokens[ranges(offsets[rows], length)]
    return ragged(torch.from_numpy(flat), full.tolist()).to(forward.device.name)
