"""Stored sequences as letters again, whatever their tokenizer."""

from __future__ import annotations

import numpy as np

from ribolm.alphabet import Letters
from ribolm.genome.coordinates import Int64, ranges
from ribolm.sequences.store import TokenStore
from ribolm.sequences.tokenizers import Tokenizer

NUCLEOTIDES = frozenset("ACGTN")


def stored_letters(store: TokenStore) -> tuple[Letters, Int64]:
    """Letters of all rows end to end (uint8 ACGTN) and their offsets (int64 [n + 1]). Memory: 9 bytes per letter.

    Tokens of several letters are spelt out; special and unknown tokens are one N.
    """
    tokens = np.asarray(store.tokens)
    if store.tokenizer.per_nucleotide:
        return store.tokenizer.middle_letters()[tokens], store.offsets
    text, first = _spelling(store.tokenizer)
    length = np.diff(first)
    letters = text[ranges(first[:-1][tokens], length[tokens])]
    return letters, np.r_[0, np.cumsum(length[tokens])][store.offsets].astype(np.int64)


def _spelling(tokenizer: Tokenizer) -> tuple[Letters, Int64]:
    """Letters of every token of the vocabulary end to end, and where each begins, int64 [vocabulary + 1]."""
    spelt = [token if token and set(token) <= NUCLEOTIDES else "N" for token in tokenizer.tokens]
    text = np.frombuffer("".join(spelt).encode(), dtype=np.uint8)
    return text, np.r_[0, np.cumsum([len(token) for token in spelt])].astype(np.int64)
