"""Places on targets against known sites, and the floors that find them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.evaluation.interactions.baselines import BONDS, best_run_of_pairs, complementary_run
from ribolm.evaluation.interactions.places import Place, measured


def test_agreement_of_a_place_with_a_site() -> None:
    found = measured(Place(8, 20), (10, 16), 100)
    assert found["site_recall"] == found["position_recall"] == 1
    assert found["position_precision"] == 0.5
    assert found["position_f1"] == pytest.approx(2 * 6 / 18)
    assert measured(Place(0, 5), (10, 16), 100)["position_f1"] == 0
    assert not any(measured(None, (10, 16), 100).values())


@given(st.integers(1, 20), st.integers(1, 12), st.integers(1, 12), st.data())
def test_chance_is_that_of_a_place_anywhere(extra: int, width: int, site: int, data: st.DataObject) -> None:
    target_nt = max(width, site) + extra
    start = data.draw(st.integers(0, target_nt - site))
    places = [measured(Place(at, at + width), (start, start + site), target_nt) for at in range(target_nt - width + 1)]
    assert places[0]["site_recall_by_chance"] == pytest.approx(np.mean([one["site_recall"] for one in places]))


rnas = st.text("ACGUN", min_size=1, max_size=14)


@given(rnas, rnas)
def test_the_complementary_run_has_the_most_bonds_of_all(query: str, target: str) -> None:
    best = 0
    for i in range(len(query)):
        for j in range(len(target)):
            bonds, step = 0, 0
            while i + step < len(query) and j - step >= 0 and (pair := query[i + step] + target[j - step]) in BONDS:
                bonds += BONDS[pair]
                step += 1
                best = max(best, bonds)
    found = complementary_run(query, target)
    assert (found.score if found else 0) == best
    if found:
        assert 0 <= found.start0 < found.end0 <= len(target)


def test_the_complementary_run_lies_where_it_was_planted() -> None:
    found = complementary_run("AAGGCGCCA", "A" * 20 + "UGGCGCC" + "A" * 10)
    assert found is not None and (found.start0, found.end0) == (20, 27)
    assert complementary_run("AAAA", "AGCA") is None


def test_pairs_between_two_rnas_form_stretches_over_small_bulges() -> None:
    helix = [(i, 40 - i) for i in range(5)]
    bulged = [(i, 38 - i) for i in range(8, 12)]  # five bases of the target and three of the query lie between
    far = [(i, 20 - i + 30) for i in range(30, 33)]
    pairs = np.array([*far, *bulged, *helix])
    found = best_run_of_pairs(pairs, 7.0)
    assert found == Place(27, 41, 7.0)
    assert best_run_of_pairs(np.array(far), 1.0) == Place(18, 21, 1.0)
    assert best_run_of_pairs(np.zeros((0, 2), dtype=np.int64), 1.0) is None
