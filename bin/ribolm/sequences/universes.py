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


def context_texts(contexts: Contexts) -> npt.NDArray[np.object_]:
    """Contexts as texts, [n]; equal ones are one object, so that millions take little memory."""
    distinct, index = np.unique(np.ascontiguousarray(contexts).view(f"S{CONTEXT_NT}").ravel(), return_inverse=True)
    return np.array([text.decode("ascii") for text in distinct.tolist()], dtype=object)[index]


def contexts_at(padded: Letters, middle: npt.NDArray[np.int64]) -> Contexts:
    """Five letters around positions of an array that reaches two letters beyond all of them; uint8 [n, 5]."""
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, CONTEXT_NT)[middle - CONTEXT_NT // 2])


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
