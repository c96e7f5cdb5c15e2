from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.errors import DataError
from ribolm.genome.regions import Region, read_bed, write_bed6, write_bed12


@st.composite
def regions(draw: st.DrawFn) -> Region:
    sizes = draw(st.lists(st.integers(1, 50), min_size=1, max_size=5))
    start0 = at = draw(st.integers(0, 1000))
    blocks = []
    for size in sizes:
        blocks.append((at, at + size))
        at += size + draw(st.integers(0, 100))
    strand = draw(st.sampled_from("+-."))
    return Region("chr1", start0, blocks[-1][1], "peak", draw(st.integers(0, 1000)), strand, tuple(blocks))


@given(st.lists(regions(), max_size=5))
def test_bed12_comes_back_unchanged(tmp_path_factory: pytest.TempPathFactory, written: list[Region]) -> None:
    path = tmp_path_factory.getbasetemp() / "round.bed"
    write_bed12(path, written)
    assert read_bed(path) == written


def test_bed6_keeps_its_extra_columns(tmp_path: Path) -> None:
    region = Region("chr1", 5, 6, "site", 7, "-", extra=("0.5", "GGACT"))
    write_bed6(tmp_path / "s.bed", [region], header="chrom\tstart0")
    assert (tmp_path / "s.bed").read_text().startswith("#chrom")
    assert read_bed(tmp_path / "s.bed") == [region]


@pytest.mark.parametrize(("line", "message"), [
    ("chr1\t5", "line 1: 2 columns"),
    ("chr1\tx\t9", "column 'chromStart': 'x'"),
    ("chr1\t9\t9", "column 'chromEnd': '9' is not above"),
    ("chr1\t-5\t9", "column 'chromStart': '-5' is negative"),
    ("chr1\t1\t9\tn\t0\t*", "column 'strand'"),
    ("chr1\t1\t9\tn\t0\t+\t1\t9\t0\t2\t3,3\t0,4", "column 'blockStarts'"),
])  # fmt: skip
def test_a_bad_line_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "b.bed"
    path.write_text(line + "\n")
    with pytest.raises(DataError, match=message):
        read_bed(path)
