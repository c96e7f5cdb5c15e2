"""Families of similar sequences, so that none of them is trained on and tested: shared 51-mers, or near identity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.genome.coordinates import Int64
from ribolm.sequences.deduplication import equal_rows
from ribolm.sequences.kmer_hashes import UInt64, mixed, words
from ribolm.sequences.sketches import SKETCH_NT, Sketch, least_of_short, least_shared, near_pairs, sampled

EXACT_NT = 51  # the length at which the published split of m6A-BERT-Deg was found to leak
IDENTITY = 0.9
SKETCHED_ONE_IN = 4  # of the 16-mers of a window
SHORT_WORDS = 50  # rows of fewer 16-mers (65 nt) have too few in a sketch


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
    like B; equal sequences are, however short. Memory: about 40 bytes per letter. Cost: two sorts of all words.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rule, n = likeness or Likeness(), len(offsets) - 1
    codes = _codes(letters)
    pairs = [np.stack([np.arange(n), equal_rows(letters, offsets)])]
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
    """Pairs of rows whose 16-mers are contained in each other as those of sequences so identical.

    A part of the words is compared; where a row has fewer than SHORT_WORDS, all of them, each place counted once, so
    that a row of one letter over and over is like none.
    """
    number, row = words(codes, offsets, SKETCH_NT)
    scattered, n = mixed(number + np.uint64(1)), len(offsets) - 1
    keep = sampled(scattered, SKETCHED_ONE_IN)
    sketch = Sketch.of(scattered[keep], row[keep], n)
    size, n_words = sketch.size, np.bincount(row, minlength=n)
    found = near_pairs(sketch, sketch, lambda i, j: least_shared(np.minimum(size[i], size[j]), identity))
    is_short = n_words < SHORT_WORDS
    asked = np.isin(scattered, np.unique(scattered[is_short[row]]))
    if not asked.any():
        return found

    def least(i: Int64, j: Int64) -> npt.NDArray[np.float64]:
        share = least_of_short(np.minimum(n_words[i], n_words[j]), identity)
        return np.where(is_short[i] | is_short[j], share, np.inf)

    whole = Sketch.of(scattered[asked], row[asked], n)
    return np.concatenate([found, near_pairs(whole, whole, least)], axis=1)
