"""`ribolm-tokenize rna`: what is stored for pretraining, what is left out, and what evaluation sets share with it."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ribolm.cli.tokenize import main
from ribolm.sequences import rna_corpus
from ribolm.sequences.overlap import SHARED_NT, EvaluationSet, Overlaps, joined
from ribolm.sequences.store import TokenStore
from ribolm.sequences.tokenizers import make_tokenizer

ROOT = Path(__file__).resolve().parents[3]
RESM = Path(os.environ.get("RIBOLM_DATA", ROOT.parent / "shared" / "data")) / "resm"
RNA = st.text("ACGU", min_size=0, max_size=80)


def random_rna(n: int, seed: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGU"), n))


def run(folder: Path, fasta: str, *options: str) -> int:
    (folder / "in.fa").write_text(fasta)
    return main(["rna", "--sequences", str(folder / "in.fa"), "--out", str(folder / "out"), *options])


def stored(folder: Path) -> dict[str, str]:
    """Names and letters of a store."""
    store = TokenStore.open(folder / "out", verify=True)
    names = store.names(("name",))["name"].to_list()
    letters = [bytes(store.tokenizer.middle_letters()[store.row(i)]).decode() for i in range(len(store))]
    return dict(zip(names, letters, strict=True))


def test_rnas_are_cleaned_and_stored_whole_under_their_mapping(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = random_rna(3000, 1)
    fasta = f">a tRNA\nacgu\nACGT\nACGUACGURY\n>b\n{long}\n>c again\nACGUACGUACGUACGUNN\n>d\nACGU\n"
    assert run(tmp_path, fasta, "--mapping", "KEDR") == 0
    assert stored(tmp_path) == {"a": "ACGTACGTACGTACGTNN", "b": long.replace("U", "T")}
    store = TokenStore.open(tmp_path / "out")
    assert store.row(0).tolist() == [15, 13, 10, 9] * 4 + [24, 24]
    source = store.manifest["source"]
    assert (source["kind"], source["mapping"], source["options"]["crop_nt"]) == ("rna", "KEDR", 1024)
    counts = {"read": 4, "too_short": 1, "duplicates": 1, "written": 2, "longer_than_crop": 1, "nucleotides": 3018}
    assert counts.items() <= source["counts"].items()
    said = capsys.readouterr()
    for told in ("T read as U", "lower-case letters", "IUPAC ambiguity codes read as N", "1 of 4 sequences repeat"):
        assert told in said.err
    assert "stored whole, cut in training" in said.err and "2 sequences, 3,018 nt" in said.out


def test_gzip_several_files_and_the_compact_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "more.fa.gz").write_bytes(gzip.compress(b">x\nGGGGCCCCAAAAUUUU\n"))
    assert (
        run(tmp_path, ">a\nACGUACGUACGUACGU\n", "--sequences", str(tmp_path / "more.fa.gz"), "--tokenizer", "rna") == 0
    )
    assert stored(tmp_path) == {"a": "ACGTACGTACGTACGT", "x": "GGGGCCCCAAAATTTT"}
    assert TokenStore.open(tmp_path / "out").manifest["source"]["mapping"] is None


def test_lengths_and_n_have_their_bounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fasta = f">s\n{'A' * 29}\n>l\n{'C' * 51}\n>n\n{'G' * 10}{'N' * 30}\n>k\n{'U' * 40}\n"
    assert run(tmp_path, fasta, "--min-nt", "30", "--max-nt", "50", "--max-n", "0.5") == 0
    assert stored(tmp_path) == {"k": "T" * 40}
    said = capsys.readouterr().err
    for told in ("shorter than --min-nt", "longer than --max-nt", "hold too many N"):
        assert f"1 of 4 sequences {told}" in said or f"1 of 4 sequences are {told}" in said


def test_batches_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fasta = "".join(f">r{i}\n{random_rna(40, i % 7)}\n" for i in range(20))
    assert run(tmp_path, fasta) == 0
    whole = (tmp_path / "out" / "tokens.bin").read_bytes()
    monkeypatch.setattr(rna_corpus, "BATCH_NT", 50)
    assert run(tmp_path, fasta) == 0
    assert (tmp_path / "out" / "tokens.bin").read_bytes() == whole
    assert len(stored(tmp_path)) == 7


TESTED, OTHER = random_rna(60, 11), random_rna(60, 12)
CORPUS = {
    "equal": TESTED,
    "inside": OTHER[:20] + TESTED[10:41] + OTHER[20:30],  # 31 bases of it
    "almost": OTHER[:20] + "N" + TESTED[10:40] + "N" + OTHER[20:30],
    "backwards": TESTED[::-1],
    "complement": TESTED[::-1].translate(str.maketrans("ACGU", "UGCA")),
}
FASTA = "".join(f">{name}\n{letters}\n" for name, letters in CORPUS.items())


@pytest.mark.parametrize(
    ("remove", "gone"),
    [((), {"equal"}), (("--remove", "kmers"), {"equal", "inside"}), (("--remove", "nothing"), set())],
)
@pytest.mark.parametrize("form", ["fasta", "dot-bracket", "table"])
def test_what_models_are_judged_by_is_counted_and_kept_out(
    tmp_path: Path, form: str, remove: tuple[str, ...], gone: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    other = random_rna(25, 13)
    sets = {
        "fasta": ("t.fa", f">t\n{TESTED[:30]}\n{TESTED[30:]}\n>u P\n{other}\n"),
        "dot-bracket": ("t.dbn", f">t\n{TESTED.lower()}\n{'.' * 60}\n>u\n{other}\n{'(' * 5}{'.' * 15}{')' * 5}\n"),
        "table": ("t.csv", f"utr,value\n{TESTED.replace('U', 'T')},1\n,2\n{other},3\n"),
    }
    name, content = sets[form]
    (tmp_path / name).write_text(content)
    exclude = f"{tmp_path / name}{':utr' if form == 'table' else ''}"
    audit = tmp_path / "audit.tsv"
    assert run(tmp_path, FASTA, "--exclude", exclude, "--audit", str(audit), *remove) == 0
    assert set(stored(tmp_path)) == CORPUS.keys() - gone
    (row,) = csv.DictReader(audit.read_text().splitlines(), delimiter="\t")
    counts = {key: row[key] for key in row if key.startswith(("n", "corpus"))}
    assert counts == {
        "n": "2", "n_equal": "1", "n_sharing_31mer": "1", "corpus_equal": "1", "corpus_sharing_31mer": "2",
    }  # fmt: skip
    leakage = TokenStore.open(tmp_path / "out").manifest["source"]["leakage"]
    assert [(str(one["n_equal"]), one["set"], one["sha256"]) for one in leakage] == [("1", row["set"], row["sha256"])]
    assert "of its 2 sequences the corpus as read has 1, and shares a 31-mer with 1" in capsys.readouterr().err


@given(st.lists(RNA, max_size=6), st.lists(RNA, max_size=6), st.integers(0, 5))
def test_overlaps_are_those_found_letter_by_letter(corpus: list[str], tested: list[str], cut: int) -> None:
    corpus = [*corpus, *(text[cut:] for text in tested), *(text + "A" for text in tested)]
    overlaps = Overlaps([EvaluationSet("one", "", tuple(tested[::2])), EvaluationSet("two", "", tuple(tested[1::2]))])
    split = len(corpus) // 2
    looks = [overlaps.look(*joined(part)) for part in (corpus[:split], corpus[split:])]
    equal, sharing = (np.concatenate([look[i] for look in looks]).tolist() for i in (0, 1))

    def words(text: str) -> set[str]:
        return {text[i : i + SHARED_NT] for i in range(len(text) - SHARED_NT + 1)}

    assert equal == [text in tested for text in corpus]
    assert sharing == [any(words(text) & words(other) for other in tested) for text in corpus]
    for row, mine in zip(overlaps.told(), (tested[::2], tested[1::2]), strict=True):
        assert row["n_equal"] == sum(text in corpus for text in mine)
        assert row["n_sharing_31mer"] == sum(any(words(text) & words(other) for other in corpus) for text in mine)
        assert row["corpus_equal"] == sum(text in mine for text in corpus)


@pytest.mark.parametrize(
    ("fasta", "options", "code", "told"),
    [
        (">p\nMKVLAAGIEF\n", (), 65, "record 'p', position 4: 'L' is no nucleotide code"),
        (">g\nACGU-ACGU\n", (), 65, "'-' is a gap"),
        (">d\nACGU1\n", (), 65, "is a digit"),
        ("ACGU\n", (), 65, "a FASTA begins with '>'"),
        (">a\nACGU\n", ("--remove", "kmers"), 2, "--audit and --remove say what becomes of --exclude"),
        (">a\nACGU\n", ("--min-nt", "9", "--max-nt", "8"), 2, "--max-nt 8 is below --min-nt 9"),
        (">a\nACGU\n", ("--mapping", "KDNN"), 2, "not four distinct"),
        (">a\nACGU\n", ("--tokenizer", "rna", "--mapping", "KEDR"), 2, "--mapping has no effect"),
        (">a\nACGU\n", ("--exclude", "absent.dbn"), 65, "no such file"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fasta: str, options: tuple[str, ...], code: int, told: str
) -> None:
    assert run(tmp_path, fasta, *options) == code
    error = capsys.readouterr().err
    assert told in error.splitlines()[-1] and error.splitlines()[-1].startswith("ribolm-tokenize: error: ")
    assert not (tmp_path / "out").exists()


def test_a_table_needs_a_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("utr\nACGU\n")
    assert run(tmp_path, FASTA, "--exclude", str(tmp_path / "t.csv")) == 2
    assert "Name the column of its sequences" in capsys.readouterr().err
    assert run(tmp_path, FASTA, "--exclude", f"{tmp_path / 't.csv'}:seq") == 65
    assert "has no column 'seq' (utr)" in capsys.readouterr().err


def test_an_empty_fasta_gives_a_valid_empty_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "") == 0
    store = TokenStore.open(tmp_path / "out", verify=True)
    assert len(store) == 0 and store.tokenizer == make_tokenizer("esm")
    assert "the store is valid and empty" in capsys.readouterr().err


@pytest.mark.realdata
@pytest.mark.skipif(not RESM.is_dir(), reason=f"no real data at {RESM} (set RIBOLM_DATA)")
def test_the_sample_of_rnacentral_is_held_against_every_evaluation_set(tmp_path: Path) -> None:
    files = ["TS0.dbn.gz", "archiveII.dbn.gz", "rfam_seed_many_short.stk.gz", "muscle_utr_te.fasta.gz"]
    tables = [f"{RESM}/mrl_egfp_m1pseudo_20k.csv.gz:utr", f"{RESM}/rri_gardner154.csv.gz:target RNA sequence"]
    sets = [text for name in (*(str(RESM / file) for file in files), *tables) for text in ("--exclude", name)]
    sequences = str(RESM / "rnacentral_sample.fasta.gz")
    assert main(["rna", "--sequences", sequences, "--out", str(tmp_path / "out"), "--remove", "kmers", *sets]) == 0
    source = TokenStore.open(tmp_path / "out").manifest["source"]
    found = {row["set"].split(".")[0]: row for row in source["leakage"]}
    assert [found[name]["n"] for name in ("TS0", "archiveII", "rfam_seed_many_short")] == [1305, 3966, 10214]
    assert found["archiveII"]["corpus_sharing_31mer"] > found["archiveII"]["corpus_equal"] > 0
    assert source["counts"]["read"] == 1400
    assert source["counts"]["evaluated"] >= max(row["corpus_sharing_31mer"] for row in found.values()) > 0
