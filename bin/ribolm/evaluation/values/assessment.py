"""The whole evaluation of predicted values: read, joined by name, measured over clusters, in strata, in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.errors import DataError, UsageError
from ribolm.evaluation.bootstrap import DRAWS, Draws, Interval, interval_note
from ribolm.evaluation.methods import BASELINE, MODEL, RANDOM, RANDOM_PREFIX
from ribolm.evaluation.raw_tables import raw_table
from ribolm.evaluation.score_tables import NamedFiles, numbered_words
from ribolm.evaluation.values.agreement import METRICS, Agreement, resample
from ribolm.evaluation.values.features import STRATA, Sequences, start_strata
from ribolm.evaluation.values.floors import Known, cross_fitted
from ribolm.inference.seen import seen_by_models
from ribolm.labels.folds import Folds
from ribolm.labels.values.targets import LEAST, transformed
from ribolm.sequences.deduplication import equal_rows
from ribolm.sequences.store import TokenStore
from ribolm.sequences.stored_text import stored_letters

if TYPE_CHECKING:
    import polars

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Row = dict[str, Any]
UNIVERSE, ALL = "sequences", "all"
STRATUM_DRAWS = 200
LEAST_ROWS = 20  # in a stratum
RANDOM_NAME = "random-initialised"


@dataclass(frozen=True)
class ValuePlan:
    """What to evaluate. `folds` None: nothing was trained on the store; `fold`: the one that is scored, None: all.

    `folds_sha256`: of their table, "" without one. `covariates`: labels of the store that baselines may read.
    """

    store: TokenStore
    task: str
    scores: Sequence[NamedFiles]
    folds: Folds | None = None
    folds_sha256: str = ""
    fold: int | None = None
    covariates: Sequence[str] = ()
    reference: str = ""
    fit_baselines: bool = True
    draws: int = DRAWS
    seed: int = 1

    def settings(self) -> Row:
        """What the numbers depend on, for metrics.json."""
        names = ("task", "fold", "covariates", "reference", "fit_baselines", "draws", "seed")
        return {
            **{name: getattr(self, name) for name in names},
            "store_sha256": self.store.digest,
            "n_folds": self.folds.n_folds if self.folds else None,
            "transform": transform_of(self.store, self.task),
        }


@dataclass(frozen=True)
class Measured:
    """The rows that are scored: row numbers of the store, names, values as learnt (log where the store says so).

    `cluster` from 0: what is drawn together; `stratum`: by upstream AUG.
    """

    rows: Int64
    names: tuple[str, ...]
    truth: Float64
    cluster: Int64
    fold: Int64
    stratum: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, kept: npt.NDArray[np.generic]) -> Measured:
        """Some of the rows; clusters are numbered anew."""
        at = np.arange(len(self))[kept]
        cluster = np.unique(self.cluster[at], return_inverse=True)[1].astype(np.int64)
        names = tuple(self.names[i] for i in at.tolist())
        return Measured(self.rows[at], names, self.truth[at], cluster, self.fold[at], self.stratum[at])

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return int(self.cluster.max(initial=-1)) + 1


@dataclass(frozen=True)
class Predicted:
    """One method: its predictions float64 [n] by seed, on the scale of the labels; `n_seen` rows it was trained on."""

    name: str
    kind: str
    seeds: tuple[tuple[str, Float64], ...]
    features: str = ""
    n_seen: int | None = None


@dataclass(frozen=True)
class ValueAssessment:
    """Every method over the same rows. `not_run`: arms that could not, and why."""

    measured: Measured
    methods: tuple[Predicted, ...]
    draws: Draws
    strata: tuple[Row, ...]
    reference: str
    split: str
    scale: str
    not_run: dict[str, str]
    interval_note: str | None = None


def transform_of(store: TokenStore, task: str) -> str:
    """What was made of a task's values before they were stored."""
    made = store.manifest["source"].get("options", {})
    return str(made.get("transforms", {}).get(task, "none"))


