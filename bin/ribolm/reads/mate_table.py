"""Mates that wait for the other mate of their alignment pair: a hash table for numba kernels.

An entry keeps what names the pair (hash of the read name, both places, HI tag, which mate, secondary or not) and the
bin ranges that its first mate has counted. Entries and ranges live in pools with free lists; about 70 bytes per
waiting mate. In a file sorted by name or position few mates wait at a time; at worst (random order) half of them do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ribolm.reads.bam_records import READ2, SECONDARY, Bytes, int32_at, mixed, name_hash
from ribolm.reads.kernels import Integer, inner

NONE = -1
FREE_ENTRY, FREE_RANGE, N_WAITING, N_RANGES = 0, 1, 2, 3

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]

PAIR_KEY = [("name", np.uint64), ("own", np.int64), ("mate", np.int64), ("hit", np.int64)]
ENTRY = np.dtype([*PAIR_KEY, ("range", np.int32), ("next", np.int32)])
BIN_RANGE = np.dtype([("first_bin", np.int32), ("end_bin", np.int32), ("next", np.int32)])
_mixed_array = mixed.py_func  # type: ignore[attr-defined]  # the same arithmetic, by numpy


class MateTable(NamedTuple):
    """Chained hash table, newest entry of a bucket first.

    bucket: int32 (2^k,), an entry or NONE. entry: ENTRY (n,). bin_range: BIN_RANGE (m,). state: int64 (4,), first free
    entry, first free range, mates that wait, ranges in use.
    """

    bucket: Int32Array
    entry: npt.NDArray[Any]
    bin_range: npt.NDArray[Any]
    state: Int64Array


class PairKey(NamedTuple):
    """What one alignment says about its pair: contig << 32 | position of both mates; hit = HI, secondary, mate."""

    name: np.uint64
    own: Integer
    mate: Integer
    hit: Integer


def new_mate_table(n_entries: int = 1 << 14) -> MateTable:
    """Return an empty table; n_entries must be a power of two."""
    state = np.array([NONE, NONE, 0, 0], np.int64)
    entry = _longer_pool(np.zeros(0, ENTRY), n_entries, state, FREE_ENTRY)
    bin_range = _longer_pool(np.zeros(0, BIN_RANGE), n_entries, state, FREE_RANGE)
    return MateTable(np.full(n_entries, NONE, np.int32), entry, bin_range, state)


def grown_mate_table(table: MateTable, n_new_ranges: int) -> MateTable:
    """Return the table with room for one more entry and n_new_ranges more ranges (amortised: pools double)."""
    bucket, entry, bin_range, state = table
    if state[N_RANGES] + n_new_ranges > len(bin_range):
        bin_range = _longer_pool(bin_range, len(bin_range) + n_new_ranges, state, FREE_RANGE)
    if state[N_WAITING] == len(entry):
        entry = _longer_pool(entry, len(entry), state, FREE_ENTRY)
        bucket = _twice_the_buckets(bucket, entry)
    return MateTable(bucket, entry, bin_range, state)


def _longer_pool(pool: npt.NDArray[Any], n_more: int, state: Int64Array, head: int) -> npt.NDArray[Any]:
    """Return a copy with n_more free slots, which stand first in the free list."""
    n = len(pool)
    longer = np.concatenate([pool, np.zeros(n_more, pool.dtype)])
    longer["next"][n:] = np.arange(n + 1, n + n_more + 1)
    longer["next"][-1] = state[head]
    state[head] = n
    return longer


def waiting_ranges(table: MateTable) -> Int32Array:
    """Bin ranges of the mates that still wait, int32 (n, 2), rows of a mate together, the last with its end negated."""
    slots = [np.zeros(0, np.int32)]
    owners = [np.zeros(0, np.int64)]
    for entries in _chain_levels(table.bucket[table.bucket != NONE], table.entry["next"]):
        level = table.entry["range"][entries]
        owner = entries[level != NONE].astype(np.int64)
        level = level[level != NONE]
        while len(level):
            slots.append(level)
            owners.append(owner)
            following = table.bin_range["next"][level]
            level, owner = following[following != NONE], owner[following != NONE]
    slot = np.concatenate(slots)[np.argsort(np.concatenate(owners), kind="stable")]
    rows = np.stack([table.bin_range["first_bin"][slot], table.bin_range["end_bin"][slot]], axis=1)
    rows[table.bin_range["next"][slot] == NONE, 1] *= -1
    return rows


def _chain_levels(heads: Int32Array, following: Int32Array) -> list[Int32Array]:
    """Members of all chains by their place in the chain: the heads, the second members …"""
    levels, level = [], heads
    while len(level):
        levels.append(level)
        level = following[level]
        level = level[level != NONE]
    return levels


def _twice_the_buckets(bucket: Int32Array, entry: npt.NDArray[Any]) -> Int32Array:
    """Return twice as many buckets and link the entries again, in place, so that each chain keeps its order."""
    levels = _chain_levels(bucket[bucket != NONE], entry["next"])
    bucket = np.full(2 * len(bucket), NONE, np.int32)
    for level in reversed(levels):  # no two entries of a level share a bucket
        waiting = entry[level]
        pair = _mixed_array(waiting["name"] + waiting["own"].view(np.uint64) + waiting["mate"].view(np.uint64))
        at = pair & np.uint64(len(bucket) - 1)
        entry["next"][level] = bucket[at]
        bucket[at] = level
    return bucket


@inner
def pair_key(buffer: Bytes, place: Integer, flag: Integer, hit: Integer) -> PairKey:
    """Key of the paired record at `place`; `hit` is its HI tag or negative."""
    own = int32_at(buffer, place + 4) << 32 | (int32_at(buffer, place + 8) + 1)
    mate = int32_at(buffer, place + 24) << 32 | (int32_at(buffer, place + 28) + 1)
    role = (hit + 4) << 2 | (2 if flag & SECONDARY else 0) | (1 if flag & READ2 else 0)
    return PairKey(name_hash(buffer, place), own, mate, role)


@inner
def bucket_of(table: MateTable, key: PairKey) -> Integer:
    """Bucket of a pair: the same for both its mates."""
    pair = mixed(key.name + np.uint64(key.own) + np.uint64(key.mate))
    return np.int64(pair & np.uint64(len(table.bucket) - 1))


@inner
def waiting_mate(table: MateTable, key: PairKey) -> Integer:
    """Entry of the other mate of the pair, the one that came first where several fit, or NONE."""
    found = np.int64(NONE)
    at = np.int64(table.bucket[bucket_of(table, key)])
    while at != NONE:
        entry = table.entry[at]
        if entry.name == key.name and entry.own == key.mate and entry.mate == key.own and entry.hit == key.hit ^ 1:
            found = at
        at = np.int64(entry.next)
    return found


@inner
def has_room(table: MateTable, n_ranges: Integer) -> bool:
    """Whether one more mate with n_ranges bin ranges fits."""
    state = table.state
    return bool(state[N_WAITING] < len(table.entry) and state[N_RANGES] + n_ranges <= len(table.bin_range))


@inner
def add_waiting_mate(table: MateTable, key: PairKey, ranges: Int64Array, n_ranges: Integer) -> None:
    """Keep a mate with its bin ranges, int64 (n_ranges, 2), half-open. Needs has_room."""
    state = table.state
    first = np.int64(NONE)
    for i in range(n_ranges):
        slot = state[FREE_RANGE]
        bin_range = table.bin_range[slot]
        state[FREE_RANGE] = bin_range.next
        bin_range.first_bin, bin_range.end_bin, bin_range.next = ranges[i, 0], ranges[i, 1], first
        first = slot
    at, bucket = state[FREE_ENTRY], bucket_of(table, key)
    entry = table.entry[at]
    state[FREE_ENTRY] = entry.next
    entry.name, entry.own, entry.mate, entry.hit = key.name, key.own, key.mate, key.hit
    entry.range, entry.next = first, table.bucket[bucket]
    table.bucket[bucket] = at
    state[N_WAITING] += 1
    state[N_RANGES] += n_ranges


@inner
def copy_ranges(table: MateTable, at: Integer, ranges: Int64Array) -> Integer:
    """Write the bin ranges of an entry to the start of `ranges`; return their number, -1 where they do not fit."""
    n_ranges = 0
    slot = np.int64(table.entry[at].range)
    while slot != NONE:
        if n_ranges == len(ranges):
            return -1
        bin_range = table.bin_range[slot]
        ranges[n_ranges, 0], ranges[n_ranges, 1] = bin_range.first_bin, bin_range.end_bin
        n_ranges += 1
        slot = np.int64(bin_range.next)
    return n_ranges


@inner
def remove_waiting_mate(table: MateTable, at: Integer, key: PairKey) -> None:
    """Free an entry that `waiting_mate` found by the key of its partner."""
    state, entry = table.state, table.entry[at]
    bucket = bucket_of(table, key)
    if table.bucket[bucket] == at:
        table.bucket[bucket] = entry.next
    else:
        before = np.int64(table.bucket[bucket])
        while table.entry[before].next != at:
            before = np.int64(table.entry[before].next)
        table.entry[before].next = entry.next
    slot = np.int64(entry.range)
    while slot != NONE:
        bin_range = table.bin_range[slot]
        following = np.int64(bin_range.next)
        bin_range.next = state[FREE_RANGE]
        state[FREE_RANGE] = slot
        state[N_RANGES] -= 1
        slot = following
    entry.next = state[FREE_ENTRY]
    state[FREE_ENTRY] = at
    state[N_WAITING] -= 1
