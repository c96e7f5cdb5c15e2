"""Tokenizers against their rules, letter by letter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.errors import DataError, UsageError
from ribolm.sequences.tokenizers import (
    NO_TOKEN,
    Tokenizer,
    is_description,
    make_tokenizer,
    read_tokenizer,
    tokenizer_from_dict,
    write_tokenizer,
)

TEXT = st.text(alphabet="ACGTUNacgtunRYSWKMBDHV", max_size=60)


def ascii_letters(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def normal(text: str) -> str:
    upper = text.upper().replace("U", "T")
    return "".join(letter if letter in "ACGT" else "N" for letter in upper)


def words(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.tokens[i] for i in tokenizer.encode(ascii_letters(text)).tolist()]


@pytest.fixture(scope="module")
def byte_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer.json with BERT's special tokens and three merges."""
    vocabulary = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", "A", "C", "G", "T", "N", "AC", "GT", "ACGT"]
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True}
            for i, token in enumerate(vocabulary[:5])
        ],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "[UNK]", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
            "vocab": {token: i for i, token in enumerate(vocabulary)}, "merges": ["A C", "G T", "AC GT"],
        },
    }  # fmt: skip
    path = tmp_path_factory.mktemp("bpe") / "tokenizer.json"
    path.write_text(json.dumps(content))
    return path


def all_kinds(byte_pairs: Path) -> list[Tokenizer]:
    return [
        make_tokenizer(),
        make_tokenizer("kmer"),
        make_tokenizer("kmer", k=5),
        make_tokenizer("chunk"),
        make_tokenizer("chunk", k=2),
        make_tokenizer("esm"),
        make_tokenizer("esm", mapping="KEDR"),
        make_tokenizer("rna"),
        make_tokenizer("bpe", file=byte_pairs),
    ]


@given(TEXT)
def test_nucleotides_keep_their_fixed_ids(text: str) -> None:
    tokenizer = make_tokenizer()
    assert tokenizer.tokens == ("<cls>", "<pad>", "<eos>", "<unk>", "A", "C", "G", "T", "N", "<mask>")
    assert "".join(words(tokenizer, text)) == normal(text)
    assert tokenizer.encode(ascii_letters(text)).dtype == np.uint8


