"""Mates that wait for the other mate of their alignment pair: a hash table for numba kernels.

An entry keeps what names the pair (hash of the read name, own and mate's place, HI tag, which mate, secondary or not)
and the bin ranges that its first mate has counted. Entries and ranges live in pools with free lists; about 80 bytes
per waiting mate. In a file sorted by name or position few mates wait at a time; at worst (random order) half do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from ribolm.reads.bam_records import READ2, SECONDARY, Bytes, int32_at, mixed, name_hash

NONE = -1
FREE_ENTRY, FREE_RANGE, N_WAITING, N_RANGES = 0, 1, 2, 3

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]


class MateTable(NamedTuple):
    """Chained hash table. state: int64 (4,), first free entry, first free range, waiting mates, ranges in use."""

    bucket_entry: Int32Array
    entry_name: npt.NDArray[np.uint64]
    entry_own: Int64Array
    entry_mate: Int64Array
    entry_hit: Int64Array
    entry_range: Int32Array
    entry_next: Int32Array
    range_first_bin: Int32Array
    range_end_bin: Int32Array
    range_next: Int32Array
    state: Int64Array


class PairKey(NamedTuple):
    """What one alignment says about its pair: contig << 32 | start0 of both mates; hit = HI, secondary, second mate."""

    name: np.uint64
    own: int
    mate: int
    hit: int


def new_mate_table(n_entries: int = 1 << 14) -> MateTable:
    """Return an empty table; n_entries must be a power of two."""
    return MateTable(
        bucket_entry=np.full(n_entries, NONE, np.int32),
        entry_name=np.zeros(n_entries, np.uint64),
        entry_own=np.zeros(n_entries, np.int64),
        entry_mate=np.zeros(n_entries, np.int64),
        entry_hit=np.zeros(n_entries, np.int64),
        entry_range=np.full(n_entries, NONE, np.int32),
        entry_next=_free_list(n_entries),
        range_first_bin=np.zeros(n_entries, np.int32),
        range_end_bin=np.zeros(n_entries, np.int32),
        range_next=_free_list(n_entries),
        state=np.zeros(4, np.int64),
    )


def grown_mate_table(table: MateTable, n_new_ranges: int) -> MateTable:
    """Return the table with room for one more entry and n_new_ranges more ranges."""
    n_entries, n_ranges = len(table.entry_name), len(table.range_next)
    more_entries = n_entries if table.state[N_WAITING] == n_entries else 0
    more_ranges = max(n_ranges, n_new_ranges) if table.state[N_RANGES] + n_new_ranges > n_ranges else 0
    columns = dict(table._asdict())
    for name, column in columns.items():
        more = {"entry": more_entries, "range": more_ranges}.get(name.split("_")[0], 0)
        columns[name] = np.concatenate([column, np.zeros(more, column.dtype)]) if more else column
    _extend_free_list(columns["entry_next"], n_entries, table.state, FREE_ENTRY)
    _extend_free_list(columns["range_next"], n_ranges, table.state, FREE_RANGE)
    grown = MateTable(**columns)
    if more_entries:
        grown = grown._replace(bucket_entry=np.full(len(grown.entry_name), NONE, np.int32))
        _fill_buckets(grown, table.bucket_entry, table.entry_next)
    return grown


def _free_list(n: int) -> Int32Array:
    following = np.arange(1, n + 1, dtype=np.int32)
    following[-1:] = NONE
    return following


def _extend_free_list(following: Int32Array, n_before: int, state: Int64Array, head: int) -> None:
    """Put the new slots of a pool in front of its free list."""
    if len(following) > n_before:
        following[n_before:] = np.arange(n_before + 1, len(following) + 1)
        following[-1] = state[head]
        state[head] = n_before


@njit(cache=True, nogil=True)
def _fill_buckets(table: MateTable, old_buckets: Int32Array, old_next: Int32Array) -> None:
    """Chain the entries of the old buckets into the new ones, oldest first, so that chains keep their order."""
    for bucket in range(len(old_buckets)):
        newest_last = NONE
        entry = old_buckets[bucket]
        while entry != NONE:  # reverse the chain in the new array
            table.entry_next[entry] = newest_last
            newest_last = entry
            entry = old_next[entry]
        while newest_last != NONE:
            entry, newest_last = newest_last, table.entry_next[newest_last]
            key = PairKey(table.entry_name[entry], table.entry_own[entry], table.entry_mate[entry], table.entry_hit[entry])
            _push(table, entry, key)


@njit(cache=True)
def pair_key(buffer: Bytes, place: int, flag: int, hit: int) -> PairKey:
    """Key of the paired record at `place`; `hit` is its HI tag or negative."""
    own = int32_at(buffer, place + 4) << 32 | int32_at(buffer, place + 8) + 1
    mate = int32_at(buffer, place + 24) << 32 | int32_at(buffer, place + 28) + 1
    role = (hit + 4) << 2 | (2 if flag & SECONDARY else 0) | (1 if flag & READ2 else 0)
    return PairKey(name_hash(buffer, place), own, mate, role)


@njit(cache=True)
def _bucket(table: MateTable, key: PairKey) -> int:
    """Bucket of a pair: the same for both its mates."""
    own, mate = np.uint64(key.own), np.uint64(key.mate)
    return np.int64(mixed(key.name + own + mate) & np.uint64(len(table.bucket_entry) - 1))


@njit(cache=True)
def _push(table: MateTable, entry: int, key: PairKey) -> None:
    bucket = _bucket(table, key)
    table.entry_next[entry] = table.bucket_entry[bucket]
    table.bucket_entry[bucket] = entry


@njit(cache=True)
def waiting_mate(table: MateTable, key: PairKey) -> int:
    """Entry of the other mate of the pair, the one that came first where several fit, or NONE."""
    found = NONE
    entry = np.int64(table.bucket_entry[_bucket(table, key)])
    while entry != NONE:
        if (
            table.entry_name[entry] == key.name
            and table.entry_own[entry] == key.mate
            and table.entry_mate[entry] == key.own
            and table.entry_hit[entry] == key.hit ^ 1
        ):
            found = entry
        entry = np.int64(table.entry_next[entry])
    return found


@njit(cache=True)
def has_room(table: MateTable, n_ranges: int) -> bool:
    """Whether one more mate with n_ranges bin ranges fits."""
    state = table.state
    return state[N_WAITING] < len(table.entry_name) and state[N_RANGES] + n_ranges <= len(table.range_next)


@njit(cache=True)
def add_waiting_mate(table: MateTable, key: PairKey, ranges: Int64Array, n_ranges: int) -> None:
    """Keep a mate with its bin ranges, int64 (n_ranges, 2), half-open. Needs has_room."""
    state = table.state
    entry = state[FREE_ENTRY]
    state[FREE_ENTRY] = table.entry_next[entry]
    state[N_WAITING] += 1
    table.entry_name[entry], table.entry_own[entry] = key.name, key.own
    table.entry_mate[entry], table.entry_hit[entry] = key.mate, key.hit
    first = np.int64(NONE)
    for i in range(n_ranges):
        slot = state[FREE_RANGE]
        state[FREE_RANGE] = table.range_next[slot]
        table.range_first_bin[slot], table.range_end_bin[slot] = ranges[i, 0], ranges[i, 1]
        table.range_next[slot] = first
        first = slot
    state[N_RANGES] += n_ranges
    table.entry_range[entry] = first
    _push(table, entry, key)


@njit(cache=True)
def copy_ranges(table: MateTable, entry: int, ranges: Int64Array) -> int:
    """Write the bin ranges of an entry to the start of `ranges`; return their number, -1 where they do not fit."""
    n_ranges = 0
    slot = np.int64(table.entry_range[entry])
    while slot != NONE:
        if n_ranges == len(ranges):
            return -1
        ranges[n_ranges, 0], ranges[n_ranges, 1] = table.range_first_bin[slot], table.range_end_bin[slot]
        n_ranges += 1
        slot = np.int64(table.range_next[slot])
    return n_ranges


@njit(cache=True)
def remove_waiting_mate(table: MateTable, entry: int, key: PairKey) -> None:
    """Free an entry that `waiting_mate` found by the key of its partner."""
    state = table.state
    bucket = _bucket(table, key)
    at = np.int64(table.bucket_entry[bucket])
    if at == entry:
        table.bucket_entry[bucket] = table.entry_next[entry]
    else:
        while table.entry_next[at] != entry:
            at = np.int64(table.entry_next[at])
        table.entry_next[at] = table.entry_next[entry]
    slot = np.int64(table.entry_range[entry])
    while slot != NONE:
        following = np.int64(table.range_next[slot])
        table.range_next[slot] = state[FREE_RANGE]
        state[FREE_RANGE] = slot
        state[N_RANGES] -= 1
        slot = following
    table.entry_next[entry] = state[FREE_ENTRY]
    state[FREE_ENTRY] = entry
    state[N_WAITING] -= 1
