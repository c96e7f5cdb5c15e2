from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.errors import DataError, UsageError
from ribolm.folding.vienna import ensemble
from ribolm.labels.structure.decoding import (
    METHODS,
    DecodingRule,
    decode,
    mean_pair_probability,
)
from ribolm.labels.structure.dot_bracket import parse_brackets
from ribolm.labels.structure.greedy import greedy_pairs, surest_pairs
from ribolm.labels.structure.listed import ListedPairs, listed_pairs
from ribolm.labels.structure.pair_files import read_pairs, write_pairs


def matrix(length: int, pairs: dict[tuple[int, int], float]) -> np.ndarray:
    p = np.zeros((length, length), dtype=np.float32)
    for (i, j), value in pairs.items():
        p[i, j] = p[j, i] = value
    return p


@pytest.mark.parametrize("method", METHODS)
def test_clear_pairs_are_taken_crossing_ones_too(method: str) -> None:
    truth = parse_brackets("((..[[..))..]]")
    p = matrix(14, {(i, int(j)): 0.9 for i, j in enumerate(truth) if i < j})
    assert np.array_equal(decode("A" * 14, p, DecodingRule(method=method)), truth)


def test_greedy_takes_the_surest_and_matching_the_most() -> None:
    p = matrix(20, {(0, 10): 0.7, (5, 10): 0.8, (5, 15): 0.7})
    greedy, matching = (decode("A" * 20, p, DecodingRule(method=method)) for method in ("greedy", "matching"))
    assert np.flatnonzero(greedy >= 0).tolist() == [5, 10]
    assert np.flatnonzero(matching >= 0).tolist() == [0, 5, 10, 15]
    surer = matrix(20, {(0, 10): 0.6, (5, 10): 0.8, (5, 15): 0.6})
    assert np.flatnonzero(decode("A" * 20, surer, DecodingRule(method="matching")) >= 0).tolist() == [5, 10]


def test_rules_on_letters_and_loops() -> None:
    p = matrix(12, {(0, 11): 0.9, (1, 10): 0.9, (2, 9): 0.9, (3, 7): 0.9, (4, 6): 0.9})
    letters = "GGNUAAAACGUU"
    assert decode(letters, p, DecodingRule(min_loop_nt=0)).tolist() == [11, 10, 9, 7, 6, -1, 4, 3, -1, 2, 1, 0]
    assert decode(letters, p, DecodingRule()).tolist() == [11, 10, 9, 7, -1, -1, -1, 3, -1, 2, 1, 0]
    assert decode(letters, p, DecodingRule(canonical=True)).tolist() == [11, 10, -1, 7, -1, -1, -1, 3, -1, -1, 1, 0]
    assert (decode(letters, p, DecodingRule(threshold=0.95)) == -1).all()


def test_expected_f1_takes_doubtful_pairs_only_where_there_are_no_better_ones() -> None:
    sure = {(i, 19 - i): 0.9 for i in range(4)}
    doubtful = {(i, 19 - i): 0.3 for i in range(4, 8)}
    rule = DecodingRule(0.01, "expected_f1")
    taken = np.flatnonzero(decode("A" * 20, matrix(20, sure | doubtful), rule) >= 0)
    assert taken.tolist() == [0, 1, 2, 3, 16, 17, 18, 19]
    assert np.count_nonzero(decode("A" * 20, matrix(20, doubtful), rule) >= 0) == 8
    for_recall = DecodingRule(0.01, "expected_f1", recall_weight=4)
    assert np.count_nonzero(decode("A" * 20, matrix(20, sure | doubtful), for_recall) >= 0) == 16


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=30), st.floats(0, 5), st.floats(0.1, 5))
def test_as_many_pairs_are_taken_as_have_the_largest_expected_score(p: list[float], more: float, weight: float) -> None:
    falling = np.sort(p)[::-1]
    expected = falling.sum() + more
    scores = [falling[:k].sum() / (k + weight * expected) for k in range(1, len(p) + 1)]
    assert scores[surest_pairs(falling, expected, weight) - 1] == pytest.approx(max(scores), rel=1e-12)
    assert surest_pairs(falling[:0], expected, weight) == 0


@pytest.mark.parametrize("method", METHODS)
def test_no_pair_and_no_base_are_valid(method: str) -> None:
    rule = DecodingRule(method=method)
    assert decode("ACGU", np.zeros((4, 4)), rule).tolist() == [-1] * 4
    assert decode("", np.zeros((0, 0)), rule).tolist() == []


@st.composite
def probabilities(draw: st.DrawFn) -> np.ndarray:
    length = draw(st.integers(2, 8))
    pairs = list(combinations(range(length), 2))
    values = draw(st.lists(st.integers(0, 20), min_size=len(pairs), max_size=len(pairs)))
    return matrix(length, {pair: value / 20 for pair, value in zip(pairs, values, strict=True)})


