"""The hexamers of a rule upstream of given places, all of them: for places that are no candidates, too."""

from __future__ import annotations

import numpy as np

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import HEXAMER_NT, CandidateRule
from ribolm.candidates.kernel import NO_HEXAMER
from ribolm.candidates.tables import CODES, Bytes, Tables
from ribolm.genome.coordinates import Int64


def ranks_upstream(upstream: Letters, rule: CandidateRule) -> tuple[Bytes, Int64]:
    """Place in the rule's list of the hexamer at every distance, uint8 [n, m], 255 without; distances in nt, int64 [m].

    `upstream` uint8 [n, farthest_nt or more]: letters of each place's strand up to it, its column `farthest_nt` being
    the place itself where it is there. The farthest distance comes first.
    """
    codes = np.full(256, 4, dtype=np.int64)
    codes[[ord(base) for base in CODES]] = list(CODES.values())
    found = codes[upstream]
    n_starts = rule.farthest_nt - rule.nearest_nt + 1
    number = np.zeros((len(found), n_starts), dtype=np.int64)
    unknown = np.zeros((len(found), n_starts), dtype=bool)
    for step in range(HEXAMER_NT):
        letter = found[:, step : step + n_starts]
        unknown |= letter > 3
        number |= (letter & 1) << step | (letter >> 1 & 1) << (step + HEXAMER_NT)  # as `planes_of` numbers them
    rank = Tables.of(rule).ranks[0][number]
    rank[unknown] = NO_HEXAMER
    return rank, rule.farthest_nt - np.arange(n_starts)
