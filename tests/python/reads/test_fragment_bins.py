"""Fragments that touch wanted bins, across the borders of chunks."""

import numpy as np

from ribolm.reads import fragment_bins
from ribolm.reads.fragment_bins import FragmentBins


def test_each_fragment_counts_once_whatever_the_chunk(tmp_path, monkeypatch):
    random = np.random.default_rng(1)
    is_wanted = random.random(500) < 0.1
    rows, expected = [], 0
    for _ in range(300):
        touches = False
        n_rows = int(random.integers(1, 4))
        for i in range(n_rows):
            first = int(random.integers(0, 490))
            end = first + int(random.integers(1, 10))
            touches |= bool(is_wanted[first:end].any())
            rows.append((first, -end if i == n_rows - 1 else end))
        expected += touches
    for chunk_rows in (1, 2, 5, 10_000):
        monkeypatch.setattr(fragment_bins, "CHUNK_ROWS", chunk_rows)
        with FragmentBins(tmp_path) as log:
            for start in range(0, len(rows), 50):
                log.append(np.array(rows[start : start + 50], np.int32))
            assert log.count_touching(is_wanted) == expected
            assert log.count_touching(np.zeros(500, np.bool_)) == 0


def test_nothing_logged_touches_nothing(tmp_path):
    with FragmentBins(tmp_path) as log:
        assert log.count_touching(np.ones(3, np.bool_)) == 0
    assert list(tmp_path.iterdir()) == []
