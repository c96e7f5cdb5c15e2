"""What a model of values reads of a sequence: one end of it, filled up at the other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.alphabet import letters
from ribolm.errors import DataError
from ribolm.sequences.length_rule import LengthRule

SEQUENCES = st.lists(st.text("ACGT", max_size=30), max_size=8)


def read(rule: LengthRule, texts: list[str]) -> list[str]:
    """What a rule reads of each text."""
    raw = letters("".join(texts)) if "".join(texts) else np.zeros(0, dtype=np.uint8)
    offsets = np.r_[0, np.cumsum([len(text) for text in texts], dtype=np.int64)].astype(np.int64)
    found, bounds = rule.apply(raw, offsets)
    assert bounds[-1] == len(found)
    return [found[a:b].tobytes().decode() for a, b in pairwise(bounds)]


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (LengthRule(4, "last", True), ["GTAC", "NNCA", "NNNN"]),
        (LengthRule(4, "first", True), ["ACGT", "CANN", "NNNN"]),
        (LengthRule(4, "last", False), ["GTAC", "CA", ""]),
        (LengthRule(4, "first", False), ["ACGT", "CA", ""]),
        (LengthRule(), ["ACGTAC", "CA", ""]),
    ],
)
def test_one_end_is_read_and_the_other_filled_up(rule: LengthRule, wanted: list[str]) -> None:
    assert read(rule, ["ACGTAC", "CA", ""]) == wanted


@given(SEQUENCES, st.integers(1, 20))
def test_letters_keep_their_distance_from_the_end(texts: list[str], width: int) -> None:
    for text, padded in zip(texts, read(LengthRule(width), texts), strict=True):
        assert padded == text[-width:].rjust(width, "N")
    for text, padded in zip(texts, read(LengthRule(width, "first"), texts), strict=True):
        assert padded == text[:width].ljust(width, "N")


@pytest.mark.parametrize("rule", [LengthRule(), LengthRule(50, "last", True, (50, 50)), LengthRule(9, "first", False)])
def test_a_rule_comes_back_from_json_and_says_itself_in_words(rule: LengthRule) -> None:
    content = rule.to_dict()
    assert LengthRule.of_dict(content, "task.json") == rule
    assert content["text"] == rule.sentence()
    assert rule.window_nt is None or str(rule.window_nt) in rule.sentence()


@pytest.mark.parametrize("content", ["last 50", {"window_nt": 50}, {"end": "last", "window_nt": 0}])
def test_what_is_no_rule_is_refused(content: object) -> None:
    with pytest.raises(DataError, match=r"task\.json: .*Train the model again"):
        LengthRule.of_dict(content, "task.json")
