"""The whole evaluation of one labelled store: methods read and fitted, compared in every universe, audited."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ribolm.console import choice, notice
from ribolm.errors import DataError, UsageError
from ribolm.evaluation.baselines import Pool, adenosine_pool, fitted_baselines
from ribolm.evaluation.bootstrap import interval_note
from ribolm.evaluation.candidates import Candidates, collect, site_keys
from ribolm.evaluation.comparison import Compared, compare, stratum_rows
from ribolm.evaluation.leakage import Side, audit
from ribolm.evaluation.methods import (
    MODEL,
    PEER,
    RANDOM_PREFIX,
    Method,
    baseline_methods,
    methods_of_tables,
    motif_rule,
    read_tables,
    scored_by_all,
    tell_seen,
    tell_unplaced,
)
from ribolm.evaluation.plan import Plan
from ribolm.evaluation.positions import Contigs, texts
from ribolm.evaluation.stored_letters import StoredLetters, row_contigs
from ribolm.evaluation.transcript_features import transcript_features
from ribolm.genome.coordinates import Int64
from ribolm.labels.folds import Folds, split_units
from ribolm.sequences.universes import UNIVERSES, context_text, members

Row = dict[str, Any]

STRATUM_DRAWS = 200
LEAST_SITES = 5  # of a five-base context; rarer ones are put together
UNIT_COLUMNS = ("name", "chrom", "start0", "end0", "cluster")


@dataclass(frozen=True)
class Assessment:
    """What was found: one `Compared` per universe; rows of strata, of leakage and of the account of sites.

    `interval_note`: a sentence where the intervals of the narrowest universe are rough.
    """

    reference: str
    split: str
    compared: tuple[Compared, ...]
    strata: tuple[Row, ...]
    leakage: tuple[Row, ...]
    sites: dict[str, Any] = field(default_factory=dict)
    interval_note: str | None = None


def assess(plan: Plan) -> Assessment:
    """Carry out an evaluation. Raises DataError and UsageError for inputs that do not fit each other."""
    reference = _reference(plan)
    folds, split = _folds(plan)
    contigs, tables = read_tables([*plan.scores, *plan.peers], row_contigs(plan.store.names(("name", "chrom"))))
    own, peers = tables[: len(plan.scores)], tables[len(plan.scores) :]
    candidates, account = _candidates(plan, folds, contigs, scored_by_all(own))
    others = methods_of_tables(peers, candidates, PEER)
    tell_unplaced(others, candidates)
    methods = [
        *methods_of_tables(own, candidates, MODEL, plan.store.digest, plan.folds_sha256),
        *others,
        motif_rule(candidates),
    ]
    universes = [name for name in UNIVERSES if _reaches(candidates, name)]
    tell_seen(methods, len(candidates), "candidates")
    if plan.fit_baselines:
        methods += _baselines(plan, folds, contigs, candidates, universes)
    compared = tuple(compare(name, candidates, methods, reference, plan.draws, plan.seed) for name in universes)
    for one in compared:
        n_scored = account["sites"] - account["unscored"]
        account["outside"][one.universe] = n_scored - int(one.candidates.is_site.sum())
    strata = _strata(plan, compared[0], reference) if compared else []
    leakage = _leakage(plan, folds) if plan.audit_leakage else []
    note = interval_note(plan.draws, compared[0].candidates.n_clusters, "genes") if compared else None
    return Assessment(reference, split, compared, tuple(strata), tuple(leakage), account, note)


def _reference(plan: Plan) -> str:
    names = list(dict.fromkeys(files.method for files in (*plan.scores, *plan.peers)))
    if not plan.scores:
        raise UsageError("--scores is missing. Give NAME=FILE of at least one model.")
    if plan.reference:
        if plan.reference not in names:
            raise UsageError(f"--reference {plan.reference}: no scores have that name ({', '.join(names)}).")
        return plan.reference
    own = [files.method for files in plan.scores]
    trained = [name for name in own if not name.lower().startswith(RANDOM_PREFIX)]
    if len(set(own)) > 1:
        choice("reference of the differences", (trained or own)[0], "the first model that is not the random control")
    return (trained or own)[0]


def _folds(plan: Plan) -> tuple[Folds, str]:
    """Folds of the rows, without a table one; the units of the bootstrap are genes, whatever the folds keep whole.

    Chromosomes are too few to draw from, and of single windows those of one gene would count as independent.
    """
    names = plan.store.names(UNIT_COLUMNS)
    unit = split_units(names, "gene")
    if plan.folds is None:
        return Folds(np.zeros(len(plan.store), dtype=np.int64), unit), "external test set"
    if len(names) and names["cluster"].null_count() == len(names):
        notice(f"the store knows no genes, so that intervals draw {plan.folds.units}; n_genes counts them.")
        return plan.folds, plan.folds.split_words
    return replace(plan.folds, unit=unit), plan.folds.split_words


def _candidates(plan: Plan, folds: Folds, contigs: Contigs, scored: Int64) -> tuple[Candidates, Row]:
    """Scored places that the store labels, and the account of its sites."""
    candidates = collect(plan.store, plan.task, folds, contigs, scored)
    if len(scored) and not len(candidates):
        raise DataError(
            f"None of the scored places lies in {plan.store.directory} (first scored: {texts(contigs, scored)}). Give "
            "scores and labels of the same store."
        )
    if len(candidates) < len(scored):
        lost = len(scored) - len(candidates)
        notice(f"{lost:,} scored places are not in the store, or unknown bases (N); they are left out.")
    sites = site_keys(plan.store, plan.task, contigs)
    unscored = np.setdiff1d(sites, candidates.keys, assume_unique=True)
    if len(unscored):
        notice(f"{len(unscored):,} of {len(sites):,} sites have no score ({texts(contigs, unscored)}).")
    unknown = int((~candidates.is_known).sum())
    if unknown:
        notice(f"{unknown:,} candidates without a label count as negatives; true sites among them lower precision.")
    account = {"sites": len(sites), "unscored": len(unscored), "unlabelled_as_negative": unknown, "outside": {}}
    return candidates, account


def _reaches(candidates: Candidates, universe: str) -> bool:
    """Whether the scores go beyond the narrower universe; otherwise the wider one would mean the narrower."""
    inside = members(candidates.contexts, universe)
    narrower = {"adenosine": "drach", "nucleotide": "adenosine"}.get(universe)
    is_wider = narrower is None or bool((inside & ~members(candidates.contexts, narrower)).any())
    if not inside.any() or not is_wider:
        notice(f"universe '{universe}' is left out: the scores hold none of the positions that it adds.")
        return False
    return True


def _baselines(
    plan: Plan, folds: Folds, contigs: Contigs, candidates: Candidates, universes: Sequence[str]
) -> list[Method]:
    stored = StoredLetters.of(plan.store)
    if plan.train is not None:
        pool = _train_pool(plan, contigs)
    elif folds.n_folds > 1:
        pool = adenosine_pool(plan.store, plan.task, folds, contigs)
    else:
        notice("baselines are not fitted: there is one fold only and no --train-store to fit them on.")
        return []
    inside = {name: members(candidates.contexts, name) for name in universes}
    return baseline_methods(fitted_baselines(inside, candidates, stored, pool, plan.seed))


def _train_pool(plan: Plan, contigs: Contigs) -> Pool:
    """All of the training store; its fold -1 is never a tested one."""
    assert plan.train is not None
    names = plan.train.names(UNIT_COLUMNS)
    wider = Contigs(tuple(dict.fromkeys((*contigs.names, *Contigs.of(row_contigs(names)).names))))
    folds = Folds(np.full(len(plan.train), -1, dtype=np.int64), split_units(names, "gene"))
    return adenosine_pool(plan.train, plan.task, folds, wider)


def _strata(plan: Plan, compared: Compared, reference: str) -> list[Row]:
    """Per five-base context, per feature of the transcript and per fold, in the narrowest universe."""
    here, draws = compared.candidates, min(plan.draws, STRATUM_DRAWS)
    contexts = np.array([context_text(context) for context in here.contexts])
    names, at = np.unique(contexts, return_inverse=True)
    rare = np.bincount(at, weights=here.is_site, minlength=len(names)) < LEAST_SITES
    contexts = np.where(rare[at], f"with fewer than {LEAST_SITES} sites", contexts)
    rows = stratum_rows(compared, "context", contexts, draws, plan.seed)
    if plan.annotation is not None:
        features = transcript_features(plan.annotation, here)
        if features is None:
            notice(f"{plan.annotation.label} has no CDS rows, so nothing is told per feature.")
        else:
            rows += stratum_rows(compared, "feature", features, draws, plan.seed)
    if len(np.unique(here.fold)) > 1:
        rows += stratum_rows(compared, "fold", np.char.add("fold ", here.fold.astype(str)), draws, plan.seed)
    return rows


def _leakage(plan: Plan, folds: Folds) -> list[Row]:
    """Every fold against the others, or the training store against the tested one; pretraining against all of it."""
    rows: list[Row] = []
    if plan.train is not None:
        train, test = (Side.whole(n, s, plan.task) for n, s in (("training store", plan.train), ("test", plan.store)))
        rows += [finding.row() for finding in audit(train, test)]
    elif folds.n_folds > 1:
        for fold in np.unique(folds.fold).tolist():
            others = Side("other folds", plan.store, np.flatnonzero(folds.fold != fold), plan.task)
            tested = Side(f"fold {fold}", plan.store, np.flatnonzero(folds.fold == fold), plan.task)
            rows += [finding.row() for finding in audit(others, tested)]
    for name, corpus in plan.corpora:
        rows += [f.row() for f in audit(Side.whole(name, corpus), Side.whole("evaluated sequences", plan.store))]
    return rows
