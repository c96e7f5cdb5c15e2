"""The probability from which on a pair is predicted: the one with the largest mean F1 over the RNAs of dev."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ribolm.labels.structure.greedy import greedy_pairs
from ribolm.models.network import Network
from ribolm.models.pair_maps.folding import fold
from ribolm.training.objectives.structures import UNKNOWN, StructureBatch
from ribolm.training.run.loop import Loop
from ribolm.training.run.session import Lesson, Session

GRID = np.round(np.arange(0.05, 0.96, 0.01), 2)
DEFAULT = 0.5
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]


@torch.no_grad()
def choose_threshold(session: Session, lesson: Lesson, loop: Loop) -> dict[str, Any]:
    """Thresholds with and without the folding program, their F1 on dev and its RNAs: keys of task.json.

    Without dev both are 0.5. All processes take part; each scores its own RNAs.
    """
    assert isinstance(lesson.network, Network)
    network = lesson.network.eval()
    curves: dict[str, list[Float64]] = {"threshold": [], "threshold_without": []}
    if loop.validation is not None:
        for rows in loop.validation.once(loop.at.fitting.tokens, session.world.rank, session.world.size):
            batch = loop.judge.prepare(rows).to(session.device.name)
            assert isinstance(batch, StructureBatch)
            shown = {"threshold": batch, "threshold_without": batch.without_known()}
            if all(one is None for one in batch.known):
                del shown["threshold_without"]
            for name, one in shown.items():
                with session.device.autocast():
                    curves[name] += _curves(network, one)
    return _keys(session, curves)


def _keys(session: Session, curves: dict[str, list[Float64]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, own in curves.items():
        summed = session.world.sum([float(len(own)), *np.sum([np.zeros(len(GRID)), *own], axis=0).tolist()])
        n = int(summed[0])
        if not n:
            continue
        mean = np.asarray(summed[1:]) / n
        if not mean.any():
            session.log.choice(name.replace("_", " "), DEFAULT, f"no pair is right on {n:,} RNAs of dev")
            found |= {name: DEFAULT, f"{name}_f1": 0.0, f"{name}_n": n}
            continue
        best = int(mean.argmax())
        found |= {name: float(GRID[best]), f"{name}_f1": float(mean[best]), f"{name}_n": n}
        session.log.choice(name.replace("_", " "), GRID[best], f"mean F1 {mean[best]:.4f} over {n:,} RNAs of dev")
    return {"threshold": DEFAULT, **found}


def _curves(network: Network, batch: StructureBatch) -> list[Float64]:
    """F1 of each RNA with pairs at every threshold of the grid, float64 [grid]."""
    found = []
    targets = batch.targets.split_with_sizes(batch.lengths)
    for logits, partners in zip(fold(network, batch.sequences, batch.known), targets, strict=True):
        truth = partners.cpu().numpy()
        if (truth >= 0).any():
            found.append(f1_curve(logits.probabilities().cpu().numpy(), truth, GRID))
    return found


def f1_curve(probabilities: NDArray[Any], partners: Int64, grid: Float64) -> Float64:
    """F1 of the pairs that are decoded at each threshold of an ascending grid, float64 [grid].

    `partners` int64 [L]: -1 unpaired, -2 unknown: pairs of such bases are left out. What greedy decoding takes at a
    threshold are the first pairs of what it takes at a lower one, so that it is run once.
    """
    i, j, p = greedy_pairs(probabilities, float(grid[0]))
    known = (partners[i] != UNKNOWN) & (partners[j] != UNKNOWN)
    p, right = p[known], (partners[i] == j)[known]
    n_taken, n_right = ((values[:, None] >= grid).sum(axis=0) for values in (p, p[right]))
    return np.asarray(2 * n_right / (np.count_nonzero(partners >= 0) / 2 + n_taken), dtype=np.float64)
