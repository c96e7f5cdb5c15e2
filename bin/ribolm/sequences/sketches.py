"""Which sequences share most of their 16-mers: sets of words compared row by row, within one set or between two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ribolm.genome.coordinates import Int64
from ribolm.sequences.kmer_hashes import UInt64, mixed

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SKETCH_NT = 16
LEAST_SHARED_WORDS = 5
REPEAT_ROWS = 200  # words of more rows would make a pair of all of them; they compare neighbours alone
ORDERS = 4  # in which rows of a frequent word are neighbours
PAIRS_AT_A_TIME = 100_000
Least = Callable[[Int64, Int64], npt.NDArray[np.float64]]


def sampled(scattered: UInt64, one_in: int) -> npt.NDArray[np.bool_]:
    """A fixed part of all words, by their scattered numbers."""
    return np.asarray(scattered <= np.uint64((2**64 - 1) // one_in))


def least_shared(size: Int64, identity: float) -> npt.NDArray[np.float64]:
    """Words that sequences so identical share, of the smaller sketch: c = identity^16 of them, 5 at least.

    c: Ondov et al. 2016, doi 10.1186/s13059-016-0997-x.
    """
    return np.asarray(np.maximum(identity**SKETCH_NT * size, LEAST_SHARED_WORDS), dtype=np.float64)


def least_of_short(places: Int64, identity: float) -> npt.NDArray[np.float64]:
    """The same of rows too short for five, all of whose words are compared: c of the `places` of the shorter one.

    Places, not distinct words: a row of one letter over and over would be like each that holds that word.
    """
    return np.asarray(np.ceil(identity**SKETCH_NT * places), dtype=np.float64)


@dataclass(frozen=True)
class Sketch:
    """The distinct words of n rows, as scattered numbers uint64 with their rows int64, sorted by row, then word.

    `places` int64 [n]: words of each row, repeats counted.
    """

    word: UInt64
    row: Int64
    places: Int64

    @classmethod
    def of(cls, word: UInt64, row: Int64, n: int) -> Sketch:
        """Each word once per row."""
        places = np.bincount(row, minlength=n)
        order = np.lexsort((word, row))
        word, row = word[order], row[order]
        new = np.r_[True, (np.diff(row) != 0) | (word[1:] != word[:-1])][: len(row)]
        return cls(word[new], row[new], places)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.places)

    @cached_property
    def size(self) -> Int64:
        """Words of each row, int64 [n]."""
        return np.bincount(self.row, minlength=self.n)

    @cached_property
    def orders(self) -> npt.NDArray[np.uint64]:
        """Numbers by which similar rows come together, uint64 [ORDERS, n]: the least of their words, scattered anew."""
        found = np.full((ORDERS, self.n), np.iinfo(np.uint64).max, dtype=np.uint64)
        first = np.flatnonzero(np.r_[True, np.diff(self.row) != 0][: len(self.row)])
        for salt in range(ORDERS if len(first) else 0):
            found[salt, self.row[first]] = np.minimum.reduceat(mixed(self.word + np.uint64(salt)), first)
        return found

    @cached_property
    def items(self) -> tuple[UInt64, Int64]:
        """All words, ascending, and in how many rows each is."""
        word, n_rows = np.unique(self.word, return_counts=True)
        return word, n_rows

    @cached_property
    def rare(self) -> csr_array:
        """Rows by words, of few rows."""
        return self.matrix(self.items[0], self.items[1] <= REPEAT_ROWS)

    @cached_property
    def whole(self) -> csr_array:
        """Rows by words."""
        return self.matrix(self.items[0])

    def matrix(self, items: UInt64, among: npt.NDArray[np.bool_] | None = None) -> csr_array:
        """Rows by words of `items` (ascending; those where `among` is true), 1 where a row holds the word."""
        from scipy.sparse import csr_array

        at = np.minimum(np.searchsorted(items, self.word), max(len(items) - 1, 0))
        held = items[at] == self.word if len(items) else np.zeros(len(self.word), dtype=bool)
        if among is not None and len(items):
            held &= among[at]
        shape = (self.n, max(len(items), 1))
        return csr_array((np.ones(int(held.sum()), dtype=np.float32), (self.row[held], at[held])), shape=shape)


def near_pairs(one: Sketch, other: Sketch, least: Least) -> Int64:
    """Pairs (row of one, row of other), int64 [2, m], that share as many words as `least` of both rows asks.

    The same object twice: pairs within it, the first row before the second. All pairs of rows that share a word of
    few rows are looked at; of a word of more than REPEAT_ROWS rows only neighbours are, in orders that bring similar
    rows together: each row of a large family meets some of it, not all.
    """
    inside = one is other
    items, n_rows = other.items
    found = ((one.rare if inside else one.matrix(items, n_rows <= REPEAT_ROWS)) @ other.rare.T).tocoo()
    pair, shared = np.stack([found.row, found.col]).astype(np.int64), found.data
    if inside:
        pair, shared = pair[:, pair[0] < pair[1]], shared[pair[0] < pair[1]]
    near = shared >= least(pair[0], pair[1])
    frequent = items[n_rows > REPEAT_ROWS]
    if not len(frequent):
        return pair[:, near]
    asked = np.unique(np.concatenate([pair[:, ~near], _neighbours(one, other, frequent)], axis=1), axis=1)
    return np.concatenate([pair[:, near], _verified(one, other, asked, least)], axis=1)


def _neighbours(one: Sketch, other: Sketch, frequent: UInt64) -> Int64:
    """Pairs of rows that stand beside each other among all rows of a word, in any of the orders."""
    inside = one is other
    parts = [np.zeros((2, 0), dtype=np.int64)]
    sides = [(one, False)] if inside else [(one, False), (other, True)]
    held = [np.isin(side.word, frequent) for side, _ in sides]
    word = np.concatenate([side.word[h] for (side, _), h in zip(sides, held, strict=True)])
    row = np.concatenate([side.row[h] for (side, _), h in zip(sides, held, strict=True)])
    second = np.concatenate([np.full(int(h.sum()), is_second) for (_, is_second), h in zip(sides, held, strict=True)])
    for salt in range(ORDERS):
        key = np.concatenate([side.orders[salt][side.row[h]] for (side, _), h in zip(sides, held, strict=True)])
        order = np.lexsort((row, key, word))
        pairs = _beside(word[order], row[order], None if inside else second[order])
        parts.append(np.unique(pairs, axis=1))
    found = np.concatenate(parts, axis=1)
    return np.sort(found, axis=0) if inside else found


def _beside(word: UInt64, row: Int64, second: npt.NDArray[np.bool_] | None) -> Int64:
    """Rows next to each other under one word; of two sides each row with the last and the next of the other side."""
    if second is None:
        same = word[1:] == word[:-1]
        return np.stack([row[:-1][same], row[1:][same]])
    place = np.arange(len(word))
    parts = [np.zeros((2, 0), dtype=np.int64)]
    for side in (False, True):
        before = np.maximum.accumulate(np.where(second != side, place, -1))
        after = np.minimum.accumulate(np.where(second != side, place, len(word))[::-1])[::-1]
        for beside in (before, after):
            known = (second == side) & (beside >= 0) & (beside < len(word))
            at, met = place[known], beside[known]
            at, met = at[word[at] == word[met]], met[word[at] == word[met]]
            parts.append(np.stack([row[met], row[at]] if side else [row[at], row[met]]))
    return np.concatenate(parts, axis=1)


def _verified(one: Sketch, other: Sketch, pair: Int64, least: Least) -> Int64:
    """The pairs that share enough, all of their words counted."""
    second = other.whole
    first = second if one is other else one.matrix(other.items[0])
    parts = [np.zeros((2, 0), dtype=np.int64)]
    for low in range(0, pair.shape[1], PAIRS_AT_A_TIME):
        some = pair[:, low : low + PAIRS_AT_A_TIME]
        shared = np.asarray(first[some[0]].multiply(second[some[1]]).sum(axis=1)).ravel()
        parts.append(some[:, shared >= least(some[0], some[1])])
    return np.concatenate(parts, axis=1)
