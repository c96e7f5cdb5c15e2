import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.errors import DataError, UsageError
from ribolm.labels.structure.files import READERS, WRITERS, read_structures, recognise, write_structures
from ribolm.labels.structure.pairs import Structure
from ribolm.labels.structure.stockholm import read_families

from .matchings import structures

CT = """  4  ENERGY = -22.6  first hairpin
    1 G       0    2    4    1
    2 A       1    3    0    2
    3 t       2    4    0    3
    4 C       3    0    1    4
3 second
1 A 0 2 0 1
2 C 1 3 0 2 0 0
3 U 2 0 0 3
"""
BPSEQ = "Filename: d.5.b.X.bpseq\nOrganism: 1 kind\n\n1 G 4\n2 A 0\n3 t 0\n4 C 1\n"
STOCKHOLM = """# STOCKHOLM 1.0
#=GF AC   RF1
#=GF ID   fold
#=GF AU   M\xfcller
#=GF TP   Gene; tRNA;

a/1-6         GA-A.
b/1-4         G--At
#=GR a/1-6 SS <...>
#=GC SS_cons  <_A:,

a/1-6         .ACC
b/1-4         GACC
#=GC SS_cons  a~>.
//
# STOCKHOLM 1.0
#=GF ID   plain
c             ACGU
//
"""


def write(folder: Path, content: str, name: str = "s.txt") -> Path:
    path = folder / name
    path.write_text(content, "latin-1")
    return path


def test_ct_files_are_read_whatever_their_program(tmp_path: Path) -> None:
    first, second = read_structures(write(tmp_path, CT))
    assert (first.name, first.letters, first.pairs().tolist()) == ("first", "GAUC", [[0, 3]])
    assert (second.name, second.letters, len(second.pairs())) == ("second", "ACU", 0)


def test_a_ct_file_of_mfold_is_named_behind_both_energies(tmp_path: Path) -> None:
    header = "3 dG = -3.30 [initially -3.50] phe trna\n"
    (found,) = read_structures(write(tmp_path, header + CT.partition("second\n")[2]))
    assert found.name == "phe"


def test_bpseq_files_are_named_by_their_header_or_their_file(tmp_path: Path) -> None:
    assert read_structures(write(tmp_path, BPSEQ))[0].name == "d.5.b.X.bpseq"
    [found] = read_structures(write(tmp_path, BPSEQ[BPSEQ.index("1 G") :], "tRNA.bpseq"))
    assert (found.name, found.letters, found.pairs().tolist()) == ("tRNA", "GAUC", [[0, 3]])
    several = "# one\n1 A 0\n# two of them\n1 G 2\n2 C 1\n"
    assert [s.name for s in read_structures(write(tmp_path, several))] == ["one", "two"]


def test_families_lose_gaps_and_keep_the_pairs_that_both_bases_have(tmp_path: Path) -> None:
    fold, plain = read_families(write(tmp_path, STOCKHOLM))
    assert (fold.accession, fold.name, fold.kind, fold.has_structure) == ("RF1", "fold", "Gene; tRNA", True)
    a, b = fold.members
    assert (a.name, a.letters, a.pairs().tolist()) == ("a/1-6", "GAAACC", [[0, 4]])
    assert (b.name, b.letters, b.pairs().tolist()) == ("b/1-4", "GAUGACC", [[0, 5]])
    assert (plain.accession, plain.kind, plain.has_structure) == ("plain", "", False)
    assert plain.members[0].letters == "ACGU"


def test_members_of_families_are_structures_named_by_family(tmp_path: Path) -> None:
    path = write(tmp_path, STOCKHOLM[: STOCKHOLM.index("# STOCKHOLM", 9)])
    assert [s.name for s in read_structures(path)] == ["RF1_a/1-6", "RF1_b/1-4"]
    with pytest.raises(DataError, match=r"family plain: has no #=GC SS_cons"):
        read_structures(write(tmp_path, STOCKHOLM))


def test_names_of_members_hold_no_blank(tmp_path: Path) -> None:
    unnamed = "# STOCKHOLM 1.0\na ACGU\nb GC-U\n#=GC SS_cons <..>\n//\n"
    found = read_structures(write(tmp_path, unnamed + unnamed.replace("\n", "\n#=GF ID my RNA\n", 1)))
    assert [one.name for one in found] == ["line_1_a", "line_1_b", "my_RNA_a", "my_RNA_b"]
    write_structures(tmp_path / "s.dbn", found)
    assert [one.name for one in read_structures(tmp_path / "s.dbn")] == [one.name for one in found]


