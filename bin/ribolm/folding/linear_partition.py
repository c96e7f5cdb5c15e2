"""LinearPartition (Zhang et al. 2020, Bioinformatics 36:i258), where the user installed linearpartition-unofficial.

Its inner code is licensed for non-commercial use only: ribolm neither installs nor ships it, uses it only where asked,
and shows the terms.
"""

import importlib.util
from typing import NamedTuple

import numpy as np

from ribolm.console import notice
from ribolm.errors import ToolError, UsageError
from ribolm.folding.vienna import Float32, Int64, nested_partners

MODES = ("vienna", "eterna")
PACKAGE = "linearpartition-unofficial"
TERMS = "LinearPartition is licensed for non-commercial use only (its authors' terms); you installed and asked for it."


class LinearFold(NamedTuple):
    """`partner` int64 [L] of maximum expected accuracy, energy of the ensemble in kcal/mol, probabilities [L, L]."""

    partner: Int64
    free_energy_kcal: float
    probabilities: Float32


def is_installed() -> bool:
    """Whether the package is there; nothing is imported."""
    return importlib.util.find_spec("linearpartition") is not None


def show_terms() -> None:
    """Tell the terms; ToolError where the package is not installed."""
    if not is_installed():
        raise ToolError(f"LinearPartition is not installed. Install {PACKAGE} if its non-commercial terms suit you.")
    notice(TERMS)


def linear_partition(letters: str, mode: str = "vienna", beam: int = 100) -> LinearFold:
    """Fold one RNA of letters ACGUN in linear time; `mode`: energies of ViennaRNA or of EternaFold.

    N is never paired. Raises UsageError for another mode, ToolError where the package is not installed.
    """
    if mode not in MODES:
        raise UsageError(f"LinearPartition has no mode '{mode}'. Choose one of {', '.join(MODES)}.")
    if not is_installed():
        raise ToolError(f"LinearPartition is not installed. Install {PACKAGE} if its non-commercial terms suit you.")
    n = len(letters)
    probabilities = np.zeros((n, n), dtype=np.float32)
    if not n:  # the package ends the process on an empty text
        return LinearFold(np.zeros(0, dtype=np.int64), 0.0, probabilities)
    import linearpartition

    found = linearpartition.partition(letters, mode=mode, beamsize=beam)
    is_known = np.frombuffer(letters.encode(), dtype=np.uint8) != ord("N")
    pairs = found["bpp"]
    i, j = pairs["i"], pairs["j"]
    both = is_known[i] & is_known[j]
    probabilities[i[both], j[both]] = probabilities[j[both], i[both]] = pairs["prob"][both]
    partner = nested_partners(found["structure"])
    partner[~is_known | ((partner >= 0) & ~is_known[partner])] = -1
    return LinearFold(partner, float(found["free_energy"]), probabilities)
