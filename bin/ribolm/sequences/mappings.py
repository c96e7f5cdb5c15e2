"""Mappings: which amino acids stand for the four nucleotides, so that a protein model's tokens spell RNA.

A mapping is named by its amino acids in the order A, U, C, G: KDNY is A→K, U→D, C→N, G→Y. The name says all there is to
know, so it is what vocabularies, weights and results carry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ribolm.errors import DataError, UsageError
from ribolm.files import open_text, require_file

NUCLEOTIDES = "AUCG"  # the order in which a name lists its amino acids
AMINO_ACIDS = "LAGVSERTIDPKQNFYMHWC"  # the twenty of the genetic code, in ESM-2's order
# Zhang et al. 2025, doi 10.1101/2025.08.09.669469: in the names of the published weights, and in a comment of the code
PUBLISHED = ("KDNY", "KEDR")
DEFAULT = PUBLISHED[0]
UNMAPPED = "unmapped"
# the letters as they are; U reads as T, for proteins hardly ever hold selenocysteine, the amino acid U
UNMAPPED_LETTERS = "ATCG"


def amino_acids_of(name: str) -> dict[str, str]:
    """Amino acid of each of A, T, C and G (T stands for U, as in all our letters).

    Raises ValueError for a name that is not four distinct amino acids, nor `unmapped`.
    """
    letters = UNMAPPED_LETTERS if name == UNMAPPED else name
    if len(letters) != len(NUCLEOTIDES) or len(set(letters)) != len(letters) or not set(letters) <= set(AMINO_ACIDS):
        raise ValueError(
            f"{name!r} is not four distinct amino acids of {''.join(sorted(AMINO_ACIDS))}, for A, U, C and G "
            f"({' and '.join(PUBLISHED)} are published), nor '{UNMAPPED}'"
        )
    return dict(zip("ATCG", letters, strict=True))


def mapping_name(text: str) -> str:
    """The name of a mapping as users write it.

    Accepted: a name (`KDNY`, `unmapped`), an equation in any order (`ACGU=KNYD`), or a small file, JSON
    (`{"A": "K", …}`) or two columns of nucleotide and amino acid. Raises UsageError, and DataError for a bad file.
    """
    left, equals, right = (part.strip() for part in text.partition("="))
    if not equals:
        if len(left) != len(NUCLEOTIDES) and Path(text).is_file():
            return _file_mapping(Path(text))
        return _checked(left if left == UNMAPPED else left.upper(), f"--mapping {text}")
    if len(left) != len(right):
        raise UsageError(f"--mapping {text}: has {len(left)} letters before = and {len(right)} after. Give four each.")
    return _named(dict(zip(left.upper(), right.upper(), strict=True)), f"--mapping {text}")


def _named(pairs: Mapping[str, str], source: str) -> str:
    given = {("U" if base == "T" else base): amino_acid for base, amino_acid in pairs.items()}
    if sorted(given) != sorted(NUCLEOTIDES) or len(pairs) != len(NUCLEOTIDES):
        raise UsageError(
            f"{source}: names {', '.join(pairs) or 'nothing'}, not A, U, C and G once each. Name all four."
        )
    return _checked("".join(given[base] for base in NUCLEOTIDES), source)


def _checked(name: str, source: str) -> str:
    try:
        amino_acids_of(name)
    except ValueError as error:
        raise UsageError(f"{source}: {error}.") from error
    return UNMAPPED if name == UNMAPPED_LETTERS else name


def _file_mapping(path: Path) -> str:
    """The mapping of a JSON object, or of two columns with no header."""
    with open_text(require_file(path)) as handle:
        text = handle.read()
    try:
        pairs = _json_pairs(path, text) if text.lstrip().startswith("{") else _table_pairs(path, text)
        return _named({base.upper(): amino_acid.upper() for base, amino_acid in pairs.items()}, path.name)
    except UsageError as error:
        raise DataError(str(error)) from error


def _json_pairs(path: Path, text: str) -> dict[str, str]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path.name} line {error.lineno}: is no JSON ({error.msg}). Mend the file.") from error
    if not all(isinstance(value, str) for value in content.values()):
        raise DataError(f'{path.name}: holds values that are no text. Write {{"A": "K", "U": "D", …}}.')
    return {str(base): value for base, value in content.items()}


def _table_pairs(path: Path, text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or words[0] in pairs:
            raise DataError(f"{path.name} line {number}: {line!r} is not a nucleotide, new, and its amino acid.")
        pairs[words[0]] = words[1]
    return pairs
