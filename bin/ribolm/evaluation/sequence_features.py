"""What a model without a network can see: bases around an adenosine, and k-mer shares at growing distance."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.evaluation.motif_rule import MOTIF_RULE
from ribolm.evaluation.stored_letters import StoredLetters
from ribolm.genome.coordinates import Int64
from ribolm.sequences.universes import CONTEXT_NT, matches

Float32 = npt.NDArray[np.float32]

NEAR_NT = 10  # bases named one by one on either side
RINGS_NT = ((11, 30), (31, 100), (101, 250))  # distances, both ends included, over which k-mers are counted
KMERS = (1, 2, 3)
ROWS_AT_A_TIME = 4_096
BASES = b"ACGT"


@dataclass(frozen=True)
class _Ring:
    """K-mers whose first base lies first … last steps from the centre, and their columns."""

    k: int
    first: int
    last: int
    column: int


def _rings() -> tuple[tuple[_Ring, ...], int]:
    rings, column = [], 2 * NEAR_NT * len(BASES) + len(MOTIF_RULE)
    for near, far in RINGS_NT:
        for first, last in ((-far, -near), (near, far)):
            for k in KMERS:
                rings.append(_Ring(k, first, last - k + 1, column))
                column += 4**k
    return tuple(rings), column


RINGS, N_FEATURES = _rings()


def features(stored: StoredLetters, flat: Int64) -> Float32:
    """Features of the sequence around each token, float32 [n, 587].

    One-hot of the ten bases on either side, whether the five-base context matches each motif of the rule, then for
    each side and ring of `RINGS_NT` the shares of 1-, 2- and 3-mers among those known there (0 where none is). Windows
    end with their row, N is no base. Cost: about 60 µs per row.
    """
    found = np.zeros((len(flat), N_FEATURES), dtype=np.float32)
    for low in range(0, len(flat), ROWS_AT_A_TIME):
        _fill(stored, flat[low : low + ROWS_AT_A_TIME], found[low : low + ROWS_AT_A_TIME])
    return found


def _fill(stored: StoredLetters, flat: Int64, found: Float32) -> None:
    reach = RINGS_NT[-1][1]
    base = np.full(256, -1, dtype=np.int64)
    base[list(BASES)] = np.arange(len(BASES))
    window = stored.windows(flat, reach)
    codes = base[window]
    steps = [step for step in range(-NEAR_NT, NEAR_NT + 1) if step]
    for place, step in enumerate(steps):
        row = np.flatnonzero(codes[:, reach + step] >= 0)
        found[row, place * len(BASES) + codes[row, reach + step]] = 1
    context = window[:, reach - CONTEXT_NT // 2 : reach + CONTEXT_NT // 2 + 1]
    for place, motif in enumerate(MOTIF_RULE):
        found[:, len(steps) * len(BASES) + place] = matches(context, motif)
    words = {1: codes}
    for k in KMERS[1:]:
        shorter, last = words[k - 1][:, :-1], codes[:, k - 1 :]
        words[k] = np.where((shorter >= 0) & (last >= 0), shorter * 4 + last, -1)
    for ring in RINGS:
        block = words[ring.k][:, reach + ring.first : reach + ring.last + 1]
        row, at = np.nonzero(block >= 0)
        cell = row * 4**ring.k + block[row, at]
        count = np.bincount(cell, minlength=len(flat) * 4**ring.k).reshape(len(flat), 4**ring.k)
        total = np.maximum(count.sum(axis=1, keepdims=True), 1)
        found[:, ring.column : ring.column + 4**ring.k] = count / total
