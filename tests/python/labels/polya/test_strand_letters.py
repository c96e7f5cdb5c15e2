"""Letters around places: on their own strand, N beyond the ends of a contig; keys follow the letters alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ribolm.genome.fasta import Genome
from ribolm.labels.polya.strand_letters import Places, content_keys, letters_around, window_letters, window_starts0

OTHER = str.maketrans("ACGTN", "TGCAN")


def places_of(rows):
    contig, at0, strand = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Places(contig, at0, strand.astype(np.int8))


def expected(texts, contig, at0, strand, before, after):
    """Letter by letter."""
    found = ""
    for step in range(-before, after + 1):
        at = at0 + strand * step
        letter = texts[contig][at] if 0 <= at < len(texts[contig]) else "N"
        found += letter if strand > 0 else letter.translate(OTHER)
    return found


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_letters_are_those_of_a_walk_along_the_strand(polya_genome, data):
    texts = [polya_genome.fetch(n, 0, k).tobytes().decode() for n, k in polya_genome.lengths.items()]
    rows = [
        (contig, data.draw(st.integers(-5, len(texts[contig]) + 5)), data.draw(st.sampled_from([1, -1])))
        for contig in data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=8))
    ]
    before, after = data.draw(st.integers(0, 70)), data.draw(st.integers(0, 70))
    found = letters_around(polya_genome, places_of(rows), before, after)
    assert [row.tobytes().decode() for row in found] == [expected(texts, *row, before, after) for row in rows]


@given(st.integers(1, 300), st.integers(1, 300))
def test_a_window_begins_where_it_is_said_to(width, at0):
    for strand in (1, -1):
        (start0,) = window_starts0(places_of([(0, at0, strand)]), width).tolist()
        from_its_end = at0 - start0 if strand > 0 else start0 + width - 1 - at0
        assert from_its_end == width // 2


def test_keys_are_equal_for_equal_letters_alone_and_the_seed_shuffles_them(polya_genome: Genome):
    places = places_of([(0, at0, strand) for at0 in range(500, 1500) for strand in (1, -1)])
    windows = window_letters(polya_genome, places, 101)
    keys = content_keys(np.concatenate([windows, windows]), 1)
    assert len(set(keys.tolist())) == len({bytes(row) for row in windows}) == 2000
    assert np.array_equal(keys[:2000], keys[2000:])
    assert not np.array_equal(np.argsort(keys[:2000]), np.argsort(content_keys(windows, 2)))
    assert len(content_keys(windows[:0], 1)) == 0
