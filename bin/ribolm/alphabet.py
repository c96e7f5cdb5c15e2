"""The nucleotide alphabet: upper case, U as T, IUPAC codes, gaps, complement, motifs; sequences as uint8 ASCII arrays.

Letters of either case and U read as ACGT, other IUPAC codes as N. A gap is no nucleotide: every reader refuses it, but
for tokenizers that are asked for aligned input.
"""

import numpy as np
import numpy.typing as npt

Letters = npt.NDArray[np.uint8]

IUPAC = {
    "A": "A", "C": "C", "G": "G", "T": "T", "U": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT",
    "M": "AC", "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
GAP = "-"
DRACH = "DRACH"
DRACH_A_OFFSET = 2  # the methylated A is the third letter


def _normal_table() -> Letters:
    """256 bytes: ACGT in either case and U to ACGT, other IUPAC codes to N, anything else to 0."""
    table = np.zeros(256, dtype=np.uint8)
    for code, bases in IUPAC.items():
        table[[ord(code), ord(code.lower())]] = ord(bases) if len(bases) == 1 else ord("N")
    return table


def _complement_table() -> Letters:
    table = np.full(256, ord("N"), dtype=np.uint8)
    for base, other in zip("ACGT", "TGCA", strict=True):
        table[ord(base)] = ord(other)
    return table


NORMAL = _normal_table()
COMPLEMENT = _complement_table()
NORMAL.setflags(write=False)
COMPLEMENT.setflags(write=False)


def letters(text: str | bytes) -> Letters:
    """Return a text as uint8 letters ACGTN; raise ValueError at a letter that is no IUPAC nucleotide code."""
    raw = np.frombuffer(text.encode() if isinstance(text, str) else text, dtype=np.uint8)
    normal = NORMAL[raw]
    if not normal.all():
        at = int(np.flatnonzero(normal == 0)[0])
        raise ValueError(f"letter {chr(raw[at])!r} at position {at} is no nucleotide code")
    return normal


def reverse_complement(sequence: Letters) -> Letters:
    """Return the other strand, read in its own direction; uint8 of the same shape [n]."""
    return COMPLEMENT[sequence[::-1]]


def motif_starts(sequence: Letters, motif: str = DRACH) -> npt.NDArray[np.int64]:
    """Return the 0-based starts of a motif of IUPAC codes; N in the sequence matches nothing. int64, ascending.

    Cost: one pass per letter of the motif.
    """
    n = len(sequence) - len(motif) + 1
    if n <= 0:
        return np.zeros(0, dtype=np.int64)
    hit = np.ones(n, dtype=bool)
    for offset, code in enumerate(motif):
        allowed = np.zeros(256, dtype=bool)
        allowed[[ord(base) for base in IUPAC[code]]] = True
        hit &= allowed[sequence[offset : offset + n]]
    return np.flatnonzero(hit)
