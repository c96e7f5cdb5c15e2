"""From pair probabilities to a structure in which every base has at most one partner; pseudoknots are kept.

Three ways: `greedy` takes pairs by falling probability; `expected_f1` stops it, RNA by RNA, where the expected F score
is largest (see `greedy.surest_pairs`); `matching` takes the set of pairs with the largest sum of probability -
threshold (a maximum-weight matching: the γ-centroid estimator of Hamada et al. 2009, Bioinformatics 25:465, threshold =
1 / (γ + 1), over all matchings instead of nested structures).
"""

from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt

from ribolm.errors import UsageError
from ribolm.labels.structure.greedy import surest_pairs, taken_first
from ribolm.labels.structure.listed import ListedPairs, listed_pairs
from ribolm.labels.structure.pairs import UNPAIRED, Int64

GREEDY, MATCHING, EXPECTED_F1 = "greedy", "matching", "expected_f1"
METHODS = (GREEDY, MATCHING, EXPECTED_F1)
CANONICAL = ("AU", "UA", "GC", "CG", "GU", "UG")
# suffixes of keys of task.json: RNAs shown a folding program, those of them longer than any trained on, not shown it
SHOWN, BEYOND, HIDDEN = "", "_beyond", "_without"
MIN_LOOP_NT = 3  # a hairpin of fewer unpaired bases has no room to turn


@dataclass(frozen=True)
class DecodingRule:
    """How pairs are chosen: least probability (`threshold`), method, whether only AU, GC and GU, unpaired bases in a
    hairpin (at least `min_loop_nt`); of `expected_f1` the weight of recall. Raises UsageError for what is none.
    """

    threshold: float = 0.5
    method: str = GREEDY
    canonical: bool = False
    min_loop_nt: int = MIN_LOOP_NT
    recall_weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise UsageError(f"A threshold of {self.threshold:g} is no probability. Choose one from 0 to 1.")
        if self.method not in METHODS:
            raise UsageError(f"Pairs cannot be decoded by '{self.method}'. Choose one of {', '.join(METHODS)}.")
        if self.min_loop_nt < 0:
            raise UsageError(f"A loop of {self.min_loop_nt} nt is none. Choose 0 or more.")
        if not 0 < self.recall_weight < inf:
            raise UsageError(f"A weight of recall of {self.recall_weight:g} is none. Choose one above 0.")

    @property
    def words(self) -> str:
        """What tells a structure decoded so from others of the same probabilities."""
        return "by expected F1" if self.method == EXPECTED_F1 else f"at {self.threshold:g}"


def decode(letters: str, probabilities: npt.NDArray[np.floating] | ListedPairs, rule: DecodingRule) -> Int64:
    """Return the partners int64 [L] (-1: none) of an RNA of letters ACGUN by its pair probabilities [L, L] or listed.

    Of a matrix the upper triangle is read. Pairs of equal probability are taken by position. Cost: that of sorting the
    pairs above the threshold; `matching` solves an integer programme over them.
    """
    pairs = probabilities
    if not isinstance(pairs, ListedPairs):
        pairs = listed_pairs(pairs, rule.threshold)
    pairs = _admitted(letters, pairs, rule)
    chosen = _matching(pairs, rule.threshold) if rule.method == MATCHING else taken_first(*pairs, len(letters))
    if rule.method == EXPECTED_F1:
        p = pairs.probability
        chosen = chosen[: surest_pairs(p[chosen], float(p.sum()), rule.recall_weight)]
    return pairs.taken(chosen).partners(len(letters))


def _admitted(letters: str, pairs: ListedPairs, rule: DecodingRule) -> ListedPairs:
    keep = (pairs.probability >= rule.threshold) & (pairs.j0 - pairs.i0 > rule.min_loop_nt)
    if rule.canonical:
        raw = np.frombuffer(letters.encode(), dtype=np.uint8)
        can_pair = np.zeros((256, 256), dtype=bool)
        for pair in CANONICAL:
            can_pair[ord(pair[0]), ord(pair[1])] = True
        keep &= can_pair[raw[pairs.i0], raw[pairs.j0]]
    return pairs.taken(keep)


def _matching(pairs: ListedPairs, threshold: float) -> Int64:
    """Indices of the pairs of largest total weight; those without a rival need no programme."""
    weight = pairs.probability - threshold
    ends = np.concatenate([pairs.i0, pairs.j0])
    rivals = np.bincount(ends, minlength=1)
    alone = (rivals[pairs.i0] == 1) & (rivals[pairs.j0] == 1)
    contested = np.flatnonzero(~alone)
    if not len(contested):
        return np.flatnonzero(alone)
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    n = len(contested)
    rows = np.unique(np.concatenate([pairs.i0[contested], pairs.j0[contested]]), return_inverse=True)[1]
    at_base = coo_array((np.ones(2 * n), (rows, np.tile(np.arange(n), 2)))).tocsr()
    solved = milp(-weight[contested], integrality=1, bounds=Bounds(0, 1), constraints=LinearConstraint(at_base, ub=1))
    return np.sort(np.concatenate([np.flatnonzero(alone), contested[solved.x > 0.5]]))


def mean_pair_probability(partner: Int64, probabilities: npt.NDArray[np.floating]) -> float:
    """Mean probability of the pairs of a structure: how sure its model is of them. NaN without pairs."""
    paired = np.flatnonzero(partner != UNPAIRED)
    return float(probabilities[paired, partner[paired]].mean(dtype=np.float64)) if len(paired) else float("nan")
