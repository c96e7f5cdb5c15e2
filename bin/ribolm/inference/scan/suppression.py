"""One call where several candidates mean one site: greedy non-maximum suppression along each strand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from ribolm.genome.coordinates import Int64
from ribolm.inference.batches import Float32
from ribolm.labels.polya.strand_letters import Places

RADIUS_NT = 24
_kernel: Callable[..., Any] = njit(cache=True, nogil=True, error_model="numpy")


def suppress(places: Places, logits: Float32, radius_nt: int = RADIUS_NT) -> Int64:
    """Row of the candidate that stands for each candidate, int64 [n]; a call stands for itself.

    The best logit of all is a call and stands for every candidate of its strand at most `radius_nt` away that none
    stands for yet; so goes on the best of the rest. Of equal logits the one that transcription reaches first comes
    first, so that the mirrored genome gives the mirrored calls. What lies below a threshold never changes what lies
    above it: calls of all candidates with a logit from t on are the calls of those candidates. Cost: a sort.
    """
    by_place = np.lexsort((places.at0, places.strand, places.contig))
    at0, logit = places.at0[by_place], logits[by_place]
    strand, contig = places.strand[by_place], places.contig[by_place]
    group = np.cumsum(np.r_[0, (strand[1:] != strand[:-1]) | (contig[1:] != contig[:-1])]) if len(at0) else at0
    best_first = np.lexsort((at0 * strand, -logit.astype(np.float64)))
    owner = np.full(len(at0), -1, dtype=np.int64)
    _suppress(group, at0, best_first, radius_nt, owner)
    found = np.empty(len(at0), dtype=np.int64)
    found[by_place] = by_place[owner]
    return found


@_kernel
def _suppress(group, at0, best_first, radius_nt, owner):  # type: ignore[no-untyped-def]
    """Fill `owner`; rows ascend by group and place."""
    for k in range(len(best_first)):
        i = best_first[k]
        if owner[i] >= 0:
            continue
        owner[i] = i
        j = i - 1
        while j >= 0 and group[j] == group[i] and at0[i] - at0[j] <= radius_nt:
            if owner[j] < 0:
                owner[j] = i
            j -= 1
        j = i + 1
        while j < len(at0) and group[j] == group[i] and at0[j] - at0[i] <= radius_nt:
            if owner[j] < 0:
                owner[j] = i
            j += 1
