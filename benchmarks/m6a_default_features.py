"""What the regressions and the boosted trees see of an adenosine, from the 501 letters around it.

`simple`: bases near by and shares of k-mers. `wide` adds what is up- and what downstream: composition in bands, k-mers,
the number of DRACH and of its strong forms within several reaches, the open reading frames that the place may lie in.
"""

import numpy as np
import numpy.typing as npt

from m6a_default_sequences import CODE, HALF_NT
from ribolm.evaluation.stored_letters import StoredLetters
from ribolm.genome.coordinates import Int64
from ribolm.sequences.store import TokenStore

ROWS_AT_A_TIME = 4_096
REACH_NT = 20  # bases named one by one on either side
KMERS = ((1, 250), (2, 250), (3, 250), (3, 50), (4, 50), (1, 25), (2, 25))  # k and reach of their shares
BANDS = ((0, 100), (100, 170), (170, 225), (225, 247), (254, 276), (276, 331), (331, 401), (401, 501))
SIDES = ((150, 247), (254, 351))
MOTIF_REACHES = (10, 30, 75, 150)
N_SIMPLE = 4 * (2 * REACH_NT + 1) + sum(4**k for k, _ in KMERS)
A, C, G, T, N = range(5)
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


def features_of(store: TokenStore, flat: Int64, wide: bool = True) -> Float32:
    """Features of the adenosines at `flat` of tokens.bin, float32 [n, 989]; the first `N_SIMPLE` are `simple`."""
    stored = StoredLetters.of(store)
    parts = []
    for at in range(0, len(flat), ROWS_AT_A_TIME):
        codes = CODE[stored.windows(flat[at : at + ROWS_AT_A_TIME], HALF_NT)].astype(np.int64)
        made = [simple(codes), wide_only(codes)] if wide else [simple(codes)]
        parts.append(np.concatenate(made, axis=1).astype(np.float32))
    return np.concatenate(parts)


def simple(codes: Int64) -> Float64:
    """Bases near by and shares of k-mers of windows int64 [n, 501]."""
    near = codes[:, HALF_NT - REACH_NT : HALF_NT + REACH_NT + 1]
    found = [(near == base).astype(np.float64) for base in range(4)]
    found += [kmer_shares(codes[:, HALF_NT - reach : HALF_NT + reach + 1], k) for k, reach in KMERS]
    return np.concatenate(found, axis=1)


def wide_only(codes: Int64) -> Float64:
    """What `wide` adds to `simple`."""
    found = []
    for low, high in BANDS:
        band = codes[:, low:high]
        found += [kmer_shares(band, 1), (band == N).mean(axis=1)[:, None]]
    found += [kmer_shares(codes[:, low:high], k) for low, high in SIDES for k in (2, 3)]
    found += [np.stack(columns, axis=1).astype(np.float64) for columns in (_motif_counts(codes), _open_frames(codes))]
    return np.concatenate(found, axis=1)


def kmer_shares(codes: Int64, k: int) -> Float64:
    """Share of each k-mer among those without N, float64 [n, 4^k]."""
    n_places = codes.shape[1] - k + 1
    number, unknown = np.zeros((len(codes), n_places), dtype=np.int64), np.zeros((len(codes), n_places), dtype=bool)
    for at in range(k):
        number = number * 4 + np.minimum(codes[:, at : at + n_places], 3)
        unknown |= codes[:, at : at + n_places] == N
    number[unknown] = 4**k
    number += np.arange(len(codes))[:, None] * (4**k + 1)
    counts = np.bincount(number.ravel(), minlength=len(codes) * (4**k + 1)).reshape(len(codes), -1)
    return np.asarray(counts[:, :-1] / np.maximum(1, (~unknown).sum(axis=1))[:, None])


def _motif_counts(codes: Int64) -> list[Int64]:
    """DRACH, GGACH-like, RACT-like and both, up- and downstream within several reaches."""
    first, second, centre, third, last = (codes[:, at : codes.shape[1] - 4 + at] for at in range(5))
    drach = (
        np.isin(first, (A, G, T)) & np.isin(second, (A, G)) & (centre == A) & (third == C) & np.isin(last, (A, C, T))
    )
    kinds = (drach, drach & (second == G), drach & (last == T), drach & (second == G) & (last == T))
    found, middle = [], HALF_NT - 2
    for is_kind in kinds:
        for reach in MOTIF_REACHES:
            sides = is_kind[:, middle - reach : middle], is_kind[:, middle + 1 : middle + 1 + reach]
            found += [side.sum(axis=1) for side in sides]
    return found


def _open_frames(codes: Int64) -> list[Int64]:
    """Codons without a stop before, after and around the place in the three frames; 99: none in the window."""
    first, second, third = codes[:, :-2], codes[:, 1:-1], codes[:, 2:]
    stop = (first == T) & (((second == A) & np.isin(third, (A, G))) | ((second == G) & (third == A)))
    found = []
    for frame in range(3):
        of_frame, centre = stop[:, frame::3], (HALF_NT - frame) // 3
        before, after = of_frame[:, :centre][:, ::-1], of_frame[:, centre:]
        up = np.where(before.any(axis=1), before.argmax(axis=1), 99)
        down = np.where(after.any(axis=1), after.argmax(axis=1), 99)
        found += [up, down, up + down]
    return found
