import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ribolm.genome.fasta as fasta
from ribolm.errors import DataError
from ribolm.sequences.rna import ANY_LETTER, RnaRecord, read_rna, stream_rna

TEXT = b">one tRNA of yeast\nACGU\nAC\n>two\nGG\n"
READ = [RnaRecord("one", "ACGUAC", "tRNA of yeast"), RnaRecord("two", "GG")]


def write(folder: Path, content: bytes) -> Path:
    path = folder / "r.fa"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content", [TEXT, gzip.compress(TEXT, mtime=0), TEXT.replace(b"\n", b"\r\n"), TEXT.rstrip(b"\n"), b"\n" + TEXT]
)
def test_records_are_read_whatever_the_dress(tmp_path: Path, content: bytes) -> None:
    assert read_rna(write(tmp_path, content)) == READ


def test_each_kind_of_repair_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, b">a\nacguT\n>b\nttRYN\n")
    assert [record.letters for record in read_rna(path)] == ["ACGUU", "UUNNN"]
    told = capsys.readouterr().err
    assert told.count("notice") == 3
    assert "lower-case letters read as upper case (6, first at record 'a')" in told
    assert "T read as U (3," in told and "IUPAC ambiguity codes read as N (2, first at record 'b')" in told


def test_clean_rna_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_rna(write(tmp_path, TEXT + b">n\nNNN\n"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("content", "message"), [
    (b">a\nACGU\nACE\n", "record 'a', position 7: 'E' is no nucleotide code"),
    (b">p\nMKVLA\n", "record 'p', position 4: 'L' is no nucleotide code.* not a protein"),
    (b">a\nAC-U\n", "record 'a', position 3: '-' is a gap"),
    (b">a\nAC\nU.\n", "record 'a', position 4: '.' is a gap"),
    (b">a\n1 ACGU\n", "record 'a', position 1: '1' is a digit"),
    (b">a\nAC&GU\n", "position 3: '&' is a break between two chains"),
    (b">a\nAC\xc3\xa9\n", "record 'a', position 3"),
    (b">a\nAC\n>a b\nAC\n", "line 3: the name 'a' occurs twice"),
    (b">a\n\n>b\nAC\n", "record 'a': has no letters"),
    (b">\nACGU\n", "line 1: the record has no name"),
    (b"ACGU\n", "begins with '>'"),
])  # fmt: skip
def test_what_is_no_rna_is_refused_by_place(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_rna(write(tmp_path, content))


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_a_file_without_records_is_a_valid_empty_one(tmp_path: Path, content: bytes) -> None:
    assert read_rna(write(tmp_path, content)) == []


def test_repeated_names_are_kept_where_asked(tmp_path: Path) -> None:
    path = write(tmp_path, b">a\nAC\n>a\nGG\n")
    assert [record.letters for record in stream_rna(path, unique_names=False)] == ["AC", "GG"]


def test_other_letters_become_n_where_asked_but_gaps_never(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_rna(write(tmp_path, b">a\nAPiU\n"), tolerate=ANY_LETTER)[0].letters == "ANNU"
    assert "other letters read as N (2, first at record 'a')" in capsys.readouterr().err
    with pytest.raises(DataError, match="gap"):
        read_rna(write(tmp_path, b">a\nA-U\n"), tolerate=ANY_LETTER)


@given(
    records=st.lists(st.text("ACGUNacgut", min_size=1, max_size=40), max_size=6),
    width=st.integers(1, 9),
    chunk=st.integers(1, 64),
)
def test_wrapping_and_chunks_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, records: list[str], width: int, chunk: int
) -> None:
    lines = [
        [f">r{i}", *(text[at : at + width] for at in range(0, len(text), width))] for i, text in enumerate(records)
    ]
    path = tmp_path_factory.mktemp("rna") / "r.fa"
    path.write_text("".join(f"{line}\n" for record in lines for line in record))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fasta, "CHUNK_BYTES", chunk)
        read = read_rna(path)
    assert [record.letters for record in read] == [text.upper().replace("T", "U") for text in records]
