"""F1, precision and recall of structures: means over RNAs and pooled, all predictions on the same draws of RNAs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ribolm.evaluation.bootstrap import Draws
from ribolm.evaluation.structures.pair_counts import Float64, PairCounts, harmonic_mean, share
from ribolm.labels.structure.pairs import Int64

PER_RNA, POOLED, PER_FAMILY = "mean over RNAs", "pooled over RNAs", "mean over families"
AVERAGING = {
    "f1": PER_RNA,
    "precision": PER_RNA,
    "recall": PER_RNA,
    "f1_within_1": PER_RNA,
    "precision_within_1": PER_RNA,
    "recall_within_1": PER_RNA,
    "pooled_f1": POOLED,
    "pooled_precision": POOLED,
    "pooled_recall": POOLED,
    "family_f1": PER_FAMILY,
}
METRICS = tuple(AVERAGING)
BLOCK_DRAWS = 64


@dataclass(frozen=True)
class Groups:
    """What RNAs [n] belong to, as numbers: `cluster` (one sequence, drawn together), `family` (-1: not known)."""

    cluster: Int64
    family: Int64

    @property
    def n_clusters(self) -> int:
        """Distinct sequences."""
        return len(np.unique(self.cluster))


def clusters_of(letters: Sequence[str]) -> Int64:
    """Number equal sequences equally; int64 [n]."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(text, len(numbers)) for text in letters], dtype=np.int64)


def per_rna(counts: PairCounts) -> dict[str, Float64]:
    """The metrics that are means over RNAs, of each RNA: float64 [n]."""
    precision, recall = share(counts.hits, counts.predicted), share(counts.hits, counts.true)
    near_precision, near_recall = share(counts.near_predicted, counts.predicted), share(counts.near_true, counts.true)
    return {
        "f1": harmonic_mean(precision, recall),
        "precision": precision,
        "recall": recall,
        "f1_within_1": harmonic_mean(near_precision, near_recall),
        "precision_within_1": near_precision,
        "recall_within_1": near_recall,
    }


def measure(counts: PairCounts, weights: Float64, family: Int64) -> Float64:
    """All `METRICS` of RNAs drawn `weights` [draws, n] times each; float64 [draws, metrics].

    `family_f1` is the mean over families, present in the draw, of their mean F1; NaN where no family is known.
    """
    singles = per_rna(counts)
    total = weights.sum(axis=1)
    means = (
        [weights @ values / total for values in singles.values()]
        if len(counts)
        else [np.full(len(weights), np.nan)] * 6
    )
    hits, predicted, true = (weights @ column for column in (counts.hits, counts.predicted, counts.true))
    pooled = [share(2 * hits, predicted + true), share(hits, predicted), share(hits, true)]
    found = np.stack([*means, *pooled, _family_mean(singles["f1"], weights, family)], axis=1)
    found[total == 0] = np.nan
    return found


def _family_mean(f1: Float64, weights: Float64, family: Int64) -> Float64:
    known = np.flatnonzero(family >= 0)
    if not len(known):
        return np.full(len(weights), np.nan)
    member = np.zeros((len(known), int(family.max()) + 1))
    member[np.arange(len(known)), family[known]] = 1
    drawn = weights[:, known]
    number = drawn @ member
    sums = (drawn * f1[known]) @ member
    return share(share(sums, number).sum(axis=1), (number > 0).sum(axis=1))


def resample(methods: Mapping[str, PairCounts], groups: Groups, draws: int, seed: int) -> Draws:
    """Measure every prediction on the RNAs and on `draws` draws of as many clusters with replacement.

    The draws are the same for all, so that differences pair. With fewer than two clusters there is none.
    """
    codes = np.unique(groups.cluster, return_inverse=True)[1]
    n_clusters = groups.n_clusters
    n_draws = draws if n_clusters > 1 else 0
    values = {name: measure(c, np.ones((1, len(c))), groups.family) for name, c in methods.items()}
    found = {name: np.full((n_draws, len(METRICS)), np.nan) for name in methods}
    for rows, times in _drawn(n_clusters, n_draws, seed):
        for name, counts in methods.items():
            found[name][rows] = measure(counts, times[:, codes], groups.family)
    return Draws(METRICS, values, found)


def _drawn(n_clusters: int, n_draws: int, seed: int) -> Iterator[tuple[slice, Float64]]:
    """How often each cluster is drawn, float64 [block, n_clusters], a block of draws at a time."""
    rng = np.random.Generator(np.random.Philox(seed))
    for begin in range(0, n_draws, BLOCK_DRAWS):
        rows = slice(begin, min(begin + BLOCK_DRAWS, n_draws))
        drawn = [rng.integers(n_clusters, size=n_clusters) for _ in range(rows.stop - rows.start)]
        yield rows, np.array([np.bincount(one, minlength=n_clusters) for one in drawn], dtype=np.float64)
