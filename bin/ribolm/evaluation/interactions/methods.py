"""Energies and complementary runs as methods: places on targets, and scores of pairs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ribolm.console import Progress, notice
from ribolm.evaluation.interactions.baselines import COFOLD, COMPLEMENT, DUPLEX, best_run_of_pairs, complementary_run
from ribolm.evaluation.interactions.places import Place
from ribolm.evaluation.interactions.rankings import Question, RankingMethod
from ribolm.evaluation.interactions.sites import SiteMethod
from ribolm.folding.vienna import cofold, duplex, mfe
from ribolm.labels.interactions.pairs import Interaction
from ribolm.sequences.rna import RnaRecord

GC = "GC share of the target"
Find = Callable[[str, str], Place | None]


def duplex_place(query: str, target: str) -> Place | None:
    """The stretch of most pairs in what RNAduplex finds, score: minus its energy in kcal/mol; None without a pair."""
    pairs, energy_kcal = duplex(query, target)
    return best_run_of_pairs(pairs, -energy_kcal)


def cofold_place(query: str, target: str) -> Place | None:
    """The stretch of most pairs between two RNAs in the structure of RNAcofold; score: energy gained by binding."""
    n = len(query)
    partner, energy_kcal = cofold(query, target)
    across = np.flatnonzero(partner[:n] >= n)
    gained = mfe(query).energy_kcal + mfe(target).energy_kcal - energy_kcal
    return best_run_of_pairs(np.stack([across, partner[across] - n], axis=1).astype(np.int64), gained)


FINDERS: dict[str, tuple[str, Find]] = {
    DUPLEX: ("floor", duplex_place),
    COFOLD: ("floor", cofold_place),
    COMPLEMENT: ("floor", complementary_run),
}


def found_sites(name: str, pairs: Sequence[Interaction], longest_nt: int = 0) -> SiteMethod:
    """A method of `FINDERS` on every pair of at most `longest_nt` bases together (0: all)."""
    kind, find = FINDERS[name]
    places: dict[int, Place | None] = {}
    started_s = time.monotonic()
    with Progress(name, len(pairs), "pairs") as progress:
        for at in short_enough(name, pairs, longest_nt):
            places[at] = find(pairs[at].query.letters, pairs[at].target.letters)
            progress.advance()
    return SiteMethod(name, kind, places, {"seconds": time.monotonic() - started_s})


def found_rankings(
    name: str, questions: Sequence[Question], queries: Mapping[str, RnaRecord], targets: Mapping[str, RnaRecord]
) -> RankingMethod:
    """Targets of every question by the scores of a method of `FINDERS`; what does not bind comes last."""
    kind, find = FINDERS[name]

    def scored(query: str, target: str) -> float:
        place = find(query, target)
        return -np.inf if place is None else place.score

    return _ranked(name, kind, questions, queries, targets, scored)


def gc_rankings(
    questions: Sequence[Question], queries: Mapping[str, RnaRecord], targets: Mapping[str, RnaRecord]
) -> RankingMethod:
    """Targets by their share of G and C, the highest first: what needs no query."""

    def share(_query: str, target: str) -> float:
        return (target.count("G") + target.count("C")) / len(target)

    return _ranked(GC, "floor", questions, queries, targets, share)


def _ranked(
    name: str,
    kind: str,
    questions: Sequence[Question],
    queries: Mapping[str, RnaRecord],
    targets: Mapping[str, RnaRecord],
    scored: Callable[[str, str], float],
) -> RankingMethod:
    started_s = time.monotonic()
    scores = []
    with Progress(name, sum(len(question.targets) for question in questions), "pairs") as progress:
        for question in questions:
            query, values = queries[question.query].letters, []
            for target in question.targets:
                values.append(scored(query, targets[target].letters))
                progress.advance()
            scores.append(np.array(values, dtype=np.float64))
    return RankingMethod(name, kind, tuple(scores), time.monotonic() - started_s)


def short_enough(name: str, pairs: Sequence[Interaction], longest_nt: int) -> list[int]:
    """Numbers of the pairs of at most `longest_nt` bases together (0: all); the others are told of."""
    lengths = [len(pair.query.letters) + len(pair.target.letters) for pair in pairs]
    kept = [at for at, length in enumerate(lengths) if not longest_nt or length <= longest_nt]
    if len(kept) < len(pairs):
        notice(f"{name}: {len(pairs) - len(kept):,} of {len(pairs):,} pairs not run, longer than {longest_nt:,} nt.")
    return kept