@given(TEXT, st.sampled_from([3, 5]))
def test_a_kmer_is_centred_on_its_nucleotide(text: str, k: int) -> None:
    padded = "N" * (k // 2) + normal(text) + "N" * (k // 2)
    tokenizer = make_tokenizer("kmer", k=k)
    assert words(tokenizer, text) == [padded[i : i + k] for i in range(len(text))]
    assert {tokenizer.tokens[i] for i in tokenizer.base_ids.tolist()} == {
        t for t in tokenizer.tokens if set(t) <= set("ACGT")
    }


def chunks_one_by_one(text: str, k: int) -> list[str]:
    """Nucleotide Transformer's rule as it is told: the next k letters if all are known, else one."""
    found, at = [], 0
    while at < len(text):
        width = k if len(text) - at >= k and set(text[at : at + k]) <= set("ACGT") else 1
        found.append(text[at : at + width])
        at += width
    return found


@given(st.text(alphabet="ACGTACGTACGTN", max_size=60), st.sampled_from([2, 3, 6]))
def test_chunks_follow_the_rule_from_left_to_right(text: str, k: int) -> None:
    assert words(make_tokenizer("chunk", k=k), text) == chunks_one_by_one(text, k)


def test_chunk_examples() -> None:
    tokenizer = make_tokenizer("chunk")
    assert words(tokenizer, "ACGTACGTA") == ["ACGTAC", "G", "T", "A"]
    # a word never reaches over an N, so that letters before one stay single
    assert words(tokenizer, "ACGTNACGTACG") == ["A", "C", "G", "T", "N", "ACGTAC", "G"]


def test_a_published_chunk_vocabulary_keeps_its_ids_and_has_no_end_token(tmp_path: Path) -> None:
    from itertools import product

    published = ["<unk>", "<pad>", "<mask>", "<cls>", "<eos>", *map("".join, product("ATCG", repeat=3)), *"ATCGN"]
    (tmp_path / "vocab.txt").write_text("\n".join(published))
    tokenizer = make_tokenizer("chunk", k=3, file=tmp_path / "vocab.txt")
    assert (tokenizer.cls_id, tokenizer.pad_id, tokenizer.mask_id, tokenizer.eos_id) == (3, 1, 2, NO_TOKEN)
    assert words(tokenizer, "GATNC") == ["GAT", "N", "C"]
    assert tokenizer_from_dict(tokenizer.to_dict()) == tokenizer


@pytest.mark.parametrize(("mapping", "ids"), [("KDNY", [15, 17, 19, 13, 13]), ("KEDR", [15, 13, 10, 9, 9])])
def test_esm_ids_are_those_of_esm2(mapping: str, ids: list[int]) -> None:
    tokenizer = make_tokenizer("esm", mapping=mapping)
    assert tokenizer.encode(ascii_letters("ACGTU")).tolist() == ids
    assert tokenizer.encode(ascii_letters("acgtu")).tolist() == ids
    assert tokenizer.encode(ascii_letters("NRWYKD")).tolist() == [24] * 6
    assert (tokenizer.cls_id, tokenizer.pad_id, tokenizer.eos_id, tokenizer.unk_id, tokenizer.mask_id) == (
        0,
        1,
        2,
        3,
        32,
    )
    assert tokenizer.base_ids.tolist() == ids[:4]
    assert tokenizer.vocab_size == 33 and tokenizer.tokens[4:9] == ("L", "A", "G", "V", "S")


def test_esm_vocabulary_is_that_of_transformers(tmp_path: Path) -> None:
    from transformers import EsmTokenizer

    tokens = make_tokenizer("esm").tokens
    (tmp_path / "vocab.txt").write_text("\n".join(tokens))
    reference = EsmTokenizer(str(tmp_path / "vocab.txt"))
    assert reference("KDNYX-")["input_ids"] == [0, 15, 13, 17, 19, 24, 30, 2]
    assert [reference.convert_tokens_to_ids(token) for token in tokens] == list(range(33))


def test_gaps_are_refused_unless_the_input_is_aligned() -> None:
    with pytest.raises(ValueError, match="letter '-' at position 2"):
        make_tokenizer("esm").encode(ascii_letters("AC-G"))
    assert make_tokenizer("esm", aligned=True).encode(ascii_letters("AC-G")).tolist() == [15, 17, 30, 19]
    with pytest.raises(ValueError, match="letter '-'"):
        make_tokenizer().encode(ascii_letters("AC-G"))


def test_byte_pairs_are_those_of_the_library(byte_pairs: Path) -> None:
    tokenizer = make_tokenizer("bpe", file=byte_pairs)
    assert words(tokenizer, "acguACN") == ["ACGT", "AC", "N"]
    assert (tokenizer.cls_id, tokenizer.eos_id, tokenizer.pad_id, tokenizer.mask_id) == (1, 2, 3, 4)
    assert {tokenizer.tokens[i] for i in tokenizer.base_ids.tolist()} == {"A", "C", "G", "T", "AC", "GT", "ACGT"}
    with pytest.raises(ValueError, match="letter '!' at position 1"):
        tokenizer.encode(ascii_letters("A!"))


@given(st.lists(st.text(alphabet="ACGTN", max_size=20), max_size=5))
def test_rows_encode_as_they_do_alone(texts: list[str]) -> None:
    offsets = np.r_[0, np.cumsum([len(text) for text in texts])].astype(np.int64)
    for tokenizer in (make_tokenizer(), make_tokenizer("kmer"), make_tokenizer("chunk", k=3), make_tokenizer("esm")):
        tokens, bounds = tokenizer.encode_rows(ascii_letters("".join(texts)), offsets)
        for text, low, high in zip(texts, bounds[:-1], bounds[1:], strict=True):
            assert tokens[low:high].tolist() == tokenizer.encode(ascii_letters(text)).tolist()


def test_every_kind_survives_a_file(byte_pairs: Path, tmp_path: Path) -> None:
    for number, tokenizer in enumerate(all_kinds(byte_pairs)):
        folder = tmp_path / str(number)
        name = write_tokenizer(folder, tokenizer).name
        assert name == ("tokenizer.json" if tokenizer.kind == "bpe" else "vocab.json")
        again = read_tokenizer(folder)
        assert again == tokenizer and again.base_ids.tolist() == tokenizer.base_ids.tolist()
        assert again.per_nucleotide == (tokenizer.kind in ("nucleotide", "kmer", "esm", "rna"))
        assert not set(again.base_ids.tolist()) & set(again.special_ids)


def test_mappings_are_told_apart() -> None:
    assert make_tokenizer("esm") != make_tokenizer("esm", mapping="KEDR")
    assert make_tokenizer("kmer") != make_tokenizer("nucleotide")


def test_words_that_overlap_say_how_many_show_one_nucleotide() -> None:
    kinds = (("nucleotide", None), ("kmer", 5), ("chunk", 6))
    assert [make_tokenizer(kind, k=k).overlap_tokens for kind, k in kinds] == [1, 5, 1]


def test_the_short_name_of_a_tokenizer_fits_no_other(byte_pairs: Path) -> None:
    tokenizers = [*all_kinds(byte_pairs), make_tokenizer("esm", mapping="unmapped")]
    for tokenizer in tokenizers:
        for description in (tokenizer.identity(), tokenizer.to_dict()):
            content = json.loads(json.dumps(description))
            assert [is_description(content, other) for other in tokenizers] == [
                other == tokenizer for other in tokenizers
            ]
        assert len(json.dumps(tokenizer.identity())) < 300


def test_middle_letters_name_the_base_of_a_token() -> None:
    for tokenizer in (make_tokenizer(), make_tokenizer("kmer"), make_tokenizer("esm")):
        assert bytes(tokenizer.middle_letters()[tokenizer.encode(ascii_letters("GATNC"))]) == b"GATNC"
    with pytest.raises(ValueError, match="no single nucleotide"):
        make_tokenizer("chunk").middle_letters()


@pytest.mark.parametrize(
    ("arguments", "words_of_it"),
    [
        ({"kind": "letters"}, "is not one of"),
        ({"kind": "kmer", "k": 4}, "odd length"),
        ({"kind": "chunk", "k": 9}, "not from 2 to 7"),
        ({"kind": "esm", "mapping": "ABCD"}, "is not four distinct amino acids"),
        ({"kind": "bpe"}, "needs its tokenizer.json"),
        ({"kind": "nucleotide", "k": 3}, "--k has no effect: tokenizer 'nucleotide'"),
        ({"kind": "kmer", "mapping": "KEDR"}, "--mapping has no effect"),
        ({"kind": "hyena", "file": "vocab.txt"}, "--tokenizer-file has no effect"),
    ],
)
def test_wrong_choices_are_named(arguments: dict[str, object], words_of_it: str) -> None:
    with pytest.raises(UsageError, match=words_of_it):
        make_tokenizer(**arguments)  # type: ignore[arg-type]


def test_bad_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match=r"no tokenizer\.json of the tokenizers library"):
        make_tokenizer("bpe", file=tmp_path / "tokenizer.json")
    (tmp_path / "vocab.txt").write_text("A\nC\n")
    with pytest.raises(DataError, match="lacks"):
        make_tokenizer("chunk", file=tmp_path / "vocab.txt")
    (tmp_path / "vocab.json").write_text('{"kind": "kmer"}')
    with pytest.raises(DataError, match="not complete"):
        read_tokenizer(tmp_path)
    (tmp_path / "vocab.json").write_text('{"kind": "nucleotide", "tokens": ["A"]}')
    with pytest.raises(DataError, match="not those of this version"):
        read_tokenizer(tmp_path)
