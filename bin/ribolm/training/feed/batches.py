"""Which rows make up which optimiser step, and their tokens gathered from the store.

Everything is a pure function of (seed, epoch, position, rank, world): nothing but those numbers is saved. A step is
made first, from the order of the epoch; only then is it dealt to ranks and cut into micro-batches, so that neither the
number of processes nor the budget of a micro-batch changes what one step learns from. The corpus stays on the disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ribolm.errors import DataError, UsageError
from ribolm.training.feed.row_streams import row_keys, uniform
from ribolm.training.feed.streams import generator

STEPS_PER_POOL = 64  # steps whose rows are sorted by length together
LENGTH_CLASSES = 8  # stretches of one length that a step is put together from, at most
ROWS_PER_CLASS = 4

Int64Array = NDArray[np.int64]


class Vocabulary(Protocol):
    """What the feed asks of a tokenizer: the ids put before and behind every sequence."""

    @property
    def prefix_ids(self) -> tuple[int, ...]: ...
    @property
    def suffix_ids(self) -> tuple[int, ...]: ...


class TokenSource(Protocol):
    """What the feed asks of a token store: tokens uint8 or uint16 [t], offsets int64 [n + 1], its tokenizer."""

    @property
    def tokens(self) -> NDArray[Any]: ...
    @property
    def offsets(self) -> NDArray[Any]: ...
    @property
    def tokenizer(self) -> Vocabulary: ...


@dataclass(frozen=True)
class RowBatch:
    """Rows gathered from the store, packed one after the other, each between cls and eos.

    tokens: int64 [T]; place: int64 [T], index into tokens.bin (and into labels per token), -1 for cls and eos;
    cu_seqlens: int64 [B + 1]; rows, copies: int64 [B], row of the store and which showing of it in this epoch.
    """

    tokens: Int64Array
    place: Int64Array
    cu_seqlens: Int64Array
    rows: Int64Array
    copies: Int64Array
    epoch: int

    def __len__(self) -> int:
        return int(self.rows.size)

    @property
    def lengths(self) -> Int64Array:
        """Tokens of each sequence with cls and eos, int64 [B]."""
        return np.diff(self.cu_seqlens)

    def keys(self, seed: int, purpose: str) -> NDArray[np.uint64]:
        """Random key of each sequence for one purpose, uint64 [B]."""
        return row_keys(seed, purpose, self.epoch, self.rows, self.copies)


class Feed:
    """The optimiser steps over some rows of a store.

    `rows` int64 [n] (None: all), `copies` int64 [n] showings of each row per epoch (None: one each), `tokens_per_step`
    counts cls and eos. Rows longer than `crop_tokens` are cut to a stretch of that length at a place drawn anew in each
    epoch. `shuffle=False` keeps the order of the rows but for sorting by length within a pool, for evaluation.
    Memory: 9 bytes per showing and a permutation of them, none of it tokens.
    Raises DataError when there is no row, UsageError for a budget below one token.
    """

    def __init__(
        self,
        store: TokenSource,
        rows: Int64Array | None = None,
        *,
        seed: int,
        tokens_per_step: int,
        copies: Int64Array | None = None,
        crop_tokens: int | None = None,
        shuffle: bool = True,
    ) -> None:
        if tokens_per_step < 1 or (crop_tokens is not None and crop_tokens < 1):
            raise UsageError("Tokens per step and of a crop must be 1 or more.")
        self.store, self.seed, self.crop_tokens, self.shuffle = store, seed, crop_tokens, shuffle
        self.tokens_per_step = tokens_per_step
        self._before, self._after = len(store.tokenizer.prefix_ids), len(store.tokenizer.suffix_ids)
        self._rows, self._copies = _showings(len(store.offsets) - 1, rows, copies)
        if not self._rows.size:
            raise DataError("There is no sequence to train on. Check the store and the folds.")
        self._lengths = self._token_counts()
        self.n_tokens = int(self._lengths.sum(dtype=np.int64))
        self.steps_per_epoch = min(max(1, round(self.n_tokens / tokens_per_step)), self._rows.size)
        self._n_pools = max(1, self.steps_per_epoch // STEPS_PER_POOL)
        self._pool = lru_cache(maxsize=2)(self._make_pool)
        self._order = lru_cache(maxsize=1)(self._make_order)

    def __len__(self) -> int:
        """Showings of rows per epoch."""
        return int(self._rows.size)

    @property
    def lengths(self) -> NDArray[np.uint32]:
        """Tokens of each showing, cls and eos included."""
        return self._lengths

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence, cls and eos included."""
        return int(self._lengths.max())

    def place(self, step: int) -> tuple[int, int]:
        """(epoch, position in it) of optimiser step number `step`, counted from 0 over all epochs."""
        return divmod(step, self.steps_per_epoch)

    def micro_batches(
        self, epoch: int, position: int, tokens_per_micro_batch: int, rank: int = 0, world: int = 1
    ) -> Iterator[RowBatch]:
        """The share of one rank in step `position` of an epoch, cut into batches of at most that many tokens.

        A sequence longer than the budget travels alone. A rank may get none, where a step has fewer rows than ranks.
        """
        mine = self.step_showings(epoch, position)[rank::world]
        for part in _cut(mine, self._lengths[mine].astype(np.int64), tokens_per_micro_batch):
            yield self._gather(part, epoch)

    def once(self, tokens_per_micro_batch: int, rank: int = 0, world: int = 1) -> Iterator[RowBatch]:
        """Every row of this rank once, as epoch 0: for evaluation and prediction."""
        for position in range(self.steps_per_epoch):
            yield from self.micro_batches(0, position, tokens_per_micro_batch, rank, world)

    def step_showings(self, epoch: int, position: int) -> Int64Array:
        """Showings (index into rows × copies) of one step, int64, the longest sequence first."""
        if not 0 <= position < self.steps_per_epoch:
            raise IndexError(f"An epoch has {self.steps_per_epoch} steps; there is no step {position}.")
        pool = next(p for p in self._pools_near(position) if self._first_step(p) <= position < self._first_step(p + 1))
        members, bounds = self._pool(epoch, pool)
        i = position - self._first_step(pool)
        chosen = members[bounds[i] : bounds[i + 1]]
        return np.asarray(chosen[np.argsort(-self._lengths[chosen].astype(np.int64), kind="stable")])

    def _pools_near(self, position: int) -> range:
        guess = position * self._n_pools // self.steps_per_epoch
        return range(max(0, guess - 1), min(self._n_pools, guess + 2))

    def _first_step(self, pool: int) -> int:
        return self.steps_per_epoch * pool // self._n_pools

    def _token_counts(self) -> NDArray[np.uint32]:
        offsets = self.store.offsets
        counts = np.asarray(offsets[self._rows + 1]) - np.asarray(offsets[self._rows])
        if self.crop_tokens is not None:
            counts = np.minimum(counts, self.crop_tokens)
        return np.asarray(counts + self._before + self._after).astype(np.uint32)

    def _make_order(self, epoch: int) -> Int64Array:
        n = len(self)
        if not self.shuffle:
            return np.arange(n)
        return generator(self.seed, "order", epoch).permutation(n)

    def _make_pool(self, epoch: int, pool: int) -> tuple[Int64Array, Int64Array]:
        """Showings of a pool of steps in the order of its steps, and the bounds of those, int64 [steps + 1]."""
        n_steps = self._first_step(pool + 1) - self._first_step(pool)
        # Rows are shared out by steps, not by pools, so that every pool has its steps' part of the rows.
        first, end = (len(self) * self._first_step(p) // self.steps_per_epoch for p in (pool, pool + 1))
        members = self._order(epoch)[first:end]
        members = members[np.argsort(self._lengths[members], kind="stable")]
        classes = max(1, min(LENGTH_CLASSES, len(members) // n_steps // ROWS_PER_CLASS))
        stretch = _even_cut(self._lengths[members].astype(np.int64), n_steps * classes)
        if not self.shuffle:
            return members, stretch[::classes]
        # Each step gets one stretch of every class of lengths, so that steps are alike and batches within them even.
        numbered = np.arange(n_steps * classes).reshape(classes, n_steps)
        deal = generator(self.seed, "deal", epoch, pool).permuted(numbered, axis=1).T.ravel()
        sizes = np.diff(stretch)[deal]
        starts = np.repeat(stretch[:-1][deal] - (np.cumsum(sizes) - sizes), sizes)
        bounds = np.concatenate(([0], np.cumsum(sizes)))[::classes]
        return members[starts + np.arange(len(members))], bounds

    def _gather(self, showings: Int64Array, epoch: int) -> RowBatch:
        rows = self._rows[showings].astype(np.int64)
        copies = self._copies[showings].astype(np.int64)
        lengths = self._lengths[showings].astype(np.int64)
        cu_seqlens = np.concatenate(([0], np.cumsum(lengths)))
        starts = self._first_tokens(rows, copies, lengths - self._before - self._after, epoch)
        place = np.repeat(starts - self._before - cu_seqlens[:-1], lengths) + np.arange(cu_seqlens[-1])
        first = cu_seqlens[:-1, None] + np.arange(self._before)
        last = cu_seqlens[1:, None] - np.arange(self._after, 0, -1)
        place[first] = place[last] = -1
        inner = place >= 0
        tokens = np.empty(len(place), np.int64)
        tokens[inner] = self.store.tokens[place[inner]]
        tokens[first], tokens[last] = self.store.tokenizer.prefix_ids, self.store.tokenizer.suffix_ids
        return RowBatch(tokens, place, cu_seqlens, rows, copies, epoch)

    def _first_tokens(self, rows: Int64Array, copies: Int64Array, taken: Int64Array, epoch: int) -> Int64Array:
        """Place in tokens.bin of the first token of each row, or of the stretch that is cut out of it."""
        starts = np.asarray(self.store.offsets[rows], dtype=np.int64)
        if self.crop_tokens is None:
            return starts
        spare = np.asarray(self.store.offsets[rows + 1]) - starts - taken
        drawn = uniform(row_keys(self.seed, "crop", epoch, rows, copies), 0)
        return starts + np.floor(drawn * (spare + 1)).astype(np.int64)


def _showings(
    n_rows: int, rows: Int64Array | None, copies: Int64Array | None
) -> tuple[NDArray[np.integer[Any]], NDArray[Any]]:
    """Row and copy number of each showing."""
    narrow = np.uint32 if n_rows < 2**32 - 1 else np.int64
    chosen: NDArray[np.integer[Any]] = np.asarray(np.arange(n_rows) if rows is None else rows).astype(narrow)
    if copies is None:
        return chosen, np.zeros(chosen.size, np.uint8)
    first = np.repeat(np.cumsum(copies) - copies, copies)
    return np.repeat(chosen, copies), (np.arange(first.size) - first).astype(np.min_scalar_type(copies.max(initial=0)))


def _even_cut(lengths: Int64Array, n_parts: int) -> Int64Array:
    """Bounds, int64 [n_parts + 1], that cut a list of lengths into parts of about equal sums, none of them empty."""
    ends = np.cumsum(lengths)
    middles = ends - lengths / 2
    bounds = np.searchsorted(middles, ends[-1] * np.arange(1, n_parts) / n_parts)
    bounds = np.concatenate(([0], bounds, [len(lengths)])).astype(np.int64)
    ramp = np.arange(n_parts + 1)
    bounds = np.maximum.accumulate(bounds - ramp) + ramp
    return np.asarray(np.minimum(bounds, len(lengths) - ramp[::-1]))


def _cut(showings: Int64Array, lengths: Int64Array, budget: int) -> Iterator[Int64Array]:
    """Cut a list of showings into runs of at most `budget` tokens, one showing at least."""
    ends = np.cumsum(lengths)
    first = 0
    while first < len(showings):
        before = int(ends[first - 1]) if first else 0
        end = max(first + 1, int(np.searchsorted(ends, before + budget, side="right")))
        yield showings[first:end]
        first = end
