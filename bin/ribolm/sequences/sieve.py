"""The filters between sequences that are read and those that are written: letters at all, N, duplicates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.console import notice
from ribolm.genome.coordinates import Int64, ranges
from ribolm.sequences.deduplication import SeenSequences

Mask = npt.NDArray[np.bool_]


@dataclass
class CorpusCounts:
    """What was read and what became of it, in sequences; `nucleotides` of those written."""

    read: int = 0
    empty: int = 0
    too_many_n: int = 0
    duplicates: int = 0
    written: int = 0
    nucleotides: int = 0

    def tell(self) -> None:
        """Notices of what was left out."""
        if self.empty:
            notice(f"{self.empty:,} of {self.read:,} sequences have no letter and are left out.")
        if self.too_many_n:
            notice(f"{self.too_many_n:,} of {self.read:,} sequences hold too many N and are left out.")
        if self.duplicates:
            notice(f"{self.duplicates:,} of {self.read:,} sequences repeat an earlier one and are left out.")


class Sieve:
    """The filters of a corpus, in their order: N, then duplicates."""

    def __init__(self, max_n: float, keep_duplicates: bool, counts: CorpusCounts | None = None) -> None:
        self.max_n, self.keep_duplicates = max_n, keep_duplicates
        self.counts = counts or CorpusCounts()
        self._seen = SeenSequences()

    def passing(self, letters: Letters, offsets: Int64) -> Mask:
        """Mask [n] of the rows to write; counts the others."""
        length = np.diff(offsets)
        n_before = np.r_[0, np.cumsum(letters == ord("N"), dtype=np.int64)]
        kept = np.asarray((np.diff(n_before[offsets]) <= self.max_n * length) & (length > 0))
        self.counts.read += len(kept)
        self.counts.empty += int((length == 0).sum())
        self.counts.too_many_n += int((~kept & (length > 0)).sum())
        if not self.keep_duplicates and kept.any():
            rows = np.flatnonzero(kept)
            bounds = np.r_[0, np.cumsum(length[rows])].astype(np.int64)
            passed = letters if kept.all() else letters[ranges(offsets[:-1][rows], length[rows])]
            is_new = self._seen.first_sights(passed, bounds)
            self.counts.duplicates += int((~is_new).sum())
            kept[rows[~is_new]] = False
        self.counts.written += int(kept.sum())
        self.counts.nucleotides += int(length[kept].sum())
        return kept
