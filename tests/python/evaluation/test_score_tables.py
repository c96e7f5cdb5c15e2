"""Tables of scores of any peer: where positions count from, quotes, parts that are read one by one, refusals."""

from pathlib import Path

import pytest

from ribolm.errors import DataError
from ribolm.evaluation import raw_tables
from ribolm.evaluation.score_tables import NamedFiles, read_scores


def rows(folder: Path, text: str, name: str = "peer.csv") -> list[tuple[str, int, str, float]]:
    path = folder / name
    path.write_text(text)
    return read_scores(NamedFiles("peer", "", (path,))).select("chrom", "start0", "strand", "score").rows()


def test_positions_of_granges_count_from_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(tmp_path, "seqnames,start,end,strand,score\nchr1,4,4,+,0.5\n")
    assert found == [("chr1", 3, "+", 0.5)]
    assert "first position of peer.csv = 1" in capsys.readouterr().err
    assert rows(tmp_path, "seqnames,start0,start,strand,score\nchr1,3,4,+,0.5\n") == found
    assert rows(tmp_path, "chrom\tchromStart\tstrand\tscore\nchr1\t3\t+\t0.5\n") == found


def test_a_start_that_may_count_from_anything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"column 'start' does not tell whether it counts from 0. Call it start0"):
        rows(tmp_path, "chrom,start,strand,score\nchr1,4,+,0.5\n")


@pytest.mark.parametrize("separator", [",", "\t"])
def test_quoted_cells_are_read(tmp_path: Path, separator: str) -> None:
    lines = [
        ['"chrom"', '"start0"', '"strand"', '"score"', '"note"'],
        ['"chr1"', "3", '"+"', "0.5", f'"a{separator}b"'],
    ]
    assert rows(tmp_path, "".join(separator.join(line) + "\n" for line in lines)) == [("chr1", 3, "+", 0.5)]


def test_long_tables_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_tables, "ROWS_AT_A_TIME", 2)
    body = "".join(f"chr1\t{k}\t{k + 1}\tx\t{k / 10}\t+\n" for k in range(5))
    assert [row[1] for row in rows(tmp_path, "track name=x\n" + body, "peer.bed")] == [0, 1, 2, 3, 4]
    with pytest.raises(DataError, match=r"peer.bed line 7: has 1 columns, the first line 6"):
        rows(tmp_path, "track name=x\n" + body + "chr1\n", "peer.bed")
    assert rows(tmp_path, "", "peer.bed") == rows(tmp_path, "chrom,start0,strand,score\n") == []
    with pytest.raises(DataError, match="line 1: has two columns 'score'"):
        rows(tmp_path, "chrom,start0,strand,score,score\n")
