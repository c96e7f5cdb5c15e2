"""Sequences in random order that keep every count of two neighbouring bases: what composition alone would give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from ribolm.alphabet import Letters
from ribolm.sequences.kmer_hashes import UInt64

BASES = b"ACGT"
SHORTEST_NT = 4  # three bases have one order that keeps their pairs
_kernel: Callable[..., Any] = njit(cache=True, nogil=True, error_model="numpy")


def shuffle_dinucleotides(letters: Letters, is_fixed: npt.NDArray[np.bool_], keys: UInt64) -> Letters:
    """Shuffle each row between its fixed letters; uint8 [n, width] of the same shape.

    `letters` uint8 [n, width]; `is_fixed` bool [n, width]; letters other than ACGT stay as well. `keys` uint64 [n]
    alone decide the order. In every free stretch all orders that keep its first base and its counts of dinucleotides
    are equally likely (Altschul and Erickson 1985, doi 10.1093/oxfordjournals.molbev.a040370), so that the whole row
    keeps its counts too. Cost: about 1 µs per 100 letters.
    """
    code = np.full(256, 4, dtype=np.uint8)
    code[list(BASES)] = np.arange(4)
    codes = code[letters]
    out = codes.copy()
    _shuffle_rows(codes, is_fixed | (codes > 3), keys.copy(), out)
    shown = np.frombuffer(BASES + b"\0", dtype=np.uint8)[out]
    return np.asarray(np.where(codes > 3, letters, shown))


@_kernel
def _below(state, row, limit):  # type: ignore[no-untyped-def]
    """A random number from 0 to limit - 1 (splitmix64)."""
    state[row] += np.uint64(0x9E3779B97F4A7C15)
    x = state[row]
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64((x ^ (x >> np.uint64(31))) % np.uint64(limit))


@_kernel
def _shuffle_rows(codes, is_fixed, state, out):  # type: ignore[no-untyped-def]
    """Shuffle every free stretch of every row of codes 0 to 3 into `out`."""
    n, width = codes.shape
    after = np.zeros((4, width), dtype=np.uint8)
    for row in range(n):
        start = 0
        while start < width:
            end = start
            while end < width and not is_fixed[row, end]:
                end += 1
            if end - start >= SHORTEST_NT:
                _shuffle_stretch(codes[row, start:end], state, row, after, out[row, start:end])
            start = end + 1


@_kernel
def _shuffle_stretch(codes, state, row, after, out):  # type: ignore[no-untyped-def]
    """One random walk over all pairs of a stretch: `after[b]` lists the bases that follow b, in a random order."""
    count = np.zeros(4, dtype=np.int64)
    for i in range(len(codes) - 1):
        after[codes[i], count[codes[i]]] = codes[i + 1]
        count[codes[i]] += 1
    last = codes[-1]
    _choose_last_steps(count, after, last, state, row)
    for base in range(4):
        movable = count[base] if base == last else count[base] - 1
        for i in range(movable - 1, 0, -1):
            j = _below(state, row, i + 1)
            after[base, i], after[base, j] = after[base, j], after[base, i]
    taken = np.zeros(4, dtype=np.int64)
    base = codes[0]
    for i in range(len(codes)):
        out[i] = base
        step = taken[base]
        taken[base] += 1
        base = after[base, step]


@_kernel
def _choose_last_steps(count, after, last, state, row):  # type: ignore[no-untyped-def]
    """Put a random follower of each base at the end of its list, so that these last steps all lead to `last`."""
    while True:
        for base in range(4):
            if base != last and count[base]:
                j = _below(state, row, count[base])
                final = count[base] - 1
                after[base, final], after[base, j] = after[base, j], after[base, final]
        leads = True
        for base in range(4):
            at = base
            for _ in range(4):
                if at != last and count[at]:
                    at = after[at, count[at] - 1]
            leads = leads and (at == last or count[base] == 0)
        if leads:
            return
