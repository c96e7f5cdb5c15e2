"""What the default model is told: the answers of regressions and boosted trees that were fitted on the same sites.

Labels are few and noisy (each adenosine was tried by some of the tables only), a network of a million weights learns
slowly from them. Boosted trees and a logistic regression that tell GSE63753's sites from other candidates within 150 nt
of one, and a regression that tells the sites of any table, on what m6a_default_features.py sees, put together by a last
regression, give every DRACH adenosine a probability. They are cross-fitted in parts of the stretches, so that no answer
was seen in the fit; dev takes no part.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from m6a_default_sequences import TARGET_BIT, Stretch
from ribolm.genome.coordinates import Int64

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

TARGET_WEIGHT = 4.0  # of a site of GSE63753 in the regressions on all tables
PENALTY_ANY, PENALTY_TARGET = 0.002, 0.003  # inverse strength of L2 on standardised features
PARTS = 4
REGRESSIONS = ("any table", "any table, lone windows", "GSE63753")
CHR22_BLOCKS_TO0 = (34_000_000, 38_600_000, 42_500_000, 1 << 60)  # hg19; other chromosomes are drawn by name
MAX_N_SHARE = 0.6


@dataclass(frozen=True)
class Adenosines:
    """DRACH adenosines of a store of whole stretches.

    flat: place in tokens.bin, int64 [n], ascending; row: their stretch; support: bits of tables; near_site,
    near_target: within 150 nt of a site of any table, of GSE63753; complete: all tables were looked up; dev: in the dev
    block; block: of the cross-validation; known: at most 60 % N around; chr22.
    """

    flat: Int64
    row: Int64
    support: Int64
    near_site: Bool
    near_target: Bool
    complete: Bool
    dev: Bool
    block: Int64
    known: Bool
    chr22: Bool

    @property
    def is_target(self) -> Bool:
        """Called by GSE63753."""
        return self.support >> TARGET_BIT > 0

    @property
    def asked(self) -> Bool:
        """The candidates by the rule of the test."""
        return self.near_target & self.complete & self.known


def block_of(stretch: Stretch) -> int:
    """Which quarter of the cross-validation a stretch lies in."""
    if stretch.chrom == "chr22":
        return next(at for at, to0 in enumerate(CHR22_BLOCKS_TO0) if stretch.start0 < to0)
    return zlib.crc32(stretch.chrom.encode()) % len(CHR22_BLOCKS_TO0)


class Regression:
    """Logistic regression on standardised features; `n_used`: of the first features only."""

    def __init__(self, x: npt.NDArray[np.floating], y: Bool, weight: Float64 | None, penalty: float) -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.n_used = x.shape[1]
        model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=100))
        self._model = model.fit(x, y, logisticregression__sample_weight=weight)

    def logit(self, x: npt.NDArray[np.floating]) -> Float64:
        """Log odds, float64 [n]."""
        return np.asarray(self._model.decision_function(x[:, : self.n_used]), dtype=np.float64)


class BoostedTrees:
    """Gradient boosting of small trees, each split sees a tenth of the features."""

    def __init__(self, x: Float32, y: Bool, seed: int) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        self._model = HistGradientBoostingClassifier(
            max_iter=200, learning_rate=0.05, max_leaf_nodes=12, min_samples_leaf=40, l2_regularization=10,
            max_features=0.1, random_state=seed,
        ).fit(x, y)  # fmt: skip

    def logit(self, x: Float32) -> Float64:
        """Log odds, float64 [n]."""
        return np.asarray(self._model.decision_function(x), dtype=np.float64)


def training_rows(a: Adenosines) -> tuple[Bool, Bool, Bool]:
    """Which adenosines each of `REGRESSIONS` is fitted on."""
    return a.near_site & (a.complete | (a.support > 0)), a.near_site, a.near_target & a.complete


def fit_any(x: Float32, a: Adenosines, rows: Bool) -> Regression:
    """Does any table call it?"""
    weight = np.where(a.is_target, TARGET_WEIGHT, 1.0)
    return Regression(x[rows], a.support[rows] > 0, weight[rows], PENALTY_ANY)


def fit_target(x: Float32, a: Adenosines, rows: Bool) -> Regression:
    """Does GSE63753 call it?"""
    return Regression(x[rows], a.is_target[rows], None, PENALTY_TARGET)


def fit_regressions(x: Float32, a: Adenosines, inside: Bool) -> tuple[Regression, ...]:
    """One per `REGRESSIONS`, fitted on the adenosines `inside`."""
    by_any, with_lone, by_target = (rows & inside for rows in training_rows(a))
    return (fit_any(x, a, by_any), fit_any(x, a, with_lone), fit_target(x, a, by_target))


class Teacher:
    """Two boostings and two regressions, fitted on the adenosines `inside`."""

    def __init__(self, x: Float32, a: Adenosines, inside: Bool) -> None:
        by_any, _, by_target = (rows & inside for rows in training_rows(a))
        self.models: Sequence[BoostedTrees | Regression] = (
            *(BoostedTrees(x[by_target], a.is_target[by_target], seed) for seed in (0, 1)),
            fit_target(x, a, by_target),
            fit_any(x, a, by_any),
        )

    def logits(self, x: Float32) -> Float64:
        """Log odds by each, float64 [n, 4]."""
        return np.stack([model.logit(x) for model in self.models], axis=1)


def fit_both(logits: Float64, a: Adenosines, inside: Bool) -> Regression:
    """The regression that puts logits together that were not seen in their own fit."""
    rows = inside & a.near_target & a.complete
    return Regression(logits[rows], a.is_target[rows], None, 1.0)


def cross_fitted(x: Float32, a: Adenosines, seed: int) -> tuple[Float64, Regression]:
    """Logit of every adenosine by models that saw neither its stretch nor dev, float64 [n]; what put it together."""
    rng = np.random.Generator(np.random.Philox(seed))
    part = rng.integers(0, PARTS, int(a.row.max()) + 1)[a.row]
    logits = np.zeros((len(a.flat), 4))
    for number in range(PARTS):
        of_part = Teacher(x, a, ~a.dev & (part != number)).logits(x)
        unseen = (part == number) & ~a.dev
        logits[unseen] = of_part[unseen]
        logits[a.dev] += of_part[a.dev] / PARTS
    both = fit_both(logits, a, ~a.dev)
    return both.logit(logits), both
