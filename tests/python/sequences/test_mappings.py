"""Mappings: names, equations and files of four distinct amino acids, and what becomes of a letter under each."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.alphabet import IUPAC
from ribolm.errors import DataError, UsageError
from ribolm.sequences.mappings import AMINO_ACIDS, amino_acids_of, mapping_name
from ribolm.sequences.single import RNA_TOKENS, EsmTokenizer
from ribolm.sequences.tokenizers import make_tokenizer, mapping_of, tokenizer_from_dict

NAMES = st.permutations(AMINO_ACIDS).map(lambda letters: "".join(letters[:4]))


def ids(tokenizer: EsmTokenizer, text: str) -> list[int]:
    return tokenizer.encode(np.frombuffer(text.encode(), dtype=np.uint8)).tolist()


@given(NAMES, st.permutations("AUCG"))
def test_a_name_says_all_there_is_to_know(name: str, order: list[str]) -> None:
    of = dict(zip("AUCG", name, strict=True))
    equation = f"{''.join(order)}={''.join(of[base] for base in order)}"
    found = mapping_name(equation)
    assert mapping_name(name) == mapping_name(name.lower()) == mapping_name(found) == found
    tokenizer = make_tokenizer("esm", mapping=equation)
    assert isinstance(tokenizer, EsmTokenizer) and mapping_of(tokenizer) == found
    assert [tokenizer.tokens[i] for i in ids(tokenizer, "AUCG")] == list(name)
    assert tokenizer_from_dict(json.loads(json.dumps(tokenizer.to_dict()))) == tokenizer


def test_letters_as_they_are_have_a_name_of_their_own() -> None:
    assert mapping_name("ATCG") == mapping_name("AUCG=ATCG") == "unmapped"
    tokenizer = make_tokenizer("esm", mapping="unmapped")
    assert isinstance(tokenizer, EsmTokenizer)
    assert [tokenizer.tokens[i] for i in ids(tokenizer, "ACGUTN")] == list("ACGTTX")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own.json", '{"A": "W", "U": "F", "C": "H", "G": "M"}'),
        ("own.tsv", "A\tW\nC\tH\nG\tM\nT\tF\n"),
        ("own", "a w\n\nu f\nc h\ng m\n"),
    ],
)
def test_a_small_file_may_hold_the_mapping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)
    assert mapping_name(str(tmp_path / name)) == "WFHM"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "KDNY").write_text(content)
    assert mapping_name("KDNY") == "KDNY"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("KDN", "'KDN' is not four distinct amino acids"),
        ("KDNN", "not four distinct"),
        ("KDNB", "not four distinct"),
        ("KDNX", "not four distinct"),
        ("AUC=KDN", "not A, U, C and G once each"),
        ("AUCC=KDNY", "not A, U, C and G once each"),
        ("AUTG=KDNY", "not A, U, C and G once each"),
        ("AUCG=KDN", "4 letters before = and 3 after"),
        ("AUCG=KDDY", "not four distinct"),
    ],
)
def test_other_mappings_are_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=f"--mapping {text}: .*{told}"):
        mapping_name(text)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"A": "K", "U": 3, "C": "N", "G": "Y"}', "values that are no text"),
        ('{"A": "K",', "line 1: is no JSON"),
        ('{"A": "K", "U": "D", "C": "N", "G": "K"}', "'KDNK' is not four distinct"),
        ("A\tK\nA\tD\n", "line 2: 'A\\\\tD' is not a nucleotide, new"),
        ("nucleotide\tamino acid\n", "line 1: .* is not a nucleotide, new"),
        ("A\tK\nU\tD\nC\tN\n", "names A, U, C, not A, U, C and G"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "own.tsv").write_text(content)
    with pytest.raises(DataError, match=f"own.tsv.*{told}"):
        mapping_name(str(tmp_path / "own.tsv"))


@pytest.mark.parametrize("mapping", ["KDNY", "KEDR", "unmapped", "WFHM"])
@pytest.mark.parametrize("aligned", [False, True])
def test_every_byte_has_its_id_or_is_refused(mapping: str, aligned: bool) -> None:
    """The published code takes the nearest symbol of its alphabet: N, T and R became U, W became X, Y failed."""
    tokenizer = make_tokenizer("esm", mapping=mapping, aligned=aligned)
    assert isinstance(tokenizer, EsmTokenizer)
    amino_acids = amino_acids_of(mapping)
    for byte in range(256):
        letter = chr(byte).upper() if byte < 128 else ""
        base = "T" if letter == "U" else letter
        if base in amino_acids:
            expected = tokenizer.tokens.index(amino_acids[base])
        elif letter in IUPAC:
            expected = 24
        elif letter == "-" and aligned:
            expected = 30
        else:
            with pytest.raises(ValueError, match="is no nucleotide code"):
                tokenizer.encode(np.array([byte], dtype=np.uint8))
            continue
        assert tokenizer.encode(np.array([byte], dtype=np.uint8)).tolist() == [expected]


def test_resm_gives_the_ids_of_its_table() -> None:
    given = {mapping: make_tokenizer("esm", mapping=mapping) for mapping in ("KDNY", "KEDR")}
    assert given["KDNY"].given_ids == (0, 1, 2, 13, 15, 17, 19, 24, 30, 32)
    assert given["KEDR"].given_ids == (0, 1, 2, 9, 10, 13, 15, 24, 30, 32)
    # chained replacement would map what it has mapped: D, K, N and Y are codes of nucleotides too
    for text in ("".join(order) for order in permutations("ACGU")):
        assert [given["KDNY"].tokens[i] for i in ids(given["KDNY"], text)] == [
            {"A": "K", "U": "D", "C": "N", "G": "Y"}[letter] for letter in text
        ]


def test_the_compact_vocabulary_is_that_of_the_published_code() -> None:
    tokenizer = make_tokenizer("rna")
    assert tokenizer.tokens == RNA_TOKENS == ("<cls>", "<pad>", "<eos>", "<unk>", *"AGCUX-", "<mask>")
    encoded = tokenizer.encode(np.frombuffer(b"ACGUTNRacgut", dtype=np.uint8))
    assert encoded.tolist() == [4, 6, 5, 7, 7, 8, 8, 4, 6, 5, 7, 7]
    assert bytes(tokenizer.middle_letters()[encoded[:6]]) == b"ACGTTN"
    assert tokenizer.base_ids.tolist() == [4, 6, 5, 7]
    assert make_tokenizer("rna", aligned=True).encode(np.frombuffer(b"A-", dtype=np.uint8)).tolist() == [4, 9]
    with pytest.raises(UsageError, match="--mapping has no effect"):
        make_tokenizer("rna", mapping="KEDR")
