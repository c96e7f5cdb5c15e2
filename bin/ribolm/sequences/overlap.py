"""What a corpus shares with sets that a model will be judged by: equal sequences, and exact words of 31 bases.

RNA is single-stranded: sequences are compared as they are read, never with their reverse complement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.files import atomic_path
from ribolm.genome.coordinates import Int64
from ribolm.sequences.kmer_hashes import UInt64, words

SHARED_NT = 31
DIGEST_BYTES = 16
SHARING = f"sharing_{SHARED_NT}mer"
COLUMNS = ("set", "sha256", "n", "n_equal", f"n_{SHARING}", "corpus_equal", f"corpus_{SHARING}")
Mask = npt.NDArray[np.bool_]
_CODES = np.full(256, 4, dtype=np.uint8)
for _code, _letters in enumerate((b"A", b"C", b"G", b"UT")):
    _CODES[list(_letters)] = _code


@dataclass(frozen=True)
class EvaluationSet:
    """Sequences to be kept out of a corpus: upper-case ACGUN, by the name and sha256 of their file."""

    name: str
    sha256: str
    sequences: tuple[str, ...]


class _Compared:
    """One set, and what of it and of the corpus was found on both sides."""

    def __init__(self, given: EvaluationSet) -> None:
        self.given, self.n_equal, self.n_sharing = given, 0, 0
        letters, offsets = joined(given.sequences)
        keys = list(digests(letters, offsets))
        self._place = {key: at for at, key in enumerate(dict.fromkeys(keys))}
        self._of_sequence = np.array([self._place[key] for key in keys], dtype=np.int64)
        number, row = words(_CODES[letters], offsets, SHARED_NT)
        self._words, self._word = np.unique(number, return_inverse=True)
        self._row = row
        self._met_keys = np.zeros(len(self._place), dtype=bool)
        self._met_words = np.zeros(len(self._words), dtype=bool)

    def equal(self, keys: Sequence[bytes]) -> Mask:
        """Which rows of the corpus, by their digests, are a sequence of this set."""
        at = np.array([self._place.get(key, -1) for key in keys], dtype=np.int64)
        self._met_keys[at[at >= 0]] = True
        self.n_equal += int((at >= 0).sum())
        return at >= 0

    def sharing(self, number: UInt64, row: Int64, n_rows: int) -> Mask:
        """Which of the rows of the corpus, by their words, share a word with this set."""
        found = np.zeros(n_rows, dtype=bool)
        if len(self._words) and len(number):
            at = np.minimum(np.searchsorted(self._words, number), len(self._words) - 1)
            hit = self._words[at] == number
            self._met_words[at[hit]] = True
            found[row[hit]] = True
        self.n_sharing += int(found.sum())
        return found

    def told(self) -> dict[str, Any]:
        """A row of the audit: sequences of the corpus and of the set that the other side has."""
        sharing = np.zeros(len(self.given.sequences), dtype=bool)
        sharing[self._row[self._met_words[self._word]]] = True
        return {
            "set": self.given.name,
            "sha256": self.given.sha256,
            "n": len(self.given.sequences),
            "n_equal": int(self._met_keys[self._of_sequence].sum()) if len(self._of_sequence) else 0,
            f"n_{SHARING}": int(sharing.sum()),
            "corpus_equal": self.n_equal,
            f"corpus_{SHARING}": self.n_sharing,
        }


class Overlaps:
    """Any number of sets that a corpus is held against, some rows at a time. Memory: 24 bytes per base of the sets."""

    def __init__(self, sets: Sequence[EvaluationSet]) -> None:
        self._sets = [_Compared(given) for given in sets]

    def look(self, letters: Letters, offsets: Int64) -> tuple[Mask, Mask]:
        """(rows equal to a sequence of a set, rows that share a word with one), bool [n] each.

        Rows are letters[offsets[i]:offsets[i + 1]], ACGUN. A sequence shorter than a word shares none.
        """
        n = len(offsets) - 1
        equal, sharing = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        if not self._sets:
            return equal, sharing
        keys = list(digests(letters, offsets))
        number, row = words(_CODES[letters], offsets, SHARED_NT)
        for one in self._sets:
            equal |= one.equal(keys)
            sharing |= one.sharing(number, row, n)
        return equal, sharing

    def told(self) -> list[dict[str, Any]]:
        """One row per set: `corpus_*` count rows of the corpus, `n_*` sequences of the set."""
        return [one.told() for one in self._sets]


def write_audit(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the rows of `Overlaps.told` as a table."""
    with atomic_path(path) as temporary:
        lines = ["\t".join(COLUMNS), *("\t".join(str(row[name]) for name in COLUMNS) for row in rows)]
        temporary.write_text("\n".join(lines) + "\n", "utf-8")


def joined(sequences: Sequence[str]) -> tuple[Letters, Int64]:
    """Sequences end to end as letters, uint8, and the offsets of the rows, int64 [n + 1]."""
    letters = np.frombuffer("".join(sequences).encode("ascii"), dtype=np.uint8)
    return letters, np.r_[0, np.cumsum([len(sequence) for sequence in sequences])].astype(np.int64)


def digests(letters: Letters, offsets: Int64) -> Iterator[bytes]:
    """BLAKE2b-128 of every row."""
    raw = np.ascontiguousarray(letters).data
    for a, b in pairwise(offsets.tolist()):
        yield hashlib.blake2b(raw[a:b], digest_size=DIGEST_BYTES).digest()
