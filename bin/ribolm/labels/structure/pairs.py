"""Secondary structures as arrays: which base pairs with which."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
UNPAIRED = -1


@dataclass(frozen=True, eq=False)
class Structure:
    """One RNA with its pairs: `partner` int64 [L], the 0-based partner of each base or -1.

    Every base has at most one partner; any pair may cross any other (pseudoknots). Raises ValueError where `partner`
    has another length than the letters, is not symmetric, or pairs a base with itself.
    """

    name: str
    letters: str
    partner: Int64

    def __post_init__(self) -> None:
        if self.partner.shape != (len(self.letters),):
            raise ValueError(f"{len(self.partner)} partners for {len(self.letters)} letters")
        paired = np.flatnonzero(self.partner != UNPAIRED)
        mates = self.partner[paired]
        if ((mates < 0) | (mates >= len(self.letters))).any():
            raise ValueError("a partner lies outside the sequence")
        if (mates == paired).any() or (self.partner[mates] != paired).any():
            raise ValueError("partners are not mutual")

    def __len__(self) -> int:
        return len(self.letters)

    def pairs(self) -> Int64:
        """Pairs int64 [P, 2], 0-based, i < j, ascending by i."""
        opens = np.flatnonzero(self.partner > np.arange(len(self.partner)))
        return np.stack([opens, self.partner[opens]], axis=1)

    @classmethod
    def from_pairs(cls, name: str, letters: str, pairs: Int64 | Sequence[tuple[int, int]]) -> "Structure":
        """Build from 0-based pairs [P, 2] in any order; ValueError where a base has two partners or lies outside."""
        array = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
        ends = array.ravel()
        if len(ends) and (ends.min() < 0 or ends.max() >= len(letters)):
            raise ValueError("a pair lies outside the sequence")
        if len(np.unique(ends)) != len(ends):
            raise ValueError("a base has two partners")
        partner = np.full(len(letters), UNPAIRED, dtype=np.int64)
        partner[array[:, 0]], partner[array[:, 1]] = array[:, 1], array[:, 0]
        return cls(name, letters, partner)
