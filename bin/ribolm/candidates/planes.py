"""The candidates of both strands of a stretch of letters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import HEXAMER_NT
from ribolm.candidates.kernel import BLOCK, WORD, find_motifs, join_sites, list_places, name_places, pack, spread_hits
from ribolm.candidates.tables import Bytes, Tables
from ribolm.genome.coordinates import Int64

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int32]


def _whole_blocks(n_words: int) -> int:
    return -(-n_words // BLOCK) * BLOCK


class Workspace:
    """Planes for up to `most_nt` letters at a time, used again and again; 2 bytes per letter, and 4 for places."""

    def __init__(self, most_nt: int) -> None:
        self.n_words = _whole_blocks(most_nt // WORD + 1)
        self.low, self.high, self.unknown = (self._plane() for _ in range(3))
        self.hits = np.zeros((2, self.n_words + 2), dtype=np.uint64)
        self.spread, self.other = (np.zeros((2, self.n_words + 2), dtype=np.uint64) for _ in range(2))
        self.shifted = np.zeros((4, HEXAMER_NT, BLOCK), dtype=np.uint64)
        self.out = np.empty(most_nt + 1, dtype=np.int32)

    def _plane(self) -> Words:
        return np.zeros(self.n_words + 2, dtype=np.uint64)

    def find(self, text: Letters, tables: Tables) -> Places:
        """Places of candidates, ascending: p for the plus strand, then ~p for the minus strand; int32, until reuse.

        `text`: letters ACGTN in either case, at most `most_nt`; windows that leave it hold none.
        """
        n_words = self._fill(text)
        find_motifs(self.low, self.high, n_words, tables.motifs, self.shifted, self.hits)
        source = self._spread(n_words, tables.farthest_nt - tables.nearest_nt + 1)
        target = self.other if source is self.spread else self.spread
        join_sites(self.low, self.high, n_words, tables.sites, tables.before, tables.nearest_nt, source, target)
        if not (tables.sites[0] & tables.sites[1]).any():
            return self._listed(target, n_words, len(text), tables)
        nothing = np.zeros_like(target[0])  # a base may be a site of both strands: each strand by itself
        alone = (np.stack([target[0], nothing]), np.stack([nothing, target[1]]))
        places = np.concatenate([self._listed(hits, n_words, len(text), tables).copy() for hits in alone])
        found: Places = places[np.argsort(2 * anchors_of(places) + (places < 0))]
        return found

    def _listed(self, hits: Words, n_words: int, n_letters: int, tables: Tables) -> Places:
        n = list_places(hits, self.unknown, n_words, n_letters, tables.flank_nt, self.out)
        return self.out[:n]

    def _fill(self, text: Letters) -> int:
        """Pack the letters; words up to the next whole block read as N."""
        whole = len(text) // WORD
        n_words = _whole_blocks(whole + 1)
        pack(text, 1, whole, self.low, self.high, self.unknown)
        rest = np.full(WORD, ord("N"), dtype=np.uint8)
        rest[: len(text) - whole * WORD] = text[whole * WORD :]
        pack(rest, 1 + whole, 1, self.low, self.high, self.unknown)
        for plane in (self.low, self.high, self.unknown):
            plane[2 + whole : 2 + n_words] = np.uint64(0xFFFFFFFFFFFFFFFF)
        return n_words

    def _spread(self, n_words: int, width: int) -> Words:
        """Let every hexamer mark `width` places towards its sites; returns the buffer with the result."""
        source, span = self.hits, 1
        while span < width:
            step = min(span, width - span)
            target = self.other if source is self.spread else self.spread
            spread_hits(source, target, n_words, step)
            source, span = target, span + step
        return source

    def name(self, places: Places, tables: Tables) -> tuple[Bytes, Bytes]:
        """Place in the list and distance in nt of the hexamer that names each result of `find`; uint8 [n]."""
        hexamer, distance = np.empty(len(places), dtype=np.uint8), np.empty(len(places), dtype=np.uint8)
        near, far = tables.nearest_nt, tables.farthest_nt
        name_places(places, self.low, self.high, self.hits, tables.ranks, tables.order, near, far, hexamer, distance)
        return hexamer, distance


def anchors_of(places: Places) -> Int64:
    """Plus-strand places of the result of `find`; int64."""
    return np.where(places < 0, ~places, places).astype(np.int64)
