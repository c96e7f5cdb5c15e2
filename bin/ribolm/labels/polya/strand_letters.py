"""Letters around places of a genome, read on their own strand; N stands beyond the ends of a contig."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from ribolm.alphabet import COMPLEMENT, Letters
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.sequences.kmer_hashes import mixed

Int8 = npt.NDArray[np.int8]
Bool = npt.NDArray[np.bool_]
PLACES_AT_A_TIME = 1 << 15


@dataclass(frozen=True)
class Places:
    """Single bases of a genome: `contig` int64 (index of its name), `at0` int64 on the plus strand, `strand` int8.

    A place may lie beyond the ends of its contig.
    """

    contig: Int64
    at0: Int64
    strand: Int8

    def __len__(self) -> int:
        return len(self.at0)

    def take(self, rows: npt.NDArray) -> Places:
        """Some of the places, by mask or index."""
        return Places(self.contig[rows], self.at0[rows], self.strand[rows])

    @classmethod
    def joined(cls, parts: Sequence[Places]) -> Places:
        """Places of several tables, one table behind the other; at least one is needed."""
        contig, at0, strand = (np.concatenate([getattr(one, name) for one in parts]) for name in cls.__annotations__)
        return cls(contig, at0, strand)

    def shifted(self, by_nt: int | Int64) -> Places:
        """The same places so many bases downstream on their own strand."""
        return Places(self.contig, self.at0 + self.strand.astype(np.int64) * by_nt, self.strand)

    def order(self) -> Int64:
        """Index that sorts by contig, place, + before -."""
        return np.lexsort((-self.strand, self.at0, self.contig)).astype(np.int64)


def letters_around(genome: Genome, places: Places, before_nt: int, after_nt: int) -> Letters:
    """Letters from `before_nt` upstream to `after_nt` downstream of each place, uint8 [n, before + 1 + after].

    Cost: one gather of whole windows; those that leave their contig are filled letter by letter with N beyond its ends.
    """
    width_nt = before_nt + 1 + after_nt
    found = np.empty((len(places), width_nt), dtype=np.uint8)
    for begin in range(0, len(places), PLACES_AT_A_TIME):
        part = places.take(np.arange(begin, min(begin + PLACES_AT_A_TIME, len(places))))
        is_minus = part.strand < 0
        first, last = genome.offsets[part.contig], genome.offsets[part.contig + 1]
        low = first + part.at0 - np.where(is_minus, after_nt, before_nt)
        block = found[begin : begin + len(part)]
        whole = (low >= first) & (low + width_nt <= last)
        if whole.any():
            block[whole] = sliding_window_view(np.asarray(genome.data), width_nt)[low[whole]]
        for row in np.flatnonzero(~whole):
            at = low[row] + np.arange(width_nt)
            inside = (at >= first[row]) & (at < last[row])
            block[row] = ord("N")
            block[row, inside] = genome.data[at[inside]]
        block[is_minus] = COMPLEMENT[block[is_minus, ::-1]]
    return found


def window_letters(genome: Genome, places: Places, width_nt: int) -> Letters:
    """The window of each place on its own strand, uint8 [n, width_nt]; the place has index width_nt // 2."""
    return letters_around(genome, places, width_nt // 2, width_nt - width_nt // 2 - 1)


def window_starts0(places: Places, width_nt: int) -> Int64:
    """Lowest plus-strand base of each place's window, int64 [n]."""
    half = width_nt // 2
    return np.where(places.strand > 0, places.at0 - half, places.at0 - (width_nt - half - 1)).astype(np.int64)


def contains_unknown(letters: Letters) -> Bool:
    """Which rows hold an N, bool [n]."""
    return np.asarray((letters == ord("N")).any(axis=1))


def content_keys(letters: Letters, seed: int = 0) -> npt.NDArray[np.uint64]:
    """A 64-bit number for each row's letters, uint64 [n]: equal rows have equal keys, others by a chance of 2^-64.

    The order of the keys is a shuffle that depends on the letters and the seed alone, so that a draw by it is the same
    on the mirrored genome and for any order of contigs.
    """
    n, width = letters.shape
    padded = np.zeros((n, -(-width // 8) * 8), dtype=np.uint8)
    padded[:, :width] = letters
    words = padded.view(np.uint64)
    keys = np.full(n, mixed(np.full(1, seed + width, dtype=np.uint64))[0], dtype=np.uint64)
    for column in range(words.shape[1]):
        keys = mixed((keys ^ mixed(words[:, column])) + np.uint64(column + 1))
    return keys
