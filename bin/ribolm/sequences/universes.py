"""Which positions count as candidates. The universe decides what a score or an AUC means."""

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import DRACH, IUPAC, Letters

UNIVERSES = ("drach", "adenosine", "nucleotide")
MEANING = {
    "drach": "adenosines in DRACH (D = A, G, T; R = A, G; H = A, C, T)",
    "adenosine": "all adenosines",
    "nucleotide": "all nucleotides",
}
CONTEXT_NT = 5

Contexts = npt.NDArray[np.uint8]


def contexts_array(texts: npt.NDArray[np.bytes_]) -> Contexts:
    """Five-base contexts as letters, uint8 [n, 5], from fixed-width byte strings (S5)."""
    return np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), CONTEXT_NT)


def context_text(context: Letters) -> str:
    """One context as text."""
    return bytes(context).decode("ascii")


def matches(contexts: Contexts, motif: str) -> npt.NDArray[np.bool_]:
    """Which contexts match five IUPAC codes; N in a context matches nothing. bool [n]."""
    hit = np.ones(len(contexts), dtype=bool)
    for column, code in enumerate(motif):
        allowed = np.zeros(256, dtype=bool)
        allowed[[ord(base) for base in IUPAC[code]]] = True
        hit &= allowed[contexts[:, column]]
    return hit


def members(contexts: Contexts, universe: str) -> npt.NDArray[np.bool_]:
    """Which positions belong to a universe, from the contexts around them, 5' to 3' on their own strand. bool [n]."""
    if universe == "nucleotide":
        return np.ones(len(contexts), dtype=bool)
    if universe == "adenosine":
        return np.asarray(contexts[:, CONTEXT_NT // 2] == ord("A"))
    return matches(contexts, DRACH)
