"""How pairs are chosen by their probabilities: the way, and its one number, with the largest mean F1 over dev."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ribolm.labels.structure.decoding import EXPECTED_F1, GREEDY
from ribolm.labels.structure.greedy import greedy_pairs, surest_pairs
from ribolm.labels.structure.listed import ListedPairs, listed_pairs
from ribolm.labels.structure.pair_files import LEAST_LISTED
from ribolm.models.network import Network
from ribolm.models.pair_maps.folding import fold
from ribolm.models.pair_maps.tiles import TILE_NT
from ribolm.training.objectives.objective import TrainingBatch
from ribolm.training.objectives.structures import UNKNOWN, StructureBatch
from ribolm.training.run.loop import Loop
from ribolm.training.run.session import Lesson, Session

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
GRID = np.round(np.arange(0.05, 0.96, 0.01), 2)  # thresholds of greedy decoding
WEIGHTS = np.round(np.arange(0.5, 3.01, 0.1), 1)  # of recall, of decoding by expected F1
SHOWN, HIDDEN = "", "_without"  # suffix of the keys of task.json: with and without the folding program


class Way(NamedTuple):
    """A method of decoding, the name of its number, the values tried, and that where dev says nothing."""

    method: str
    number: str
    values: Float64
    default: float


WAYS = (Way(GREEDY, "threshold", GRID, 0.5), Way(EXPECTED_F1, "recall_weight", WEIGHTS, 1.0))


def choose_decoding(session: Session, lesson: Lesson, loop: Loop) -> dict[str, Any]:
    """Keys of task.json: the way of decoding, its number with and without the folding program, what that gives on dev.

    What the model is shown usually decides the way. Without dev it is greedy at 0.5. All processes take part; each
    scores its own RNAs.
    """
    assert isinstance(lesson.network, Network)
    network = lesson.network.eval()
    curves: dict[str, list[Float64]] = {SHOWN: [], HIDDEN: []}

    def score(batch: TrainingBatch) -> None:
        assert isinstance(batch, StructureBatch)
        shown = {SHOWN: batch, HIDDEN: batch.without_known()}
        if all(one is None for one in batch.known):
            del shown[HIDDEN]
        for suffix, one in shown.items():
            curves[suffix] += _curves(network, one)

    loop.ask_held_out(score)
    return _keys(session, curves)


def _curves(network: Network, batch: StructureBatch) -> list[Float64]:
    """F1 of each RNA with pairs at every value of every way, float64 [values of all ways]."""
    found = []
    targets = batch.targets.split_with_sizes(batch.lengths)
    for logits, partners in zip(fold(network, batch.sequences, batch.known, TILE_NT), targets, strict=True):
        truth = partners.cpu().numpy()
        if (truth >= 0).any():
            found.append(decoded_f1(logits.probabilities().cpu().numpy(), truth))
    return found


def _keys(session: Session, curves: dict[str, list[Float64]]) -> dict[str, Any]:
    size = sum(len(way.values) for way in WAYS)
    means: dict[str, tuple[int, Float64]] = {}
    for suffix, own in curves.items():
        summed = session.world.sum([float(len(own)), *np.sum([np.zeros(size), *own], axis=0).tolist()])
        if summed[0]:
            means[suffix] = int(summed[0]), np.asarray(summed[1:]) / summed[0]
    bounds = np.cumsum([len(way.values) for way in WAYS])[:-1]
    by_way = {suffix: np.split(mean, bounds) for suffix, (_, mean) in means.items()}
    best = int(np.argmax([curve.max() for curve in by_way[SHOWN]])) if SHOWN in by_way else 0
    found: dict[str, Any] = {"decoding": WAYS[best].method}
    found["threshold"] = WAYS[best].default if WAYS[best].method == GREEDY else LEAST_LISTED
    for suffix, curves_of_ways in by_way.items():
        found |= _told(session, suffix, WAYS[best], curves_of_ways[best], means[suffix][0])
    return found


def _told(session: Session, suffix: str, way: Way, mean: Float64, n: int) -> dict[str, Any]:
    """The keys of one suffix, told with their reason; where no pair of dev is right, the default."""
    name = f"{way.number}{suffix}"
    facts = {f"dev_f1{suffix}": float(mean.max()), f"dev_n{suffix}": n}
    if not mean.any():
        session.log.choice(name.replace("_", " "), way.default, f"no pair is right on {n:,} RNAs of dev")
        return {name: way.default, **facts}
    value = float(way.values[int(mean.argmax())])
    told = f"{way.method}: mean F1 {mean.max():.4f} over {n:,} RNAs of dev"
    session.log.choice(name.replace("_", " "), value, told)
    return {name: value, **facts}


def decoded_f1(probabilities: NDArray[Any], partners: Int64) -> Float64:
    """F1 of one RNA at every value of every way, float64; arguments as in `f1_curve`."""
    chosen = greedy_pairs(probabilities, LEAST_LISTED)
    expected = float(listed_pairs(probabilities, LEAST_LISTED).probability.sum())
    surest = [surest_pairs(chosen.probability, expected, weight) for weight in WEIGHTS.tolist()]
    return f1_of_first(chosen, partners, np.concatenate([_at_least(chosen, GRID), surest]).astype(np.int64))


def f1_curve(probabilities: NDArray[Any], partners: Int64, grid: Float64) -> Float64:
    """F1 of the pairs that are decoded at each threshold of an ascending grid, float64 [grid].

    `partners` int64 [L]: -1 unpaired, -2 unknown: pairs of such bases are left out. What greedy decoding takes at a
    threshold are the first pairs of what it takes at a lower one, so that it is run once.
    """
    chosen = greedy_pairs(probabilities, float(grid[0]))
    return f1_of_first(chosen, partners, _at_least(chosen, grid))


def f1_of_first(chosen: ListedPairs, partners: Int64, n_taken: Int64) -> Float64:
    """F1 of the first pairs of a choice, for several numbers of them, float64 like `n_taken`; partners as above."""
    i, j, _ = chosen
    known = (partners[i] != UNKNOWN) & (partners[j] != UNKNOWN)
    taken, right = (np.r_[0, np.cumsum(flags)][n_taken] for flags in (known, known & (partners[i] == j)))
    return np.asarray(2 * right / (np.count_nonzero(partners >= 0) / 2 + taken), dtype=np.float64)


def _at_least(chosen: ListedPairs, grid: Float64) -> Int64:
    """How many pairs have each of these probabilities or more."""
    return np.asarray((chosen.probability[:, None] >= grid).sum(axis=0), dtype=np.int64)
