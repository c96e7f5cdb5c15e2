"""From logits of balanced classes to probabilities among the candidates of a genome.

A calibrated logit of balanced classes is the logarithm of the likelihood ratio r of a site against no site. Two things
differ on a genome: sites are rare, and what is no site looks otherwise than the negative examples of training. The
second is put right first, by the composition-matched null: the mean of r over cases that are no sites is 1.
"""

from __future__ import annotations

import numpy as np

from ribolm.inference.calibration import Float64

BINS_PER_UNIT = 100
WIDEST = 40.0  # logits beyond are certain either way
LEAST, MOST = 1e-6, 1 - 1e-6


def null_offset(null: Float64) -> float:
    """What to add to calibrated logits so that the mean likelihood ratio of a null is 1; 0 without a null.

    For any two densities the mean of f1 / f0 under f0 is 1 (the constraint of the density ratio model; Qin 1999, doi
    10.1214/aos/1017938931). The order of the null does not matter.
    """
    if not len(null):
        return 0.0
    ordered = np.sort(null)
    most = float(ordered[-1])
    return -(most + float(np.log(np.mean(np.exp(ordered - most)))))


def estimate_prevalence(logits: Float64) -> float:
    """Share of sites, by maximum likelihood, from logarithms of likelihood ratios, float64 [n]; NaN without any.

    The likelihood of a share π is the product of π r + 1 - π, which has one maximum (Saerens, Latinne and Decaestecker
    2002, doi 10.1162/089976602753284446, climb it by EM). Logits are counted in bins of 0.01, so that their order does
    not matter.
    """
    if not len(logits):
        return float("nan")
    bins = np.rint(np.clip(logits, -WIDEST, WIDEST) * BINS_PER_UNIT).astype(np.int64)
    values, counts = np.unique(bins, return_counts=True)
    gain = np.expm1(values / BINS_PER_UNIT)  # r - 1
    low, high = LEAST, MOST
    for _ in range(60):  # the slope falls all the way
        middle = 0.5 * (low + high)
        slope = float(np.sum(counts * gain / (1 + middle * gain)))
        low, high = (middle, high) if slope > 0 else (low, middle)
    return float(0.5 * (low + high))


def at_bound(prevalence: float) -> bool:
    """Whether an estimate ran into the least or the largest share that is looked for; False for NaN."""
    return prevalence < 2 * LEAST or prevalence > 1 - 2 * (1 - MOST)


def at_prevalence(logits: Float64, prevalence: float) -> Float64:
    """Calibrated logits of balanced classes moved to another share of sites: logit + log(π / (1 - π)); [n]."""
    return np.asarray(logits + np.log(prevalence) - np.log1p(-prevalence), dtype=np.float64)
