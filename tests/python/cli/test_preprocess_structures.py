from itertools import pairwise
from pathlib import Path

import pytest

from ribolm.cli.preprocess import main

DBN = ">x\nGAUCA\n(.[)]\n"


def test_structures_pass_through_every_format_unchanged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a.dbn", "b.ct", "c.bpseq", "d.dbn"]
    (tmp_path / names[0]).write_text(DBN)
    for before, after in pairwise(names):
        assert main(["structures", "--input", str(tmp_path / before), "--out", str(tmp_path / after)]) == 0
    assert (tmp_path / "d.dbn").read_text() == DBN
    told = capsys.readouterr()
    assert told.out.startswith(f"{tmp_path / 'b.ct'}: 1 structures, 2 pairs\n")
    assert "chosen: format of c.bpseq = bpseq (rows of position, base, partner)" in told.err


@pytest.mark.parametrize(("content", "out", "options", "code", "message"), [
    (">x\nGA\n((\n", "o.ct", [], 65, "in.txt, record 'x', position 2: '(' opens"),
    (DBN, "o.txt", [], 2, "End it in .dbn, .ct, .bpseq"),
    (DBN, "in.txt", [], 2, "End it in"),
    (DBN, "o.ct", ["--format", "ct"], 65, "line 1: a record begins with its length"),
    (DBN + DBN, "o.ct", [], 65, "line 4: the name 'x' occurs twice"),
    (">x\nGL\n..\n", "o.ct", [], 65, "position 2: 'L' is no nucleotide code"),
])  # fmt: skip
def test_bad_input_is_refused_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
    content: str, out: str, options: list[str], code: int, message: str,
) -> None:  # fmt: skip
    (tmp_path / "in.txt").write_text(content)
    assert main(["structures", "--input", str(tmp_path / "in.txt"), "--out", str(tmp_path / out), *options]) == code
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]


def test_repeated_names_and_other_letters_are_admitted_where_asked(tmp_path: Path) -> None:
    (tmp_path / "in.dbn").write_text(">x\nGL\n..\n" * 2)
    switches = ["--keep-repeated-names", "--other-as-n"]
    assert main(["structures", "--input", str(tmp_path / "in.dbn"), "--out", str(tmp_path / "o.dbn"), *switches]) == 0
    assert (tmp_path / "o.dbn").read_text() == ">x\nGN\n..\n" * 2


def test_a_part_of_a_set_is_spread_over_it_and_comes_with_its_sequences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.dbn").write_text("".join(f">x{i}\nG{'A' * i}C\n({'.' * i})\n" for i in range(3, 10)))
    more = ["--fasta", str(tmp_path / "o.fa"), "--most", "3"]
    assert main(["structures", "--input", str(tmp_path / "in.dbn"), "--out", str(tmp_path / "o.dbn"), *more]) == 0
    assert (tmp_path / "o.fa").read_text() == ">x3\nGAAAC\n>x5\nGAAAAAC\n>x7\nGAAAAAAAC\n"
    assert [line for line in (tmp_path / "o.dbn").read_text().split("\n") if line.startswith(">")] == [
        ">x3",
        ">x5",
        ">x7",
    ]
    assert "3 of 7 RNAs are kept" in capsys.readouterr().err
