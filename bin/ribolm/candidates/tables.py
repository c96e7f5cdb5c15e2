"""A rule as the tables that the kernels look up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.candidates.hexamers import HEXAMER_NT, CandidateRule, reversed_hexamers
from ribolm.candidates.kernel import NO_HEXAMER

CODES = {"A": 0, "C": 1, "T": 2, "G": 3}
OTHER_STRAND = str.maketrans("ACGT", "TGCA")
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Tables:
    """A rule in the form of the kernels.

    `motifs` intp [2, n, 6]: codes of the hexamers and of their reverse complements. `sites`, `before` bool [2, 4]:
    which codes may stand at the anchor and next to it, as the plus strand shows them. `ranks` uint8 [2, 4096]: place
    of a hexamer in the rule's list by `planes_of`, 255 without. `order` uint8 [64]: preference of each distance.
    """

    motifs: npt.NDArray[np.intp]
    sites: npt.NDArray[np.bool_]
    before: npt.NDArray[np.bool_]
    ranks: Bytes
    order: Bytes
    nearest_nt: int
    farthest_nt: int
    flank_nt: int

    @classmethod
    def of(cls, rule: CandidateRule) -> Tables:
        """Fill the tables."""
        both = (rule.hexamers, reversed_hexamers(rule.hexamers))
        ranks = np.full((2, 1 << 2 * HEXAMER_NT), NO_HEXAMER, dtype=np.uint8)
        for strand, motifs in enumerate(both):
            ranks[strand, [planes_of(motif) for motif in motifs]] = np.arange(len(motifs))
        order = np.zeros(64, dtype=np.uint8)
        order[list(rule.distance_order())] = np.arange(len(rule.distance_order()))
        return cls(
            np.array([[[CODES[letter] for letter in motif] for motif in motifs] for motifs in both], dtype=np.intp),
            _allowed(rule.site),
            _allowed(rule.preceding),
            ranks,
            order,
            rule.nearest_nt,
            rule.farthest_nt,
            rule.flank_nt,
        )


def planes_of(motif: str) -> int:
    """A hexamer as the bit planes show it: low bits of its codes in bits 0 to 5, the first letter lowest, then high."""
    codes = [CODES[letter] for letter in motif]
    return sum((code & 1) << k | (code >> 1) << (k + HEXAMER_NT) for k, code in enumerate(codes))


def _allowed(bases: str) -> npt.NDArray[np.bool_]:
    table = np.zeros((2, 4), dtype=bool)
    for strand, shown in enumerate((bases, bases.translate(OTHER_STRAND))):
        table[strand, [CODES[base] for base in shown]] = True
    return table
