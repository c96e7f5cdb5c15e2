from pathlib import Path

import pytest

from ribolm.errors import UsageError
from ribolm.report.peaks.places import read_named_peaks


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a\tb"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "peaks.bed").write_text("")
    with pytest.raises(UsageError, match="holds a slash"):
        read_named_peaks([str(tmp_path / "peaks.bed")], name)


def test_a_path_may_hold_an_equals_sign(tmp_path: Path) -> None:
    folder = tmp_path / "dir=x"
    folder.mkdir()
    (folder / "a.bed").write_text("chr1\t1\t2\n")
    assert list(read_named_peaks([str(folder / "a.bed")])) == ["a"]
    assert list(read_named_peaks([f"own={folder / 'a.bed'}"])) == ["own"]
