"""Byte-pair tokens from a `tokenizer.json`, the format of the tokenizers library (DNABERT-2 and others)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ribolm.alphabet import NORMAL, Letters
from ribolm.alphabet import letters as normal_letters
from ribolm.sequences.vocabulary import CLS, EOS, MASK, PAD, UNK, TokenArray, Tokenizer, special_ids

if TYPE_CHECKING:
    from tokenizers import Tokenizer as BytePairs

SPELLINGS = {
    "cls": ("[CLS]", CLS, "<s>"), "pad": ("[PAD]", PAD), "eos": ("[SEP]", EOS, "</s>"), "unk": ("[UNK]", UNK),
    "mask": ("[MASK]", MASK),
}  # fmt: skip
MAX_TOKENS = 1 << 16


@dataclass(frozen=True)
class BytePairTokenizer(Tokenizer):
    """Words learnt from sequences; `definition` is the text of the tokenizer.json."""

    kind: ClassVar[str] = "bpe"
    per_nucleotide: ClassVar[bool] = False
    definition: str = ""

    @classmethod
    def create(cls, definition: str) -> BytePairTokenizer:
        """Read a definition; ValueError when it is none, or has more than 65,536 tokens."""
        pairs = _byte_pairs(definition)
        vocabulary = pairs.get_vocab(with_added_tokens=True)
        if not vocabulary or max(vocabulary.values()) >= MAX_TOKENS:
            raise ValueError(f"the vocabulary has {len(vocabulary):,} tokens; from 1 to {MAX_TOKENS:,} fit the store")
        tokens = [""] * (max(vocabulary.values()) + 1)
        for token, id_ in vocabulary.items():
            tokens[id_] = token
        bases = [i for i, token in enumerate(tokens) if token and set(token) <= set("ACGT")]
        return cls(
            tuple(tokens), **special_ids(tokens, SPELLINGS), base_ids=np.array(bases, np.int64), definition=definition
        )

    @cached_property
    def _pairs(self) -> BytePairs:
        return _byte_pairs(self.definition)

    def encode(self, letters: Letters) -> TokenArray:
        """Ids of the words, uint16 (uint8 for a small vocabulary)."""
        text = NORMAL[letters]
        if not text.all():
            normal_letters(letters.tobytes())  # names the letter that is none
        return np.array(self._pairs.encode(text.tobytes().decode(), add_special_tokens=False).ids, dtype=self.dtype)

    def specifics(self) -> dict[str, Any]:
        """The definition itself."""
        return {"definition": self.definition}

    def short_specifics(self) -> dict[str, Any]:
        """The digest of the definition."""
        return {"definition_sha256": hashlib.sha256(self.definition.encode()).hexdigest()}


def _byte_pairs(definition: str) -> BytePairs:
    from tokenizers import Tokenizer as BytePairs

    try:
        return BytePairs.from_str(definition)
    except BaseException as error:  # the library raises its own bare Exception, and panics on some texts
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise ValueError(f"no tokenizer.json of the tokenizers library ({str(error)[:80]})") from error
