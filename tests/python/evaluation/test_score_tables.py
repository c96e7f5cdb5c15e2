"""Tables of scores of any peer: where positions count from."""

from pathlib import Path

import pytest

from ribolm.errors import DataError
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
    with pytest.raises(DataError, match="column 'start' does not tell whether it counts from 0. Call it start0"):
        rows(tmp_path, "chrom,start,strand,score\nchr1,4,+,0.5\n")
