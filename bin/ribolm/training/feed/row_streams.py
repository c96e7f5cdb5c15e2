"""Chance that belongs to a row: the same draws for (seed, row, epoch), whatever batch the row travels in.

Counter-based: draw i of a row is SplitMix64 started at the row's key (Steele, Lea & Flood 2014), so that any number of
rows is drawn at once, in any order, without a generator each.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

UInt64Array = NDArray[np.uint64]
Int64Array = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def _mix(values: UInt64Array) -> UInt64Array:
    """The finaliser of SplitMix64, a bijection of 64 bits; uint64 arrays wrap around by design."""
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))


def row_keys(seed: int, purpose: str, epoch: int, rows: Int64Array, copies: Int64Array) -> UInt64Array:
    """One key for each (row, copy), uint64 [n]; `purpose` ("mask", "crop") keeps streams apart."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()
    start = np.uint64(int.from_bytes(digest[:8], "little"))
    keyed = _mix(np.asarray(rows).astype(np.uint64) ^ start)
    return _mix(keyed + np.asarray(copies).astype(np.uint64) * _GOLDEN)


def uniform(keys: UInt64Array, draw: Int64Array | int) -> FloatArray:
    """Draw number `draw` of each key, uniform in [0, 1), float64 of the shape of `keys`; 53 bits."""
    counter = (np.atleast_1d(np.asarray(draw, dtype=np.int64)).astype(np.uint64) + np.uint64(1)) * _GOLDEN
    return (_mix(keys + counter) >> np.uint64(11)).astype(np.float64) * 2.0**-53
