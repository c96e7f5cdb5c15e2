"""Families of similar sequences, so that none of them is trained on and tested: shared 51-mers, or near identity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.genome.coordinates import Int64
from ribolm.sequences.kmer_hashes import UInt64, mixed, words

EXACT_NT = 51
IDENTITY = 0.9
SKETCH_NT = 16
SKETCHED_ONE_IN = 4  # of the 16-mers of a window
REPEAT_ROWS = 200  # 16-mers in more sequences than this say nothing of a pair
LEAST_SHARED_WORDS = 5


@dataclass(frozen=True)
class Likeness:
    """When two sequences are of one family: an exact word of `exact_nt`, or an `identity` of about so much.

    Identity is estimated from the containment c of 16-mers as c^(1/16) (Ondov et al. 2016,
    doi 10.1186/s13059-016-0997-x). Either may be None: not asked.
    """

    exact_nt: int | None = EXACT_NT
    identity: float | None = IDENTITY


def similarity_clusters(letters: Letters, offsets: Int64, likeness: Likeness | None = None) -> Int64:
    """Family of every sequence letters[offsets[i]:offsets[i + 1]], int64 [n], numbered from 0 in order of their first.

    `letters` uint8 ASCII ACGTN, read on the strand given. Families are connected: A and C are together where both are
    like B. Memory: about 40 bytes per letter. Cost: two sorts of all words.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rule, n = likeness or Likeness(), len(offsets) - 1
    codes = _codes(letters)
    pairs = [np.zeros((2, 0), dtype=np.int64)]
    if rule.exact_nt is not None:
        pairs.append(_neighbours(*words(codes, offsets, rule.exact_nt)))
    if rule.identity is not None:
        pairs.append(_alike(codes, offsets, rule.identity))
    one, other = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(n, n))
    found = connected_components(graph, directed=False)[1]
    names, first = np.unique(found, return_index=True)
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(names))
    return rank[found] if n else np.zeros(0, dtype=np.int64)


def shares_word(letters: Letters, offsets: Int64, other: Letters, other_offsets: Int64, k: int = EXACT_NT) -> Int64:
    """Rows of the first set that hold an exact word of k bases of the second, int64, ascending."""
    number, row = words(_codes(letters), offsets, k)
    known = np.unique(words(_codes(other), other_offsets, k)[0])
    return np.unique(row[np.isin(number, known)])


def _codes(letters: Letters) -> npt.NDArray[np.uint8]:
    table = np.full(256, 4, dtype=np.uint8)
    table[list(b"ACGT")] = np.arange(4)
    return np.asarray(table[letters])


def _neighbours(number: UInt64, row: Int64) -> Int64:
    """Pairs of rows, int64 [2, m], that join all rows of each word into a chain."""
    order = np.argsort(number, kind="stable")
    number, row = number[order], row[order]
    same = (number[1:] == number[:-1]) & (row[1:] != row[:-1])
    found = np.stack([row[:-1][same], row[1:][same]])
    return np.unique(found, axis=1) if found.shape[1] else found


def _alike(codes: npt.NDArray[np.uint8], offsets: Int64, identity: float) -> Int64:
    """Pairs of rows whose sketches of 16-mers are contained in each other as those of sequences so identical."""
    from scipy.sparse import csr_array

    number, row = words(codes, offsets, SKETCH_NT)
    scattered = mixed(number + np.uint64(1))
    keep = scattered <= np.uint64((2**64 - 1) // SKETCHED_ONE_IN)
    both = np.unique(np.stack([scattered[keep], row[keep].astype(np.uint64)]), axis=1)
    items, item, n_rows = np.unique(both[0], return_inverse=True, return_counts=True)
    rows = both[1].astype(np.int64)
    n = len(offsets) - 1
    size = np.bincount(rows, minlength=n)
    rare = (n_rows[item] > 1) & (n_rows[item] <= REPEAT_ROWS)
    shape = (n, max(len(items), 1))
    found = csr_array((np.ones(int(rare.sum()), dtype=np.float32), (rows[rare], item[rare])), shape=shape)
    shared = (found @ found.T).tocoo()
    least = np.maximum(identity**SKETCH_NT * np.minimum(size[shared.row], size[shared.col]), LEAST_SHARED_WORDS)
    near = (shared.data >= least) & (shared.row < shared.col)
    return np.stack([shared.row[near], shared.col[near]]).astype(np.int64)
