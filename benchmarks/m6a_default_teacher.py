"""What the default model is told first: the answers of regressions that were fitted on the same sites.

Labels are few and noisy (each adenosine was tried by some of the tables only), a network of a million weights learns
slowly from them. Three logistic regressions (does any table call it? the same with the unknown neighbours of lone
windows as negatives; does HEK293 miCLIP call it?) on the bases around and on shares of k-mers, and how strong the other
candidates within 150 nt are, put together by a fourth, give every DRACH adenosine a probability. They are cross-fitted
in three parts of the stretches, so that no answer was seen in the fit; dev takes no part.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from m6a_default_sequences import CODE, HALF_NT
from ribolm.evaluation.stored_letters import StoredLetters
from ribolm.genome.coordinates import Int64
from ribolm.sequences.store import TokenStore

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

NEAR_NT = 150
HEK293 = 1
HEK293_WEIGHT = 4.0  # of a site of HEK293 miCLIP in the regression on all tables
PENALTY = 0.002  # inverse strength of L2 on standardised features
PARTS = 3
REACH_NT = 20  # bases named one by one on either side
KMERS = ((1, 250), (2, 250), (3, 250), (3, 50), (4, 50), (1, 25), (2, 25))  # k and reach of their shares
ROWS_AT_A_TIME = 4_096
REGRESSIONS = ("any table", "any table, lone windows", "HEK293 miCLIP")
LONE = 0.05  # a neighbour counts as so much probability when there is none


@dataclass(frozen=True)
class Adenosines:
    """DRACH adenosines of a store of whole stretches.

    flat: place in tokens.bin, int64 [n], ascending; row: their stretch; support: bits of tables; near_site, near_hek:
    within 150 nt of a site of any table, of HEK293 miCLIP; complete: all tables were looked up; dev: in the dev block.
    """

    flat: Int64
    row: Int64
    support: Int64
    near_site: Bool
    near_hek: Bool
    complete: Bool
    dev: Bool

    @property
    def in_hek(self) -> Bool:
        """Called by HEK293 miCLIP."""
        return (self.support & HEK293) > 0


def competition(flat: Int64, row: Int64, logit: Float64) -> Float64:
    """Log of the summed odds of the other candidates of the same stretch within 150 nt, float64 [n]."""
    order = np.lexsort((flat, row))
    place = row[order] * (1 << 32) + flat[order]  # stretches lie far apart
    sums = np.r_[0.0, np.cumsum(np.exp(np.clip(logit[order], -15, 15)))]
    low, high = np.searchsorted(place, place - NEAR_NT), np.searchsorted(place, place + NEAR_NT, side="right")
    others = sums[high] - sums[low] - np.diff(sums)
    found = np.empty(len(flat))
    found[order] = np.log(np.maximum(others, 0) + LONE)
    return found


def stacked(local: Float64, flat: Int64, row: Int64) -> Float64:
    """What the last regression sees: the logits of the others, and the competition by each."""
    return np.column_stack([local, *(competition(flat, row, local[:, i]) for i in range(local.shape[1]))])


def fit_logistic(
    x: npt.NDArray[np.floating], y: Bool, weight: Float64 | None = None, penalty: float = PENALTY
) -> object:
    """Logistic regression on standardised features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=300))
    return model.fit(x, y, logisticregression__sample_weight=weight)


def training_rows(a: Adenosines) -> tuple[Bool, Bool, Bool]:
    """Which adenosines each of `REGRESSIONS` is fitted on."""
    asked = ~a.dev & a.near_site
    return asked & (a.complete | (a.support > 0)), asked, ~a.dev & a.near_hek & a.complete


def fit_local(x: Float32, a: Adenosines, inside: Bool) -> tuple[object, ...]:
    """The regressions that see no neighbours, fitted on the adenosines `inside`."""
    *by_any, by_hek = (rows & inside for rows in training_rows(a))
    weight = np.where(a.in_hek, HEK293_WEIGHT, 1.0)
    found = [fit_logistic(x[use], a.support[use] > 0, weight[use]) for use in by_any]
    return (*found, fit_logistic(x[by_hek], a.in_hek[by_hek]))


def logits_of(models: tuple[object, ...], x: npt.ArrayLike) -> Float64:
    """Logits of some regressions, float64 [n, models]."""
    return np.stack([np.asarray(m.decision_function(x), dtype=np.float64) for m in models], axis=1)  # type: ignore[attr-defined]


def cross_fitted(x: Float32, a: Adenosines, seed: int) -> Float64:
    """Logit of every adenosine by regressions that saw neither its stretch nor dev, float64 [n]."""
    rng = np.random.Generator(np.random.Philox(seed))
    part = rng.integers(0, PARTS, int(a.row.max()) + 1)[a.row]
    local = np.zeros((len(a.flat), len(REGRESSIONS)))
    for number in range(PARTS):
        logits = logits_of(fit_local(x, a, part != number), x)
        unseen = (part == number) & ~a.dev
        local[unseen] = logits[unseen]
        local[a.dev] += logits[a.dev] / PARTS
    return logits_of((fit_both(local, a),), stacked(local, a.flat, a.row))[:, 0]


def fit_both(local: Float64, a: Adenosines) -> object:
    """The regression that weighs the neighbours, fitted on logits that were not seen in their own fit."""
    use = training_rows(a)[-1]
    return fit_logistic(stacked(local, a.flat, a.row)[use], a.in_hek[use], penalty=0.1)


def features_of(store: TokenStore, flat: Int64) -> Float32:
    """Bases around each adenosine and shares of k-mers in windows that have it in the centre, float32 [n, 748]."""
    stored = StoredLetters.of(store)
    parts = [_features(stored.windows(flat[at : at + ROWS_AT_A_TIME], HALF_NT))
             for at in range(0, len(flat), ROWS_AT_A_TIME)]  # fmt: skip
    return np.concatenate(parts)


def _features(letters: npt.NDArray[np.uint8]) -> Float32:
    codes = CODE[letters].astype(np.int64)
    near = codes[:, HALF_NT - REACH_NT : HALF_NT + REACH_NT + 1]
    found = [(near == base).astype(np.float32) for base in range(4)]
    for k, reach in KMERS:
        window = codes[:, HALF_NT - reach : HALF_NT + reach + 1]
        n_places = window.shape[1] - k + 1
        number, unknown = np.zeros((len(codes), n_places), dtype=np.int64), np.zeros((len(codes), n_places), dtype=bool)
        for at in range(k):
            number = number * 4 + np.minimum(window[:, at : at + n_places], 3)
            unknown |= window[:, at : at + n_places] > 3
        number[unknown] = 4**k
        number += np.arange(len(codes))[:, None] * (4**k + 1)
        counts = np.bincount(number.ravel(), minlength=len(codes) * (4**k + 1)).reshape(len(codes), -1)
        found.append((counts[:, :-1] / np.maximum(1, (~unknown).sum(axis=1))[:, None]).astype(np.float32))
    return np.concatenate(found, axis=1)
