"""How pairs are chosen by their probabilities: the way, its number and the folding program's share best on dev."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ribolm.labels.structure.decoding import BEYOND, EXPECTED_F1, GREEDY, HIDDEN, SHOWN
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
SHARES = np.round(np.arange(0, 1.01, 0.1), 1)  # of the folding program in the probabilities
LEAST_RNAS = 30  # with pairs, of dev, up to the longest length trained on and beyond it, to choose for each


class Way(NamedTuple):
    """A method of decoding, the name of its number, the values tried, and that where dev says nothing."""

    method: str
    number: str
    values: Float64
    default: float


class Curves(NamedTuple):
    """Mean F1 on n RNAs of dev, float64 [shares of the folding program, values of all ways]."""

    n: int
    mean: Float64

    def with_other(self, other: Curves) -> Curves:
        """Those of the RNAs of both."""
        n = self.n + other.n
        return Curves(n, (self.n * self.mean + other.n * other.mean) / max(n, 1))


WAYS = (Way(GREEDY, "threshold", GRID, 0.5), Way(EXPECTED_F1, "recall_weight", WEIGHTS, 1.0))
N_VALUES = sum(len(way.values) for way in WAYS)


def choose_decoding(session: Session, lesson: Lesson, loop: Loop, within_nt: int) -> dict[str, Any]:
    """Keys of task.json: the way of decoding, its number, the folding program's share, and what that gives on dev.

    Number and share are chosen for RNAs up to `within_nt`, the longest that were trained on, for longer ones, and,
    of the number alone, for those that are not shown the folding program. The first decide the way, or all that
    are shown the program where they are too few to be told apart; without dev it is greedy at 0.5. All processes
    take part; each scores its own RNAs.
    """
    assert isinstance(lesson.network, Network)
    network = lesson.network.eval()
    found: dict[str, list[Float64]] = {SHOWN: [], BEYOND: [], HIDDEN: []}

    def score(batch: TrainingBatch) -> None:
        assert isinstance(batch, StructureBatch)
        for n, curves in _curves(network, batch):
            found[SHOWN if n <= within_nt else BEYOND].append(curves)
        if any(one is not None for one in batch.known):
            found[HIDDEN].extend(curves for _, curves in _curves(network, batch.without_known()))

    loop.ask_held_out(score)
    means = {suffix: _mean(session, own) for suffix, own in found.items()}
    shown, beyond = means[SHOWN], means.pop(BEYOND)
    if not means[HIDDEN].n or min(shown.n, beyond.n) < LEAST_RNAS:  # never shown: lengths are not told apart
        return _keys(session, {**means, SHOWN: shown.with_other(beyond)})
    return {**_keys(session, {**means, BEYOND: beyond}), "within_nt": within_nt}


def _curves(network: Network, batch: StructureBatch) -> list[tuple[int, Float64]]:
    """(bases, F1 at every share and every value of every way) of each RNA with pairs."""
    found = []
    targets = batch.targets.split_with_sizes(batch.lengths)
    folded = fold(network, batch.sequences, batch.known, TILE_NT)
    for logits, known, partners in zip(folded, batch.known, targets, strict=True):
        truth, own = partners.cpu().numpy(), logits.probabilities()
        if not (truth >= 0).any():
            continue
        if known is None:
            curves = np.tile(decoded_f1(own.cpu().numpy(), truth), (len(SHARES), 1))
        else:
            curves = np.stack(
                [decoded_f1(known.blend_into(own.clone(), share).cpu().numpy(), truth) for share in SHARES.tolist()]
            )
        found.append((len(truth), curves))
    return found


def _mean(session: Session, curves: list[Float64]) -> Curves:
    """The mean over the RNAs of all processes."""
    size = len(SHARES), N_VALUES
    n, *total = session.world.sum([float(len(curves)), *np.sum([np.zeros(size), *curves], axis=0).ravel().tolist()])
    return Curves(int(n), np.reshape(total, size) / max(n, 1))


def _keys(session: Session, means: dict[str, Curves]) -> dict[str, Any]:
    """What is chosen of each reading that has RNAs; `SHOWN` decides the way."""
    bounds = np.cumsum([len(way.values) for way in WAYS])[:-1]
    by_way = {suffix: np.split(found.mean, bounds, axis=1) for suffix, found in means.items() if found.n}
    best = int(np.argmax([curves.max() for curves in by_way[SHOWN]])) if SHOWN in by_way else 0
    keys: dict[str, Any] = {"decoding": WAYS[best].method}
    keys["threshold"] = WAYS[best].default if WAYS[best].method == GREEDY else LEAST_LISTED
    for suffix, curves in by_way.items():
        keys |= _told(session, suffix, WAYS[best], Curves(means[suffix].n, curves[best]))
    return keys


def _told(session: Session, suffix: str, way: Way, found: Curves) -> dict[str, Any]:
    """The keys of one reading, told with their reason; where no pair of dev is right, the default."""
    name = f"{way.number}{suffix}"
    facts = {f"dev_f1{suffix}": float(found.mean.max()), f"dev_n{suffix}": found.n}
    if not found.mean.any():
        session.log.choice(name.replace("_", " "), way.default, f"no pair is right on {found.n:,} RNAs of dev")
        return {name: way.default, **facts}
    # equal means differ in the last digits where several processes have summed them
    at_share, at_value = np.unravel_index(int(found.mean.round(12).argmax()), found.mean.shape)
    told = f"{way.method}: mean F1 {found.mean.max():.4f} over {found.n:,} RNAs of dev"
    keys = {name: float(way.values[at_value])}
    if at_share:
        keys[f"program_share{suffix}"] = float(SHARES[at_share])
        told += f", {found.mean[0].max():.4f} by the network alone"
    for key, chosen in keys.items():
        session.log.choice(key.replace("_", " "), chosen, told)
    return {**keys, **facts}


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
