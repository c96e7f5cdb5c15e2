"""One token per nucleotide: our own ten tokens, HyenaDNA's twelve, ESM-2's amino acids, RESM's own eleven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import GAP, NORMAL, Letters
from ribolm.genome.coordinates import Int64
from ribolm.sequences.mappings import DEFAULT, amino_acids_of
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
RNA_TOKENS = (CLS, PAD, EOS, UNK, *"AGCUX-", MASK)  # the alphabet `rna-esm` of RESM's code
HYENA_TOKENS = ("[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]", *"ACGTN")


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
class _GappedTokenizer(_TableTokenizer):
    """One look-up per nucleotide, and a gap ("-") where `aligned` input is asked for; refused otherwise."""

    aligned: bool = False

    @cached_property
    def _table(self) -> bytes:
        table = bytearray(letter_table(self.letter_ids()))
        if self.aligned:
            table[ord(GAP)] = self.tokens.index(GAP)
        return bytes(table)


@dataclass(frozen=True)
class EsmTokenizer(_GappedTokenizer):
    """Nucleotides as amino-acid tokens of ESM-2, so that its weights apply. N and other IUPAC codes are X (24).

    `mapping` names the four amino acids (`mappings.amino_acids_of`). `aligned` admits gaps ("-", id 30).
    """

    kind: ClassVar[str] = "esm"
    mapping: str = DEFAULT
    amino_acids: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def create(cls, mapping: str = DEFAULT, aligned: bool = False) -> EsmTokenizer:
        """The tokenizer of one mapping; ValueError for an unknown one."""
        amino_acids = amino_acids_of(mapping)
        base_ids = np.array([ESM_TOKENS.index(amino_acids[base]) for base in "ACGT"], dtype=np.int64)
        ids = special_ids(ESM_TOKENS, ESM_NAMES)
        return cls(ESM_TOKENS, **ids, base_ids=base_ids, mapping=mapping, aligned=aligned, amino_acids=amino_acids)

    @property
    def given_ids(self) -> tuple[int, ...]:
        """The ids that this tokenizer gives or training puts in: bases, X, gap, `<cls>`, `<pad>`, `<eos>`, `<mask>`."""
        others = (self.tokens.index("X"), self.tokens.index(GAP))
        return tuple(sorted((*self.base_ids.tolist(), *others, self.cls_id, self.pad_id, self.eos_id, self.mask_id)))

    def letter_ids(self) -> dict[str, int]:
        """Id of A, C, G, T and N."""
        return {letter: self.tokens.index(amino_acid) for letter, amino_acid in (*self.amino_acids.items(), ("N", "X"))}

    def specifics(self) -> dict[str, Any]:
        """The mapping, and whether gaps are admitted."""
        return {"mapping": self.mapping, "aligned": self.aligned}


@dataclass(frozen=True)
class RnaTokenizer(_GappedTokenizer):
    """RESM's eleven RNA tokens: A 4, G 5, C 6, U 7, X 8 (N and other IUPAC codes), gap 9.

    Rows of ESM-2 for them make a model of a compact vocabulary, see `models.transplant`.
    """

    kind: ClassVar[str] = "rna"

    @classmethod
    def create(cls, aligned: bool = False) -> RnaTokenizer:
        """The tokenizer, for input with gaps or without."""
        ids = special_ids(RNA_TOKENS, ESM_NAMES)
        base_ids = np.array([RNA_TOKENS.index(base) for base in "ACGU"], dtype=np.int64)
        return cls(RNA_TOKENS, **ids, base_ids=base_ids, aligned=aligned)

    def letter_ids(self) -> dict[str, int]:
        """Id of A, C, G, T and N."""
        return {letter: self.tokens.index({"T": "U", "N": "X"}.get(letter, letter)) for letter in "ACGTN"}

    def specifics(self) -> dict[str, Any]:
        """Whether gaps are admitted."""
        return {"aligned": self.aligned}
