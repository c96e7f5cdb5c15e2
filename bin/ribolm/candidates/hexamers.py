"""What makes a base a candidate poly(A) site: the 18 signal hexamers, their distances, the base before the cleavage."""

from __future__ import annotations

from dataclasses import dataclass

from ribolm.alphabet import letters, reverse_complement
from ribolm.errors import UsageError

# Saha et al. 2025 (10.1016/j.csbj.2025.12.011), in their order, which is also the order of preference in a name.
HEXAMERS: tuple[str, ...] = (
    "AATAAA", "ATTAAA", "AGTAAA", "CATAAA", "TATAAA", "GATAAA", "ACTAAA", "AATACA", "AATATA",
    "AAGAAA", "AATAGA", "AATGAA", "TTTAAA", "AAAATA", "TATATA", "AGATAA", "ATTACA", "AGAATA",
)  # fmt: skip
HEXAMER_NT = 6
MOST_HEXAMERS = 255  # places in the list are bytes, and 255 stands for none
MAX_DISTANCE_NT = 63  # the kernel remembers the last 64 places in one word


@dataclass(frozen=True)
class CandidateRule:
    """A base `site` after one of `preceding`, with a hexamer that starts `nearest_nt` to `farthest_nt` upstream of it.

    The window of `flank_nt` bases on either side must be free of N. `preferred_nt`: of one hexamer at several
    distances, the one nearest to this names the candidate. All bases are read on the candidate's own strand.
    Raises UsageError for values that describe no rule.
    """

    hexamers: tuple[str, ...] = HEXAMERS
    nearest_nt: int = 10
    farthest_nt: int = 35
    preceding: str = "CG"
    site: str = "A"
    flank_nt: int = 50
    preferred_nt: int = 20

    def __post_init__(self) -> None:
        for hexamer in self.hexamers:
            if len(hexamer) != HEXAMER_NT or set(hexamer) - set("ACGT"):
                raise UsageError(f"{hexamer!r} is no hexamer. Give six letters of ACGT each.")
        if not self.hexamers or len(set(self.hexamers)) < len(self.hexamers):
            raise UsageError("The hexamers are empty or hold one twice. Give each once.")
        if len(self.hexamers) > MOST_HEXAMERS:
            raise UsageError(f"{len(self.hexamers)} hexamers are more than the {MOST_HEXAMERS} that fit. Give fewer.")
        for bases, what in ((self.preceding, "preceding bases"), (self.site, "site's base")):
            if not bases or set(bases) - set("ACGT"):
                raise UsageError(f"{bases!r} does not name the {what}. Give letters of ACGT.")
        if not HEXAMER_NT <= self.nearest_nt <= self.farthest_nt <= min(MAX_DISTANCE_NT, self.flank_nt):
            raise UsageError(
                f"Distances {self.nearest_nt} to {self.farthest_nt} nt with a flank of {self.flank_nt} nt: they must "
                f"ascend, from {HEXAMER_NT} to at most the flank and {MAX_DISTANCE_NT}."
            )

    @property
    def window_nt(self) -> int:
        """Width of the window that must be free of N."""
        return 2 * self.flank_nt + 1

    def distance_order(self) -> tuple[int, ...]:
        """All distances in nt, the preferred one first, then by nearness to it, the smaller of two equals first."""
        distances = range(self.nearest_nt, self.farthest_nt + 1)
        return tuple(sorted(distances, key=lambda d: (abs(d - self.preferred_nt), d)))

    def name(self, hexamer: int, distance_nt: int) -> str:
        """Name of a candidate: `HEXAMER@-d`."""
        return f"{self.hexamers[hexamer]}@-{distance_nt}"


def reversed_hexamers(hexamers: tuple[str, ...]) -> tuple[str, ...]:
    """The hexamers as they stand on the other strand."""
    return tuple(reverse_complement(letters(hexamer)).tobytes().decode() for hexamer in hexamers)
