"""Counts that libraries are compared by."""

import numpy as np

from ribolm.report.folders.peak_folder import read_peak_folders
from ribolm.report.libraries.correlation import library_counts, ranks


def test_bins_of_groups_join_by_number_and_missing_ones_count_nothing(small_run) -> None:
    names, counts = library_counts(read_peak_folders(small_run.folders))
    assert names == [f"{group}_{x}" for group in ("control", "treated") for x in ("1_ip", "2_ip", "1_input", "2_input")]
    assert counts.shape == (60, 8)
    assert ranks(np.array([[3.0], [1.0], [1.0]])).ravel().tolist() == [3.0, 1.5, 1.5]
