"""Signals destroyed with growing probability: how far a model's answers depend on them (Saha et al. 2025).

At level p every occurrence of AATAAA or ATTAAA is replaced by a random hexamer where its own number u, drawn once, is
below p; so the levels nest, and level 0 is the untouched sequence. Replacements are none of the 18 signals and make no
new AATAAA or ATTAAA with their neighbours. The control replaces as many hexamers of the same sequences that are no
signal, at the same levels: what it changes, any change does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import HEXAMERS
from ribolm.explain.words import BASES, WORD_NT, Places, find_words
from ribolm.genome.coordinates import Int64
from ribolm.inference.calibration import probability

CANONICAL = ("AATAAA", "ATTAAA")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LEVELS = tuple(level / 10 for level in range(11))
TRIES = 1000  # draws of a replacement before a place is left as it is; one in a hundred fails a draw
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Score = Callable[[Letters], Float32]  # windows of letters to logits


@dataclass(frozen=True)
class Replacements:
    """What may be replaced: window and 0-based start of each hexamer, its number u, and the letters for it [m, 6]."""

    row: Int64
    start0: Int64
    u: Float64
    letters: Letters

    def at_level(self, windows: Letters, level: float) -> Letters:
        """A copy of the windows in which every hexamer whose u is below the level is replaced."""
        changed = windows.copy()
        todo = self.u < level
        changed[self.row[todo, None], self.start0[todo, None] + np.arange(WORD_NT)] = self.letters[todo]
        return changed


@dataclass(frozen=True)
class Perturbed:
    """Logits by level, float32 [levels, n], of windows whose signals (control: other hexamers) were replaced.

    `with_signal` bool [n]: windows that have a signal at all.
    """

    levels: tuple[float, ...]
    signals: Float32
    control: Float32
    with_signal: npt.NDArray[np.bool_]


def perturb(windows: Letters, score: Score, seed: int, levels: tuple[float, ...] = LEVELS) -> Perturbed:
    """Score windows (uint8 [n, width_nt], positives) at every level, with the control; a pure function of the seed."""
    signals = plan_signals(windows, seed)
    control = plan_control(windows, signals, seed)
    logits = [
        np.stack([score(plan.at_level(windows, level)) for level in levels]).astype(np.float32)
        for plan in (signals, control)
    ]
    with_signal = np.zeros(len(windows), dtype=bool)
    with_signal[signals.row] = True
    return Perturbed(levels, logits[0], logits[1], with_signal)


def plan_signals(windows: Letters, seed: int) -> Replacements:
    """Replacements of every AATAAA and ATTAAA; of two that overlap, the first one is taken."""
    found = find_words(windows, CANONICAL)
    kept = _apart(found)
    chance = np.random.default_rng([seed, 1])
    return _drawn(windows, found.row[kept], found.start0[kept], chance.random(int(kept.sum())), chance)


def plan_control(windows: Letters, signals: Replacements, seed: int) -> Replacements:
    """As many replacements in the same windows, with the same numbers u, of hexamers that touch none of the 18 signals.

    A window without room for one has fewer.
    """
    free = free_of_signals(windows)
    chance = np.random.default_rng([seed, 2])
    rows, starts0, numbers = [], [], []
    for row, u in zip(signals.row.tolist(), signals.u.tolist(), strict=True):
        possible = np.flatnonzero(free[row])
        if len(possible):
            start0 = int(chance.choice(possible))
            free[row, max(start0 - WORD_NT + 1, 0) : start0 + WORD_NT] = False
            rows.append(row)
            starts0.append(start0)
            numbers.append(u)
    return _drawn(windows, np.array(rows, np.int64), np.array(starts0, np.int64), np.array(numbers), chance)


def free_of_signals(windows: Letters) -> npt.NDArray[np.bool_]:
    """Whether the hexamer that begins at a letter has no N and no letter of any of the 18 signals, [n, width − 5]."""
    n, width_nt = windows.shape
    inside = np.isin(windows, np.frombuffer(BASES.encode(), dtype=np.uint8))
    found = find_words(windows, HEXAMERS)
    inside[found.row[:, None], found.start0[:, None] + np.arange(WORD_NT)] = False
    if width_nt < WORD_NT:
        return np.zeros((n, 0), dtype=bool)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(inside, WORD_NT, axis=1).all(axis=-1))


def _apart(found: Places) -> npt.NDArray[np.bool_]:
    """Which places remain when one that overlaps the last one kept is left out."""
    kept = np.zeros(len(found.row), dtype=bool)
    last_row, free_from = -1, 0
    for number, (row, start0) in enumerate(zip(found.row.tolist(), found.start0.tolist(), strict=True)):
        if row != last_row or start0 >= free_from:
            kept[number] = True
            last_row, free_from = row, start0 + WORD_NT
    return kept


def _drawn(windows: Letters, row: Int64, start0: Int64, u: Float64, chance: np.random.Generator) -> Replacements:
    """Draw a hexamer for every place until it is no signal and makes no new one; a place that finds none stays."""
    bases = np.frombuffer(BASES.encode(), dtype=np.uint8)
    places = start0[:, None] + np.arange(WORD_NT)
    letters = windows[row[:, None], places] if len(row) else np.zeros((0, WORD_NT), dtype=np.uint8)
    todo = np.arange(len(row))
    for _ in range(TRIES):
        if not len(todo):
            break
        drawn = bases[chance.integers(0, 4, (len(todo), WORD_NT))]
        bad = np.zeros(len(todo), dtype=bool)
        bad[find_words(drawn, HEXAMERS).row] = True
        changed = windows[row[todo]]
        changed[np.arange(len(todo))[:, None], places[todo]] = drawn
        new = find_words(changed, CANONICAL)
        bad[new.row[np.abs(new.start0 - start0[todo][new.row]) < WORD_NT]] = True
        letters[todo[~bad]] = drawn[~bad]
        todo = todo[bad]
    return Replacements(row, start0, u, letters)


def perturbation_table(found: Perturbed, threshold: float = 0.5) -> pl.DataFrame:
    """One row per kind (signal, control) and level: windows called below the threshold, quantiles of the probability.

    `flipped`: windows above the threshold at level 0 and below it here; `mean_change`: of the logit against level 0.
    Levels must begin with 0.
    """
    if found.levels[0] != 0:
        raise ValueError(f"levels {found.levels} do not begin with 0, the untouched windows")
    rows = []
    for kind, logits in (("signal", found.signals), ("control", found.control)):
        chance = probability(logits.astype(np.float64))
        for level, p, z in zip(found.levels, chance, logits, strict=True):
            quantiles = np.quantile(p, QUANTILES).tolist() if len(p) else [np.nan] * len(QUANTILES)
            rows.append(
                {
                    "kind": kind,
                    "level": level,
                    "n": len(p),
                    "n_with_signal": int(found.with_signal.sum()),
                    "misclassified": int((p < threshold).sum()),
                    "flipped": int(((p < threshold) & (chance[0] >= threshold)).sum()),
                    **{f"probability_q{100 * q:02.0f}": value for q, value in zip(QUANTILES, quantiles, strict=True)},
                    "mean_change": float((z - logits[0]).mean()) if len(p) else np.nan,
                }
            )
    return pl.DataFrame(rows)
