"""Verified targets among others: what is drawn, and metrics of a ranking."""

from __future__ import annotations

import numpy as np
import pytest

from ribolm.errors import DataError
from ribolm.evaluation.interactions.rankings import Question, RankingMethod, assess_rankings, choose_questions

TARGETS = [f"g{number}" for number in range(200)]
VERIFIED = {"s": ("g5", "g150"), "t": ("g0",)}


def test_others_are_drawn_by_seed_and_query_and_keep_their_order() -> None:
    first, second = choose_questions(VERIFIED, TARGETS, 20, seed=1)
    assert first.query == "s" and len(first.targets) == 22 and first.is_verified.sum() == 2
    assert [int(name[1:]) for name in first.targets] == sorted(int(name[1:]) for name in first.targets)
    assert {"g5", "g150"} <= set(first.targets) and "g0" in second.targets
    (alone,) = choose_questions({"s": VERIFIED["s"]}, TARGETS, 20, seed=1)
    assert alone.targets == first.targets
    assert choose_questions(VERIFIED, TARGETS, 20, seed=2)[0].targets != first.targets
    assert len(choose_questions(VERIFIED, TARGETS, 0)[0].targets) == 200


def test_without_a_verified_target_nothing_is_ranked() -> None:
    with pytest.raises(DataError, match="No query has a verified target"):
        choose_questions({}, TARGETS)


def test_a_query_that_all_targets_are_verified_for_is_left_out_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    (kept,) = choose_questions({"s": ("g0", "g1"), "t": ("g0",)}, ["g0", "g1"])
    assert kept.query == "t" and kept.targets == ("g0", "g1")
    assert "1 of 2 queries not ranked" in capsys.readouterr().err
    with pytest.raises(DataError, match="No query has a verified target and another one"):
        choose_questions({"s": ("g0", "g1")}, ["g0", "g1"])


def test_targets_that_do_not_fit_are_neither_ranked_nor_drawn() -> None:
    (question,) = choose_questions({"s": ("g5", "g150")}, TARGETS, 20, fits=lambda _query, target: int(target[1:]) < 60)
    assert len(question.targets) == 21 and question.is_verified.sum() == 1
    assert max(int(name[1:]) for name in question.targets) < 60


def asked(n: int, verified: list[int]) -> Question:
    is_verified = np.zeros(n, dtype=bool)
    is_verified[verified] = True
    return Question("s", tuple(TARGETS[:n]), is_verified)


def test_metrics_of_a_perfect_a_reversed_and_a_blank_ranking() -> None:
    question = asked(20, [0, 1])
    scores = -np.arange(20.0)
    methods = [RankingMethod(name, "floor", (values,)) for name, values in
               (("perfect", scores), ("reversed", -scores), ("blank", np.zeros(20)))]  # fmt: skip
    rows = {row["method"]: row for row in assess_rankings((question,), methods).method_rows()}
    assert rows["perfect"]["roc_auc"] == rows["perfect"]["average_precision"] == 1
    assert rows["perfect"]["median_rank_share"] == 0 and rows["perfect"]["recall_in_top_tenth"] == 1
    assert rows["reversed"]["roc_auc"] == 0 and rows["reversed"]["median_rank_share"] == 1
    assert rows["blank"]["roc_auc"] == rows["blank"]["median_rank_share"] == 0.5
    assert rows["blank"]["recall_in_top_tenth"] == pytest.approx(0.1)
    assert rows["perfect"]["prevalence"] == 0.1
    assert rows["perfect"]["roc_auc_low"] is None  # one query: no interval


def test_what_does_not_bind_comes_last_and_queries_count_alike() -> None:
    questions = (asked(4, [0]), asked(100, list(range(50))))
    scores = (np.array([1.0, -np.inf, -np.inf, 0]), np.zeros(100))
    found = assess_rankings(questions, [RankingMethod("m", "model", scores)], draws=200)
    (row,) = found.method_rows()
    assert row["roc_auc"] == pytest.approx((1 + 0.5) / 2)
    assert row["roc_auc_low"] <= row["roc_auc"] <= row["roc_auc_high"]
    assert found.interval_note() is not None
    assert {one["n_verified"] for one in found.query_rows()} == {1, 50}