def best_weight(p: np.ndarray, threshold: float, free: tuple[int, ...]) -> float:
    """Largest sum of probability - threshold over all matchings of the free bases, by trying them all."""
    if len(free) < 2:
        return 0.0
    first, rest = free[0], free[1:]
    best = best_weight(p, threshold, rest)
    for mate in rest:
        if p[first, mate] >= threshold:
            others = tuple(base for base in rest if base != mate)
            best = max(best, float(p[first, mate]) - threshold + best_weight(p, threshold, others))
    return best


@given(probabilities(), st.sampled_from([0.0, 0.3, 0.525]))
def test_matching_finds_the_best_of_all_matchings(p: np.ndarray, threshold: float) -> None:
    partner = decode("A" * len(p), p, DecodingRule(threshold, "matching", min_loop_nt=0))
    i = np.flatnonzero(partner > np.arange(len(p)))
    assert np.array_equal(partner[partner[i]], i)
    weight = float((p[i, partner[i]].astype(float) - threshold).sum())
    assert weight == pytest.approx(best_weight(p, threshold, tuple(range(len(p)))), abs=1e-6)


@given(probabilities(), st.sampled_from(METHODS))
def test_a_matrix_and_its_list_say_the_same(p: np.ndarray, method: str) -> None:
    rule = DecodingRule(0.25, method, min_loop_nt=1)
    letters = "A" * len(p)
    assert np.array_equal(decode(letters, p, rule), decode(letters, listed_pairs(p, 0.01), rule))


def test_the_confidence_is_the_mean_of_the_pairs() -> None:
    letters = "GGGCUAUUAGCUCAGUUGGUUAGAGCGCACCCCUGAUAAGGGUGAGGUCGCUGAUUCGAAUUCAGCAUAGCCCA"
    found = ensemble(letters)
    assert 0.2 < mean_pair_probability(found.mea.partner, found.probabilities) <= 1
    assert np.isnan(mean_pair_probability(np.full(4, -1), np.zeros((4, 4))))


def test_a_threshold_of_nothing_pairs_no_base_with_itself() -> None:
    chosen = greedy_pairs(np.zeros((5, 5)), 0.0)
    assert (chosen.i0 < chosen.j0).all() and len(chosen.i0) == 2


@pytest.mark.parametrize(
    "words", [{"threshold": 1.5}, {"threshold": -0.1}, {"method": "x"}, {"min_loop_nt": -1}, {"recall_weight": 0}]
)
def test_rules_that_are_none_are_refused(words: dict) -> None:
    with pytest.raises(UsageError):
        DecodingRule(**words)


def test_tables_of_pairs_come_back(tmp_path) -> None:
    pairs = ListedPairs(np.array([0, 1]), np.array([8, 7]), np.array([0.25, 1.0]))
    write_pairs(tmp_path / "p.tsv", [("a", pairs), ("b", ListedPairs(*(column[:0] for column in pairs)))])
    assert (tmp_path / "p.tsv").read_text() == "name\ti0\tj0\tprobability\na\t0\t8\t0.25\na\t1\t7\t1\n"
    found = read_pairs(tmp_path / "p.tsv", {"a": 9, "b": 3})
    assert all(np.array_equal(x, y) for x, y in zip(found["a"], pairs, strict=True)) and len(found["b"].i0) == 0


@pytest.mark.parametrize(("line", "message"), [
    ("a\t0\t8", "line 2: has 3 columns, not 4"),
    ("c\t0\t8\t0.5", "line 2, column 'name': 'c' is no record"),
    ("a\t0\t9\t0.5", "line 2, column 'j0': '9' is no 0-based position of 'a' with its 9 nt"),
    ("a\t-1\t8\t0.5", "line 2, column 'i0': '-1'"),
    ("a\t8\t0\t0.5", "line 2, column 'j0': '0' is not behind i0 8"),
    ("a\t0\t8\t1.5", "line 2, column 'probability': '1.5' is no probability"),
    ("a\t0\t8\tnan", "line 2, column 'probability': 'nan'"),
    ("a\t0\t8\t0.5\na\t0\t8\t0.5", "line 3, column 'j0': '8' is listed twice with i0 0 of 'a'"),
])  # fmt: skip
def test_a_bad_table_is_refused_by_cell(tmp_path, line: str, message: str) -> None:
    (tmp_path / "p.tsv").write_text(f"name\ti0\tj0\tprobability\n{line}\n")
    with pytest.raises(DataError, match=message):
        read_pairs(tmp_path / "p.tsv", {"a": 9})


def test_another_header_is_refused(tmp_path) -> None:
    (tmp_path / "p.tsv").write_text("name,i0,j0,probability\n")
    with pytest.raises(DataError, match="line 1: the header is"):
        read_pairs(tmp_path / "p.tsv", {})
