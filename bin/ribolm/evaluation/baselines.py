"""Models that any network has to beat: logistic regression and gradient boosting on k-mers, cross-fitted on the folds.

Whatever is predicted was never trained on: the model of a fold sees all other folds (the network's dev fold, too, which
favours the baseline). Unlabelled adenosines count as negatives.
"""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ribolm.console import Progress, choice
from ribolm.evaluation.candidates import Bool, Candidates, collect, label_of_sites
from ribolm.evaluation.metrics import average_precision
from ribolm.evaluation.positions import Contigs
from ribolm.evaluation.sequence_features import N_FEATURES, features
from ribolm.evaluation.stored_letters import RowPlaces, StoredLetters, row_chunks
from ribolm.genome.coordinates import Int64
from ribolm.labels.folds import Folds
from ribolm.sequences.store import TokenStore
from ribolm.sequences.universes import members

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

Float64 = npt.NDArray[np.float64]

POOL_ADENOSINES = 2_000_000  # of larger stores a sample of this size; sites are always in it
TRAINING_ROWS = 20_000  # negatives per fit, and positives
PREDICTED_AT_A_TIME = 20_000
PENALTIES = (0.001, 0.01, 0.1)  # inverse strengths of L2 on standardised features, chosen on a fifth of the genes
BOOSTING = {"max_iter": 80, "learning_rate": 0.1, "max_leaf_nodes": 8, "l2_regularization": 1.0, "max_bins": 63}
KINDS = ("kmer_logistic", "kmer_boosting")
FITTED_ON = {"drach": "drach", "adenosine": "adenosine", "nucleotide": "adenosine"}


@dataclass(frozen=True)
class Pool:
    """Adenosines that may be trained on, and the store that their sequence is read from."""

    candidates: Candidates
    stored: StoredLetters


@dataclass(frozen=True)
class Fitted:
    """Log-odds of the candidates, float64 [n] (-inf outside the universe it was fitted on), and what it cost."""

    logit: Float64
    n_parameters: int
    sites_per_s: float


def adenosine_pool(store: TokenStore, task: str, folds: Folds, contigs: Contigs, limit: int = POOL_ADENOSINES) -> Pool:
    """All adenosines of a labelled store, or of a large one a sample by place, the same in every run.

    Cost: two passes over the store.
    """
    stored, places, labels = StoredLetters.of(store), RowPlaces.of(store, contigs), label_of_sites(store, task)
    is_adenosine = stored.table == ord("A")
    counts = [int(is_adenosine[store.tokens[store.offsets[a] : store.offsets[b]]].sum()) for a, b in row_chunks(store)]
    share = min(1.0, limit / max(sum(counts), 1))
    if share < 1:
        choice("adenosines for the baselines", f"{100 * share:.2g} %", f"{sum(counts):,} are more than {limit:,}")
    found = []
    for low, high in row_chunks(store):
        tokens = slice(int(store.offsets[low]), int(store.offsets[high]))
        keys = places.keys(low, high)
        wanted = is_adenosine[store.tokens[tokens]] & ((_fraction(keys) < share) | (labels[tokens] == 1))
        found.append(np.unique(keys[wanted]))
    keys = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
    return Pool(collect(store, task, folds, contigs, keys), stored)


