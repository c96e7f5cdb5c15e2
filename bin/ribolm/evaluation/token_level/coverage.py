"""Whether scores are of every base of the genes that they reach, or of some kinds of bases alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.evaluation.candidates import label_of_sites
from ribolm.evaluation.methods import ScoredTable
from ribolm.evaluation.positions import Contigs, find
from ribolm.evaluation.stored_letters import RowPlaces, row_chunks
from ribolm.genome.coordinates import Int64
from ribolm.sequences.store import TokenStore

LEAST_SCORED = 0.5  # of the bases of the rows that a table reaches; adenosines are a quarter, candidates a fiftieth
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Coverage:
    """Labelled bases of a store: all of them, those in rows that hold a score, and those with a score themselves."""

    labelled: int
    reached: int
    scored: int


def require_every_base(store: TokenStore, task: str, contigs: Contigs, tables: Sequence[ScoredTable]) -> int:
    """Return the number of labelled bases of a store, and tell of those that a table does not score.

    Raises DataError for a table of candidates: their ranking is none of bases, whatever the rest would have scored.
    """
    found = coverage(store, task, contigs, [table.keys for table in tables])
    for table, covered in zip(tables, found, strict=True):
        _judge(f"Scores '{table.files.label}'", covered)
    return found[0].labelled if found else 0


def coverage(store: TokenStore, task: str, contigs: Contigs, tables: Sequence[Int64]) -> list[Coverage]:
    """Count for the ascending keys of each table; one pass over the places of the store, in chunks."""
    labels, places = label_of_sites(store, task), RowPlaces.of(store, contigs)
    counts = np.zeros((len(tables), 3), dtype=np.int64)
    for low, high in row_chunks(store):
        offsets = np.asarray(store.offsets[low : high + 1])
        is_known = ~np.isnan(labels[offsets[0] : offsets[-1]])
        known_of_row = _per_row(is_known, offsets - offsets[0])
        keys = places.keys(low, high)
        for number, scored in enumerate(tables):
            hit = (find(scored, keys) >= 0) & is_known
            reached = known_of_row[_per_row(hit, offsets - offsets[0]) > 0]
            counts[number] += (int(known_of_row.sum()), int(reached.sum()), int(hit.sum()))
    return [Coverage(*row) for row in counts.tolist()]


def _per_row(values: Bool, offsets: Int64) -> Int64:
    """How many of the values [offsets[-1]] are true in each row."""
    before = np.r_[0, np.cumsum(values)]
    return np.asarray(before[offsets[1:]] - before[offsets[:-1]], dtype=np.int64)


def _judge(whose: str, found: Coverage) -> None:
    if found.labelled and not found.scored:
        raise DataError(
            f"{whose}: score none of the {found.labelled:,} labelled bases. Give scores of the genes of this store."
        )
    if found.scored < LEAST_SCORED * found.reached:
        raise DataError(
            f"{whose}: score {found.scored:,} of the {found.reached:,} labelled bases of the genes that they reach, so "
            "they rank candidates, not bases. Give what `ribolm-predict store --universe nucleotide` makes; a scan of "
            "candidates is measured by `ribolm-evaluate scan`."
        )
    if missing := found.reached - found.scored:
        notice(f"{whose}: {missing:,} of {found.reached:,} labelled bases have no score and count neither way.")
    if outside := found.labelled - found.reached:
        notice(f"{whose}: {outside:,} of {found.labelled:,} labelled bases lie in genes without any score.")
