"""One token per nucleotide: our own ten tokens, HyenaDNA's twelve, ESM-2's with nucleotides as amino acids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import GAP, NORMAL, Letters
from ribolm.genome.coordinates import Int64
from ribolm.sequences.vocabulary import (
    BAD_LETTER,
    CLS,
    EOS,
    ESM_NAMES,
    MASK,
    NO_TOKEN,
    PAD,
    UNK,
    Tokenizer,
    special_ids,
    translate,
)

NUCLEOTIDE_TOKENS = (CLS, PAD, EOS, UNK, "A", "C", "G", "T", "N", MASK)
ESM_TOKENS = (CLS, PAD, EOS, UNK, *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", MASK)
HYENA_TOKENS = ("[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]", *"ACGTN")
# Symbols of RESM (Zhang et al. 2025, doi 10.1101/2025.08.09.669469): the amino acids that stand for A, C, G and T
ESM_MAPPINGS = {"KDNY": {"A": "K", "T": "D", "C": "N", "G": "Y"}, "KEDR": {"A": "K", "T": "E", "C": "D", "G": "R"}}


def letter_table(ids: Mapping[str, int]) -> bytes:
    """A table of 256 bytes: every letter to the id of its normal form (ACGTN), anything else to BAD_LETTER."""
    table = np.full(256, BAD_LETTER, dtype=np.uint8)
    for letter in range(256):
        if NORMAL[letter]:
            table[letter] = ids[chr(NORMAL[letter])]
    return table.tobytes()


@dataclass(frozen=True)
class _TableTokenizer(Tokenizer):
    """One look-up per nucleotide."""

    per_nucleotide: ClassVar[bool] = True

    def letter_ids(self) -> dict[str, int]:
        """Id of A, C, G, T and N."""
        raise NotImplementedError

    @cached_property
    def _table(self) -> bytes:
        return letter_table(self.letter_ids())

    def middle_letters(self) -> Letters:
        """The nucleotide of each token, uint8 [vocab_size]."""
        found = np.full(self.vocab_size, ord("N"), dtype=np.uint8)
        for letter, id_ in self.letter_ids().items():
            found[id_] = ord(letter)
        return found

    def encode(self, letters: Letters) -> npt.NDArray[np.uint8]:
        """uint8 [n], one id per letter."""
        return translate(letters, self._table)

    def encode_rows(self, letters: Letters, offsets: Int64) -> tuple[npt.NDArray[np.uint8], Int64]:
        """All rows in one look-up; the offsets stay."""
        return self.encode(letters), offsets


@dataclass(frozen=True)
class NucleotideTokenizer(_TableTokenizer):
    """Single nucleotides with fixed ids: A 4, C 5, G 6, T 7, N 8."""

    kind: ClassVar[str] = "nucleotide"

    @classmethod
    def create(cls) -> NucleotideTokenizer:
        """The one tokenizer of this kind."""
        ids = special_ids(NUCLEOTIDE_TOKENS, ESM_NAMES)
        return cls(NUCLEOTIDE_TOKENS, **ids, base_ids=np.arange(4, 8, dtype=np.int64))

    def letter_ids(self) -> dict[str, int]:
        """Id of A, C, G, T and N."""
        return {letter: self.tokens.index(letter) for letter in "ACGTN"}


@dataclass(frozen=True)
class HyenaTokenizer(_TableTokenizer):
    """HyenaDNA's characters: A 7, C 8, G 9, T 10, N 11; [SEP] behind a sequence, nothing before it ([CLS] unused)."""

    kind: ClassVar[str] = "hyena"

    @classmethod
    def create(cls) -> HyenaTokenizer:
        """The one tokenizer of this kind."""
        names = {"pad": ("[PAD]",), "eos": ("[SEP]",), "unk": ("[UNK]",), "mask": ("[MASK]",)}
        ids = special_ids(HYENA_TOKENS, names) | {"cls_id": NO_TOKEN}
        return cls(HYENA_TOKENS, **ids, base_ids=np.arange(7, 11, dtype=np.int64))

    def letter_ids(self) -> dict[str, int]:
        """Id of A, C, G, T and N."""
        return {letter: self.tokens.index(letter) for letter in "ACGTN"}


@dataclass(frozen=True)
class EsmTokenizer(_TableTokenizer):
    """Nucleotides as amino-acid tokens of ESM-2, so that its weights apply. N and other IUPAC codes are X (24).

    `mapping` names the four amino acids (KDNY, KEDR). `aligned` admits gaps ("-", id 30), refused otherwise.
    """

    kind: ClassVar[str] = "esm"
    mapping: str = "KDNY"
    aligned: bool = False
    amino_acids: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def create(cls, mapping: str = "KDNY", aligned: bool = False) -> EsmTokenizer:
        """The tokenizer of one mapping; ValueError for an unknown one."""
        if mapping not in ESM_MAPPINGS:
            raise ValueError(f"mapping {mapping!r} is not one of {', '.join(ESM_MAPPINGS)}")
        amino_acids = ESM_MAPPINGS[mapping]
        base_ids = np.array([ESM_TOKENS.index(amino_acids[base]) for base in "ACGT"], dtype=np.int64)
        ids = special_ids(ESM_TOKENS, ESM_NAMES)
        return cls(ESM_TOKENS, **ids, base_ids=base_ids, mapping=mapping, aligned=aligned, amino_acids=amino_acids)

    def letter_ids(self) -> dict[str, int]:
        """Id of A, C, G, T and N."""
        return {letter: self.tokens.index(amino_acid) for letter, amino_acid in (*self.amino_acids.items(), ("N", "X"))}

    @cached_property
    def _table(self) -> bytes:
        table = bytearray(letter_table(self.letter_ids()))
        if self.aligned:
            table[ord(GAP)] = self.tokens.index(GAP)
        return bytes(table)

    def specifics(self) -> dict[str, Any]:
        """The mapping, and whether gaps are admitted."""
        return {"mapping": self.mapping, "aligned": self.aligned}
