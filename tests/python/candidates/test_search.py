"""Candidates equal a plain reading of their definition, whatever the chunks; both strands are mirror images."""

from __future__ import annotations

import dataclasses
import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.alphabet import letters, reverse_complement
from ribolm.candidates.hexamers import HEXAMERS, CandidateRule
from ribolm.candidates.search import find_candidates
from ribolm.errors import UsageError
from ribolm.genome.fasta import Genome

DATA = Path(os.environ.get("RIBOLM_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
Row = tuple[int, int, str, int]

# Mostly bases of the signals, so that random sequences hold candidates; sometimes a whole motif or a stretch of N.
pieces = st.one_of(
    st.text("AACTGG", max_size=40),
    st.text("ATC", max_size=20),
    st.sampled_from(HEXAMERS),
    st.just("N"),
    st.just("NNNNNN"),
)
sequences = st.lists(pieces, max_size=40).map("".join)
rules = st.builds(
    CandidateRule,
    hexamers=st.lists(st.sampled_from(HEXAMERS), min_size=1, unique=True).map(tuple),
    nearest_nt=st.integers(6, 15),
    farthest_nt=st.integers(15, 40),
    preceding=st.sampled_from(["CG", "C", "ACGT", "T"]),
    site=st.sampled_from(["A", "AT", "G"]),
    flank_nt=st.integers(40, 60),
    preferred_nt=st.integers(0, 50),
)


def plain_search(text: str, rule: CandidateRule) -> list[Row]:
    """The definition, base by base: (anchor0, strand, hexamer, distance) ascending by anchor and strand."""
    rows = []
    for sign, strand in ((1, text), (-1, reverse_complement(letters(text)).tobytes().decode())):
        for a in range(rule.flank_nt, len(strand) - rule.flank_nt):
            window = strand[a - rule.flank_nt : a + rule.flank_nt + 1]
            if strand[a] not in rule.site or strand[a - 1] not in rule.preceding or "N" in window:
                continue
            fits = [
                (rule.hexamers.index(strand[a - d : a - d + 6]), abs(d - rule.preferred_nt), d)
                for d in range(rule.nearest_nt, rule.farthest_nt + 1)
                if strand[a - d : a - d + 6] in rule.hexamers
            ]
            if fits:
                rank, _, distance = min(fits)
                anchor0 = a if sign > 0 else len(text) - 1 - a
                rows.append((anchor0, sign, rule.hexamers[rank], distance))
    return sorted(rows, key=lambda row: (row[0], -row[1]))


def found(text: str, rule: CandidateRule, chunk_nt: int = 1 << 20) -> list[Row]:
    hits = find_candidates(letters(text), rule, chunk_nt)
    return [
        (int(a), int(s), rule.hexamers[h], int(d))
        for a, s, h, d in zip(hits.anchor0, hits.strand, hits.hexamer, hits.distance_nt, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(text=sequences, rule=rules, chunk_nt=st.integers(1, 300))
def test_search_finds_what_the_definition_says_in_chunks_of_any_size(
    text: str, rule: CandidateRule, chunk_nt: int
) -> None:
    assert found(text, rule, chunk_nt) == plain_search(text, rule)


@pytest.mark.parametrize("chunk_nt", [1 << 20, 37])
def test_a_place_that_both_strands_hit_is_a_candidate_of_each(chunk_nt: int) -> None:
    rule = CandidateRule(site="AT", preceding="ACGT")
    text = "G" * 60 + "AATAAA" + "G" * 14 + "A" + "G" * 14 + "TTTATT" + "G" * 60
    at = text.index("GAG") + 1
    assert [row for row in plain_search(text, rule) if row[0] == at] == [(at, 1, "AATAAA", 20), (at, -1, "AATAAA", 20)]
    assert found(text, rule, chunk_nt) == plain_search(text, rule)


def test_all_places_of_both_strands_fit_into_the_result() -> None:
    rule = CandidateRule(hexamers=("AAAAAA", "TTTTTT"), site="ACGT", preceding="ACGT")
    text = "A" * 400
    assert len(found(text, rule)) == 600
    assert found(text, rule) == plain_search(text, rule)


@settings(max_examples=30, deadline=None)
@given(text=sequences)
def test_reversed_sequence_gives_mirrored_candidates_with_the_same_names(text: str) -> None:
    rule = CandidateRule()
    other = reverse_complement(letters(text)).tobytes().decode()
    mirrored = [(len(text) - 1 - a, -s, h, d) for a, s, h, d in found(other, rule)]
    assert sorted(mirrored, key=lambda row: (row[0], -row[1])) == found(text, rule)


def test_site_is_named_by_the_first_hexamer_of_the_list_then_by_the_distance_nearest_to_twenty() -> None:
    rule = CandidateRule()
    text = "G" * 60 + "ATTAAA" + "T" * 5 + "AATAAA" + "T" * 12 + "CA" + "G" * 60
    assert found(text, rule) == [(text.index("CA") + 1, 1, "AATAAA", 19)]
    near, far = "G" * 60 + "AATAAA" + "T" * 4 + "AATAAA" + "T" * 8, "CA" + "G" * 60
    assert found(near + far, rule)[0][3] == 15, "15 and 25 are as near to 20: the smaller is taken"


@pytest.mark.parametrize("text", ["", "A", "N" * 500, "AATAAA" + "C" * 13 + "CA" + "G" * 50, "ACGT" * 100])
def test_nothing_to_find_is_an_empty_result(text: str) -> None:
    assert found(text, CandidateRule()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"hexamers": ()}, {"hexamers": ("AATAA",)}, {"hexamers": ("AATAAN",)}, {"hexamers": ("AATAAA", "AATAAA")},
        {"preceding": ""}, {"site": "N"}, {"nearest_nt": 5}, {"nearest_nt": 40}, {"farthest_nt": 51},
        {"farthest_nt": 64, "flank_nt": 100},
    ],
)  # fmt: skip
def test_impossible_rules_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        dataclasses.replace(CandidateRule(), **change)  # type: ignore[arg-type]


def test_as_many_hexamers_as_names_can_tell_apart_are_taken_and_one_more_is_refused() -> None:
    words = tuple("".join(word) for word in itertools.product("ACGT", repeat=6))
    text = "G" * 60 + words[254] + "T" * 14 + "CA" + "G" * 60
    rule = CandidateRule(hexamers=words[:255])
    assert found(text, rule) == plain_search(text, rule)
    with pytest.raises(UsageError, match="256 hexamers are more than the 255 that fit"):
        CandidateRule(hexamers=words[:256])


def test_chr22_holds_the_counts_of_the_reference() -> None:
    fasta = DATA / "polya" / "chr22.hg19.maf_partial.fa.gz"
    if not fasta.exists():
        pytest.skip(f"{fasta} is not here")
    hits = find_candidates(Genome.open(fasta).data)
    counts = [int(np.count_nonzero(hits.strand == sign)) for sign in (1, -1)]
    assert counts == [421_996, 421_742]
