"""Where two RNAs would pair by energy or by letters alone: RNAduplex, RNAcofold, the best complementary run."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ribolm.evaluation.interactions.places import Place

DUPLEX, COFOLD, COMPLEMENT = "RNAduplex", "RNAcofold", "complementary run"
BONDS = {"GC": 3, "CG": 3, "AU": 2, "UA": 2, "GU": 1, "UG": 1}
LONGEST_BULGE_NT = 5  # unpaired bases on one side within one stretch of pairs between two RNAs
_BOND_TABLE = np.zeros((256, 256), dtype=np.float32)
for _pair, _bonds in BONDS.items():
    _BOND_TABLE[ord(_pair[0]), ord(_pair[1])] = _bonds
_BOND_TABLE.setflags(write=False)


def complementary_run(query: str, target: str) -> Place | None:
    """The antiparallel run of canonical pairs, without bulge, of most hydrogen bonds: GC 3, AU 2, GU 1.

    None where no base of one RNA can pair with any of the other. Of equal runs the first counts, by query, then target.
    Cost: one pass over query × target.
    """
    letters = [np.frombuffer(text.encode(), dtype=np.uint8) for text in (query, target)]
    bonds = np.zeros(len(target) + 1)  # [j]: bonds of the run that ends with this query base on target base j
    width = np.zeros(len(target) + 1, dtype=np.int64)
    best, at, nt = 0.0, 0, 0
    for base in letters[0]:
        own = _BOND_TABLE[base, letters[1]]
        pairs = own > 0
        bonds[:-1] = np.where(pairs, bonds[1:] + own, 0)
        width[:-1] = np.where(pairs, width[1:] + 1, 0)
        j = int(np.argmax(bonds))
        if bonds[j] > best:
            best, at, nt = float(bonds[j]), j, int(width[j])
    return Place(at, at + nt, best) if nt else None


def best_run_of_pairs(pairs: npt.NDArray[np.int64], score: float) -> Place | None:
    """The stretch of a target that the most pairs between two RNAs lie in, from pairs int64 [P, 2] (query, target).

    Pairs belong to one stretch while no more than `LONGEST_BULGE_NT` bases of either RNA lie unpaired between them. Of
    equal stretches the first of the query counts; None without a pair.
    """
    if not len(pairs):
        return None
    ordered = pairs[np.argsort(pairs[:, 0], kind="stable")]
    steps = np.abs(np.diff(ordered, axis=0)).max(axis=1)
    stops = [0, *(np.flatnonzero(steps > LONGEST_BULGE_NT + 1) + 1).tolist(), len(ordered)]
    first, last = max(pairwise(stops), key=lambda bounds: bounds[1] - bounds[0])
    target = ordered[first:last, 1]
    return Place(int(target.min()), int(target.max()) + 1, score)