def _fraction(keys: Int64) -> Float64:
    """A number from 0 to 1 that depends on the key alone (Fibonacci hashing)."""
    mixed = (keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    return mixed.astype(np.float64) / (1 << 24)


def cross_fit(kind: str, universe: str, tested: Candidates, stored: StoredLetters, pool: Pool, seed: int) -> Fitted:
    """Fit one model per tested fold on the pool's other folds and predict the fold.

    `kind`: one of `KINDS`. `stored` holds the sequence of the tested candidates. Folds that leave no positive or no
    negative to train on predict -inf everywhere. Cost: seconds per fold.
    """
    train_in = members(pool.candidates.contexts, FITTED_ON[universe])
    test_in = members(tested.contexts, FITTED_ON[universe])
    logit = np.full(len(tested), -np.inf)
    n_parameters, elapsed_s, n_done = 0, 0.0, 0
    for fold in np.unique(tested.fold[test_in]).tolist():
        rows = _training_rows(pool.candidates, train_in & (pool.candidates.fold != fold), seed)
        labels = pool.candidates.is_site[rows]
        if labels.all() or not labels.any():
            continue
        x = features(pool.stored, pool.candidates.flat[rows])
        model, n_parameters = _fit(kind, x, labels, pool.candidates.cluster[rows], seed)
        at = np.flatnonzero(test_in & (tested.fold == fold))
        started_s = time.monotonic()
        logit[at] = _predict(f"{kind}, fold {fold}", model, stored, tested.flat[at])
        elapsed_s += time.monotonic() - started_s
        n_done += len(at)
    return Fitted(logit, n_parameters, n_done / max(elapsed_s, 1e-9))


def probability_of(logit: Float64) -> Float64:
    """The logistic function, float64 [n]; -inf gives 0."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-logit)))


def _training_rows(pool: Candidates, allowed: Bool, seed: int) -> Int64:
    """Positives and negatives to train on, at most `TRAINING_ROWS` of each, ascending."""
    rng = np.random.Generator(np.random.Philox(seed))
    parts = []
    for is_site in (True, False):
        rows = np.flatnonzero(allowed & (pool.is_site == is_site))
        parts.append(rows if len(rows) <= TRAINING_ROWS else rng.choice(rows, TRAINING_ROWS, replace=False))
    return np.sort(np.concatenate(parts)).astype(np.int64)


def _fit(kind: str, x: npt.NDArray[np.float32], labels: Bool, cluster: Int64, seed: int) -> tuple["BaseEstimator", int]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    if kind == "kmer_boosting":
        boosting = HistGradientBoostingClassifier(early_stopping=False, random_state=seed % (1 << 32), **BOOSTING)
        boosting.fit(x, labels)
        return boosting, int(BOOSTING["max_iter"] * BOOSTING["max_leaf_nodes"])
    return _logistic(x, labels, _best_penalty(x, labels, cluster, seed)), N_FEATURES + 1


def _best_penalty(x: npt.NDArray[np.float32], labels: Bool, cluster: Int64, seed: int) -> float:
    """The penalty whose model ranks a held-out fifth of the genes best; the strongest where that cannot be asked."""
    genes = np.unique(cluster)
    rng = np.random.Generator(np.random.Philox(seed + 1))
    held = np.isin(cluster, rng.choice(genes, max(len(genes) // 5, 1), replace=False))
    if not labels[held].any() or not labels[~held].any() or labels[~held].all():
        return PENALTIES[0]
    scores = {}
    for penalty in PENALTIES:
        model: Any = _logistic(x[~held], labels[~held], penalty)
        scores[penalty] = average_precision(labels[held], model.decision_function(x[held]))
    return max(scores, key=lambda penalty: scores[penalty])


def _logistic(x: npt.NDArray[np.float32], labels: Bool, penalty: float) -> "BaseEstimator":
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=200))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last digits of the optimum do not change the ranking
        return model.fit(x, labels)


def _predict(what: str, model: Any, stored: StoredLetters, flat: Int64) -> Float64:
    parts = []
    with Progress(what, len(flat), "candidates") as progress:
        for low in range(0, len(flat), PREDICTED_AT_A_TIME):
            part = flat[low : low + PREDICTED_AT_A_TIME]
            parts.append(np.asarray(model.decision_function(features(stored, part)), dtype=np.float64))
            progress.advance(len(part))
    return np.concatenate(parts)


def fitted_baselines(
    universes: Mapping[str, Bool], tested: Candidates, stored: StoredLetters, pool: Pool, seed: int
) -> dict[str, dict[str, Fitted]]:
    """Every kind of baseline in every universe: found[kind][universe]; one fit where two universes share it."""
    found: dict[str, dict[str, Fitted]] = {}
    for kind in KINDS:
        by_fit = {fit: cross_fit(kind, fit, tested, stored, pool, seed) for fit in {FITTED_ON[u] for u in universes}}
        found[kind] = {universe: by_fit[FITTED_ON[universe]] for universe in universes}
    return found
