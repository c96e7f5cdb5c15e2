import contextlib
import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from ribolm.errors import DataError, ToolError, UsageError
from ribolm.files import (
    atomic_directory,
    atomic_path,
    is_whole_number,
    open_text,
    require_folder_possible,
    require_no_other_kind,
    require_other_than,
    require_replaceable,
    separated_rows,
    write_json,
)


def test_a_failed_write_leaves_the_old_file_and_no_trace(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_name_of_an_open_file_is_not_replaced(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        (tmp_path / "stdout").symlink_to(f"/proc/self/fd/{log.fileno()}")
        assert (tmp_path / "stdout").is_file()
        for name in (tmp_path / "stdout", f"/dev/fd/{log.fileno()}"):
            with pytest.raises(DataError, match="a pipe or device"):
                require_replaceable(name)
    (tmp_path / "link").symlink_to(tmp_path / "log")
    require_replaceable(tmp_path / "link")


@pytest.mark.parametrize(("text", "whole"), [("0", True), ("12", True), ("", False), ("-1", False), ("²", False)])
def test_a_whole_number_is_what_int_reads(text: str, whole: bool) -> None:
    assert is_whole_number(text) == whole and (not whole or int(text) >= 0)


def test_rows_hold_cells_of_any_length_and_say_where_they_end() -> None:
    long = "ACGT" * 50_000  # above the 131,072 characters where the csv module stops
    rows = list(separated_rows("t.csv", ["a,b\n", '"x\n', f'y",{long}\n'], ","))
    assert rows == [(1, ["a", "b"]), (3, ["x\ny", long])]
    with pytest.raises(DataError, match=r"t.csv line 7: is no line of a table"):
        list(separated_rows(Path("d/t.csv"), ["a\rb,c\n"], ",", 7))


def test_a_failed_folder_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), atomic_directory(tmp_path / "out") as temporary:
        (temporary / "a.txt").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_an_optional_file_of_an_earlier_run_goes_where_none_is_written(tmp_path: Path) -> None:
    for names in (("a.txt", "b.txt"), ("a.txt",)):
        with atomic_directory(tmp_path / "out", optional=("b.txt", "c.txt")) as temporary:
            for name in names:
                (temporary / name).write_text(name)
        assert tuple(sorted(path.name for path in (tmp_path / "out").iterdir())) == names


def test_a_finished_folder_holds_every_file_and_keeps_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with atomic_directory(tmp_path / "out") as temporary:
        (temporary / "sub").mkdir()
        (temporary / "sub" / "a.txt").write_text("whole")
    assert sorted(p.name for p in (tmp_path / "out").rglob("*.txt")) == ["a.txt", "mine.txt"]
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 4])
def test_a_manifest_never_stands_beside_files_that_it_does_not_describe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    names = ("a.bin", "sub/manifest.json", "sub/z.bin", "manifest.json", "z.bin")
    for content in ("old", "new"):
        replaced = []

        def replace(source: Path, target: Path, content: str = content, replaced: list[Path] = replaced) -> None:
            if content == "new" and len(replaced) == kept:
                raise KeyboardInterrupt
            replaced.append(target)
            Path(source).rename(target)

        monkeypatch.setattr("ribolm.files.os.replace", replace)
        with contextlib.suppress(KeyboardInterrupt), atomic_directory(tmp_path / "out") as temporary:
            (temporary / "sub").mkdir()
            for name in names:
                (temporary / name).write_text(content)
    out = tmp_path / "out"
    for manifest, described in (("sub/manifest.json", names[1:3]), ("manifest.json", names)):
        if (out / manifest).exists():
            assert {(out / name).read_text() for name in described} == {"new"}
    assert not (out / "manifest.json").exists(), "it moves last of the five files"


def test_a_later_write_leaves_a_manifest_that_it_does_not_replace(tmp_path: Path) -> None:
    for name in ("summary.json", "tracks.bw"):
        with atomic_directory(tmp_path / "out") as temporary:
            (temporary / name).write_text("x")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["summary.json", "tracks.bw"]


def test_json_knows_no_nan_and_is_the_same_for_the_same_content(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": math.nan, "a": [np.int64(3), np.float64(0.5), np.inf]})
    assert (tmp_path / "a.json").read_text() == '{\n  "a": [\n    3,\n    0.5,\n    null\n  ],\n  "b": null\n}\n'


@pytest.mark.parametrize("content", [b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb\n", gzip.compress(b"a\nb\n", mtime=0)])
def test_text_reads_the_same_whatever_wrote_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t").write_bytes(content)
    with open_text(tmp_path / "t") as handle:
        assert handle.read() == "a\nb\n"


@pytest.mark.parametrize(("content", "message"), [
    (b"\xff\xfe", "not UTF-8"),
    (gzip.compress(b"x" * 5000, mtime=0)[:-12], "ends too early"),
    (b"\x1f\x8b" + b"x" * 40, "damaged"),
])  # fmt: skip
def test_unreadable_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(DataError, match=message), open_text(tmp_path / "t") as handle:
        handle.read()


def test_an_impossible_folder_is_refused_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    require_folder_possible(tmp_path / "new" / "deeper")
    for folder in (tmp_path / "file", tmp_path / "file" / "x"):
        with pytest.raises(DataError, match=f"^{folder}: "):
            require_folder_possible(folder)
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
def test_a_folder_that_even_root_cannot_make_is_refused() -> None:
    for folder, place in (("/proc/new/deeper", "in /proc"), ("/proc", "there")):
        with pytest.raises(ToolError, match=f"^{folder}: cannot write {place}"):
            require_folder_possible(folder)


def test_a_result_never_replaces_what_it_is_made_from(tmp_path: Path) -> None:
    path = tmp_path / "peaks.bed"
    path.touch()
    (tmp_path / "link.bed").symlink_to(path)
    require_other_than(tmp_path / "other.bed", (path, None))
    require_other_than(None, (path,))
    with pytest.raises(UsageError, match="Choose another name"):
        require_other_than(tmp_path / "link.bed", (None, path))


def test_a_folder_of_another_kind_is_not_written_into(tmp_path: Path) -> None:
    require_no_other_kind(tmp_path, lambda content: False, "token store")
    (tmp_path / "manifest.json").write_text('{"format": "a"}')
    require_no_other_kind(tmp_path, lambda content: content.get("format") == "a", "token store")
    for text in ('{"format": "b"}', "[]", "no JSON"):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(DataError, match="something else than a token store"):
            require_no_other_kind(tmp_path, lambda content: content.get("format") == "a", "token store")
