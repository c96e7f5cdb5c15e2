"""Folders of peak calling that are damaged or do not go together are refused."""

from pathlib import Path

import pytest

from ribolm.errors import DataError
from ribolm.report.folders.peak_folder import read_peak_folder, read_peak_folders


def test_a_peak_table_without_a_column_is_refused(small_run) -> None:
    folder = small_run.folders[0]
    (folder / "peaks.tsv").write_text("chrom\tstart0\n")
    with pytest.raises(DataError, match="'end0' is missing"):
        read_peak_folder(folder).read_peaks()


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is no JSON"), ("[]", "holds no JSON object"), ("{}", "has no 'libraries'"), (None, "no such file")],
)
def test_a_damaged_summary_is_refused(small_run, text: str | None, message: str) -> None:
    path: Path = small_run.folders[0] / "summary.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_peak_folder(small_run.folders[0])


def test_groups_of_one_name_are_refused(small_run) -> None:
    with pytest.raises(DataError, match="both are called 'control'"):
        read_peak_folders([small_run.folders[0], small_run.folders[0]])
