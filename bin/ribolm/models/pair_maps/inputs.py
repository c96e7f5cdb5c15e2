"""What a pair map reads beside hidden states, and what it answers."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ribolm.folding.pair_lists import LEAST, PairList


class PairProbabilities(NamedTuple):
    """Probabilities of base pairs of one RNA by a folding program, those from `LEAST` (1e-4) on.

    i, j: int64 [P], 0-based, i < j, inside the stretch that is read; probability: fp32 [P]; sums: fp32 [L, 2], of each
    base to pair with any later and with any earlier base of the whole RNA.
    """

    i: Tensor
    j: Tensor
    probability: Tensor
    sums: Tensor

    @classmethod
    def of(cls, pairs: PairList, n: int) -> PairProbabilities:
        """The list of an RNA of n bases."""
        return cls(
            torch.from_numpy(pairs.i),
            torch.from_numpy(pairs.j),
            torch.from_numpy(pairs.p.astype("float32")),
            torch.from_numpy(pairs.sums(n)),
        )

    def cropped(self, begin: int, end: int) -> PairProbabilities:
        """What is left inside a stretch, the first base of which becomes 0; sums stay those of the whole RNA."""
        inside = (self.i >= begin) & (self.j < end)
        return PairProbabilities(
            self.i[inside] - begin, self.j[inside] - begin, self.probability[inside], self.sums[begin:end]
        )

    def blend_into(self, probabilities: Tensor, share: float) -> Tensor:
        """Make of the probabilities [L, L] of a network (1 - share) of them and `share` of these, in place."""
        probabilities.mul_(1 - share)
        probabilities[self.i, self.j] += share * self.probability
        probabilities[self.j, self.i] += share * self.probability
        return probabilities

    def of_states(self, partner: Tensor) -> Tensor:
        """Probability of one choice for each base, fp32 [L]; partner int64 [L], below 0: unpaired."""
        found = (1 - self.sums.sum(dim=1)).clamp(min=0) * (partner < 0)
        chosen = partner[self.i] == self.j
        for base in (self.i, self.j):
            found[base[chosen]] = self.probability[chosen]
        return found

    def to(self, device: torch.device | str) -> PairProbabilities:
        """The same on another device."""
        return PairProbabilities(*(tensor.to(device) for tensor in self))


class PairLogits(NamedTuple):
    """Answer for one RNA of L bases, fp32: pairs [L, L], symmetric; unpaired [L].

    The partner of base i is one choice out of L + 1: softmax over (pairs[i, 0], …, pairs[i, L - 1], unpaired[i]).
    """

    pairs: Tensor
    unpaired: Tensor

    def log_probability(self, partner: Tensor) -> Tensor:
        """Logarithm of the probability of one choice for each base [L]; partner int64 [L], below 0: unpaired."""
        paired = self.pairs.gather(1, partner.clamp(min=0)[:, None])[:, 0]
        return torch.where(partner < 0, self.unpaired, paired) - self._totals()

    def probabilities(self) -> Tensor:
        """Probability of each pair, fp32 [L, L]: geometric mean of what its two bases say."""
        half = self._totals() / 2
        return (self.pairs - half[:, None]).sub_(half).exp_()

    def _totals(self) -> Tensor:
        """Logarithm of the sum over all choices of each base [L]."""
        return torch.logaddexp(self.pairs.logsumexp(dim=1), self.unpaired)


def scaled_log(probability: Tensor) -> Tensor:
    """Logarithm of probabilities, from 0 at `LEAST` to 2 at 1; linear in log odds where they are small."""
    least = torch.log(torch.tensor(LEAST, device=probability.device))
    return 2 * (1 - probability.clamp(min=LEAST).log() / least)
