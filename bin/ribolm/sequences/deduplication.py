"""Which sequences were seen before: 128-bit digests in sorted runs, 16 bytes for each distinct sequence."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ribolm.genome.coordinates import Int64
from ribolm.sequences.vocabulary import TokenArray

DIGEST_BYTES = 16


class SeenSequences:
    """Remembers sequences by BLAKE2b-128 (two distinct ones of 22 million share a digest once in 10^24 corpora).

    Runs are merged when the newer has grown as large as the older, as in a log-structured merge tree: adding n
    sequences costs n·log(n) comparisons. Memory: 16 bytes per distinct sequence, twice that while runs merge.
    """

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.uint64]] = []

    def first_sights(self, tokens: TokenArray, offsets: Int64) -> npt.NDArray[np.bool_]:
        """Mask [n] of the rows tokens[offsets[i]:offsets[i + 1]] not met before, in earlier calls or in this one."""
        raw = np.ascontiguousarray(tokens).view(np.uint8).data
        width = tokens.dtype.itemsize
        bounds = (np.asarray(offsets) * width).tolist()
        blake2b = hashlib.blake2b
        digests = b"".join(blake2b(raw[a:b], digest_size=DIGEST_BYTES).digest() for a, b in pairwise(bounds))
        keys = np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)
        order = np.lexsort((keys[:, 1], keys[:, 0]))
        ranked = keys[order]
        opens = np.r_[True, (ranked[1:] != ranked[:-1]).any(axis=1)][: len(keys)]
        distinct = ranked[opens]
        known = np.zeros(len(distinct), dtype=bool)
        for run in self._runs:
            known |= _among(run, distinct)
        is_new = np.zeros(len(keys), dtype=bool)
        is_new[order[opens][~known]] = True  # lexsort is stable: the first of equals
        self._add(distinct[~known])
        return is_new

    def _add(self, run: npt.NDArray[np.uint64]) -> None:
        while self._runs and len(self._runs[-1]) <= len(run):
            both = np.concatenate([self._runs.pop(), run])
            run = both[np.lexsort((both[:, 1], both[:, 0]))]
        if len(run):
            self._runs.append(run)

    def __len__(self) -> int:
        return sum(len(run) for run in self._runs)


def equal_rows(tokens: TokenArray, offsets: Int64) -> Int64:
    """Number of the sequence of every row tokens[offsets[i]:offsets[i + 1]], int64 [n]: that of the first of equals."""
    raw = np.ascontiguousarray(tokens).tobytes()
    bounds = (np.asarray(offsets) * tokens.dtype.itemsize).tolist()
    first: dict[bytes, int] = {}
    return np.array([first.setdefault(raw[a:b], row) for row, (a, b) in enumerate(pairwise(bounds))], dtype=np.int64)


def _among(run: npt.NDArray[np.uint64], keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Which keys [n, 2] stand in a sorted run [m, 2]."""
    found = np.zeros(len(keys), dtype=bool)
    first = np.searchsorted(run[:, 0], keys[:, 0], side="left")
    last = np.searchsorted(run[:, 0], keys[:, 0], side="right")
    for step in range(int((last - first).max(initial=0))):  # more than one only where two digests share 64 bits
        at = first + step
        inside = at < last
        found[inside] |= run[at[inside], 1] == keys[inside, 1]
    return found
