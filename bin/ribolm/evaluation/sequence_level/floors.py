"""Models without a language model, fitted on other folds than they predict: regression, small network, hexamer rule."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import HEXAMERS, CandidateRule
from ribolm.console import Progress, notice
from ribolm.evaluation.baselines import probability_of
from ribolm.evaluation.methods import BASELINE, RULE, Method, Scores
from ribolm.evaluation.sequence_level import binned_kmers, small_network
from ribolm.evaluation.sequence_level.binned_kmers import BinnedKmers
from ribolm.evaluation.sequence_level.examples import Examples
from ribolm.evaluation.sequence_level.small_network import SmallNetwork

Float64 = npt.NDArray[np.float64]
Fit = Callable[[Letters, npt.NDArray[np.bool_], int], BinnedKmers | SmallNetwork]

REGRESSION_NAME, NETWORK_NAME, RULE_NAME = "4-mer regression", "small network", "hexamer rule"
FITS: dict[str, Fit] = {
    REGRESSION_NAME: lambda letters, is_positive, _seed: binned_kmers.fit(letters, is_positive),
    NETWORK_NAME: small_network.fit,
}


@dataclass(frozen=True)
class _Part:
    """Windows to learn from and rows to predict."""

    letters: Letters
    is_positive: npt.NDArray[np.bool_]
    tested: npt.NDArray[np.int64]


def fitted_floors(tested: Examples, known: Examples, seed: int = 1) -> list[Method]:
    """The regression and the small network on windows of one width.

    `known`: what may be learnt from. Where its folds are those of `tested` (>= 0), the model of a fold learns from all
    other folds; else one model learns from all. Folds without both classes to learn from are -inf; where that are all,
    there is no method, told.
    """
    assert tested.letters is not None and known.letters is not None
    parts = list(_parts(tested, known))
    if not any(part.is_positive.any() and not part.is_positive.all() for part in parts):
        notice("no baseline is fitted: no fold leaves windows of both classes to learn from.")
        return []
    found = []
    for name, fit in FITS.items():
        logit, n_parameters, seconds = np.full(len(tested), -np.inf), 0, 0.0
        with Progress(name, len(parts), "fits") as progress:
            for part in parts:
                if part.is_positive.any() and not part.is_positive.all():
                    model = fit(part.letters, part.is_positive, seed)
                    started_s = time.monotonic()
                    logit[part.tested] = model.logits(tested.letters[part.tested])
                    seconds += time.monotonic() - started_s
                    n_parameters = model.n_parameters
                progress.advance()
        scores = (Scores("", logit, probability_of(logit)),)
        found.append(Method(name, BASELINE, scores, n_parameters=n_parameters, seconds=seconds or None))
    return found


def _parts(tested: Examples, known: Examples) -> list[_Part]:
    assert known.letters is not None
    if (tested.fold < 0).any():
        return [_Part(known.letters, known.is_positive, np.arange(len(tested)))]
    found = []
    for fold in np.unique(tested.fold).tolist():
        rows = known.fold != fold
        found.append(_Part(known.letters[rows], known.is_positive[rows], np.flatnonzero(tested.fold == fold)))
    return found


def hexamer_rule(letters: Letters, anchor0: int, anchor: str, rule: CandidateRule | None = None) -> Float64:
    """How good a window's best hexamer is, float64 [n]: 18 for AATAAA down to 1, 0 without one.

    `anchor` "hexamer": the one whose fourth base is `anchor0`; "cleavage": any that begins as far upstream of it as the
    rule of candidates asks.
    """
    rule = rule or CandidateRule()
    starts = [anchor0 - 3] if anchor == "hexamer" else [anchor0 - d for d in rule.distance_order()]
    found = np.zeros(len(letters))
    for start0 in starts:
        if 0 <= start0 <= letters.shape[1] - 6:
            word = np.ascontiguousarray(letters[:, start0 : start0 + 6])
            for rank, hexamer in enumerate(HEXAMERS):
                hit = (word == np.frombuffer(hexamer.encode(), np.uint8)).all(axis=1)
                found[hit] = np.maximum(found[hit], len(HEXAMERS) - rank)
    return found


def rule_method(examples: Examples, anchor0: int, anchor: str) -> Method:
    """The hexamer rule as a method."""
    assert examples.letters is not None
    scores = hexamer_rule(examples.letters, anchor0, anchor)
    return Method(RULE_NAME, RULE, (Scores("", scores),), n_parameters=0)
