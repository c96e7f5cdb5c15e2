"""The whole evaluation of labelled windows: methods read and fitted, measured over whole units, compared in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.errors import DataError, UsageError
from ribolm.evaluation.bootstrap import DRAWS, Draws, Interval, bootstrap, interval_note
from ribolm.evaluation.calibration import calibration
from ribolm.evaluation.methods import (
    MODEL,
    PEER,
    RANDOM,
    RANDOM_PREFIX,
    SHUFFLED,
    SHUFFLED_NAME,
    Method,
    Scores,
    tell_seen,
)
from ribolm.evaluation.metrics import RankedCounts, Ranking, precision_recall_points, rank, roc_points
from ribolm.evaluation.score_tables import NamedFiles
from ribolm.evaluation.sequence_level.examples import (
    Examples,
    hexamers,
    read_examples,
    read_named_scores,
    scores_over,
    units_without_folds,
)
from ribolm.evaluation.sequence_level.floors import fitted_floors, rule_method
from ribolm.evaluation.sequence_level.thresholds import METRICS as AT_THRESHOLD
from ribolm.evaluation.sequence_level.thresholds import Confusion, averaging, intervals
from ribolm.labels.folds import Folds
from ribolm.sequences.store import TokenStore

Row = dict[str, Any]
UNIVERSE = "sequences"
STRATUM_DRAWS = 200
RANKING = {"average_precision": RankedCounts.average_precision, "roc_auc": RankedCounts.roc_auc}


@dataclass(frozen=True)
class SequencePlan:
    """What to evaluate. `folds` None: nothing was trained on the store; then `train` may be fitted on. `folds_sha256`:
    of their table, "" without one, by which models tell what they have seen.

    `anchor0` index of the anchor in the windows and `anchor` its kind, for the hexamer rule and the classes of
    hexamers; None where there is none. `threshold` on probabilities, from which on a window is called.
    """

    store: TokenStore
    task: str
    scores: Sequence[NamedFiles]
    peers: Sequence[NamedFiles] = ()
    folds: Folds | None = None
    folds_sha256: str = ""
    train: TokenStore | None = None
    anchor: str = "hexamer"
    anchor0: int | None = None
    threshold: float = 0.5
    reference: str = ""
    fit_baselines: bool = True
    draws: int = DRAWS
    seed: int = 1

    def settings(self) -> Row:
        """What the numbers depend on, for metrics.json."""
        names = ("task", "anchor", "anchor0", "threshold", "reference", "fit_baselines", "draws", "seed")
        return {
            **{name: getattr(self, name) for name in names},
            "store_sha256": self.store.digest,
            "train_store_sha256": self.train.digest if self.train else None,
            "n_folds": self.folds.n_folds if self.folds else None,
            "folds_by": (self.folds.by or None) if self.folds else None,
        }


@dataclass(frozen=True)
class SequenceAssessment:
    """Every method over the same windows. `rankings[name]` has one entry per seed.

    `units`: what the bootstrap draws, in words; `interval_note`: a sentence where the intervals are rough.
    """

    examples: Examples
    methods: tuple[Method, ...]
    rankings: dict[str, tuple[Ranking, ...]]
    draws: Draws
    called: dict[str, dict[str, Interval]]
    reference: str
    split: str
    units: str
    strata: tuple[Row, ...] = field(default=())
    interval_note: str | None = None


def assess_sequences(plan: SequencePlan) -> SequenceAssessment:
    """Carry out an evaluation. Raises DataError and UsageError for inputs that do not fit each other."""
    examples = read_examples(plan.store, plan.task, plan.folds)
    examples, methods = _read_methods(plan, examples)
    if plan.fit_baselines:
        methods += _floors(plan, examples)
    if not methods:
        raise UsageError("--scores is missing, and no baseline can be fitted. Give NAME=FILE of at least one model.")
    reference = plan.reference or methods[0].name
    if reference not in [method.name for method in methods]:
        raise UsageError(f"--reference {reference}: no method has that name.")
    return measure(examples, methods, reference, plan)


def measure(examples: Examples, methods: Sequence[Method], reference: str, plan: SequencePlan) -> SequenceAssessment:
    """Rank, call and resample the windows by every method; the control ranks shuffled labels by the reference."""
    first = next(method for method in methods if method.name == reference)
    control = Method(SHUFFLED_NAME, SHUFFLED, first.seeds[:1])
    rankings = {
        method.name: tuple(rank(examples.is_positive, s.score, examples.cluster) for s in method.seeds)
        for method in methods
    }
    permuted = np.random.Generator(np.random.Philox(plan.seed)).permutation(examples.is_positive)
    rankings[SHUFFLED_NAME] = (rank(permuted, first.seeds[0].score, examples.cluster),)
    draws = bootstrap(rankings, examples.n_clusters, RANKING, plan.draws, plan.seed)
    called = {method.name: _called(examples, method, plan) for method in methods}
    split = plan.folds.split_words if plan.folds else "not trained on"
    strata = tuple(_strata(plan, examples, methods))
    units = plan.folds.units if plan.folds else units_without_folds(examples)
    note = interval_note(plan.draws, examples.n_clusters, units)
    everyone = (*methods, control)
    return SequenceAssessment(examples, everyone, rankings, draws, called, reference, split, units, strata, note)


def _read_methods(plan: SequencePlan, examples: Examples) -> tuple[Examples, list[Method]]:
    """Models and peers, over the windows that every file scores."""
    if not plan.scores and not plan.fit_baselines:
        raise UsageError("--scores is missing. Give NAME=FILE of at least one model.")
    tables = [(files, kind, read_named_scores(files)) for kind, some in ((MODEL, plan.scores), (PEER, plan.peers))
              for files in some]  # fmt: skip
    scored = np.ones(len(examples), dtype=bool)
    for _files, _kind, table in tables:
        known = set(table["name"].to_list())
        scored &= np.array([name in known for name in examples.names], dtype=bool)
    if not scored.any() and len(examples):
        raise DataError("No sequence of the store is named in every file of scores. Give scores of this store.")
    if not scored.all():
        notice(f"{int((~scored).sum()):,} sequences that not every file scores are left out.")
    examples = examples.take(scored)
    found: dict[str, Method] = {}
    for files, kind, table in tables:
        of_kind = RANDOM if kind == MODEL and files.method.lower().startswith(RANDOM_PREFIX) else kind
        before = found[files.method].seeds if files.method in found else ()
        scores = scores_over(examples, table, files.seed, plan.store.digest, plan.folds_sha256)
        found[files.method] = Method(files.method, of_kind, (*before, scores))
    tell_seen(list(found.values()), len(examples), "sequences")
    for method in found.values():
        if any(scores.probability is None for scores in method.seeds):
            notice(f"scores '{method.name}': hold no probability, so that --threshold calls no sequence of them.")
    return examples, list(found.values())


def _floors(plan: SequencePlan, examples: Examples) -> list[Method]:
    if examples.letters is None:
        notice("the windows differ in width or have no letters, so that no baseline is fitted.")
        return []
    found = [] if plan.anchor0 is None else [rule_method(examples, plan.anchor0, plan.anchor)]
    if plan.folds is None and plan.train is None:
        notice("no baseline is fitted: give --folds where models were trained on this store, or a --train-store.")
        return found
    known = examples if plan.train is None else read_examples(plan.train, plan.task)
    if known.letters is None or known.letters.shape[1] != examples.letters.shape[1]:
        raise DataError("The windows of --train-store have another width than those of --store. Give windows alike.")
    return [*fitted_floors(examples, known, plan.seed), *found]


def _called(examples: Examples, method: Method, plan: SequencePlan) -> dict[str, Interval]:
    if any(scores.probability is None for scores in method.seeds):
        return {name: Interval(None, None, None) for name in AT_THRESHOLD}
    seeds = [
        Confusion.of(examples.is_positive, _chance(scores) >= plan.threshold, examples.cluster)
        for scores in method.seeds
    ]
    return intervals(seeds, plan.draws, plan.seed)


def _chance(scores: Scores) -> npt.NDArray[np.float64]:
    assert scores.probability is not None
    return np.nan_to_num(scores.probability, nan=0.0)


def _strata(plan: SequencePlan, examples: Examples, methods: Sequence[Method]) -> list[Row]:
    """Metrics per class of hexamers, the most frequent first."""
    if plan.anchor0 is None or plan.anchor != "hexamer" or examples.letters is None:
        return []
    words, rows = hexamers(examples, plan.anchor0), []
    names, counts = np.unique(words, return_counts=True)
    for name in names[np.argsort(-counts, kind="stable")]:
        at = np.flatnonzero(words == name)
        here = examples.take(at)
        rankings = {
            method.name: tuple(rank(here.is_positive, s.score[at], here.cluster) for s in method.seeds)
            for method in methods
        }
        draws = bootstrap(rankings, here.n_clusters, RANKING, min(plan.draws, STRATUM_DRAWS), plan.seed)
        row: Row = {"universe": UNIVERSE, "stratum": "hexamer", "name": str(name), **_size(here)}
        for method in rankings:
            columns = [interval_columns(metric, draws.interval(method, metric)) for metric in RANKING]
            rows.append({**row, "method": method, **columns[0], **columns[1]})
    return rows


def _size(examples: Examples) -> Row:
    prevalence = float(examples.is_positive.mean()) if len(examples) else None
    n_sites = int(examples.is_positive.sum())
    return {"n": len(examples), "n_sites": n_sites, "n_clusters": examples.n_clusters, "prevalence": prevalence}


def interval_columns(metric: str, found: Interval) -> Row:
    """A value and its bounds as three columns."""
    return {metric: found.value, f"{metric}_low": found.low, f"{metric}_high": found.high}


def method_rows(found: SequenceAssessment) -> list[Row]:
    """One row per method: windows, units, prevalence, metrics with intervals, size and speed."""
    rows = []
    for method in found.methods:
        row: Row = {"universe": UNIVERSE, "method": method.name, "kind": method.kind, **_size(found.examples)}
        row |= {"seeds": len(method.seeds), "n_seen": method.n_seen}
        for at, metric in enumerate(RANKING):
            values = found.draws.values[method.name][:, at]
            row |= interval_columns(metric, found.draws.interval(method.name, metric))
            row[f"{metric}_seed_sd"] = float(values.std(ddof=1)) if len(values) > 1 else None
        nothing = {name: Interval(None, None, None) for name in AT_THRESHOLD}
        for metric, interval in found.called.get(method.name, nothing).items():
            row |= interval_columns(metric, interval)
        speed = len(found.examples) / method.seconds if method.seconds else None
        rows.append(row | {"parameters": method.n_parameters, "sequences_per_s": speed})
    return rows


def metric_rows(found: SequenceAssessment) -> list[Row]:
    """Every number with its averaging, split, interval and values by seed: the rows of metrics.json."""
    rows = []
    for method in found.methods:
        about: Row = {"method": method.name, "kind": method.kind, "universe": UNIVERSE, "split": found.split}
        about |= {**_size(found.examples), "n_seen": method.n_seen}
        for at, metric in enumerate(RANKING):
            interval = found.draws.interval(method.name, metric)
            values = found.draws.values[method.name][:, at].tolist()
            by_seed = {s.seed or "1": value for s, value in zip(method.seeds, values, strict=True)}
            rows.append({**about, "metric": metric, "averaging": "ranking", **_bounds(interval), "by_seed": by_seed})
        for metric, interval in found.called.get(method.name, {}).items():
            rows.append({**about, "metric": metric, "averaging": averaging(metric), **_bounds(interval)})
    return rows


def _bounds(found: Interval) -> Row:
    return {"value": found.value, "low": found.low, "high": found.high}


def difference_rows(found: SequenceAssessment) -> list[Row]:
    """Reference minus every other method, from the same draws of units."""
    rows: list[Row] = []
    for method in found.methods:
        if method.name != found.reference:
            for metric in RANKING:
                d = found.draws.difference(found.reference, method.name, metric)
                row: Row = {"universe": UNIVERSE, "metric": metric, "method": found.reference, "other": method.name}
                rows.append(row | {"difference": d.value, "low": d.low, "high": d.high, "p_value": d.p_value})
    return rows


def calibration_rows(found: SequenceAssessment) -> tuple[list[Row], list[Row]]:
    """Summary and bins of every method that gives probabilities, first seed."""
    summary, bins = [], []
    for method in found.methods:
        chance = method.seeds[0].probability
        if chance is None or method.kind == SHUFFLED:
            continue
        known = np.isfinite(chance)
        if not known.any():
            continue
        fit = calibration(found.examples.is_positive[known], chance[known])
        row: Row = {"universe": UNIVERSE, "method": method.name}
        numbers = {"brier": fit.brier, "log_loss": fit.log_loss, "expected_error": fit.expected_error}
        summary.append({**row, **numbers, "n": int(known.sum())})
        bins += [{**row, "bin": i, **vars(b)} for i, b in enumerate(fit.bins)]
    return summary, bins


def curve_rows(found: SequenceAssessment) -> list[Row]:
    """Points of both curves; of several seeds the first is drawn."""
    rows = []
    for method in found.methods:
        ranking = found.rankings[method.name][0]
        for curve, points in (("pr", precision_recall_points(ranking)), ("roc", roc_points(ranking))):
            row: Row = {"universe": UNIVERSE, "curve": curve, "method": method.name, "kind": method.kind}
            rows += [{**row, "x": float(x), "y": float(y)} for x, y in zip(*points, strict=True)]
    return rows
