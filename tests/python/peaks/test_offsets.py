"""Size factors and offsets of bins."""

import numpy as np
import pytest

from ribolm.peaks.background import SOURCE_MIXTURE, SOURCE_NONE, Background
from ribolm.peaks.bins import GcContent
from ribolm.peaks.offsets import (
    SOURCE_BACKGROUND,
    SOURCE_DEPTH,
    SOURCE_NO_FRAGMENT,
    fit_gc_model,
    given_size_factors,
    linear_offsets,
    size_factors,
)


def background(flags):
    return Background(np.array(flags), sum(flags), SOURCE_MIXTURE if any(flags) else SOURCE_NONE, None)


def test_factors_are_medians_over_background():
    counts = [np.array([3, 0, 5, 50]), np.array([1, 2, 4, 0])]
    found = size_factors(counts, background([True, True, True, False]), [58, 7])
    assert [f.value for f in found] == [4, 2]
    assert {f.source for f in found} == {SOURCE_BACKGROUND}


def test_without_background_factors_are_the_depths_over_their_mean():
    found = size_factors([np.zeros(2)] * 3, background([False, False]), [100, 300, 0])
    assert [f.value for f in found] == [0.5, 1.5, 1]
    assert [f.source for f in found] == [SOURCE_DEPTH, SOURCE_DEPTH, SOURCE_NO_FRAGMENT]


def test_a_library_without_background_counts_takes_the_scale_of_the_others():
    found = size_factors([np.array([6, 6]), np.array([0, 0])], background([True, True]), [300, 50])
    assert [f.value for f in found] == [6, 1]


def test_offsets_multiply_factor_and_curve_and_spare_unknown_contigs():
    random = np.random.default_rng(1)
    gc_nt = random.integers(0, 226, 3000).astype(np.int32)
    known = np.arange(3000) < 2900
    content = GcContent(gc_nt, np.full(3000, 225, np.int32), known)
    counts = [random.poisson(1 + 4 * gc_nt / 225).astype(np.int32), random.poisson(3.0, 3000).astype(np.int32)]
    model = fit_gc_model(content, counts)
    bins = np.arange(3000)
    offsets = linear_offsets(given_size_factors(["a", "b"], {"b": 3.0, "a": 2.0}), model, bins)
    assert (offsets[:, ~known] == [[2.0], [3.0]]).all()
    assert offsets[:, known].mean(axis=1) == pytest.approx([2.0, 3.0])
    assert np.corrcoef(offsets[0, known], 1 + 4 * gc_nt[known] / 225)[0, 1] > 0.98
    assert linear_offsets(given_size_factors(["a"], {"a": 2.0}), None, bins[:3]).tolist() == [[2.0] * 3]


def test_a_genome_without_any_contig_of_the_genes_gives_no_model():
    assert fit_gc_model(GcContent(np.zeros(3, np.int32), np.zeros(3, np.int32), np.zeros(3, bool)), []) is None
