"""The evaluation of models that answer for every base: ranking and calls at each tolerance, compared in pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ribolm.console import notice
from ribolm.errors import UsageError
from ribolm.evaluation.bootstrap import DRAWS, Draws, Interval, bootstrap
from ribolm.evaluation.candidates import Bool, Candidates, collect, site_keys
from ribolm.evaluation.methods import SHUFFLED, SHUFFLED_NAME, Method, scored_by_all, tell_seen
from ribolm.evaluation.metrics import RankedCounts, Ranking, rank
from ribolm.evaluation.positions import Contigs
from ribolm.evaluation.score_tables import NamedFiles
from ribolm.evaluation.sequence_level.thresholds import Confusion, intervals
from ribolm.evaluation.stored_letters import row_contigs
from ribolm.evaluation.token_level.coverage import require_every_base
from ribolm.evaluation.token_level.scored_bases import (
    ScoredBases,
    candidate_rule,
    methods_of_bases,
    read_scored_bases,
)
from ribolm.evaluation.token_level.windows import Windows, windows
from ribolm.genome.coordinates import Int64
from ribolm.labels.folds import Folds, split_units
from ribolm.sequences.store import TokenStore

TOLERANCES_NT = (0, 5, 10, 25)
SPLIT = "whole genes; those that overlap are in one fold"
UNIT_COLUMNS = ("name", "chrom", "start0", "end0", "cluster")
# 16.0 % of the sites are found in Saha et al. 2025 (doi 10.1016/j.csbj.2025.12.011), at a precision of 35.6 %
PUBLISHED_RECALL = 0.16
RANKING = {
    "average_precision": RankedCounts.average_precision,
    "roc_auc": RankedCounts.roc_auc,
    "precision_at_recall_16": lambda counts: counts.precision_at_recall(PUBLISHED_RECALL),
}


@dataclass(frozen=True)
class TokenPlan:
    """What to evaluate: scores over a store with labels of tokens. `reference` "": the first method."""

    store: TokenStore
    task: str
    scores: Sequence[NamedFiles]
    tolerances_nt: tuple[int, ...] = TOLERANCES_NT
    reference: str = ""
    draws: int = DRAWS
    seed: int = 1

    def settings(self) -> dict[str, Any]:
        """What the numbers depend on, for metrics.json."""
        names = ("task", "tolerances_nt", "reference", "draws", "seed")
        return {**{name: getattr(self, name) for name in names}, "store_sha256": self.store.digest}


@dataclass(frozen=True)
class AtTolerance:
    """All methods over the windows of one tolerance.

    `rankings[name]` has one entry per seed, `calls[name]` one per seed where thresholds are known; `called` are the
    metrics of the calls.
    """

    windows: Windows
    rankings: Mapping[str, tuple[Ranking, ...]]
    draws: Draws
    calls: Mapping[str, tuple[Confusion, ...]]
    called: Mapping[str, Mapping[str, Interval]]


@dataclass(frozen=True)
class TokenAssessment:
    """What was found: the bases, the methods (the shuffled control last), one entry per tolerance.

    `sites`: labelled sites of the store, and those of them without a score; `labelled_bases`: the same of all bases.
    """

    bases: Candidates
    methods: tuple[Method, ...]
    by_tolerance: tuple[AtTolerance, ...]
    reference: str
    sites: Mapping[str, int]
    labelled_bases: Mapping[str, int]


def assess_tokens(plan: TokenPlan) -> TokenAssessment:
    """Carry out an evaluation. Raises DataError and UsageError for inputs that do not fit each other."""
    _check(plan)
    contigs = Contigs.of(row_contigs(plan.store.names(("name", "chrom"))))
    scored = [read_scored_bases(files, contigs) for files in plan.scores]
    n_labelled = require_every_base(plan.store, plan.task, contigs, [one.table for one in scored])
    bases = _labelled_bases(plan, contigs, scored_by_all([one.table for one in scored]))
    models = methods_of_bases(scored, bases, plan.store.digest)
    tell_seen([model for model in models if model.n_seen], len(bases), "bases")
    methods = [*models, candidate_rule(plan.store, bases)]
    reference = plan.reference or methods[0].name
    if reference not in [method.name for method in methods]:
        raise UsageError(f"--reference {reference}: no method has that name.")
    listed = len(site_keys(plan.store, plan.task, contigs))
    first = next(method for method in methods if method.name == reference)
    control = Method(SHUFFLED_NAME, SHUFFLED, first.seeds[:1])
    calls = _calls(scored, bases.keys)
    found = tuple(_measure(windows(bases, t), bases, methods, control, calls, plan) for t in plan.tolerances_nt)
    sites = {"sites": listed, "unscored": listed - int(bases.is_site.sum())}
    labelled = {"labelled": n_labelled, "unscored": n_labelled - len(bases)}
    return TokenAssessment(bases, (*methods, control), found, reference, sites, labelled)


def _check(plan: TokenPlan) -> None:
    if not plan.scores:
        raise UsageError("--scores is missing. Give NAME=FILE of at least one model.")
    if not plan.tolerances_nt or min(plan.tolerances_nt) < 0 or len(set(plan.tolerances_nt)) < len(plan.tolerances_nt):
        raise UsageError("--tolerance is no list of different distances in nt. Give for instance 0,5,10,25.")


def _labelled_bases(plan: TokenPlan, contigs: Contigs, keys: Int64) -> Candidates:
    """Scored bases with a known label; the unit of the bootstrap is a cluster of overlapping genes."""
    unit = split_units(plan.store.names(UNIT_COLUMNS), "gene")
    folds = Folds(np.zeros(len(plan.store), dtype=np.int64), unit)
    found = collect(plan.store, plan.task, folds, contigs, keys)
    unknown = int((~found.is_known).sum())
    if unknown:
        notice(f"{unknown:,} scored bases without a label count neither way.")
    return found.take(found.is_known)


def _calls(scored: Sequence[ScoredBases], keys: Int64) -> dict[str, list[Bool]]:
    """Called bases of every seed of the methods whose models all tell their threshold."""
    found: dict[str, list[Bool]] = {}
    unknown = {one.table.files.method for one in scored if one.is_called is None}
    for one in scored:
        called = one.called(keys)
        if called is not None and one.table.files.method not in unknown:
            found.setdefault(one.table.files.method, []).append(called)
    return found


def _measure(
    cut: Windows,
    bases: Candidates,
    methods: Sequence[Method],
    control: Method,
    calls: Mapping[str, Sequence[Bool]],
    plan: TokenPlan,
) -> AtTolerance:
    """Rank and call the windows of one tolerance; intervals from the same draws of genes for all methods."""
    rankings = {
        method.name: tuple(rank(cut.is_site, cut.best(seed.score), cut.cluster) for seed in method.seeds)
        for method in methods
    }
    permuted = np.random.Generator(np.random.Philox(plan.seed)).permutation(cut.is_site)
    rankings[control.name] = (rank(permuted, cut.best(control.seeds[0].score), cut.cluster),)
    draws = bootstrap(rankings, bases.n_clusters, RANKING, plan.draws, plan.seed)
    confusions = {
        name: tuple(Confusion.of(cut.is_site, cut.best(one) > 0, cut.cluster) for one in seeds)
        for name, seeds in calls.items()
    }
    called = {name: intervals(list(seeds), plan.draws, plan.seed) for name, seeds in confusions.items()}
    return AtTolerance(cut, rankings, draws, confusions, called)
