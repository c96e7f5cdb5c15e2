"""Words of k letters in windows, as numbers: where they stand and how they are spelled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.genome.coordinates import Int64

BASES = "ACGT"
BASE_CODES = np.full(256, -1, dtype=np.int8)
BASE_CODES[np.frombuffer(BASES.encode(), dtype=np.uint8)] = np.arange(4)
NO_WORD = -1
WORD_NT = 6


class Places(NamedTuple):
    """Where words stand: window, 0-based start in it, and which of the words; int64 [m], by window, then by start."""

    row: Int64
    start0: Int64
    word: Int64


def word_numbers(windows: Letters, k: int = WORD_NT) -> npt.NDArray[np.int32]:
    """The word that begins at each letter, int32 [n, width_nt − k + 1]: base 4, first letter highest; NO_WORD with N.

    `windows` uint8 [n, width_nt], ASCII. Widths below k give no columns.
    """
    n, width_nt = windows.shape
    columns = max(width_nt - k + 1, 0)
    numbers = np.zeros((n, columns), dtype=np.int32)
    known = np.ones((n, columns), dtype=bool)
    codes = BASE_CODES[windows]
    for offset in range(k if columns else 0):
        part = codes[:, offset : offset + columns]
        numbers = 4 * numbers + part
        known &= part >= 0
    numbers[~known] = NO_WORD
    return numbers


def number_of(word: str) -> int:
    """The number of a word of ACGT."""
    number = 0
    for letter in word:
        number = 4 * number + BASES.index(letter)
    return number


def spelled(number: int, k: int = WORD_NT) -> str:
    """The word of a number."""
    return "".join(BASES[number >> 2 * place & 3] for place in reversed(range(k)))


def find_words(windows: Letters, words: Iterable[str]) -> Places:
    """Every place of the words, which are of one length; places of different words may overlap."""
    wanted = tuple(words)
    k = len(wanted[0])
    index = np.full(4**k + 1, NO_WORD, dtype=np.int64)  # the last one takes NO_WORD
    index[[number_of(word) for word in wanted]] = np.arange(len(wanted))
    found = index[word_numbers(windows, k)]
    row, start0 = np.nonzero(found >= 0)
    return Places(row, start0, found[row, start0])
