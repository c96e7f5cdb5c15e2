"""The motif rule: what the letters of the motif alone predict, the floor under every model of m6A."""

import numpy as np
import numpy.typing as npt

from ribolm.sequences.universes import Contexts, matches

MOTIF_RULE = ("GGACT", "GGACM", "DRACH")  # best first (Dominissini et al. 2012, doi 10.1038/nature11112)


def motif_scores(contexts: Contexts) -> npt.NDArray[np.float64]:
    """The motif rule as a score: GGACT 3, GGAC[AC] 2, other DRACH 1, anything else 0. float64 [n]."""
    scores = np.zeros(len(contexts))
    for value, motif in enumerate(reversed(MOTIF_RULE), start=1):
        scores[matches(contexts, motif)] = value
    return scores
