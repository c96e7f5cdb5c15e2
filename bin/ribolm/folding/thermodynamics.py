"""Pair probabilities of one RNA by ViennaRNA's partition function (McCaskill 1990; Lorenz et al. 2011).

Reactivities (SHAPE, DMS) come in as the pseudo-energies of Deigan et al. 2009: a stacked pair with a reactivity r at
one of its bases costs m · ln(r + 1) + b kcal/mol.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ribolm.folding.pair_lists import LEAST, PairList

DEIGAN_M, DEIGAN_B = 1.8, -0.6  # kcal/mol, ViennaRNA's defaults
NO_REACTIVITY = -999.0  # ViennaRNA's sign of a base without a measurement
BASE_PAIR = 0  # type of an entry of ViennaRNA's list; others are motifs


def probable_pairs(letters: str, reactivities: Sequence[float] | None = None) -> PairList:
    """Pairs of an RNA (ACGUN) with a probability of 1e-4 or more.

    `reactivities`: one per base, NaN where there is none. Cost: cubic in the length; 500 nt take 0.1 s.
    """
    import RNA

    fold = RNA.fold_compound(letters)
    if reactivities is not None:
        known = [NO_REACTIVITY if np.isnan(value) else float(value) for value in reactivities]
        fold.sc_add_SHAPE_deigan([NO_REACTIVITY, *known], DEIGAN_M, DEIGAN_B)  # counted from 1
    fold.exp_params_rescale(fold.mfe()[1])
    fold.pf()
    found = [(pair.i - 1, pair.j - 1, pair.p) for pair in fold.plist_from_probs(LEAST) if pair.type == BASE_PAIR]
    table = np.array(sorted(found), dtype=np.float64).reshape(-1, 3)
    return PairList(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2].astype(np.float16))


def describe() -> dict[str, Any]:
    """What made the probabilities, for manifests: program, version, energy parameters."""
    import RNA

    return {"program": "ViennaRNA", "version": RNA.__version__, "parameters": "Turner 2004"}
