"""Tokens of k letters: overlapping (one centred on every nucleotide) and non-overlapping (Nucleotide Transformer)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.genome.coordinates import Int64
from ribolm.sequences.single import letter_table
from ribolm.sequences.vocabulary import (
    CLS,
    EOS,
    ESM_NAMES,
    MASK,
    NO_TOKEN,
    PAD,
    UNK,
    TokenArray,
    Tokenizer,
    special_ids,
    translate,
)

LETTERS = "ACGTN"
N_CODE = 4
CODES = letter_table({letter: code for code, letter in enumerate(LETTERS)})
MAX_KMER = 5
MAX_CHUNK = 7


def _words(alphabet: str, k: int) -> tuple[str, ...]:
    return tuple("".join(word) for word in product(alphabet, repeat=k))


@dataclass(frozen=True)
class KmerTokenizer(Tokenizer):
    """Overlapping k-mers, k odd: token i is the k-mer whose middle letter is nucleotide i.

    All 5^k words over ACGTN are tokens, so that a base beside an N or at an end (where N stands for what lies outside)
    keeps what is known. `base_ids` are the 4^k words without N.
    """

    kind: ClassVar[str] = "kmer"
    per_nucleotide: ClassVar[bool] = True
    k: int = 3

    @classmethod
    def create(cls, k: int = 3) -> KmerTokenizer:
        """The tokenizer of one k; ValueError unless k is 3 or 5."""
        if k % 2 == 0 or not 3 <= k <= MAX_KMER:
            raise ValueError(f"k = {k} is not 3 or {MAX_KMER}; a k-mer centred on a nucleotide has an odd length")
        words = _words(LETTERS, k)
        tokens = (CLS, PAD, EOS, UNK, *words, MASK)
        base_ids = np.array([4 + i for i, word in enumerate(words) if "N" not in word], dtype=np.int64)
        return cls(tokens, **special_ids(tokens, ESM_NAMES), base_ids=base_ids, k=k)

    @property
    def overlap_tokens(self) -> int:
        """k: so many words hold one nucleotide."""
        return self.k

    def middle_letters(self) -> Letters:
        """The middle nucleotide of each word, uint8 [vocab_size]."""
        words = [token[self.k // 2] if set(token) <= set(LETTERS) else "N" for token in self.tokens]
        return np.array([ord(letter) for letter in words], dtype=np.uint8)

    def encode(self, letters: Letters) -> TokenArray:
        """One id per nucleotide, [n]."""
        half = self.k // 2
        codes = np.full(len(letters) + 2 * half, N_CODE, dtype=self.dtype)
        codes[half : half + len(letters)] = translate(letters, CODES)
        ids = np.zeros(len(letters), dtype=self.dtype)
        for offset in range(self.k):
            ids *= len(LETTERS)
            ids += codes[offset : offset + len(letters)]
        ids += 4
        return ids

    def encode_rows(self, letters: Letters, offsets: Int64) -> tuple[TokenArray, Int64]:
        """All rows at once, with N between them; the offsets stay."""
        half, n_rows = self.k // 2, len(offsets) - 1
        place = np.arange(len(letters)) + half * (1 + np.repeat(np.arange(n_rows), np.diff(offsets)))
        codes = np.full(len(letters) + half * (n_rows + 1), N_CODE, dtype=self.dtype)
        codes[place] = translate(letters, CODES)
        ids = np.zeros(len(letters), dtype=self.dtype)
        for step in range(-half, half + 1):
            ids *= len(LETTERS)
            ids += codes[place + step]
        ids += 4
        return ids, offsets

    def specifics(self) -> dict[str, Any]:
        """The length of a word."""
        return {"k": self.k}


@dataclass(frozen=True)
class ChunkTokenizer(Tokenizer):
    """Non-overlapping k-mers by Nucleotide Transformer's rule (Dalla-Torre et al. 2023).

    From left to right: a k-mer where the next k letters are ACGT, else a single letter; N and what remains at an end
    are single tokens. The published vocabularies have no end token (`eos_id` −1), ours has one.
    """

    kind: ClassVar[str] = "chunk"
    per_nucleotide: ClassVar[bool] = False
    k: int = 6

    @classmethod
    def create(cls, k: int = 6) -> ChunkTokenizer:
        """Our own vocabulary for one k; ValueError unless k is from 2 to 7."""
        if not 2 <= k <= MAX_CHUNK:
            raise ValueError(f"k = {k} is not from 2 to {MAX_CHUNK}")
        return cls.from_tokens((CLS, PAD, EOS, UNK, *_words("ACGT", k), *LETTERS, MASK), k, has_eos=True)

    @classmethod
    def from_tokens(cls, tokens: Sequence[str], k: int, has_eos: bool = False) -> ChunkTokenizer:
        """A vocabulary in id order; ValueError when words are missing. Published models end without `<eos>`."""
        place = {token: i for i, token in enumerate(tokens)}
        words = _words("ACGT", k)
        missing = [word for word in (*words, *LETTERS) if word not in place]
        if missing:
            raise ValueError(
                f"the vocabulary lacks {len(missing)} words of a {k}-mer vocabulary, among them {missing[0]}"
            )
        base_ids = np.array([place[word] for word in (*words, *"ACGT")], dtype=np.int64)
        ids = special_ids(tokens, ESM_NAMES) | ({} if has_eos else {"eos_id": NO_TOKEN})
        return cls(tuple(tokens), **ids, base_ids=base_ids, k=k)

    @cached_property
    def _ids(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Ids of the 4^k words by base-4 number, and of the five letters."""
        place = {token: i for i, token in enumerate(self.tokens)}
        words = np.array([place[word] for word in _words("ACGT", self.k)], dtype=self.dtype)
        return words, np.array([place[letter] for letter in LETTERS], dtype=self.dtype)

    def encode(self, letters: Letters) -> TokenArray:
        """Ids of the words, [about n / k]."""
        codes = translate(letters, CODES)
        starts, is_word = chunk_starts(codes, self.k)
        word_ids, letter_ids = self._ids
        ids = letter_ids[codes[starts]]
        first = starts[is_word]
        number = np.zeros(len(first), dtype=np.int64)
        for offset in range(self.k):
            number = number * 4 + codes[first + offset]
        ids[is_word] = word_ids[number]
        return ids

    def specifics(self) -> dict[str, Any]:
        """The length of a word."""
        return {"k": self.k}


def chunk_starts(codes: npt.NDArray[np.uint8], k: int) -> tuple[Int64, npt.NDArray[np.bool_]]:
    """Starts of the tokens of a sequence of codes (4 = N), and which of them are words of k letters.

    A run of r known letters holds r // k words and r % k single letters behind them.
    """
    n = len(codes)
    known = codes != N_CODE
    edges = np.flatnonzero(np.diff(np.r_[False, known, False].astype(np.int8)))
    run_start, run_end = edges[::2], edges[1::2]
    place_in_run = np.full(n, -1, dtype=np.int64)
    words_nt = np.zeros(n, dtype=np.int64)
    length = run_end - run_start
    inside = np.flatnonzero(known)
    place_in_run[inside] = inside - np.repeat(run_start, length)
    words_nt[inside] = np.repeat(length // k * k, length)
    in_word = place_in_run < words_nt
    in_word &= known
    is_start = ~in_word | (place_in_run % k == 0)
    starts = np.flatnonzero(is_start)
    return starts, in_word[starts]
