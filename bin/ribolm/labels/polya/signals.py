"""Which signal hexamer lies upstream of a place, and whether a list of sites has more of them than chance gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import CandidateRule
from ribolm.candidates.kernel import NO_HEXAMER
from ribolm.candidates.upstream import ranks_upstream
from ribolm.console import notice
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.strand_letters import Places, letters_around

SHIFTS_NT = (-2000, -1000, -500, 500, 1000, 2000)  # places beside the sites, on their strand: what chance gives
LEAST_RATIO = 1.3
LEAST_SIGMA = 3.0
LEAST_SITES = 20


def name_signals(upstream: Letters, rule: CandidateRule) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """The best hexamer upstream of each place: (place in the rule's list, 255 without; distance in nt, 0 without).

    `upstream` uint8 [n, farthest_nt]: the letters before each place on its strand, the nearest last. Of several the
    order of the rule's list decides, then nearness to its preferred distance, then the smaller distance, as for
    candidates. uint8 [n] each.
    """
    rank, distance = ranks_upstream(upstream, rule)
    preference = np.zeros(rule.farthest_nt + 1, dtype=np.int64)
    preference[list(rule.distance_order())] = np.arange(len(distance))
    best = (rank.astype(np.int64) * 64 + preference[distance]).argmin(axis=1)
    at = np.arange(len(rank))
    has = rank[at, best] < NO_HEXAMER
    return rank[at, best], np.where(has, distance[best], 0).astype(np.uint8)


def signals_of(
    genome: Genome, places: Places, rule: CandidateRule
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """`name_signals` of places on a genome."""
    return name_signals(letters_around(genome, places, rule.farthest_nt, 0)[:, :-1], rule)


@dataclass(frozen=True)
class SignalShare:
    """How many sites have a signal hexamer upstream, and how many places beside them do.

    `n_null` counts places beside the sites whose upstream bases are all known.
    """

    n_sites: int
    n_with: int
    n_null: int
    n_null_with: int

    @property
    def share(self) -> float:
        """Share of the sites; NaN without."""
        return self.n_with / self.n_sites if self.n_sites else float("nan")

    @property
    def chance(self) -> float:
        """Share of the places beside them; NaN without."""
        return self.n_null_with / self.n_null if self.n_null else float("nan")

    @property
    def is_chance(self) -> bool:
        """Whether the sites show no more signals than their surroundings (both known, and enough sites to tell)."""
        if self.n_sites < LEAST_SITES or not self.n_null:
            return False
        spread = max(self.chance * (1 - self.chance) / self.n_sites, 1e-12) ** 0.5
        return self.share < LEAST_RATIO * self.chance or self.share - self.chance < LEAST_SIGMA * spread

    def text(self) -> str:
        """One clause."""
        return (
            f"{self.n_with:,} of {self.n_sites:,} sites ({self.share:.0%}) have a signal hexamer upstream, "
            f"{self.chance:.0%} of the places beside them"
        )


def measure_signals(genome: Genome, places: Places, rule: CandidateRule) -> SignalShare:
    """Count signal hexamers upstream of sites and of places 0.5 to 2 kb beside them; places in N are left out."""
    counts = []
    for shift in (0, *SHIFTS_NT):
        upstream = letters_around(genome, places.shifted(shift), rule.farthest_nt, 0)[:, :-1]
        upstream = upstream[~(upstream == ord("N")).any(axis=1)]
        counts.append((len(upstream), int((name_signals(upstream, rule)[0] < NO_HEXAMER).sum())))
    beside = np.array(counts[1:], dtype=np.int64).sum(axis=0)
    return SignalShare(*counts[0], int(beside[0]), int(beside[1]))


def warn_at_chance(label: str, shares: SignalShare) -> None:
    """Tell when a list shows no more signals than chance: another genome build, or a species with other signals."""
    if shares.is_chance:
        notice(
            f"{label}: {shares.text()}: no more than chance. The list may be of another genome build, or the species "
            "may not use the AATAAA family; check both before training on these sites."
        )
