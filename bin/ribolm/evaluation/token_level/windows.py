"""What is counted where a site may be missed by some bases.

At a tolerance of t nt every known site is one positive: the labelled bases of its strand at most t away, with the best
of their scores. All other labelled bases are cut, stretch by stretch, into negatives of about 2 t + 1 bases with
the best of theirs, so that chance favours both classes alike. At t = 0 these are the single bases themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.evaluation.candidates import Candidates
from ribolm.genome.coordinates import Int64, ranges

Bool = npt.NDArray[np.bool_]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Windows:
    """Windows over n bases, sites first; window k holds the bases order[first[k]:last[k]], 5' to 3'.

    `order` int64 [n]; `first`, `last` int64 [m]; `is_site` bool [m]; `cluster` int64 [m], that of the bases.
    """

    tolerance_nt: int
    order: Int64
    first: Int64
    last: Int64
    is_site: Bool
    cluster: Int64

    def __len__(self) -> int:
        return len(self.first)

    def best(self, values: npt.NDArray[np.generic]) -> Float64:
        """The largest of the values [n] of each window's bases, float64 [m]."""
        along = np.asarray(values, dtype=np.float64)[self.order]
        found = along[self.first] if len(self) else np.zeros(0)
        for step in range(1, int((self.last - self.first).max(initial=1))):
            rows = np.flatnonzero(self.first + step < self.last)
            found[rows] = np.maximum(found[rows], along[self.first[rows] + step])
        return found


def windows(bases: Candidates, tolerance_nt: int) -> Windows:
    """Cut labelled bases into windows. The mirrored genome gives the mirrored windows, and tiles leave no trace."""
    chrom, start0, is_minus = bases.contigs.split(bases.keys)
    along = np.where(is_minus, -start0, start0)
    lane = 2 * chrom + is_minus
    order = np.lexsort((along, lane)).astype(np.int64)
    place = _laid_out(lane[order], along[order], tolerance_nt)
    cluster = bases.cluster[order]
    sites = np.flatnonzero(bases.is_site[order])
    low = np.searchsorted(place, place[sites] - tolerance_nt, side="left")
    high = np.searchsorted(place, place[sites] + tolerance_nt, side="right")
    first, last = _cut(np.flatnonzero(~_covered(low, high, len(place))), place, cluster, 2 * tolerance_nt + 1)
    return Windows(
        tolerance_nt,
        order,
        np.r_[low, first].astype(np.int64),
        np.r_[high, last].astype(np.int64),
        np.arange(len(sites) + len(first)) < len(sites),
        np.r_[cluster[sites], cluster[first]].astype(np.int64),
    )


def _laid_out(lane: Int64, along: Int64, tolerance_nt: int) -> Int64:
    """Ascending places of sorted bases, the lanes one behind the other and farther apart than any window reaches."""
    if not len(along):
        return np.zeros(0, dtype=np.int64)
    low = int(along.min())
    span = int(along.max()) - low + 2 * tolerance_nt + 2
    return np.asarray(lane * span + (along - low), dtype=np.int64)


def _covered(low: Int64, high: Int64, n: int) -> Bool:
    """Which of n bases lie in one of the stretches low[k]:high[k]."""
    edges = np.zeros(n + 1, dtype=np.int64)
    np.add.at(edges, low, 1)
    np.add.at(edges, high, -1)
    return np.asarray(np.cumsum(edges[:-1]) > 0)


def _cut(rows: Int64, place: Int64, cluster: Int64, width_nt: int) -> tuple[Int64, Int64]:
    """First and behind-last index of windows of as nearly `width_nt` bases as stretches of neighbouring rows allow.

    A stretch of one cluster is cut into equal parts (to a base): a short rest at its end would be a negative that is
    easier than the others.
    """
    opens = np.flatnonzero(np.r_[True, (np.diff(place[rows]) != 1) | (np.diff(cluster[rows]) != 0)][: len(rows)])
    length = np.diff(np.r_[opens, len(rows)])
    parts = np.maximum((2 * length + width_nt) // (2 * width_nt), 1)
    inside = ranges(np.zeros(len(length), dtype=np.int64), length)
    number = inside * np.repeat(parts, length) // np.repeat(length, length)
    begin = np.flatnonzero(np.r_[True, np.diff(number) != 0][: len(rows)] | (inside == 0))
    first = rows[begin]
    return first, first + np.diff(np.r_[begin, len(rows)])
