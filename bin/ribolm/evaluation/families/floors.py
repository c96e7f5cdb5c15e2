"""What likeness of letters achieves without a network: shares of k-mers, and GC share with length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ribolm.evaluation.families.likeness import Likeness, cosine, nearness
from ribolm.genome.coordinates import Int64
from ribolm.sequences.kmer_hashes import words
from ribolm.sequences.rna import RnaRecord

LARGEST_K = 4
GC_AND_LENGTH = "GC and length"
Float64 = npt.NDArray[np.float64]


def floor_likenesses(records: Sequence[RnaRecord]) -> dict[str, Likeness]:
    """The floors by name: cosine of k-mer shares up to k = 1 … 4, nearness in GC share and logarithm of the length."""
    letters, offsets = laid_out(records)
    found = {
        f"k-mers, k ≤ {k}" if k > 1 else "k-mers, k = 1": cosine(kmer_shares(letters, offsets, k))
        for k in range(1, LARGEST_K + 1)
    }
    return {**found, GC_AND_LENGTH: nearness(gc_and_length(letters, offsets))}


def laid_out(records: Sequence[RnaRecord]) -> tuple[npt.NDArray[np.uint8], Int64]:
    """Letters of the records end to end, uint8 ASCII [T], and where each begins, int64 [n + 1]."""
    letters = np.frombuffer("".join(record.letters for record in records).encode(), dtype=np.uint8)
    return letters, np.r_[0, np.cumsum([len(record.letters) for record in records])].astype(np.int64)


def kmer_shares(letters: npt.NDArray[np.uint8], offsets: Int64, largest_k: int) -> Float64:
    """Shares of the k-mers of every length up to `largest_k`, side by side, float64 [n, 4 + … + 4^k].

    The shares of one length sum to 1 (to 0 where a row has no such word); words with N are left out.
    """
    codes = np.full(256, 4, dtype=np.uint8)
    codes[list(b"ACGU")] = np.arange(4)
    n, parts = len(offsets) - 1, []
    for k in range(1, largest_k + 1):
        word, row = words(codes[letters], offsets, k)
        counts = np.bincount(row * 4**k + word.astype(np.int64), minlength=n * 4**k).reshape(n, 4**k)
        parts.append(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    return np.concatenate(parts, axis=1)


def gc_and_length(letters: npt.NDArray[np.uint8], offsets: Int64) -> Float64:
    """Share of G and C among A, C, G, U (0 without any) and natural logarithm of the length, float64 [n, 2]."""
    before = [np.r_[0, np.cumsum(np.isin(letters, list(some)))] for some in (b"GC", b"ACGU")]
    strong, known = (np.diff(counts[offsets]) for counts in before)
    return np.stack([strong / np.maximum(known, 1), np.log(np.maximum(np.diff(offsets), 1))], axis=1)
