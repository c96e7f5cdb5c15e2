import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.genome.coordinates import Interval, overlap_clusters, overlapping_pairs, ranges

positions = st.integers(0, 10_000)
intervals = st.builds(
    lambda chrom, start0, width_nt, strand: Interval(chrom, start0, start0 + width_nt, strand),
    st.sampled_from(["chr1", "chr2"]),
    positions,
    st.integers(1, 500),
    st.sampled_from("+-."),
)
interval_lists = st.lists(st.tuples(st.integers(0, 2), st.integers(-60, 60), st.integers(1, 15)), max_size=25)


@given(intervals)
def test_one_based_coordinates_come_back_unchanged(interval: Interval) -> None:
    assert Interval.from_one_based(*interval.to_one_based()) == interval


@given(intervals, intervals)
def test_overlap_equals_the_shared_set_of_bases(a: Interval, b: Interval) -> None:
    shared = set(range(a.start0, a.end0)) & set(range(b.start0, b.end0))
    comparable = a.chrom == b.chrom and ("." in (a.strand, b.strand) or a.strand == b.strand)
    assert a.overlap_nt(b) == b.overlap_nt(a) == (len(shared) if comparable else 0)


@pytest.mark.parametrize(("start0", "end0", "strand"), [(5, 5, "+"), (-1, 5, "+"), (6, 5, "+"), (0, 5, "x")])
def test_an_impossible_interval_is_refused(start0: int, end0: int, strand: str) -> None:
    with pytest.raises(ValueError):
        Interval("chr1", start0, end0, strand)


@given(st.lists(st.tuples(positions, st.integers(0, 20)), max_size=20))
def test_ranges_equal_concatenated_aranges(pairs: list[tuple[int, int]]) -> None:
    starts = np.array([a for a, _ in pairs], dtype=np.int64)
    counts = np.array([n for _, n in pairs], dtype=np.int64)
    expected = [x for a, n in pairs for x in range(a, a + n)]
    assert ranges(starts, counts).tolist() == expected


def arrays(rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    group, start0, width_nt = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return group, start0, start0 + width_nt


def share_bases(rows: list[tuple[int, int, int]], i: int, j: int) -> bool:
    (g, a, w), (h, b, v) = rows[i], rows[j]
    return g == h and min(a + w, b + v) > max(a, b)


@given(interval_lists)
def test_pairs_are_exactly_those_that_share_bases(rows: list[tuple[int, int, int]]) -> None:
    i, j = overlapping_pairs(*arrays(rows))
    found = {frozenset(pair) for pair in zip(i.tolist(), j.tolist(), strict=True)}
    n = len(rows)
    assert found == {frozenset((a, b)) for a in range(n) for b in range(a) if share_bases(rows, a, b)}
    assert len(found) == len(i)


@given(interval_lists)
def test_clusters_are_the_connected_components_of_overlap(rows: list[tuple[int, int, int]]) -> None:
    order, cluster = overlap_clusters(*arrays(rows))
    label = dict(zip(order.tolist(), cluster.tolist(), strict=True))
    component = list(range(len(rows)))
    for a in range(len(rows)):
        for b in range(len(rows)):
            if share_bases(rows, a, b):
                old, new = component[a], component[b]
                component = [new if c == old else c for c in component]
    for a in range(len(rows)):
        for b in range(len(rows)):
            assert (label[a] == label[b]) == (component[a] == component[b])


def test_touching_intervals_stay_apart() -> None:
    _, cluster = overlap_clusters(np.zeros(2, np.int64), np.array([0, 10]), np.array([10, 20]))
    assert cluster.tolist() == [0, 1]


def test_intervals_that_begin_before_a_contig_stay_apart_from_those_of_the_contig_before() -> None:
    group, start0, end0 = np.array([0, 1]), np.array([56_499, -701]), np.array([60_900, 3_700])
    _, cluster = overlap_clusters(group, start0, end0)
    assert cluster.tolist() == [0, 1]
    assert len(overlapping_pairs(group, start0, end0)[0]) == 0
