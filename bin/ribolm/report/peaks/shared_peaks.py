"""Do two groups share peaks? Overlap of blocks on the same strand."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from ribolm.genome.regions import Region

Starts = dict[tuple[str, str], list[tuple[int, int, int]]]


def shared_counts(groups: Mapping[str, Sequence[Region]]) -> dict[tuple[str, str], tuple[int, int]]:
    """For every pair of groups: how many peaks of each overlap a peak of the other by at least one base."""
    return {
        (a, b): (len(overlapping(groups[a], groups[b])), len(overlapping(groups[b], groups[a])))
        for a, b in combinations(sorted(groups), 2)
    }


def overlapping(peaks: Sequence[Region], others: Sequence[Region]) -> set[int]:
    """Indices of the peaks with a block that overlaps a block of `others` on the same strand ("." fits both)."""
    mine, theirs = _blocks(peaks), _blocks(others)
    found: set[int] = set()
    for (chrom, strand), rows in mine.items():
        for other_strand in {"+": "+.", "-": "-.", ".": "+-."}[strand]:
            _sweep(rows, theirs.get((chrom, other_strand), []), found)
    return found


def _blocks(peaks: Sequence[Region]) -> Starts:
    rows: Starts = {}
    for i, peak in enumerate(peaks):
        for start0, end0 in peak.blocks:
            rows.setdefault((peak.chrom, peak.strand), []).append((start0, end0, i))
    return {key: sorted(value) for key, value in rows.items()}


def _sweep(rows: list[tuple[int, int, int]], others: list[tuple[int, int, int]], found: set[int]) -> None:
    """Add the owners of rows that overlap any of others; both sorted by start."""
    open_others: list[tuple[int, int, int]] = []
    next_other = 0
    for start0, end0, owner in rows:
        while next_other < len(others) and others[next_other][0] < end0:
            open_others.append(others[next_other])
            next_other += 1
        open_others = [other for other in open_others if other[1] > start0]
        if any(other[0] < end0 for other in open_others):
            found.add(owner)