def assess_values(plan: ValuePlan) -> ValueAssessment:
    """Carry out an evaluation. Raises DataError and UsageError for inputs that do not fit each other."""
    measured = _measured(plan)
    tables = [(files, read_values(files, transform_of(plan.store, plan.task))) for files in plan.scores]
    measured = _scored_by_all(measured, [table for _, table in tables])
    methods = _models(plan, measured, tables)
    not_run: dict[str, str] = {}
    if plan.fit_baselines and plan.folds is not None:
        floors = _floors(plan, measured)
        methods += floors
        if not floors:
            not_run["baselines"] = "not run: no fold leaves measured rows to learn from"
    elif plan.fit_baselines:
        not_run["baselines"] = "not run: without --folds there is nothing to fit them on"
    if not any(method.kind == RANDOM for method in methods):
        not_run[RANDOM_NAME] = "not run: weights absent (give --scores random=FILE of a head on random weights)"
    if not methods:
        raise UsageError("--scores is missing. Give NAME=FILE of at least one model, or --folds for the baselines.")
    reference = plan.reference or methods[0].name
    if reference not in [method.name for method in methods]:
        raise UsageError(f"--reference {reference}: no method has that name.")
    return _assessed(plan, measured, methods, reference, not_run)


def _assessed(
    plan: ValuePlan, measured: Measured, methods: list[Predicted], reference: str, not_run: dict[str, str]
) -> ValueAssessment:
    draws = resample(_agreements(measured, methods), measured.n_clusters, plan.draws, plan.seed)
    note = interval_note(plan.draws, measured.n_clusters, "groups")
    transform = transform_of(plan.store, plan.task)
    scale = plan.task if transform == "none" else f"{transform} {plan.task}"
    strata = tuple(_strata(plan, measured, methods))
    return ValueAssessment(measured, tuple(methods), draws, strata, reference, _split(plan), scale, not_run, note)


def _split(plan: ValuePlan) -> str:
    if plan.folds is None:
        return "not trained on"
    kept = "single sequences" if len(np.unique(plan.folds.unit)) == len(plan.folds.unit) else "whole groups"
    return f"{plan.folds.n_folds} folds of {kept}" + ("" if plan.fold is None else f", fold {plan.fold} tested")


def _measured(plan: ValuePlan) -> Measured:
    spec = plan.store.label_spec(plan.task)
    if spec.rank != "sequence":
        raise DataError(f"{plan.store.directory}: labels of '{plan.task}' are per {spec.rank}, not per sequence.")
    truth = np.asarray(plan.store.label(plan.task), dtype=np.float64)
    if plan.folds is None:
        fold = np.full(len(truth), -1, dtype=np.int64)
        unit = equal_rows(np.asarray(plan.store.tokens), plan.store.offsets)
    else:
        fold, unit = plan.folds.fold, plan.folds.unit
        if plan.fold is not None and not (fold == plan.fold).any():
            raise UsageError(f"--fold {plan.fold} does not exist; there are folds 0 to {plan.folds.n_folds - 1}.")
    asked = np.isfinite(truth) if plan.fold is None else np.isfinite(truth) & (fold == plan.fold)
    names = tuple(plan.store.names(("name",))["name"].to_list())
    everything = Measured(
        np.arange(len(truth)), names, truth, unit, fold, start_strata(Sequences(*stored_letters(plan.store)))
    )
    return everything.take(np.flatnonzero(asked))


def read_values(files: NamedFiles, transform: str = "none") -> polars.DataFrame:
    """Columns name, value (float64, transformed as the labels were) and trained_on of one method and seed.

    Raises DataError for a missing column, values that are no numbers or have no logarithm, and names that occur twice.
    """
    import polars

    table = polars.concat([_one_file(path, transform) for path in files.paths])
    if table["name"].n_unique() < len(table):
        name = table.filter(polars.col("name").is_duplicated())["name"][0]
        raise DataError(f"Scores '{files.label}': '{name}' occurs twice. Files of one name must cover different folds.")
    return table


def _one_file(path: Path, transform: str) -> polars.DataFrame:
    import polars

    table = raw_table(path)
    missing = next((column for column in ("name", "value") if not table.has(column)), None)
    if missing is not None:
        raise DataError(f"{path.name}: no column '{missing}'. Give name and value, as of `ribolm-predict sequences`.")
    value = table.numbers("value")
    least = LEAST[transform]
    table.require(
        value > least, "value", f"has no {transform}: the labels are {transform}, so values are above {least:g}"
    )
    seen = (
        table.texts("trained_on")
        if table.has("trained_on")
        else polars.Series([None] * len(table), dtype=polars.String)
    )
    return polars.DataFrame(
        {"name": table.texts("name"), "value": transformed(value.to_numpy(), transform), "trained_on": seen}
    )


