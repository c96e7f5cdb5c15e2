"""Reads of fragments: letters, orientation, errors, names."""

import dataclasses

import numpy as np
import pytest

from ribolm.alphabet import COMPLEMENT
from ribolm.simulation.m6a_fragments import Experiment, draw_fragments
from ribolm.simulation.m6a_options import Library, M6aOptions
from ribolm.simulation.m6a_reads import Reads, make_reads, read_names

LIBRARY = Library(0, "control", 1, "ip")


def reads_with(small: Experiment, **changes: object) -> Reads:
    options: M6aOptions = dataclasses.replace(small.options, **{"fragments": 5000, "error_rate": 0.0, **changes})
    fragments = draw_fragments(dataclasses.replace(small, options=options), LIBRARY)
    return make_reads(small.transcripts, fragments, LIBRARY, options)


def transcript_ends(reads: Reads, k: int) -> tuple[bytes, bytes]:
    """The first letters of a fragment, and the first of its reverse complement."""
    t, n = reads.transcripts, reads.read_length_nt
    start = int(t.transcript_offset[reads.fragments.transcript[k]] + reads.fragments.start[k])
    letters = t.sequence[start : start + int(reads.fragments.length_nt[k])]
    return letters[:n].tobytes(), COMPLEMENT[letters[::-1][:n]].tobytes()


@pytest.mark.parametrize("strandedness", ["reverse", "forward", "unstranded"])
def test_mates_are_the_two_ends_of_the_fragment(small: Experiment, strandedness: str) -> None:
    reads = reads_with(small, strandedness=strandedness)
    fragment = np.arange(200)
    r1, r2 = reads.letters(fragment, 0), reads.letters(fragment, 1)
    r1_sense = 0
    for k in fragment:
        sense, antisense = transcript_ends(reads, int(k))
        assert {r1[k].tobytes(), r2[k].tobytes()} == {sense, antisense}
        r1_sense += r1[k].tobytes() == sense
    assert {"reverse": r1_sense == 0, "forward": r1_sense == 200, "unstranded": 70 < r1_sense < 130}[strandedness]


def test_strandedness_turns_reads_but_draws_the_same_fragments(small: Experiment) -> None:
    one, other = reads_with(small, strandedness="reverse"), reads_with(small, strandedness="forward")
    assert (one.letters(np.arange(99), 0) == other.letters(np.arange(99), 1)).all()


def test_errors_come_at_their_rate_everywhere_in_the_read(small: Experiment) -> None:
    clean, noisy = reads_with(small), reads_with(small, error_rate=0.01)
    fragment = np.arange(5000)
    wrong = np.concatenate([noisy.letters(fragment, m) != clean.letters(fragment, m) for m in (0, 1)])
    assert wrong.mean() == pytest.approx(0.01, rel=0.05)
    per_cycle = wrong.mean(axis=0)
    assert per_cycle.min() > 0.005 and per_cycle.max() < 0.016


def test_letters_do_not_depend_on_the_order_in_which_they_are_asked_for(small: Experiment) -> None:
    reads = reads_with(small, error_rate=0.02)
    shuffled = np.random.default_rng(0).permutation(500)
    assert (reads.letters(np.arange(500), 1)[shuffled] == reads.letters(shuffled, 1)).all()


def test_single_reads_are_the_first_mates(small: Experiment) -> None:
    single, paired = reads_with(small, single_end=True), reads_with(small)
    assert single.mates == 1
    assert (single.letters(np.arange(50), 0) == paired.letters(np.arange(50), 0)).all()


def test_names_count_from_one() -> None:
    assert [row.tobytes() for row in read_names(np.array([0, 41]), 4)] == [b"r0001", b"r0042"]
