"""An evaluation of interactions from its files to its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm.console import notice
from ribolm.evaluation.contact_arms import ContactArm, contact_arms
from ribolm.evaluation.interactions.baselines import COFOLD, COMPLEMENT, DUPLEX
from ribolm.evaluation.interactions.contact_maps import contact_rankings, contact_sites
from ribolm.evaluation.interactions.methods import found_rankings, found_sites, gc_rankings
from ribolm.evaluation.interactions.output import write_interaction_assessment
from ribolm.evaluation.interactions.rankings import RankingAssessment, assess_rankings, choose_questions
from ribolm.evaluation.interactions.sites import SiteAssessment, assess_sites, with_sites
from ribolm.files import sha256_of
from ribolm.inference.contacts import contact_forward, require_memory
from ribolm.labels.interactions.pairs import read_pairs
from ribolm.labels.interactions.verified import read_verified
from ribolm.sequences.rna import RnaRecord, read_rna

Row = dict[str, Any]
ByName = dict[str, RnaRecord]


@dataclass(frozen=True)
class InteractionPlan:
    """What `ribolm-evaluate interactions` is told; `pairs`, or `queries` with `targets` and `verified`, or all."""

    pairs: Path | None
    queries: Path | None
    targets: Path | None
    verified: Path | None
    models: tuple[Path, ...]
    fit_on: Path | None
    others: int
    longest_cofold_nt: int
    longest_map_nt: int
    width: int
    cofold: bool
    draws: int
    seed: int
    device: str

    def settings(self) -> Row:
        """What the numbers depend on."""
        files = {name: getattr(self, name) for name in ("pairs", "queries", "targets", "verified")}
        told = {name: {"file": path.name, "sha256": sha256_of(path)} for name, path in files.items() if path}
        names = ("others", "longest_cofold_nt", "longest_map_nt", "width", "draws", "seed")
        return {**told, **{name: getattr(self, name) for name in names}}


def evaluate_interactions(outdir: Path, plan: InteractionPlan) -> None:
    """Run every method on the pairs and on the ranking that are asked for, and write the tables.

    Raises DataError for files and models that do not fit.
    """
    arms = contact_arms(plan.models, plan.fit_on, plan.seed)
    sites = _sites(plan, arms) if plan.pairs else None
    ranking = _ranking(plan, arms) if plan.verified else None
    models = {arm.name: {**arm.model.facts(), "kind": arm.kind} for arm in arms}
    write_interaction_assessment(outdir, sites, ranking, plan.settings(), models)


def _sites(plan: InteractionPlan, arms: list[ContactArm]) -> SiteAssessment:
    assert plan.pairs is not None
    pairs = with_sites(read_pairs(plan.pairs))
    methods = [found_sites(DUPLEX, pairs), found_sites(COFOLD, pairs, plan.longest_cofold_nt)]
    methods.append(found_sites(COMPLEMENT, pairs))
    lengths = [_length(pair.query, pair.target) for pair in pairs]
    longest = [length for length in lengths if not plan.longest_map_nt or length <= plan.longest_map_nt]
    for arm in arms:
        forward = contact_forward(arm.model, plan.device)
        require_memory(arm.model, forward, longest)
        methods.append(contact_sites(arm.name, arm.kind, arm.model, forward, pairs, plan.longest_map_nt, plan.width))
    return assess_sites(pairs, methods, plan.draws, plan.seed)


def _ranking(plan: InteractionPlan, arms: list[ContactArm]) -> RankingAssessment:
    assert plan.queries is not None and plan.targets is not None and plan.verified is not None
    queries, targets = _by_name(plan.queries), _by_name(plan.targets)
    verified = read_verified(plan.verified, queries, targets)
    fits = _fitting(plan, bool(arms), verified, queries, targets)
    questions = choose_questions(verified, list(targets), plan.others, plan.seed, fits)
    methods = [found_rankings(DUPLEX, questions, queries, targets)]
    if plan.cofold:
        methods.append(found_rankings(COFOLD, questions, queries, targets))
    methods += [found_rankings(COMPLEMENT, questions, queries, targets), gc_rankings(questions, queries, targets)]
    lengths = [_length(queries[one.query], targets[name]) for one in questions for name in one.targets]
    for arm in arms:
        forward = contact_forward(arm.model, plan.device)
        require_memory(arm.model, forward, lengths)
        found = contact_rankings(arm.name, arm.kind, arm.model, forward, questions, queries, targets, plan.width)
        methods.append(found)
    return assess_rankings(questions, methods, plan.draws, plan.seed)


def _fitting(
    plan: InteractionPlan, models: bool, verified: Mapping[str, Sequence[str]], queries: ByName, targets: ByName
) -> Callable[[str, str], bool]:
    """Whether no method that runs finds a pair too long: methods are ranked on the same pairs. The others are told."""
    limits = {"--longest-cofold-nt": plan.longest_cofold_nt if plan.cofold else 0}
    limits["--longest-map-nt"] = plan.longest_map_nt if models else 0
    option, most = min(((name, nt) for name, nt in limits.items() if nt), key=lambda one: one[1], default=("", 0))

    def fits(query: str, target: str) -> bool:
        return not most or _length(queries[query], targets[target]) <= most

    asked = [(query, target) for query, own in verified.items() if own for target in targets]
    n_long = sum(not fits(*pair) for pair in asked)
    if n_long:
        notice(f"ranking: {n_long:,} of {len(asked):,} pairs left out for all methods, longer than {option} {most}.")
    return fits


def _length(query: RnaRecord, target: RnaRecord) -> int:
    return len(query.letters) + len(target.letters)


def _by_name(path: Path) -> ByName:
    return {record.name: record for record in read_rna(path)}
