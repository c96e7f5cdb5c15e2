"""Models without a network that predict values: the mean, ridge regressions, gradient boosting; features are stated.

Whatever is predicted was never learnt from: the model of a fold sees all other folds (the network's dev fold, too,
which favours the floor).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.console import Progress
from ribolm.evaluation.values.features import Sequences, kmer_shares, one_hot, upstream_starts
from ribolm.genome.coordinates import Int64

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Predict = Callable[[Float32], Float64]

PENALTIES = (0.3, 3.0, 30.0, 300.0, 3000.0, 30_000.0, 300_000.0)  # on standardised features
HELD_OUT = 5  # one unit in so many chooses the penalty
BOOSTING = {
    "max_iter": 300, "learning_rate": 0.06, "max_leaf_nodes": 15, "min_samples_leaf": 20, "l2_regularization": 1.0,
    "max_bins": 63,
}  # fmt: skip
ONE_HOT, KMERS, STARTS = "one-hot ridge", "k-mer ridge", "k-mer and start codon ridge"
BOOSTED, MEAN = "gradient boosting", "mean of the training rows"
FEATURES = {
    ONE_HOT: "letters counted from the end, one-hot",
    KMERS: "shares of 1- to 4-mers",
    STARTS: "shares of 1- to 4-mers, length, upstream AUGs by frame (number, without a stop, distance)",
    BOOSTED: "shares of 1- to 4-mers, length, upstream AUGs by frame (number, without a stop, distance)",
    MEAN: "none",
}


@dataclass(frozen=True)
class Known:
    """What floors may read: sequences, their values float64 [n] (NaN: not learnt from), what stays together int64 [n].

    `covariates`: further features by name, float64 [n], as a measured folding energy.
    """

    sequences: Sequences
    values: Float64
    unit: Int64
    covariates: Mapping[str, Float64]

    def features(self) -> dict[str, Float32]:
        """Features of every floor, float32 [n, features]."""
        kmers = kmer_shares(self.sequences)
        length = self.sequences.length.astype(np.float32)[:, None]
        more = [np.nan_to_num(column).astype(np.float32)[:, None] for column in self.covariates.values()]
        rich = np.concatenate([kmers, length, upstream_starts(self.sequences), *more], axis=1)
        nothing = np.zeros((len(self.sequences), 0), dtype=np.float32)
        return {ONE_HOT: one_hot(self.sequences), KMERS: kmers, STARTS: rich, BOOSTED: rich, MEAN: nothing}

    def described(self, floor: str) -> str:
        """The features of a floor in words."""
        more = f", {', '.join(self.covariates)}" if self.covariates and floor in (STARTS, BOOSTED) else ""
        return FEATURES[floor] + more


def cross_fitted(known: Known, fold: Int64, tested: Int64, seed: int) -> dict[str, Float64]:
    """Predictions of every floor for rows in the folds `tested`, float64 [n], NaN elsewhere; `fold` int64 [n].

    Cost: seconds per fold of some thousand rows.
    """
    features = known.features()
    found = {floor: np.full(len(fold), np.nan) for floor in features}
    with Progress("baselines", len(features) * len(tested), "fits") as progress:
        for floor, x in features.items():
            for one in tested.tolist():
                rows = np.flatnonzero((fold != one) & np.isfinite(known.values))
                at = np.flatnonzero(fold == one)
                if len(rows):
                    found[floor][at] = fitted(floor, x[rows], known.values[rows], known.unit[rows], seed)(x[at])
                progress.advance()
    return found


def fitted(floor: str, x: Float32, values: Float64, unit: Int64, seed: int) -> Predict:
    """Learn a floor from features float32 [n, features] and values float64 [n]."""
    if floor == MEAN:
        mean = float(values.mean())
        return lambda new: np.full(len(new), mean)
    if floor != BOOSTED:
        return ridge(x, values, unit, seed)
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(early_stopping=False, random_state=seed % (1 << 32), **BOOSTING)
    model.fit(x, values)
    return lambda new: np.asarray(model.predict(new), dtype=np.float64)


def ridge(x: Float32, values: Float64, unit: Int64, seed: int) -> Predict:
    """Ridge regression on standardised features; the penalty predicts a held-out fifth of the units best."""
    units = np.unique(unit)
    chosen = np.random.Generator(np.random.Philox(seed)).permutation(units)[: max(len(units) // HELD_OUT, 1)]
    held = np.isin(unit, chosen)
    penalty = PENALTIES[-1]
    if held.any() and not held.all():
        predictions = _ridges(x[~held], values[~held], x[held], PENALTIES)
        errors = ((predictions - values[held]) ** 2).mean(axis=1)
        penalty = PENALTIES[int(np.argmin(errors))]
    return lambda new: _ridges(x, values, new, (penalty,))[0]


def _ridges(x: Float32, values: Float64, new: Float32, penalties: tuple[float, ...]) -> Float64:
    """Predictions for new rows under each penalty, float64 [penalties, new rows], by one eigendecomposition."""
    centre, spread = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    spread[spread == 0] = 1.0
    design, asked = (x - centre) / spread, (new - centre) / spread
    mean = float(values.mean())
    size, basis = np.linalg.eigh(design.T @ design)
    along = basis.T @ (design.T @ (values - mean))
    weights = [basis @ (along / (np.maximum(size, 0) + penalty)) for penalty in penalties]
    return mean + np.stack([asked @ weight for weight in weights])
