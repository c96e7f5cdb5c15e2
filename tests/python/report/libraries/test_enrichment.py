"""Numbers behind the sections on enrichment."""

import numpy as np
import pytest

from ribolm.report.libraries.enrichment import cumulative_share, fold_histogram


def test_cumulative_curve_runs_from_nothing_to_everything_and_is_convex() -> None:
    points = cumulative_share(np.array([0, 0, 1, 3, 16]))
    assert points[0] == (0.0, 0.0) and points[-1] == (100.0, 100.0)
    assert dict(points)[80.0] == 20.0 and dict(points)[40.0] == 0.0
    slopes = np.diff([y for _, y in points]) / np.diff([x for x, _ in points])
    assert (np.diff(slopes) >= -1e-9).all()


def test_no_count_has_no_curve() -> None:
    assert cumulative_share(np.zeros(5, dtype=np.int64)) == []


def test_histogram_of_enrichment_sums_to_all_peaks() -> None:
    folds = fold_histogram(np.array([1.0, 1.1, 3.0, 99.0]))
    assert sum(y for _, y in folds) == pytest.approx(100)
