"""Structures by energy alone, as functions from letters to partners that processes can be sent."""

from collections.abc import Callable

from ribolm.folding.linear_partition import linear_partition, show_terms
from ribolm.folding.vienna import Int64, mea, mfe

LINEAR_PARTITION = "linearpartition"


def folded_by(method: str) -> Callable[[str], Int64]:
    """The function of a method, "mfe", "mea" or "linearpartition", from letters to partners int64 [L].

    Shows the terms of LinearPartition; raises ToolError where that is not installed.
    """
    if method == LINEAR_PARTITION:
        show_terms()
    return {"mfe": least_energy, "mea": expected_accuracy, LINEAR_PARTITION: linear_accuracy}[method]


def least_energy(letters: str) -> Int64:
    """Partners in the structure of least free energy (RNAfold)."""
    return mfe(letters).partner


def expected_accuracy(letters: str) -> Int64:
    """Partners in the structure of maximum expected accuracy (RNAfold)."""
    return mea(letters).partner


def linear_accuracy(letters: str) -> Int64:
    """Partners in LinearPartition's structure of maximum expected accuracy."""
    return linear_partition(letters).partner