def test_a_byte_order_mark_before_an_alignment_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "s.sto").write_text(STOCKHOLM, "utf-8-sig")
    assert [family.accession for family in read_families(tmp_path / "s.sto")] == ["RF1", "plain"]


@pytest.mark.parametrize(("content", "format"), [
    (">x\nAC\n..\n", "dbn"),
    ("#Name: x\n#Length: 2\nAC\n..\n", "dbn"),
    ("# a comment\n>x\nAC\n..\n", "dbn"),
    ("", "dbn"),
    (CT, "ct"),
    ("# from a database\n" + CT, "ct"),
    (BPSEQ, "bpseq"),
    ("#Name: x\n1 A 0\n", "bpseq"),
    (STOCKHOLM, "stockholm"),
])  # fmt: skip
def test_formats_are_recognised_by_content(
    tmp_path: Path, content: str, format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recognise(write(tmp_path, content))[0] == format
    zipped = tmp_path / "s.gz"
    zipped.write_bytes(gzip.compress(content.encode("latin-1"), mtime=0))
    assert recognise(zipped)[0] == format
    if format == "ct":
        read_structures(zipped)
        assert "chosen: format of s.gz = ct (begins with a length)" in capsys.readouterr().err


@pytest.mark.parametrize(("content", "message"), [
    ("hello\n", "line 1: 'hello' begins no file of structures"),
    ("4 x\n1 G 0 2 4 1\n2 A 1 3 0 2\n3 A 2 4 0 3\n", "'x', line 1: says 4 bases, but 3 rows follow"),
    ("2 x\n1 G 0 2 0 1\n3 A 1 0 0 2\n", "line 3: position 2 was to come.* found '3 A 1 0 0 2'"),
    ("2 x\n1 G 0 2\n2 A 1 0\n", "line 2: position 1 was to come"),
    ("2 x\n1 G 0 2 -1 1\n2 A 1 0 0 2\n", "line 2: position 1 was to come"),
    ("1 x\n1 G 0 2 0 1\nG 1\n", "line 3: a record begins with its length"),
    ("1 G 2\n2 C 0\n", "line 1: base 1 pairs with 2, but base 2 with no base"),
    ("1 G 3\n2 C 0\n", "line 1: base 1 pairs with 3, which is no other base"),
    ("1 G 1\n2 C 0\n", "line 1: base 1 pairs with 1, which is no other"),
    ("1 G 2\n2 C 1\n3 A 1\n", "line 3: base 3 pairs with 1, but base 1 with 2"),
    ("1 L 2\n2 C 1\n", "record 's', position 1: 'L' is no nucleotide"),
    ("1 - 2\n2 C 1\n", "record 's', position 1: '-' is a gap"),
    ("1 A 0\n1 C 0\n", "line 2: the name 's' occurs twice"),
    ("3 A 0\n4 C 0\n", "line 1: a record begins at position 1"),
    ("# x\n1 AC 0\n", "begins no file"),
    ("# x\n1 A 0\n2 AC 0\n", "record 'x', line 3: 'AC' at position 2 is not one base"),
    (STOCKHOLM[:-3], "family plain has no end"),
    (STOCKHOLM.replace("a~>.", "a~.."), "family RF1, SS_cons, position 1: '<' opens"),
    (STOCKHOLM.replace("GACC", "GAC"), "family RF1, record 'b/1-4': 8 columns, not 9"),
    (STOCKHOLM.replace("G--At", "-----").replace("GACC", "----"), "record 'b/1-4': is gaps alone"),
    (STOCKHOLM.replace(".ACC", ".ALC"), "record 'a/1-6', position 5: 'L' is no nucleotide"),
])  # fmt: skip
def test_a_bad_file_is_refused_by_place(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_structures(write(tmp_path, content))


def test_only_known_endings_are_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"End it in \.dbn, \.ct, \.bpseq"):
        write_structures(tmp_path / "s.svg", [])


@given(first=structures("x"), second=structures("y/1-9"), format=st.sampled_from(sorted(WRITERS)))
def test_every_format_holds_every_structure(
    tmp_path_factory: pytest.TempPathFactory, first: Structure, second: Structure, format: str
) -> None:
    path = tmp_path_factory.mktemp("s") / f"s.{format}"
    write_structures(path, [first, second])
    assert recognise(path)[0] == format
    for before, after in zip([first, second], READERS[format](path), strict=True):
        assert (before.name, before.letters) == (after.name, after.letters)
        assert np.array_equal(before.partner, after.partner)
