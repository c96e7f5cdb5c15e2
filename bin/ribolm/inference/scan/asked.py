"""Which known sites a scan can be asked for: those in what was scanned, with known bases around them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ribolm.candidates.regions import SearchRegions
from ribolm.errors import DataError
from ribolm.genome.fasta import Genome
from ribolm.inference.scan.gathered import ScoredCandidates
from ribolm.labels.polya.strand_letters import Bool, Places, contains_unknown, letters_around

COVERED_NT = 60  # known bases on either side that a site needs to be asked for


@dataclass(frozen=True)
class Scope:
    """What was scanned: `regions` of a genome, None for all of it."""

    genome: Genome
    regions: SearchRegions | None = None

    def holds(self, places: Places) -> Bool:
        """Which places lie in what was scanned, bool [n]; those beyond the ends of a contig do not."""
        lengths = np.diff(self.genome.offsets)
        found = (places.at0 >= 0) & (places.at0 < lengths[places.contig])
        if self.regions is not None:
            for contig in np.unique(places.contig).tolist():
                rows = np.flatnonzero(places.contig == contig)
                name = self.genome.names[contig]
                found[rows] &= self.regions.covers(name, places.at0[rows], places.strand[rows])
        return np.asarray(found)

    def asked(self, places: Places) -> Places:
        """The places that lie in what was scanned and have `COVERED_NT` known bases on either side."""
        return covered(self.genome, places.take(self.holds(places)))

    def account(self, places: Places) -> dict[str, int]:
        """Sites listed, left out because they were not scanned or lack known bases, and asked for; they add up."""
        inside = places.take(self.holds(places))
        asked = len(covered(self.genome, inside))
        return {
            "listed": len(places),
            "not_scanned": len(places) - len(inside),
            "unknown_bases": len(inside) - asked,
            "asked": asked,
        }

    def require(self, scored: ScoredCandidates, source: Path) -> None:
        """Raise DataError naming the first candidate outside of the regions: they are those of another scan."""
        outside = np.flatnonzero(~self.holds(scored.places))
        if len(outside):
            first = scored.places.take(outside[:1])
            where = f"{self.genome.names[int(first.contig[0])]}:{int(first.at0[0])}"
            raise DataError(
                f"{source.name}: candidate {where} was scored outside these regions ({len(outside):,} candidates are). "
                "Give the regions of `ribolm-predict candidates`."
            )


def covered(genome: Genome, places: Places) -> Places:
    """The places with `COVERED_NT` known bases on either side."""
    return places.take(~contains_unknown(letters_around(genome, places, COVERED_NT, COVERED_NT)))