def _scored_by_all(measured: Measured, tables: Sequence[polars.DataFrame]) -> Measured:
    """The rows that every table names."""
    scored = np.ones(len(measured), dtype=bool)
    for table in tables:
        known = set(table["name"].to_list())
        scored &= np.array([name in known for name in measured.names], dtype=bool)
    if not scored.any() and len(measured):
        raise DataError("No sequence of the store is named in every file of scores. Give scores of this store.")
    if not scored.all():
        notice(f"{int((~scored).sum()):,} sequences that not every file scores are left out.")
    return measured.take(scored)


def _models(
    plan: ValuePlan, measured: Measured, tables: Sequence[tuple[NamedFiles, polars.DataFrame]]
) -> list[Predicted]:
    found: dict[str, Predicted] = {}
    for files, table in tables:
        place = {name: row for row, name in enumerate(table["name"].to_list())}
        at = np.array([place[name] for name in measured.names], dtype=np.int64)
        kind = RANDOM if files.method.lower().startswith(RANDOM_PREFIX) else MODEL
        before = found.get(files.method)
        seeds = (*(before.seeds if before else ()), (files.seed, table["value"].to_numpy()[at]))
        seen = [n for n in (before.n_seen if before else None, _n_seen(plan, measured, table, at)) if n is not None]
        found[files.method] = Predicted(files.method, kind, seeds, "", max(seen, default=None))
    for method in found.values():
        if method.n_seen:
            notice(f"scores '{method.name}': {method.n_seen:,} of {len(measured):,} sequences were seen in training.")
        elif method.n_seen is None:
            notice(f"scores '{method.name}': nothing is known of what their model and these sequences share.")
    return list(found.values())


def _n_seen(plan: ValuePlan, measured: Measured, table: polars.DataFrame, at: Int64) -> int | None:
    """How many rows a model was trained on, None where nobody knows."""
    words, which = numbered_words(table)
    seen = seen_by_models(words, which[at], plan.store.digest, plan.folds_sha256, measured.fold)
    return None if seen is None else int(seen.sum())


def _floors(plan: ValuePlan, measured: Measured) -> list[Predicted]:
    assert plan.folds is not None
    covariates = {name: np.asarray(plan.store.label(name), dtype=np.float64) for name in plan.covariates}
    truth = np.asarray(plan.store.label(plan.task), dtype=np.float64)
    known = Known(Sequences(*stored_letters(plan.store)), truth, plan.folds.unit, covariates)
    found = cross_fitted(known, plan.folds.fold, np.unique(measured.fold), plan.seed)
    return [
        Predicted(name, BASELINE, (("", values[measured.rows]),), known.described(name), 0)
        for name, values in found.items()
        if not len(measured) or np.isfinite(values[measured.rows]).any()
    ]


def _agreements(measured: Measured, methods: Sequence[Predicted]) -> dict[str, list[Agreement]]:
    return {
        method.name: [Agreement.of(measured.truth, values, measured.cluster) for _, values in method.seeds]
        for method in methods
    }


def _strata(plan: ValuePlan, measured: Measured, methods: Sequence[Predicted]) -> list[Row]:
    """Metrics by upstream AUG; strata of few rows are left out."""
    rows: list[Row] = []
    for name in STRATA:
        at = np.flatnonzero(measured.stratum == name)
        if len(at) < LEAST_ROWS:
            continue
        here = measured.take(at)
        part = [
            Predicted(method.name, method.kind, tuple((seed, values[at]) for seed, values in method.seeds))
            for method in methods
        ]
        draws = resample(_agreements(here, part), here.n_clusters, min(plan.draws, STRATUM_DRAWS), plan.seed)
        about: Row = {"universe": UNIVERSE, "stratum": "upstream AUG", "name": name, **size_of(here)}
        rows += [{**about, "method": method.name, **intervals_of(draws, method.name)} for method in methods]
    return rows


def size_of(measured: Measured) -> Row:
    """Rows, clusters, mean and standard deviation of the measured values."""
    known = len(measured) > 0
    return {
        "n": len(measured),
        "n_clusters": measured.n_clusters,
        "mean": float(measured.truth.mean()) if known else None,
        "sd": float(measured.truth.std()) if known else None,
    }


def intervals_of(draws: Draws, method: str) -> Row:
    """Every metric of a method with its bounds as columns."""
    row: Row = {}
    for metric in METRICS:
        found: Interval = draws.interval(method, metric)
        row |= {metric: found.value, f"{metric}_low": found.low, f"{metric}_high": found.high}
    return row
