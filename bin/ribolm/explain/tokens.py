"""Windows as packed tokens for a network, and which letters each token stands on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ribolm.alphabet import Letters
from ribolm.errors import UsageError
from ribolm.genome.coordinates import Int64
from ribolm.models.ragged import Ragged, pack
from ribolm.sequences.tokenizers import Tokenizer

TOKENS_AT_ONCE = 8192


class TokenBatch(NamedTuple):
    """Windows `rows` of a set as one batch.

    For every token that is not special: `place`, its index over the whole batch; `window`, its number within the batch;
    `start0` and `length_nt` of its letters in the window; all int64 [m].
    """

    rows: range
    batch: Ragged
    place: Int64
    window: Int64
    start0: Int64
    length_nt: Int64


def token_batches(tokenizer: Tokenizer, windows: Letters, tokens_at_once: int = TOKENS_AT_ONCE) -> Iterator[TokenBatch]:
    """Windows (uint8 [n, width_nt]) in their order, in batches of about so many tokens, special tokens around each."""
    letters_nt = token_letters(tokenizer)
    before, after = np.array(tokenizer.prefix_ids, dtype=np.int64), np.array(tokenizer.suffix_ids, dtype=np.int64)
    begin, encoded, held = 0, [], 0
    for row, window in enumerate(windows):
        encoded.append(tokenizer.encode(window).astype(np.int64))
        held += len(encoded[-1]) + len(before) + len(after)
        if held >= tokens_at_once or row == len(windows) - 1:
            yield _batch(range(begin, row + 1), encoded, before, after, letters_nt, windows.shape[1])
            begin, encoded, held = row + 1, [], 0


def overlaps(tokenizer: Tokenizer) -> bool:
    """Whether a letter stands in several tokens, so that none is its own."""
    return tokenizer.overlap_tokens > 1


def require_apart(tokenizer: Tokenizer) -> None:
    """Raise UsageError for a tokenizer of overlapping words."""
    if overlaps(tokenizer):
        raise UsageError(
            f"The model's tokens overlap ({tokenizer.label}), so that a letter has no token of its own. Use "
            "perturbation or mutagenesis."
        )


def token_letters(tokenizer: Tokenizer) -> Int64:
    """How many letters each token of a vocabulary stands on; words of ACGTN their length, all others one."""
    if tokenizer.per_nucleotide:
        return np.ones(tokenizer.vocab_size, dtype=np.int64)
    return np.array([len(token) if token and set(token) <= set("ACGTN") else 1 for token in tokenizer.tokens])


def _batch(
    rows: range, encoded: list[Int64], before: Int64, after: Int64, letters_nt: Int64, width_nt: int
) -> TokenBatch:
    batch = pack([np.concatenate([before, tokens, after]) for tokens in encoded])
    first = batch.cu_seqlens[:-1].numpy().astype(np.int64) + len(before)
    counts = np.array([len(tokens) for tokens in encoded], dtype=np.int64)
    lengths = [letters_nt[tokens] for tokens in encoded]
    starts = [np.cumsum(length) - length for length in lengths]
    if any(int(length.sum()) != width_nt for length in lengths):
        raise ValueError(f"the tokens of a window do not stand on its {width_nt} letters one after another")
    window = np.repeat(np.arange(len(encoded)), counts)
    place = np.concatenate([at + np.arange(count) for at, count in zip(first, counts, strict=True)])
    return TokenBatch(rows, batch, place, window, np.concatenate(starts), np.concatenate(lengths))
