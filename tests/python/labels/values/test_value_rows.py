"""Tables and headers with measured values are read cell by cell; what does not fit is named by line and column."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.errors import DataError
from ribolm.labels.values.rows import read_headers, read_table

TABLE = ",utr,rl,gene\n0,ACGT,1.5,G1\n1,uugca,-2e-1,\n2,ACRT,NA,G1\n"
FASTA = ">T1.1|MUSCLE|te=3.5|geneName=G1\nACG\nTTA\n>T2 te=0.25 rpkm=9 geneName=G2\nAAUU\n>T3\nGG\n"


def texts_of(rows) -> list[str]:
    bounds = zip(rows.offsets[:-1], rows.offsets[1:], strict=True)
    return [rows.letters[a:b].tobytes().decode() for a, b in bounds]


@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_table_becomes_rows(tmp_path: Path, capsys, separator: str, packed: bool) -> None:
    path = tmp_path / "t.csv"
    raw = TABLE.replace(",", separator).encode()
    path.write_bytes(gzip.compress(raw) if packed else raw)
    rows = read_table(path, "utr", ["rl"], group="gene")
    assert texts_of(rows) == ["ACGT", "TTGCA", "ACNT"] and rows.names == ("row_1", "row_2", "row_3")
    np.testing.assert_array_equal(rows.values["rl"], [1.5, -0.2, np.nan])
    assert rows.groups == ("G1", None, "G1") and rows.lines == (2, 3, 4)
    said = capsys.readouterr().err
    assert "1 IUPAC ambiguity codes read as N" in said and "2 U read as T" in said
    assert "values of 'rl' are missing and unknown (1, first at line 4)" in said


def test_headers_become_rows(tmp_path: Path, capsys) -> None:
    path = tmp_path / "s.fa"
    path.write_text(FASTA)
    rows = read_headers(path, ["te", "rpkm"], "geneName")
    assert texts_of(rows) == ["ACGTTA", "AATT", "GG"]
    assert rows.names == ("T1.1|MUSCLE|te=3.5|geneName=G1", "T2", "T3") and rows.groups == ("G1", "G2", None)
    np.testing.assert_array_equal(rows.values["te"], [3.5, 0.25, np.nan])
    np.testing.assert_array_equal(rows.values["rpkm"], [np.nan, 9, np.nan])
    assert "values of 'te' are missing and unknown (1, first at line 6)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seq,rl\nACGT,1\n", r"t\.csv: no column 'utr'\. Name one of those it has: seq, rl"),
        ("utr,rl\nACGT,high\n", r"t\.csv line 2, column 'rl': 'high' is no number"),
        ("utr,rl\nACGT,inf\n", r"line 2, column 'rl': 'inf' is no finite number"),
        ("utr,rl\nACGT,1\n,1\n", r"line 3, column 'utr': '' is no sequence"),
        ("utr,rl\nMKLV,1\n", r"line 2, column 'utr': 'MKLV' is no RNA or DNA \(letter 'L' at position 2"),
        ("utr,rl\nAC-T,1\n", r"line 2, column 'utr': 'AC-T' is no RNA or DNA \(letter '-' at position 2"),
        ("utr,rl\nACGT\n", r"line 2: has 1 columns, the header 2"),
        ("", r"no column 'utr'\. Name one of those it has: none"),
    ],
)
def test_a_bad_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "t.csv", "utr", ["rl"])


def test_names_must_differ_and_be_one_word(tmp_path: Path) -> None:
    for names, message in (
        (("a", "a"), "line 3, column 'id': 'a' occurs twice"),
        (("a b", "c"), "no name of one word"),
    ):
        (tmp_path / "t.csv").write_text("id,utr,rl\n" + "".join(f"{name},ACGT,1\n" for name in names))
        with pytest.raises(DataError, match=message):
            read_table(tmp_path / "t.csv", "utr", ["rl"], "id")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">a|x=1\nACGT\n", r"s\.fa: no header has a part te=\. Name one of those that they have: x"),
        (">a|te=fast\nACGT\n", r"s\.fa line 1, column 'te': 'fast' is no number"),
        (">a|te=1\nACGT\n>b|te=2\n", r"s\.fa line 3, record 'b\|te=2': has no letters"),
        (">a|te=1\nAC.T\n", "no nucleotide code"),
    ],
)
def test_bad_headers_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.fa").write_text(text)
    with pytest.raises(DataError, match=message):
        read_headers(tmp_path / "s.fa", ["te"])


@given(
    st.lists(st.tuples(st.text("ACGTUacgtuNRY", min_size=1, max_size=12), st.floats(-1e6, 1e6)), min_size=0, max_size=6)
)
def test_any_table_of_nucleotides_and_numbers_is_read(tmp_path_factory, cells: list[tuple[str, float]]) -> None:
    path = tmp_path_factory.mktemp("t") / "t.tsv"
    path.write_text("s\tv\n" + "".join(f"{text}\t{value!r}\n" for text, value in cells))
    rows = read_table(path, "s", ["v"])
    assert len(rows) == len(cells) and rows.offsets[-1] == sum(len(text) for text, _ in cells)
    np.testing.assert_array_equal(rows.values["v"], [value for _, value in cells])
