from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from ribolm.errors import DataError
from ribolm.labels.structure.dot_bracket import (
    parse_brackets,
    read_dot_bracket,
    within_brackets,
    write_brackets,
    write_dot_bracket,
)
from ribolm.labels.structure.pairs import Structure

from .matchings import structures


def write(folder: Path, content: str) -> Path:
    path = folder / "s.dbn"
    path.write_text(content)
    return path


def test_all_brackets_and_letters_are_pairs() -> None:
    assert parse_brackets("([{<A)]}>a.").tolist() == [5, 6, 7, 8, 9, 0, 1, 2, 3, 4, -1]


@pytest.mark.parametrize(("text", "message"), [
    ("(()", r"position 1: '\(' opens a pair that nothing closes"),
    ("(..))", r"position 5: '\)' closes a pair that nothing opens"),
    ("([)", r"position 2: '\['"),
    ("a..A", "position 1: 'a' closes"),
    ("(.?)", "position 3: '\\?' is no symbol"),
])  # fmt: skip
def test_unbalanced_brackets_are_refused_by_position(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=f"s.dbn, record 'x', {message}"):
        read_dot_bracket(write(tmp_path, f">x\n{'A' * len(text)}\n{text}\n"))


@pytest.mark.parametrize(("content", "message"), [
    (">x\nACGU\n(..)).\n", "position 5"),
    (">x\nACGU\n(...)\n", "record 'x': 4 letters, but a structure of 5"),
    (">x\nACGU\n", "record 'x': has no structure"),
    (">x\n>y\nAC\n..\n", "record 'x': has no sequence"),
    (">x\nA-GU\n(..)\n", "record 'x', position 2: '-' is a gap"),
    (">x\nALGU\n(..)\n", "record 'x', position 2: 'L' is no nucleotide"),
    (">x\nAC\n..\n>x\nAC\n..\n", "line 4: the name 'x' occurs twice"),
    ("ACGU\n(..)\n", "line 1: a record begins with '>'"),
    (">\nACGU\n(..)\n", "line 1: the record has no name"),
])  # fmt: skip
def test_a_bad_file_is_refused_by_record(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_dot_bracket(write(tmp_path, content))


def test_letters_are_repaired_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [found] = read_dot_bracket(write(tmp_path, ">x\nacTRPI\n(....)\n"))
    assert found.letters == "ACUNNN"
    told = capsys.readouterr().err
    assert (
        "lower-case" in told and "T read as U (1" in told and "IUPAC" in told and "other letters read as N (2" in told
    )


def test_wrapped_lines_energies_comments_and_bprna_headers_are_read(tmp_path: Path) -> None:
    text = ">x first\nACG\nUAC\n(..\n..) (-1.20)\n#Name: y\n#Length: 4\nACGU\n....  ( 0.00)\n"
    x, y = read_dot_bracket(write(tmp_path, text))
    assert (x.name, x.letters, x.pairs().tolist()) == ("x", "ACGUAC", [[0, 5]])
    assert (y.name, y.letters, len(y.pairs())) == ("y", "ACGU", 0)


def test_a_wrapped_line_of_closing_brackets_is_no_header(tmp_path: Path) -> None:
    x, y = read_dot_bracket(write(tmp_path, ">x\nGGAA\nACC\n<<..\n.>>\n>y\nGA\n..\n"))
    assert (x.letters, x.pairs().tolist(), y.name) == ("GGAAACC", [[0, 6], [1, 5]], "y")
    (x,) = read_dot_bracket(write(tmp_path, ">x\nGGAAACC\n<<...\n>>\n"))
    assert x.pairs().tolist() == [[0, 6], [1, 5]]


def test_an_empty_file_gives_no_record_and_back(tmp_path: Path) -> None:
    assert read_dot_bracket(write(tmp_path, "")) == []
    write_dot_bracket(tmp_path / "out.dbn", [])
    assert (tmp_path / "out.dbn").read_text() == ""


def test_names_may_repeat_where_asked(tmp_path: Path) -> None:
    path = write(tmp_path, ">x\nAC\n..\n>x\nGG\n..\n")
    assert [s.letters for s in read_dot_bracket(path, unique_names=False)] == ["AC", "GG"]


def test_the_layer_of_most_pairs_is_round() -> None:
    assert write_brackets(Structure.from_pairs("x", "A" * 8, [(0, 4), (2, 7), (3, 6)])) == "[.((].))"


def test_pairs_that_no_bracket_is_left_for_are_refused_or_left_out() -> None:
    stem = [(80, 95), (81, 94)]
    dense = Structure.from_pairs("x", "A" * 96, [*((at, 40 + at) for at in range(40)), *stem])
    with pytest.raises(DataError, match=r"'x' cross in 40 layers.*BPSEQ or CT"):
        write_brackets(dense)
    kept, n_beyond = within_brackets(dense)
    assert n_beyond == 10 and len(kept.pairs()) == 32
    assert {*stem} <= {*map(tuple, kept.pairs().tolist())} <= {*map(tuple, dense.pairs().tolist())}
    assert np.array_equal(parse_brackets(write_brackets(kept)), kept.partner)
    assert within_brackets(kept) == (kept, 0)


@given(structures())
def test_writing_and_reading_give_the_same_pairs(structure: Structure) -> None:
    text = write_brackets(structure)
    assert np.array_equal(parse_brackets(text), structure.partner)
    again = Structure.from_pairs("x", structure.letters, structure.pairs()[::-1, ::-1])
    assert write_brackets(again) == text


@pytest.mark.parametrize(("pairs", "message"), [
    ([(0, 1), (1, 2)], "two partners"),
    ([(2, 2)], "two partners"),
    ([(0, 9)], "outside"),
    ([(-1, 2)], "outside"),
])  # fmt: skip
def test_pairs_that_are_no_matching_are_refused(pairs: list[tuple[int, int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Structure.from_pairs("x", "ACGU", pairs)


@pytest.mark.parametrize("partner", [[1, 0], [1, 2, -1, -1], [0, -1, -1, -1], [4, -1, -1, -1], [-2, -1, -1, -1]])
def test_partners_that_are_not_mutual_are_refused(partner: list[int]) -> None:
    with pytest.raises(ValueError, match="partner"):
        Structure("x", "ACGU", np.array(partner, dtype=np.int64))
