"""What a model without a network sees of a sequence whose end matters: letters, k-mers, start codons before the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.genome.coordinates import Int64

Float32 = npt.NDArray[np.float32]
KMERS = (1, 2, 3, 4)
WIDEST_NT = 100  # letters named one by one, from the end
FRAMES = 3
STOPS = (b"TAA", b"TAG", b"TGA")
NO_START, IN_FRAME, OUT_OF_FRAME = "none", "in frame", "out of frame"
STRATA = (NO_START, IN_FRAME, OUT_OF_FRAME)


@dataclass(frozen=True)
class Sequences:
    """n sequences end to end, uint8 ACGTN: row i is letters[offsets[i]:offsets[i + 1]]."""

    letters: Letters
    offsets: Int64

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def length(self) -> Int64:
        """nt of every row, int64 [n]."""
        return np.diff(self.offsets)


def one_hot(sequences: Sequences, width: int | None = None) -> Float32:
    """The letters counted from the end, float32 [n, 4 · width]; zeros for N and beyond a sequence.

    `width` None: the longest sequence, at most 100 nt.
    """
    length = sequences.length
    width = int(min(length.max(initial=0), WIDEST_NT)) if width is None else width
    codes = _codes(sequences.letters)
    found = np.zeros((len(sequences), width, 4), dtype=np.float32)
    for back in range(1, width + 1):
        rows = np.flatnonzero(length >= back)
        base = codes[sequences.offsets[rows + 1] - back]
        known = base < 4
        found[rows[known], width - back, base[known]] = 1.0
    return found.reshape(len(sequences), 4 * width)


def kmer_shares(sequences: Sequences, sizes: tuple[int, ...] = KMERS) -> Float32:
    """Shares of all k-mers among those of a sequence, float32 [n, 4 + 16 + 64 + 256]; words with N are left out."""
    codes = _codes(sequences.letters).astype(np.int64)
    row = np.repeat(np.arange(len(sequences)), sequences.length)
    left = np.repeat(sequences.offsets[1:], sequences.length) - np.arange(len(codes))
    parts = []
    for k in sizes:
        word, whole = np.zeros(len(codes), dtype=np.int64), left >= k
        for step in range(k):
            shifted = np.r_[codes[step:], np.full(min(step, len(codes)), 4)]
            word, whole = word * 4 + shifted, whole & (shifted < 4)
        cell = row[whole] * 4**k + word[whole]
        count = np.bincount(cell, minlength=len(sequences) * 4**k).reshape(len(sequences), 4**k).astype(np.float32)
        parts.append(count / np.maximum(count.sum(axis=1, keepdims=True), 1))
    return np.concatenate(parts, axis=1)


def upstream_starts(sequences: Sequences) -> Float32:
    """Upstream AUGs by frame against what follows the sequence, float32 [n, 9].

    For frames 0 (in frame with a coding sequence that begins behind the last letter), 1 and 2: number of AUGs; how many
    of them meet no stop codon in their frame before the end; steps of three nt from the last one to the end (0: none).
    """
    found = np.zeros((len(sequences), 3 * FRAMES), dtype=np.float32)
    for row in range(len(sequences)):
        text = sequences.letters[sequences.offsets[row] : sequences.offsets[row + 1]].tobytes()
        stops = [_places(text, *STOPS, frame=frame) for frame in range(FRAMES)]
        for frame in range(FRAMES):
            starts = _places(text, b"ATG", frame=frame)
            last_stop = stops[frame][-1] if stops[frame] else -1
            found[row, frame] = len(starts)
            found[row, FRAMES + frame] = sum(at > last_stop for at in starts)
            found[row, 2 * FRAMES + frame] = (len(text) - starts[-1]) / 3 if starts else 0.0
    return found


def start_strata(sequences: Sequences) -> npt.NDArray[np.str_]:
    """Stratum of every row: no upstream AUG, only such in frame with the end, or at least one out of frame."""
    counts = upstream_starts(sequences)[:, :FRAMES]
    return np.where(counts[:, 1:].any(axis=1), OUT_OF_FRAME, np.where(counts[:, 0] > 0, IN_FRAME, NO_START))


def _places(text: bytes, *words: bytes, frame: int) -> list[int]:
    """0-based starts of words at a distance from the end that leaves `frame` when divided by three, ascending."""
    found = []
    for word in words:
        at = text.find(word)
        while at >= 0:
            if (len(text) - at) % FRAMES == frame:
                found.append(at)
            at = text.find(word, at + 1)
    return sorted(found)


def _codes(letters: Letters) -> npt.NDArray[np.uint8]:
    table = np.full(256, 4, dtype=np.uint8)
    table[list(b"ACGT")] = np.arange(4)
    return np.asarray(table[letters])
