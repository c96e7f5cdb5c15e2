"""Candidates of a sequence or a genome, chunk by chunk: the result does not depend on the chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import CandidateRule
from ribolm.candidates.planes import Workspace, anchors_of
from ribolm.candidates.tables import Tables
from ribolm.genome.coordinates import Int64

CHUNK_NT = 1 << 20  # its planes stay in the second-level cache
DEFAULT = CandidateRule()


@dataclass(frozen=True)
class Candidates:
    """Candidate poly(A) sites of one sequence, ascending by (anchor0, + before -); arrays of one length n.

    `anchor0` int64: plus-strand index of the A; `strand` int8 (+1, -1); `hexamer` uint8: place in the rule's list;
    `distance_nt` uint8: from the A back to the first base of the hexamer.
    """

    anchor0: Int64
    strand: npt.NDArray[np.int8]
    hexamer: npt.NDArray[np.uint8]
    distance_nt: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.anchor0)

    def take(self, rows: npt.NDArray[Any]) -> Candidates:
        """Some of the candidates."""
        return Candidates(self.anchor0[rows], self.strand[rows], self.hexamer[rows], self.distance_nt[rows])


def find_candidates(sequence: Letters, rule: CandidateRule = DEFAULT, chunk_nt: int = CHUNK_NT) -> Candidates:
    """Find the candidates of both strands of a sequence of letters ACGTN in either case (uint8 [n]).

    Memory: 6 bytes per base of a chunk and 11 bytes per candidate.
    """
    return joined(list(candidate_chunks(sequence, rule, chunk_nt)))


def candidate_chunks(
    sequence: Letters,
    rule: CandidateRule = DEFAULT,
    chunk_nt: int = CHUNK_NT,
    begin: int = 0,
    end: int | None = None,
) -> Iterator[Candidates]:
    """Yield the candidates whose anchor lies in [begin, end) of a sequence, chunk by chunk.

    Chunks share a halo with their neighbours, so there are no seams.
    """
    end = len(sequence) if end is None else end
    tables = Tables.of(rule)
    workspace = Workspace(min(chunk_nt, end - begin) + 2 * rule.flank_nt)
    for first in range(begin, end, chunk_nt):
        last = min(first + chunk_nt, end)
        low, high = max(first - rule.flank_nt, 0), min(last + rule.flank_nt, len(sequence))
        places = workspace.find(np.asarray(sequence[low:high]), tables)
        strand = np.where(places < 0, -1, 1).astype(np.int8)
        yield Candidates(anchors_of(places) + low, strand, *workspace.name(places, tables))


def joined(parts: list[Candidates]) -> Candidates:
    """One table of several, in the order given."""
    kinds = {"anchor0": np.int64, "strand": np.int8, "hexamer": np.uint8, "distance_nt": np.uint8}
    columns: dict[str, Any] = {
        key: np.concatenate([np.zeros(0, dtype=kind), *(getattr(part, key) for part in parts)])
        for key, kind in kinds.items()
    }
    return Candidates(**columns)
