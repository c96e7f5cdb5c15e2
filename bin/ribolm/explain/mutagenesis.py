"""Every single substitution of a window and what it does to the logit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.explain.words import BASE_CODES, BASES
from ribolm.genome.coordinates import Int64

LETTERS_AT_ONCE = 1 << 24
Float32 = npt.NDArray[np.float32]
Score = Callable[[Letters], Float32]


def mutagenesis(windows: Letters, score: Score) -> Float32:
    """Change of the logit by every substitution, float32 [n, width_nt, 4], bases in the order ACGT; 0 for the own base.

    `windows` uint8 [n, width_nt] of ACGTN; an N is changed to each of the four. Cost: 3 · width_nt + 1 windows are
    scored for each; 16 MB of letters at a time, also where the substitutions of one window are more.
    """
    n, width_nt = windows.shape
    changes = np.zeros((n, width_nt, 4), dtype=np.float32)
    step = max(1, LETTERS_AT_ONCE // max(1, 4 * width_nt * width_nt))
    for begin in range(0, n, step):
        part = windows[begin : begin + step]
        row, at, base = np.nonzero(BASE_CODES[part][:, :, None] != np.arange(4))
        letters = np.frombuffer(BASES.encode(), dtype=np.uint8)[base]
        own = np.arange(len(part))  # the windows themselves come first, their first letter put in its place
        wanted = np.r_[own, row], np.r_[0 * own, at], np.r_[part[:, 0], letters]
        logits = _scored(part, *wanted, score)
        changes[begin + row, at, base] = logits[len(part) :] - logits[row]
    return changes


def _scored(part: Letters, row: Int64, at: Int64, letter: Letters, score: Score) -> Float32:
    """Logits of windows with one letter put in each, float32 [m], so many windows at a time as may be."""
    logits = np.empty(len(row), dtype=np.float32)
    most = max(1, LETTERS_AT_ONCE // part.shape[1])
    for first in range(0, len(row), most):
        block = slice(first, first + most)
        changed = part[row[block]]
        changed[np.arange(len(changed)), at[block]] = letter[block]
        logits[block] = score(changed)
    return logits


def importance(changes: Float32) -> Float32:
    """One number per letter, float32 [n, width_nt]: minus the mean change by its substitutions; the own base counts 0.

    Positive where a letter supports the answer that the model gives.
    """
    return np.asarray(-changes.sum(axis=2) / 3, dtype=np.float32)
