"""The candidates of an evaluation, and the motif rule over them. No AUC stands without its universe."""

import numpy as np
import numpy.typing as npt

from ribolm.sequences.universes import (
    CONTEXT_NT,
    MEANING,
    UNIVERSES,
    Contexts,
    context_text,
    contexts_array,
    matches,
    members,
)

__all__ = [
    "CONTEXT_NT",
    "MEANING",
    "MOTIF_RULE",
    "UNIVERSES",
    "Contexts",
    "context_text",
    "contexts_array",
    "matches",
    "members",
    "motif_scores",
]

MOTIF_RULE = ("GGACT", "GGACM", "DRACH")  # best first (Dominissini et al. 2012, doi 10.1038/nature11112)


def motif_scores(contexts: Contexts) -> npt.NDArray[np.float64]:
    """The motif rule as a score: GGACT 3, GGAC[AC] 2, other DRACH 1, anything else 0. float64 [n]."""
    scores = np.zeros(len(contexts))
    for value, motif in enumerate(reversed(MOTIF_RULE), start=1):
        scores[matches(contexts, motif)] = value
    return scores
