"""From scored candidates to calls: threshold by false discovery rate, one call per site, probability at prevalence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ribolm.candidates.hexamers import CandidateRule
from ribolm.console import Progress, choice, notice
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.inference.batches import Float32
from ribolm.inference.calibration import Calibration, Float64, probability
from ribolm.inference.scan.gathered import ScoredCandidates
from ribolm.inference.scan.nulls import composition_null, draw_groups, false_discovery_rates
from ribolm.inference.scan.prevalence import at_bound, at_prevalence, estimate_prevalence, null_offset
from ribolm.inference.scan.scorer import WindowScorer
from ribolm.inference.scan.suppression import RADIUS_NT, suppress

FDR = 0.5  # more right than wrong: what sequence alone can promise in a genome
NULL_GROUPS = 20_000


@dataclass(frozen=True)
class CallOptions:
    """How calls are made. `prevalence` None: estimated; `top_share`: keep this share of the candidates, not an FDR.

    A share is above 0 and keeps one candidate at least.
    """

    fdr: float = FDR
    top_share: float | None = None
    prevalence: float | None = None
    radius_nt: int = RADIUS_NT
    null_groups: int = NULL_GROUPS
    seed: int = 1


@dataclass(frozen=True)
class SiteCalls:
    """Calls by contig, place, + before -; arrays of one length n. `cluster_size`: candidates that a call stands for."""

    candidates: ScoredCandidates
    probability: Float64
    fdr: Float64
    cluster_size: Int64

    def __len__(self) -> int:
        return len(self.candidates)

    def take(self, rows: Any) -> SiteCalls:
        """Some of the calls."""
        return SiteCalls(self.candidates.take(rows), self.probability[rows], self.fdr[rows], self.cluster_size[rows])


@dataclass(frozen=True)
class CallResult:
    """All peaks of the scan (`peaks`, whatever they score), the calls among them, and the numbers behind both."""

    peaks: SiteCalls
    calls: SiteCalls
    prevalence: float
    threshold: float
    n_candidates: int
    null: Float32


def make_calls(
    scorer: WindowScorer,
    genome: Genome,
    found: ScoredCandidates,
    rule: CandidateRule,
    calibration: Calibration,
    options: CallOptions,
) -> CallResult:
    """Unite candidates, estimate prevalence and false discovery rates, keep the calls.

    `threshold` is the least uncalibrated logit of a call, infinite where none is kept. The result does not depend on
    the parts that the scan was made in, and the mirrored genome gives the mirrored calls.
    """
    owner = suppress(found.places, found.logit, options.radius_nt)
    top = np.flatnonzero(owner == np.arange(len(owner)))
    drawn = draw_groups(genome, found, owner, options.null_groups, options.seed)
    with Progress("shuffled groups", len(drawn[0]), "groups") as progress:
        null = composition_null(scorer, genome, found, owner, drawn, rule, options.radius_nt, progress.advance)
    fdr = false_discovery_rates(found.logit[top], null)
    ratio = calibration.apply(found.logit[top].astype(np.float64))
    ratio += null_offset(calibration.apply(null.astype(np.float64)))
    prevalence = _prevalence(ratio, options)
    chance = probability(at_prevalence(ratio, prevalence)) if len(top) else np.zeros(0)
    threshold = _threshold(found, top, fdr, options)
    size = np.bincount(owner[found.logit >= threshold], minlength=len(owner))[top]
    peaks = SiteCalls(found.take(top), chance, fdr, size.astype(np.int64))
    calls = peaks.take(np.flatnonzero(found.logit[top] >= threshold))
    return CallResult(peaks, calls, prevalence, threshold, len(found), null)


def _prevalence(ratio: Float64, options: CallOptions) -> float:
    if options.prevalence is not None:
        return options.prevalence
    found = estimate_prevalence(ratio)
    if len(ratio):
        choice("share of sites among united candidates", f"{found:.3g}", "maximum likelihood beside the shuffled ones")
    if at_bound(found):
        notice(
            f"the estimated share of sites, {found:.3g}, is at the bound of what is looked for: probabilities mean "
            "nothing. Scan more of the genome, or give --prevalence."
        )
    return found


def _threshold(found: ScoredCandidates, top: Int64, fdr: Float64, options: CallOptions) -> float:
    if not len(found):
        return float("inf")
    if options.top_share is not None:
        n = max(1, round(options.top_share * len(found)))
        threshold = float(np.partition(found.logit, len(found) - n)[len(found) - n])
        what = f"the best {n:,} of {len(found):,} candidates, {100 * options.top_share:g} %"
        choice("least logit", f"{threshold:.4f}", what)
        return threshold
    kept = fdr <= options.fdr
    if not kept.any():
        best = float(fdr.min())
        n_best = int(np.count_nonzero(fdr == best))
        notice(
            f"no set of calls has an estimated false discovery rate of {options.fdr:g} or less; {best:.3g} for the "
            f"best {n_best:,} is the lowest. The result is empty; take a larger --fdr, or --top-share."
        )
        return float("inf")
    threshold = float(found.logit[top][kept].min())
    choice("least logit", f"{threshold:.4f}", f"estimated false discovery rate of {options.fdr:g} or less")
    return threshold
