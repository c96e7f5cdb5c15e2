"""Exact words of a sequence as numbers, for finding stretches that two sets of sequences share."""

import numpy as np
import numpy.typing as npt

from ribolm.genome.coordinates import Int64

UInt64 = npt.NDArray[np.uint64]

PACKED_NT = 32  # bases that one 64-bit number holds


def words(codes: npt.NDArray[np.uint8], offsets: Int64, k: int) -> tuple[UInt64, Int64]:
    """Every word of k bases inside a row that holds no unknown base: (number uint64, row int64), in order of place.

    `codes` uint8 [T]: 0 to 3, above for unknown; row i is codes[offsets[i]:offsets[i + 1]]. Up to 32 bases the number
    is the word itself; longer words are hashed from exact pieces, so that two words that differ share a number by a
    chance of 2^-64. Cost: about 10 passes over the bases.
    """
    n = len(codes) - k + 1
    if n <= 0:
        return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    unknown = np.r_[0, np.cumsum(codes > 3)]
    row = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))[:n]
    start = np.flatnonzero((unknown[k:] == unknown[:n]) & (np.arange(n) + k <= offsets[1:][row]))
    packed = _Packed(codes)
    total = np.zeros(len(start), dtype=np.uint64)
    for at in range(0, k, PACKED_NT):
        piece = packed.words(min(PACKED_NT, k - at))[start + at]
        total = piece if k <= PACKED_NT else mixed(total ^ mixed(piece + np.uint64(at + 1)))
    return total, row[start].astype(np.int64)


def mixed(numbers: UInt64) -> UInt64:
    """Scatter 64-bit numbers, one to one (splitmix64; Steele, Lea and Flood 2014, doi 10.1145/2660193.2660195)."""
    x = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class _Packed:
    """Words of 1, 2, 4, … 32 bases at two bits each, made by doubling and kept."""

    def __init__(self, codes: npt.NDArray[np.uint8]) -> None:
        self._of = {1: codes.astype(np.uint64) & np.uint64(3)}

    def words(self, length: int) -> UInt64:
        """Word of `length` bases (1 to 32) from every base that has so many behind it."""
        found: UInt64 | None = None
        covered = 0
        for size in (32, 16, 8, 4, 2, 1):
            if length & size:
                piece = self._doubled(size)
                if found is None:
                    found = piece
                else:
                    n = min(len(found), len(piece) - covered)
                    found = (found[:n] << np.uint64(2 * size)) | piece[covered : covered + n]
                covered += size
        assert found is not None
        return found

    def _doubled(self, size: int) -> UInt64:
        if size not in self._of:
            half = self._doubled(size // 2)
            n = max(len(half) - size // 2, 0)
            self._of[size] = (half[:n] << np.uint64(size)) | half[size // 2 : size // 2 + n]
        return self._of[size]
