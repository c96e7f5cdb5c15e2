"""What every tokenizer is: a vocabulary in id order, its special tokens, and letters turned into ids."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.genome.coordinates import Int64

TokenArray = npt.NDArray[Any]  # uint8 or uint16
BAD_LETTER = 255  # no vocabulary with a letter table has so many tokens
NO_TOKEN = -1
PIECE_NT = 1 << 18

CLS, PAD, EOS, UNK, MASK = "<cls>", "<pad>", "<eos>", "<unk>", "<mask>"


@dataclass(frozen=True)
class Tokenizer(ABC):
    """A vocabulary and its rule. Ids of special tokens are −1 where the vocabulary has no such token.

    `tokens`: vocabulary in id order. `base_ids` int64 [n]: the ids that masked language modelling replaces and draws
    from; never N, never a special token. `per_nucleotide`: exactly one token per nucleotide. U reads as T, lower case
    as upper, IUPAC codes other than ACGTU as N; any other letter is a ValueError naming it and its position.
    """

    kind: ClassVar[str]
    per_nucleotide: ClassVar[bool]

    tokens: tuple[str, ...]
    cls_id: int
    pad_id: int
    eos_id: int
    unk_id: int
    mask_id: int
    base_ids: Int64 = field(repr=False, compare=False)

    @property
    def vocab_size(self) -> int:
        """Number of tokens."""
        return len(self.tokens)

    @property
    def label(self) -> str:
        """How messages call this tokenizer: its kind, and what tells it from others of that kind."""
        told = [f"{name} {value}" for name, value in self.short_specifics().items() if value is not False]
        return ", ".join([self.kind, *told])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one stored token: uint8 up to 256 tokens, else uint16."""
        return np.dtype(np.uint8 if self.vocab_size <= 256 else np.uint16)

    @property
    def special_ids(self) -> tuple[int, ...]:
        """Ids of the special tokens that the vocabulary has."""
        ids = (self.cls_id, self.pad_id, self.eos_id, self.unk_id, self.mask_id)
        return tuple(id_ for id_ in ids if id_ != NO_TOKEN)

    @property
    def overlap_tokens(self) -> int:
        """Tokens that show one nucleotide: 1, but for words that overlap. Masked together, or neighbours tell."""
        return 1

    @property
    def prefix_ids(self) -> tuple[int, ...]:
        """Ids put before every sequence that a network is fed: `<cls>`, or none."""
        return () if self.cls_id == NO_TOKEN else (self.cls_id,)

    @property
    def suffix_ids(self) -> tuple[int, ...]:
        """Ids put behind every sequence that a network is fed: `<eos>`, or none."""
        return () if self.eos_id == NO_TOKEN else (self.eos_id,)

    def middle_letters(self) -> Letters:
        """The nucleotide that each token stands on, uint8 [vocab_size]; N for special tokens.

        Only tokenizers with one token per nucleotide have it; ValueError for others.
        """
        raise ValueError(f"a token of the {self.kind} tokenizer stands on no single nucleotide")

    @abstractmethod
    def encode(self, letters: Letters) -> TokenArray:
        """Ids of a sequence of ASCII letters (uint8 [n]), without special tokens."""

    def encode_rows(self, letters: Letters, offsets: Int64) -> tuple[TokenArray, Int64]:
        """Encode many sequences laid end to end: row i is letters[offsets[i]:offsets[i + 1]].

        Returns (tokens, offsets of the rows in tokens).
        """
        rows = [self.encode(letters[a:b]) for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        tokens = np.concatenate(rows) if rows else np.zeros(0, dtype=self.dtype)
        return tokens, np.r_[0, np.cumsum(lengths)].astype(np.int64)

    def to_dict(self) -> dict[str, Any]:
        """The tokenizer as JSON data, from which `tokenizer_from_dict` builds it again."""
        special = {name: getattr(self, name) for name in ("cls_id", "pad_id", "eos_id", "unk_id", "mask_id")}
        return {"kind": self.kind, "tokens": list(self.tokens), **special, **self.specifics()}

    def identity(self) -> dict[str, Any]:
        """Names the tokenizer without spelling it out: kind, size and sha256 of the vocabulary, and what is specific.

        The sha256 is that of the tokens in id order, with a newline between them.
        """
        digest = hashlib.sha256("\n".join(self.tokens).encode()).hexdigest()
        return {"kind": self.kind, "vocab_size": self.vocab_size, "sha256": digest, **self.short_specifics()}

    def short_specifics(self) -> dict[str, Any]:
        """`specifics`, long texts by their sha256."""
        return self.specifics()

    def specifics(self) -> dict[str, Any]:
        """What only this kind of tokenizer needs to know besides its vocabulary."""
        return {}


def special_ids(tokens: Sequence[str], names: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Ids of the special tokens by field name; `names` gives the spellings of each, the first found counts."""
    place = {token: i for i, token in enumerate(tokens)}
    return {
        f"{field_name}_id": next((place[spelling] for spelling in spellings if spelling in place), NO_TOKEN)
        for field_name, spellings in names.items()
    }


ESM_NAMES = {"cls": (CLS,), "pad": (PAD,), "eos": (EOS,), "unk": (UNK,), "mask": (MASK,)}


def translate(letters: Letters, table: bytes) -> npt.NDArray[np.uint8]:
    """Look every letter up in a table of 256 bytes; raise ValueError at the first that maps to BAD_LETTER.

    Cost: one C loop of `bytes.translate` over pieces that stay in the cache, twice as quick as numpy's indexing.
    """
    letters = np.ascontiguousarray(letters)
    ids = np.empty(len(letters), dtype=np.uint8)
    raw = letters.data
    for begin in range(0, len(letters), PIECE_NT):
        piece = np.frombuffer(bytes(raw[begin : begin + PIECE_NT]).translate(table), dtype=np.uint8)
        if piece.max() == BAD_LETTER:
            at = begin + int(np.argmax(piece == BAD_LETTER))
            raise ValueError(f"letter {chr(int(letters[at]))!r} at position {at} is no nucleotide code")
        ids[begin : begin + PIECE_NT] = piece
    return ids
