"""Ranking metrics and calibration with weights. Values are those of scikit-learn, ties and weights included."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Ranking:
    """Scores sorted once, kept as counts per cluster, so that metrics for new cluster weights cost one pass.

    Tie groups that hold a positive are numbered 0 … J-1 from the highest score down; negatives of group j belong to
    segment 2j + 1, negatives between groups j - 1 and j to segment 2j. `positive_*` and `negative_*` list the cells
    (group or segment, cluster) that are not empty: cluster int64 and count float64; `*_stops` bound the cells of each
    group [J] and segment [2J + 1].
    """

    positive_cluster: Int64
    positive_count: Float64
    positive_stops: Int64
    negative_cluster: Int64
    negative_count: Float64
    negative_stops: Int64
    n: int
    n_positive: int

    def counts(self, weights: Float64 | None = None) -> "RankedCounts":
        """True and false positives down the ranking, each cluster weighted by `weights` float64 [clusters]."""
        positive = self.positive_count if weights is None else self.positive_count * weights[self.positive_cluster]
        negative = self.negative_count if weights is None else self.negative_count * weights[self.negative_cluster]
        true = np.cumsum(positive)[self.positive_stops - 1] if len(positive) else np.zeros(0)
        false = np.r_[0.0, np.cumsum(negative)][self.negative_stops]
        return RankedCounts(true, false[0:-1:2], false[1::2], float(false[-1]))


@dataclass(frozen=True)
class RankedCounts:
    """Weighted counts at the tie groups that hold a positive, highest score first; float64 [J].

    `true`: positives down to and with the group; `false_before`, `false`: negatives above it, and with it;
    `negatives`: all of them. The metrics are NaN without a positive, ROC-AUC also without a negative.
    """

    true: Float64
    false_before: Float64
    false: Float64
    negatives: float

    @property
    def positives(self) -> float:
        """Weight of all positives."""
        return float(self.true[-1]) if len(self.true) else 0.0

    def average_precision(self) -> float:
        """Sum over thresholds of (gain in recall) × precision, as `sklearn.metrics.average_precision_score`."""
        if not self.positives:
            return float("nan")
        gain = np.diff(self.true, prepend=0.0)
        return float(np.dot(gain, self._precision()) / self.positives)

    def roc_auc(self) -> float:
        """Probability that a positive stands above a negative, ties one half."""
        if not self.positives or not self.negatives:
            return float("nan")
        gain = np.diff(self.true, prepend=0.0)
        below = self.negatives - (self.false_before + self.false) / 2
        return float(np.dot(gain, below) / (self.positives * self.negatives))

    def precision_at_recall(self, recall: float) -> float:
        """Precision at the highest threshold whose recall is at least `recall`."""
        if not self.positives:
            return float("nan")
        reached = self.true >= recall * self.positives * (1 - 1e-12)
        return float(self._precision()[int(np.argmax(reached))])

    def _precision(self) -> Float64:
        total = self.true + self.false
        return np.divide(self.true, total, out=np.zeros_like(self.true), where=total > 0)


def rank(is_positive: Bool, scores: npt.ArrayLike, cluster: Int64 | None = None) -> Ranking:
    """Sort n candidates by score, highest first; `cluster` int64 [n] from 0 (default: one for all).

    Scores may be infinite, not NaN (ValueError). Cost: two sorts.
    """
    values = np.asarray(scores, dtype=np.float64)
    positive = np.asarray(is_positive, dtype=bool)
    if np.isnan(values).any():
        raise ValueError("scores hold NaN")
    clusters = np.zeros(len(values), dtype=np.int64) if cluster is None else np.asarray(cluster, dtype=np.int64)
    order = np.argsort(-values, kind="stable")
    ranked, positive, clusters = values[order], positive[order], clusters[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(ranked) else np.zeros(0, dtype=np.int64)
    holds = np.logical_or.reduceat(positive, starts) if len(starts) else np.zeros(0, dtype=bool)
    before = np.cumsum(holds) - holds
    sizes = np.diff(np.r_[starts, len(ranked)])
    group, segment = np.repeat(before, sizes), np.repeat(2 * before + holds, sizes)
    n_groups = int(holds.sum())
    first = _cells(group[positive], clusters[positive], n_groups)
    second = _cells(segment[~positive], clusters[~positive], 2 * n_groups + 1)
    return Ranking(*first, *second, len(values), int(positive.sum()))


def _cells(part: Int64, cluster: Int64, n_parts: int) -> tuple[Int64, Float64, Int64]:
    """Cluster and count of each cell (part, cluster), in order of parts, and the end of each part."""
    n_clusters = int(cluster.max(initial=0)) + 1
    cell, count = np.unique(part * n_clusters + cluster, return_counts=True)
    stops = np.searchsorted(cell, np.arange(1, n_parts + 1) * n_clusters)
    return cell % n_clusters, count.astype(np.float64), stops.astype(np.int64)


def average_precision(is_positive: Bool, scores: npt.ArrayLike) -> float:
    """Area under the precision-recall curve as average precision."""
    return rank(is_positive, scores).counts().average_precision()


def roc_auc(is_positive: Bool, scores: npt.ArrayLike) -> float:
    """Area under the ROC curve."""
    return rank(is_positive, scores).counts().roc_auc()


def precision_recall_points(ranking: Ranking, n_points: int = 200) -> tuple[Float64, Float64]:
    """Recall and precision at thresholds of the curve, at most about `n_points`, evenly spread over recall."""
    counts = ranking.counts()
    if not counts.positives:
        return np.zeros(0), np.zeros(0)
    keep = _spread(counts.true / counts.positives, n_points)
    return (counts.true / counts.positives)[keep], counts._precision()[keep]


def roc_points(ranking: Ranking, n_points: int = 200) -> tuple[Float64, Float64]:
    """False and true positive rates, from (0, 0) to (1, 1), at most about `n_points`.

    The curve goes along the negatives above a tie group with positives before it rises: where few sites lie far apart,
    a straight line between groups would lie above the area that is reported.
    """
    counts = ranking.counts()
    if not counts.positives or not counts.negatives:
        return np.zeros(0), np.zeros(0)
    true, false = counts.true / counts.positives, counts.false / counts.negatives
    corner_false, corner_true = counts.false_before / counts.negatives, np.r_[0.0, true[:-1]]
    keep = np.union1d(_spread(true, n_points // 4), _spread(false, n_points // 4))
    x, y = (np.stack([a[keep], b[keep]], axis=1).ravel() for a, b in ((corner_false, false), (corner_true, true)))
    return np.r_[0.0, x, 1.0], np.r_[0.0, y, 1.0]


def _spread(axis: Float64, n_points: int) -> Int64:
    """Indices of an ascending axis nearest above evenly spaced marks, first and last among them."""
    marks = np.searchsorted(axis, np.linspace(axis[0], axis[-1], n_points))
    return np.unique(np.r_[0, np.minimum(marks, len(axis) - 1), len(axis) - 1]).astype(np.int64)
