"""Which targets an RNA binds: its verified targets among others, ranked by the score of every pair.

Others are taken as negatives, though some may be targets that nobody has verified yet: ranks are compared between
methods on the same pairs, and say little in themselves.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.evaluation.bootstrap import DRAWS, Draws, cluster_weights, interval_note
from ribolm.evaluation.metrics import average_precision, roc_auc

Float64 = npt.NDArray[np.float64]
Row = dict[str, Any]

AUC, PRECISION, MEDIAN, TOP = "roc_auc", "average_precision", "median_rank_share", "recall_in_top_tenth"
METRICS = (AUC, PRECISION, MEDIAN, TOP)
TOP_SHARE = 0.1


@dataclass(frozen=True)
class Question:
    """One query and the targets that are ranked for it; `is_verified` bool [targets], of both kinds at least one."""

    query: str
    targets: tuple[str, ...]
    is_verified: npt.NDArray[np.bool_]


def choose_questions(
    verified: Mapping[str, Sequence[str]],
    targets: Sequence[str],
    n_others: int = 0,
    seed: int = 1,
    fits: Callable[[str, str], bool] | None = None,
) -> tuple[Question, ...]:
    """The verified targets of every query and `n_others` others, drawn by seed and query; 0: all others.

    Targets keep their order; those for which `fits`(query, target) is false are not ranked. A query without a verified
    target or without another one cannot be ranked: it is left out and told. Raises DataError where no query is left.
    """
    asked = [query for query in sorted(verified) if verified[query]]
    found: list[Question] = []
    for query in asked:
        names = [target for target in targets if fits is None or fits(query, target)]
        question = _drawn_question(query, set(verified[query]), names, n_others, seed)
        if 0 < question.is_verified.sum() < len(question.targets):
            found.append(question)
    if not found:
        raise DataError(
            "No query has a verified target and another one among the given sequences. Give the list of these RNAs, "
            "or more targets."
        )
    if len(found) < len(asked):
        notice(
            f"{len(asked) - len(found):,} of {len(asked):,} queries not ranked: without a verified or another target."
        )
    return tuple(found)


def _drawn_question(query: str, own: set[str], targets: Sequence[str], n_others: int, seed: int) -> Question:
    others = np.flatnonzero([target not in own for target in targets])
    if 0 < n_others < len(others):
        stream = np.random.SeedSequence([seed, zlib.crc32(query.encode())])
        others = np.random.Generator(np.random.Philox(stream)).permutation(others)[:n_others]
    kept = np.sort(np.r_[others, np.flatnonzero([target in own for target in targets])]).tolist()
    names = tuple(targets[at] for at in kept)
    return Question(query, names, np.array([name in own for name in names], dtype=bool))


@dataclass(frozen=True)
class RankingMethod:
    """Scores of one method, higher is better: one array float64 [targets] per question, in their order."""

    name: str
    kind: str
    scores: tuple[Float64, ...]
    seconds: float | None = None
    about: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class RankingAssessment:
    """All methods on the same questions; `values[method]` float64 [questions, metrics]."""

    questions: tuple[Question, ...]
    methods: tuple[RankingMethod, ...]
    values: Mapping[str, Float64]
    drawn: Draws
    n_draws: int

    def interval_note(self) -> str | None:
        """A sentence on intervals that are rough, or None."""
        return interval_note(self.n_draws, len(self.questions), "queries")

    def method_rows(self) -> list[Row]:
        """One row per method: means over queries with intervals over queries."""
        n = sum(len(question.targets) for question in self.questions)
        n_verified = sum(int(question.is_verified.sum()) for question in self.questions)
        rows: list[Row] = []
        for method in self.methods:
            row: Row = {"method": method.name, "kind": method.kind, "n": n, "n_verified": n_verified}
            row |= {"n_queries": len(self.questions), "prevalence": n_verified / n, "seconds": method.seconds}
            for metric in METRICS:
                found = self.drawn.interval(method.name, metric)
                row |= {metric: found.value, f"{metric}_low": found.low, f"{metric}_high": found.high}
            rows.append(row | dict(method.about))
        return rows

    def difference_rows(self) -> list[Row]:
        """Every model minus every other method, paired over queries."""
        rows: list[Row] = []
        for method in self.methods:
            for other in self.methods if method.kind == "model" else ():
                for metric in METRICS if other.name != method.name else ():
                    found = self.drawn.difference(method.name, other.name, metric)
                    row: Row = {"method": method.name, "other": other.name, "metric": metric}
                    row |= {"difference": found.value, "low": found.low, "high": found.high, "p_value": found.p_value}
                    rows.append(row)
        return rows

    def query_rows(self) -> list[Row]:
        """Metrics of every query and method."""
        rows: list[Row] = []
        for at, question in enumerate(self.questions):
            for method in self.methods:
                row: Row = {"query": question.query, "method": method.name, "n": len(question.targets)}
                row |= {"n_verified": int(question.is_verified.sum())}
                values = self.values[method.name][at].tolist()
                rows.append(row | dict(zip(METRICS, values, strict=True)))
        return rows


def assess_rankings(
    questions: tuple[Question, ...], methods: Sequence[RankingMethod], draws: int = DRAWS, seed: int = 1
) -> RankingAssessment:
    """Measure every method on every question; the mean over queries is reported, with draws of queries."""
    values = {
        method.name: np.array([_measured(q, scores) for q, scores in zip(questions, method.scores, strict=True)])
        for method in methods
    }
    weights = cluster_weights(len(questions), draws, seed)
    means = {name: found.mean(axis=0, keepdims=True) for name, found in values.items()}
    drawn = {name: (weights @ found) / len(questions) for name, found in values.items()}
    return RankingAssessment(questions, tuple(methods), values, Draws(METRICS, means, drawn), len(weights))


def _measured(question: Question, scores: Float64) -> tuple[float, ...]:
    """ROC-AUC, average precision, median over verified targets of the share of others above them (ties half), and the
    share of verified targets among the tenth of all targets with the highest scores (ties count by their share)."""
    own, others = scores[question.is_verified], scores[~question.is_verified]
    above = (others[None] > own[:, None]).mean(axis=1) + (others[None] == own[:, None]).mean(axis=1) / 2
    n_top = TOP_SHARE * len(scores)
    reach = (scores[None] > own[:, None]).sum(axis=1), (scores[None] == own[:, None]).sum(axis=1)
    inside = np.clip((n_top - reach[0]) / reach[1], 0, 1)
    ranked = (roc_auc(question.is_verified, scores), average_precision(question.is_verified, scores))
    return (*ranked, float(np.median(above)), float(inside.mean()))
