"""Where every nucleotide of a stored sequence lies on the genome."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ribolm.genome.coordinates import Int64, ranges


def positions0(block_starts0: Sequence[int] | Int64, block_ends0: Sequence[int] | Int64, strand: str) -> Int64:
    """Genome position of every nucleotide of one sequence, in the order of the RNA; int64 [sum of block sizes].

    Blocks are 0-based half-open and ascend on the genome; on strand "-" the RNA begins at the highest position.
    """
    starts = np.asarray(block_starts0, dtype=np.int64)
    upwards = ranges(starts, np.asarray(block_ends0, dtype=np.int64) - starts)
    return upwards[::-1].copy() if strand == "-" else upwards


def positions0_of_rows(
    first_block: Int64, block_starts0: Int64, block_ends0: Int64, is_minus: npt.NDArray[np.bool_]
) -> tuple[Int64, Int64]:
    """The same for many sequences: row i owns the blocks first_block[i] to first_block[i + 1].

    `first_block` int64 [n + 1], `is_minus` bool [n]. Returns (positions end to end, offsets of the rows int64 [n + 1]).
    Cost: a few passes over the result.
    """
    size = np.asarray(block_ends0 - block_starts0, dtype=np.int64)
    upwards = ranges(block_starts0, size)
    offsets = np.r_[0, np.cumsum(size)][first_block].astype(np.int64)
    if not is_minus.any():
        return upwards, offsets
    return upwards[rna_order(offsets, is_minus)], offsets


def rna_order(offsets: Int64, is_minus: npt.NDArray[np.bool_]) -> Int64:
    """Index that turns rows laid end to end, low coordinate first, into the order of the RNA (or back); int64 [T].

    Row i is offsets[i]:offsets[i + 1] (offsets[0] may be above 0) and is reversed where it lies on the minus strand.
    """
    length = np.diff(offsets)
    place = ranges(np.zeros(len(length), dtype=np.int64), length)
    row = np.repeat(np.arange(len(length)), length)
    return np.where(is_minus[row], offsets[1:][row] - 1 - place, offsets[:-1][row] + place)
