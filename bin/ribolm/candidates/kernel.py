"""One compiled pass over the letters of a chunk that finds the candidates of both strands.

A letter's two middle bits tell ACGT apart, so ASCII is read as it is. A rolling hash of the last six letters looks up
one byte of flags; bit registers remember where hexamers and minus-strand sites were, so nothing is read twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import HEXAMER_NT, CandidateRule, reversed_hexamers
from ribolm.genome.coordinates import Int64

TABLE = 1 << (2 * HEXAMER_NT)
PLUS_HEXAMER, MINUS_HEXAMER, PLUS_SITE, MINUS_SITE = 1, 2, 4, 8
NO_HEXAMER = 255
Int32 = npt.NDArray[np.int32]

# Kernels make no arrays: without numba's reference counting (_nrt) they run faster.
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
_compiled: Callable[..., Any] = njit(**_OPTIONS)


@dataclass(frozen=True)
class Tables:
    """A rule in the form of the kernels.

    `flags` uint8 [4096] by hash of six letters: a hexamer ends here (1), its reverse complement does (2), a site is
    here (4), the complement of a site was one base before (8). `ranks` uint8 [2, 4096]: place of the hexamer in the
    rule's list, per strand, 255 without. `order` uint8 [64]: preference of each distance.
    """

    flags: npt.NDArray[np.uint8]
    ranks: npt.NDArray[np.uint8]
    order: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, rule: CandidateRule) -> Tables:
        """Fill the tables."""
        flags, ranks = np.zeros(TABLE, dtype=np.uint8), np.full((2, TABLE), NO_HEXAMER, dtype=np.uint8)
        for strand, motifs in enumerate((rule.hexamers, reversed_hexamers(rule.hexamers))):
            hashes = [hash_of(motif) for motif in motifs]
            ranks[strand, hashes] = np.arange(len(motifs))
            flags[hashes] |= (PLUS_HEXAMER, MINUS_HEXAMER)[strand]
        pairs = np.arange(TABLE) & 15
        other = str.maketrans("ACGT", "TGCA")
        for before in rule.preceding:
            for site in rule.site:
                flags[pairs == hash_of(before + site)] |= PLUS_SITE
                flags[pairs == hash_of(site.translate(other) + before.translate(other))] |= MINUS_SITE
        order = np.zeros(64, dtype=np.uint8)
        order[list(rule.distance_order())] = np.arange(len(rule.distance_order()))
        return cls(flags, ranks, order)


def hash_of(motif: str) -> int:
    """Two bits per letter (A 0, C 1, T 2, G 3: bits 1 and 2 of ASCII), the last letter lowest."""
    value = 0
    for letter in motif:
        value = value << 2 | ord(letter) >> 1 & 3
    return value


def free_runs(text: Letters, unknown: int = ord("N")) -> tuple[Int64, Int64]:
    """Start and end of every stretch without `unknown`, int64 each."""
    known = np.empty(len(text) + 2, dtype=bool)
    known[0] = known[-1] = False
    np.not_equal(text, unknown, out=known[1:-1])
    edges = np.flatnonzero(known[1:] != known[:-1])
    return edges[0::2], edges[1::2]


@_compiled
def find_in_run(text, flags, nearest, farthest, flank, first, out):  # type: ignore[no-untyped-def]
    """Write candidates of one stretch without N into `out`; return their number.

    `out` int32: place p + `first` for the plus strand, its complement ~(p + first) for the minus strand, in the order
    in which they are known, which is not that of places.
    """
    n, last = 0, len(text) - flank
    plus_mask = (np.uint64(1) << np.uint64(farthest - nearest + 1)) - np.uint64(1)
    minus_mask = plus_mask
    plus_mask <<= np.uint64(nearest - 5)
    site_at, one, three = np.uint64(farthest - 1), np.uint64(1), np.uint64(3)
    plus = minus = sites = h = np.uint64(0)
    for i in range(last + farthest):
        h = (h << np.uint64(2) | np.uint64(text[i]) >> one & three) & np.uint64(4095)
        f = np.uint64(flags[h])
        plus = plus << one | f & one
        minus = minus << one | f >> one & one
        sites = sites << one | f >> three
        plus_hit = f & np.uint64(4) and plus & plus_mask
        minus_hit = sites >> site_at & one and minus & minus_mask
        if plus_hit and flank <= i < last:
            out[n] = i + first
            n += 1
        if minus_hit and i - farthest >= flank:
            out[n] = ~(i - farthest + first)
            n += 1
    return n


@_compiled
def name_hits(text, anchor, is_minus, ranks, order, nearest, farthest, hexamer, distance):  # type: ignore[no-untyped-def]
    """Fill `hexamer` and `distance` (uint8 [n]) with the best-ranked hexamer of each candidate in `text`."""
    for k in range(len(anchor)):
        strand = 1 if is_minus[k] else 0
        low = anchor[k] + nearest - 5 if is_minus[k] else anchor[k] - farthest
        h, best = 0, 1 << 30
        for j in range(farthest - nearest + 6):
            h = (h << 2 | text[low + j] >> 1 & 3) & 4095
            rank = ranks[strand, h]
            if j >= 5 and rank != 255:
                d = low + j - anchor[k] if is_minus[k] else anchor[k] - low - j + 5
                key = np.int64(rank) << 16 | np.int64(order[d]) << 8 | d
                best = min(best, key)
        hexamer[k], distance[k] = best >> 16, best & 255
