"""Sites that may be no sites: an oligo(dT) primer also binds to A-rich stretches that the genome itself holds."""

from __future__ import annotations

import numpy as np

from ribolm.alphabet import Letters
from ribolm.labels.polya.strand_letters import Bool

DOWNSTREAM_NT = 20
RUN_NT = 6
WINDOW_NT, WINDOW_A = 10, 7


def may_be_primed_inside(downstream: Letters) -> Bool:
    """Whether the genome goes on A-rich behind a cleavage, bool [n].

    `downstream` uint8 [n, width]: letters on the site's strand, the first A behind the cleavage first (`DOWNSTREAM_NT`
    of them are meant). True where six A follow each other or ten bases hold seven A (in the manner of Beaudoing et al.
    2000, doi 10.1101/gr.10.7.1001, and Tian et al. 2005, doi 10.1093/nar/gki158, downstream part).
    """
    is_a = np.asarray(downstream) == ord("A")
    if is_a.shape[1] < RUN_NT:
        return np.zeros(len(is_a), dtype=bool)
    total = np.zeros((len(is_a), is_a.shape[1] + 1), dtype=np.int64)
    np.cumsum(is_a, axis=1, out=total[:, 1:])
    found = (total[:, RUN_NT:] - total[:, :-RUN_NT] == RUN_NT).any(axis=1)
    if is_a.shape[1] >= WINDOW_NT:
        found |= (total[:, WINDOW_NT:] - total[:, :-WINDOW_NT] >= WINDOW_A).any(axis=1)
    return np.asarray(found)
