"""Suppression equals its definition, does not see thresholds, and is the same read from the other end."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.inference.scan.suppression import suppress
from ribolm.labels.polya.strand_letters import Places

candidates = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 150), st.sampled_from([-1, 1]), st.integers(-3, 3)),
    unique_by=lambda row: row[:3],
    max_size=60,
)
Rows = list[tuple[int, int, int, int]]


def owners(rows: Rows, radius_nt: int = 24) -> np.ndarray:
    contig, at0, strand, logit = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return suppress(Places(contig, at0, strand.astype(np.int8)), logit.astype(np.float32), radius_nt)


def plain_owners(rows: Rows, radius_nt: int) -> list[int]:
    found = [-1] * len(rows)
    for i in sorted(range(len(rows)), key=lambda i: (-rows[i][3], rows[i][1] * rows[i][2], rows[i][0])):
        if found[i] < 0:
            for j, (contig, at0, strand, _) in enumerate(rows):
                near = (contig, strand) == (rows[i][0], rows[i][2]) and abs(at0 - rows[i][1]) <= radius_nt
                if near and found[j] < 0:
                    found[j] = i
    return found


@settings(max_examples=100, deadline=None)
@given(rows=candidates, radius_nt=st.integers(0, 40))
def test_best_candidate_stands_for_its_neighbours_then_the_best_of_the_rest(rows: Rows, radius_nt: int) -> None:
    assert owners(rows, radius_nt).tolist() == plain_owners(rows, radius_nt)


@settings(max_examples=50, deadline=None)
@given(rows=candidates, threshold=st.integers(-2, 3))
def test_candidates_below_a_threshold_do_not_touch_the_calls_above_it(rows: Rows, threshold: int) -> None:
    above = [i for i, row in enumerate(rows) if row[3] >= threshold]
    alone = owners([rows[i] for i in above])
    whole = owners(rows)
    assert [above[k] for k in alone] == whole[above].tolist()


@settings(max_examples=50, deadline=None)
@given(rows=candidates)
def test_mirrored_candidates_have_mirrored_calls(rows: Rows) -> None:
    mirrored = [(contig, 150 - at0, -strand, logit) for contig, at0, strand, logit in rows]
    assert owners(mirrored).tolist() == owners(rows).tolist()
