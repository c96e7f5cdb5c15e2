"""The ids that a model of mapped nucleotides may be fed: looked at before every forward pass.

A, C, G, U, T and N are letters of amino acids too, so RNA that was tokenised as a protein, or with another mapping,
would run through the network without complaint.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from ribolm.errors import DataError
from ribolm.models.configuration import EncoderConfig
from ribolm.sequences.single import ESM_TOKENS, EsmTokenizer

N_IDS = 256  # of the table that ids are looked up in


class MappedIds:
    """The ids of one mapping. `check` costs one look-up per token, and on a card one wait for its answer."""

    def __init__(self, mapping: str, ids: Iterable[int]) -> None:
        self.mapping, self.ids = mapping, frozenset(ids)
        self._table = torch.zeros(N_IDS, dtype=torch.bool, device="cpu")
        self._table[sorted(self.ids)] = True

    @classmethod
    def of(cls, config: EncoderConfig) -> "MappedIds | None":
        """Those of a configuration, None where any id may stand: without a mapping, or in a compact vocabulary."""
        if config.nucleotide_mapping is None or config.vocab_size != len(ESM_TOKENS):
            return None
        return cls(config.nucleotide_mapping, EsmTokenizer.create(config.nucleotide_mapping).given_ids)

    def with_more(self, ids: Iterable[int]) -> "MappedIds":
        """The same with further ids, for training that draws others on purpose."""
        return MappedIds(self.mapping, self.ids | set(ids))

    def check(self, tokens: Tensor) -> None:
        """Raise DataError when tokens (int64 [T]) hold an id that the mapping never gives."""
        if self._table.device != tokens.device:
            self._table = self._table.to(tokens.device)
        known = self._table[tokens.clamp(0, N_IDS - 1)]
        if bool(known.all()):
            return
        foreign = int(tokens[~known][0])
        token = f" ({ESM_TOKENS[foreign]})" if 0 <= foreign < len(ESM_TOKENS) else ""
        raise DataError(
            f"Token id {foreign}{token} is not of mapping {self.mapping}, which gives "
            f"{', '.join(map(str, sorted(self.ids)))}. Tokenize the sequences with --tokenizer esm --mapping "
            f"{self.mapping}, or use the model of their mapping."
        )
