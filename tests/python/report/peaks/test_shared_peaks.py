"""Overlap of spliced peaks by blocks and strand, against every pair."""

from hypothesis import given
from hypothesis import strategies as st

from ribolm.genome.regions import Region
from ribolm.report.peaks.shared_peaks import overlapping, shared_counts


def peak(strand: str, *blocks: tuple[int, int]) -> Region:
    return Region("chr1", blocks[0][0], blocks[-1][1], "p", 0, strand, blocks)


def test_introns_touching_ends_and_other_strands_do_not_overlap() -> None:
    spliced = peak("+", (0, 10), (100, 110))
    others = [peak("+", (10, 100)), peak("-", (0, 10)), peak("+", (109, 120)), peak(".", (5, 6))]
    assert overlapping(others, [spliced]) == {2, 3}
    assert overlapping([spliced], others[:2]) == set()
    assert shared_counts({"b": others, "a": [spliced]}) == {("a", "b"): (1, 2)}


@st.composite
def peaks(draw: st.DrawFn) -> list[Region]:
    rows = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20), st.sampled_from("+-.")), max_size=12))
    return [peak(strand, (start, start + width)) for start, width, strand in rows]


@given(peaks(), peaks())
def test_sweep_equals_comparing_every_pair(mine: list[Region], others: list[Region]) -> None:
    def alike(a: Region, b: Region) -> bool:
        return (a.strand == b.strand or "." in (a.strand, b.strand)) and a.start0 < b.end0 and b.start0 < a.end0

    assert overlapping(mine, others) == {i for i, a in enumerate(mine) if any(alike(a, b) for b in others)}
