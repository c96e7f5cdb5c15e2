"""How many known sites calls recover, and how many they would meet by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.inference.scan.annotate import KnownSites
from ribolm.inference.scan.asked import Scope, covered
from ribolm.inference.scan.calls import CallResult
from ribolm.inference.scan.nulls import SHIFTS_NT, near
from ribolm.labels.polya.strand_letters import Places

WITHIN_NT = 20
SHARES = (0.01, 0.02, 0.05)


@dataclass(frozen=True)
class Recovery:
    """One threshold: which candidates are kept, how many calls they are, what they meet.

    `recovered` and `by_chance`: share of the `n_known` sites that the scan can be asked for, and of the same sites
    shifted along their strand, with a call within `within_nt`. `calls_at_known` and `calls_by_chance`: share of the
    calls near a known site, scanned or not, and near a shifted one (mean over shifts). `fdr`: against the
    composition-matched null. NaN where there is nothing to take a share of: no candidate, no site, no call.
    """

    kept: str
    threshold: float
    n_calls: int
    within_nt: int
    n_known: int
    recovered: float
    by_chance: float
    calls_at_known: float
    calls_by_chance: float
    fdr: float

    def facts(self) -> dict[str, object]:
        """For JSON: the fields, and what follows from the shifted null.

        `chance_share`: of the known sites recovered, the share that chance alone would give, None where none is
        recovered. `least_true_share`: of the calls, the share near known sites beyond chance; the rest may be sites
        that nobody listed.
        """
        chance = self.by_chance / self.recovered if self.recovered else None
        return {
            **vars(self),
            "chance_share": chance,
            "least_true_share": max(self.calls_at_known - self.calls_by_chance, 0.0),
        }


@dataclass(frozen=True)
class _Known:
    """Known sites: `asked` those that the scan can be asked for, `near` all that a call may lie beside."""

    asked: Places
    near: Places

    @classmethod
    def of(cls, scope: Scope, places: Places) -> _Known:
        return cls(scope.asked(places), covered(scope.genome, places))


def recoveries(scope: Scope, result: CallResult, known: KnownSites, logits: np.ndarray) -> list[Recovery]:
    """Recovery of known sites at 1, 2 and 5 % of the candidates and at the threshold of the calls.

    `logits` float32 [n]: of all candidates. Sites outside of what was scanned and those without known bases around
    them are not asked for (`Scope.account` counts them); nor are shifted ones.
    """
    sites = _Known.of(scope, known.places)
    shifted = [_Known.of(scope, known.places.shifted(step)) for step in SHIFTS_NT]
    thresholds = [(f"{100 * share:g} % of candidates", _quantile(logits, share)) for share in SHARES]
    return [
        _recovery(result, sites, shifted, kept, threshold)
        for kept, threshold in (*thresholds, ("calls", result.threshold))
    ]


def _quantile(logits: np.ndarray, share: float) -> float:
    """The least logit of the best share of candidates; infinite without any."""
    if not len(logits):
        return float("inf")
    at = len(logits) - max(1, round(share * len(logits)))
    return float(np.partition(logits, at)[at])


def met(sites: Places, result: CallResult, threshold: float) -> npt.NDArray[np.bool_]:
    """Which sites have a call with at least that logit within `WITHIN_NT` on their strand, bool [n]."""
    rows = np.flatnonzero(result.peaks.candidates.logit >= threshold)
    return near(sites, result.peaks.candidates.places.take(rows), WITHIN_NT)


def _recovery(result: CallResult, sites: _Known, shifted: list[_Known], kept: str, threshold: float) -> Recovery:
    rows = np.flatnonzero(result.peaks.candidates.logit >= threshold)
    calls = result.peaks.candidates.places.take(rows)
    undefined = float("nan")
    return Recovery(
        kept,
        threshold,
        len(rows),
        WITHIN_NT,
        len(sites.asked),
        _share(sites.asked, calls) if result.n_candidates else undefined,
        _mean([_share(places.asked, calls) for places in shifted]) if result.n_candidates else undefined,
        _share(calls, sites.near),
        _mean([_share(calls, places.near) for places in shifted]),
        float(result.peaks.fdr[rows].max(initial=0.0)) if len(rows) else undefined,
    )


def _share(places: Places, targets: Places) -> float:
    return float(near(places, targets, WITHIN_NT).mean()) if len(places) else float("nan")


def _mean(shares: list[float]) -> float:
    """The mean of the shares that are defined; NaN without one."""
    defined = [share for share in shares if share == share]
    return float(np.mean(defined)) if defined else float("nan")
