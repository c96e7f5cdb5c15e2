"""One value per base from tiles that overlap: the mean of the logits, in constant memory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ribolm.genome.coordinates import Int64
from ribolm.sequences.universes import Contexts


class Scored(NamedTuple):
    """Bases with their logits: `keys` int64 [n] (see `Frames.locate`), `logits` [n, models], `contexts` [n, 5]."""

    keys: Int64
    logits: npt.NDArray[np.float64]
    contexts: Contexts

    def take(self, rows: npt.NDArray[np.bool_] | Int64) -> Scored:
        """Some of the bases."""
        return Scored(self.keys[rows], self.logits[rows], self.contexts[rows])


def joined(parts: list[Scored], n_models: int) -> Scored:
    """Several lists of bases as one."""
    return Scored(
        np.concatenate([part.keys for part in parts] or [np.zeros(0, dtype=np.int64)]),
        np.concatenate([part.logits for part in parts] or [np.zeros((0, n_models))]),
        np.concatenate([part.contexts for part in parts] or [np.zeros((0, 5), dtype=np.uint8)]),
    )


class Stitcher:
    """Means over tiles that come in the order of their starts; a base is given out once no later tile can hold it.

    What waits is kept unsummed, so that results do not depend on where a batch of tiles ends.
    """

    def __init__(self, n_models: int) -> None:
        self.n_models = n_models
        self._waiting: list[Scored] = []

    def add(self, scored: Scored, frontier: int | None) -> Scored:
        """Take the bases of some tiles, in tile order, and return those below `frontier`, ascending, each once.

        `frontier` is the lowest key that a later tile may hold; None when there is no later tile.
        """
        everything = joined([*self._waiting, scored], self.n_models)
        done = np.ones(len(everything.keys), dtype=bool) if frontier is None else everything.keys < frontier
        self._waiting = [everything.take(~done)]
        return mean_per_key(everything.take(done))


def mean_per_key(scored: Scored) -> Scored:
    """One row per key, ascending: the mean of its logits in float64, summed in the order given; its first context."""
    order = np.argsort(scored.keys, kind="stable")
    keys = scored.keys[order]
    first = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]][: len(keys)])
    if not len(first):
        return scored
    count = np.diff(np.r_[first, len(keys)])
    total = np.add.reduceat(scored.logits[order].astype(np.float64), first, axis=0)
    return Scored(keys[first], total / count[:, None], scored.contexts[order[first]])
