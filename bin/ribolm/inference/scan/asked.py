"""What a scan can be asked for: known sites with known bases around them, and a score of every candidate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.candidates.hexamers import CandidateRule
from ribolm.candidates.output import genome_candidates
from ribolm.candidates.regions import SearchRegions
from ribolm.candidates.search import CHUNK_NT
from ribolm.console import Progress, notice
from ribolm.errors import DataError
from ribolm.genome.contigs import shown
from ribolm.genome.coordinates import Int64
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
            for contig, rows in _rows_by_contig(places):
                name = self.genome.names[contig]
                found[rows] &= self.regions.covers(name, places.at0[rows], places.strand[rows])
        return np.asarray(found)

    def length_nt(self, contig: str) -> float:
        """Bases of a contig that were scanned, mean of both strands."""
        return self.genome.lengths[contig] if self.regions is None else self.regions.length_nt(contig)

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

    def unscored(self, scored: ScoredCandidates, rule: CandidateRule) -> int:
        """How many candidates of what was scanned have no score; tells where they lie: a part may be missing.

        Candidates are searched again, at about the speed of `ribolm-predict candidates`.
        """
        missing: dict[str, int] = {}
        total = 0
        keys = _keys_by_contig(self.genome, scored)
        with Progress("counting candidates", len(self.genome.data), "nt") as progress:
            for contig, found in genome_candidates(self.genome, rule, self.regions):
                if n := len(found) - _n_among(keys[contig], _key(found.anchor0, found.strand)):
                    missing[contig] = missing.get(contig, 0) + n
                total += len(found)
                progress.advance(CHUNK_NT)
        if missing:
            notice(
                f"{sum(missing.values()):,} of {total:,} candidates have no score (on {shown(list(missing))}): a part "
                "of the scan may be missing. Give every --scored, and --regions where a part of the genome was scanned."
            )
        return sum(missing.values())


def _rows_by_contig(places: Places) -> Iterator[tuple[int, Int64]]:
    """Every contig that has places, and their rows; one sort, however many contigs there are."""
    order = np.argsort(places.contig, kind="stable")
    contig = np.asarray(places.contig)[order]
    opens = np.flatnonzero(np.r_[True, np.diff(contig) != 0][: len(order)])
    for first, last in pairwise([*opens.tolist(), len(order)]):
        yield int(contig[first]), order[first:last]


def _keys_by_contig(genome: Genome, scored: ScoredCandidates) -> dict[str, Int64]:
    """Places of the candidates of every contig as ascending numbers; candidates ascend by contig."""
    bounds = np.searchsorted(scored.places.contig, np.arange(len(genome.names) + 1))
    keys = _key(scored.places.at0, scored.places.strand)
    return {name: keys[bounds[k] : bounds[k + 1]] for k, name in enumerate(genome.names)}


def _key(at0: Int64, strand: npt.NDArray[np.int8]) -> Int64:
    return np.asarray(2 * at0 + (strand < 0), dtype=np.int64)


def _n_among(keys: Int64, asked: Int64) -> int:
    """How many of the keys asked for are among ascending ones."""
    if not len(keys):
        return 0
    return int(np.count_nonzero(keys[np.minimum(np.searchsorted(keys, asked), len(keys) - 1)] == asked))


def covered(genome: Genome, places: Places) -> Places:
    """The places with `COVERED_NT` known bases on either side."""
    return places.take(~contains_unknown(letters_around(genome, places, COVERED_NT, COVERED_NT)))
