"""Contact maps as methods: the best stretch between two RNAs, mean of both orders of the chains."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from ribolm.evaluation.interactions.methods import short_enough
from ribolm.evaluation.interactions.places import Place
from ribolm.evaluation.interactions.rankings import Question, RankingMethod
from ribolm.evaluation.interactions.sites import SiteMethod
from ribolm.inference.batches import Forward
from ribolm.inference.contacts import ContactModel
from ribolm.inference.interactions.concatenation import predict_interactions
from ribolm.inference.interactions.stretches import WIDTH_NT, best_stretch
from ribolm.labels.interactions.pairs import Interaction
from ribolm.sequences.rna import RnaRecord

ORDER_DIFFERENCE, SAME_PLACE = "order_difference", "same_place_in_both_orders"


def contact_sites(
    name: str,
    kind: str,
    model: ContactModel,
    forward: Forward,
    pairs: Sequence[Interaction],
    longest_nt: int = 0,
    width: int = WIDTH_NT,
) -> SiteMethod:
    """The best stretch of the contact map of every pair, mean of both orders of the chains.

    Facts: mean absolute difference of the logits between the orders, and the share of pairs whose best stretches of
    the two orders share a base of the target.
    """
    places: dict[int, Place | None] = {}
    differences, same = [], []
    started_s = time.monotonic()
    kept = short_enough(name, pairs, longest_nt)
    for at, one in zip(kept, predict_interactions(model, forward, [pairs[at] for at in kept], width), strict=True):
        places[at] = Place(one.stretch.target_start0, one.stretch.target_end0, one.stretch.mean)
        differences.append(one.cross.order_difference)
        first, second = (best_stretch(block, width) for block in (one.cross.query_first, one.cross.target_first))
        same.append(first.target_start0 < second.target_end0 and second.target_start0 < first.target_end0)
    about = {ORDER_DIFFERENCE: _mean(differences), SAME_PLACE: _mean(same), "seconds": time.monotonic() - started_s}
    return SiteMethod(name, kind, places, about)


def contact_rankings(
    name: str,
    kind: str,
    model: ContactModel,
    forward: Forward,
    questions: Sequence[Question],
    queries: Mapping[str, RnaRecord],
    targets: Mapping[str, RnaRecord],
    width: int = WIDTH_NT,
) -> RankingMethod:
    """Targets by the mean logit of the best stretch, mean of both orders of the chains."""
    differences: list[float] = []
    started_s = time.monotonic()
    scores = []
    for question in questions:
        query = queries[question.query]
        pairs = [Interaction(target, query, targets[target]) for target in question.targets]
        found = list(_stretches(model, forward, pairs, width))
        scores.append(np.array([mean for mean, _ in found]))
        differences += [difference for _, difference in found]
    seconds = time.monotonic() - started_s
    return RankingMethod(name, kind, tuple(scores), seconds, {ORDER_DIFFERENCE: _mean(differences)})


def _stretches(
    model: ContactModel, forward: Forward, pairs: Sequence[Interaction], width: int
) -> list[tuple[float, float]]:
    predicted = predict_interactions(model, forward, pairs, width)
    return [(one.stretch.mean, one.cross.order_difference) for one in predicted]


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
