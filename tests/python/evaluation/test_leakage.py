"""The leakage audit finds what is planted, leaves the rest, and removes it from the training store."""

import csv
import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ribolm.alphabet import letters
from ribolm.cli.tokenize import main as tokenize
from ribolm.evaluation import leakage
from ribolm.evaluation.leakage import CHECKS, Finding, Side, audit
from ribolm.sequences.kmer_hashes import words
from ribolm.sequences.places import Place
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer

from .conftest import World, make_world

REPOSITORY = Path(__file__).resolve().parents[3]
M6A = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "m6a"
DEGRADATION = M6A / "m6A-BERT-Deg"
TOKENIZER = make_tokenizer("nucleotide")


def sequence(rng: np.random.Generator, n: int = 300) -> np.ndarray:
    return letters("ACGT")[rng.integers(4, size=n)]


def write_store(folder: Path, rows: list[tuple[str, np.ndarray, Place | None, list[int]]]) -> Path:
    """Rows: name, letters, place, offsets of sites."""
    with StoreWriter(folder, TOKENIZER, {"m6a": LabelSpec("token")}) as writer:
        for name, text, place, sites in rows:
            labels = np.zeros(len(text), np.float32)
            labels[sites] = 1
            writer.add(TOKENIZER.encode(text), name, place, {"m6a": labels})
    return folder


def place(start0: int, strand: str = "+", gene: str | None = None, chrom: str = "chr1") -> Place:
    return Place(chrom, strand, ((start0, start0 + 300),), gene, gene)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Each of five training rows shares one thing with a test row of the same number; the sixth shares nothing."""
    rng = np.random.default_rng(1)
    train = [sequence(rng) for _ in range(6)]
    test = [sequence(rng) for _ in range(6)]
    test[3][100:151] = train[3][200:251]  # an exact 51-mer
    changed = train[4].copy()  # 97 % identical, no common 51-mer
    changed[20::30] = letters("ACGT")[(np.searchsorted(letters("ACGT"), changed[20::30]) + 1) % 4]
    test[4] = changed
    test[5][100:150] = train[5][200:250]  # one base short of a 51-mer
    test[5][99], test[5][150] = (ord("A") if train[5][at] != ord("A") else ord("C") for at in (199, 250))
    a = [
        ("site", train[0], place(1_000), [10]),
        ("overlap", train[1], place(5_000), []),
        ("gene", train[2], place(9_000, gene="X,Y"), []),
        ("kmer", train[3], place(20_000, gene="A"), []),
        ("identity", train[4], place(30_000), []),
        ("nothing", train[5], place(40_000, gene="B"), []),
    ]
    b = [
        ("site", test[0], place(1_000), [10]),
        ("overlap", test[1], place(5_299), []),
        ("gene", test[2], place(60_000, gene="Y"), []),
        ("kmer", test[3], place(70_000, gene="C"), []),
        ("identity", test[4], place(80_000), []),
        ("nothing", test[5], place(40_000, "-"), [10]),
    ]
    return write_store(tmp_path / "train", a), write_store(tmp_path / "test", b)


def named(finding: Finding, side: Side, rows: np.ndarray) -> set[str]:
    return set(side.store.names(("name",))["name"].gather(side.rows[rows]).to_list())


def test_each_check_finds_its_own_plant_and_nothing_else(pair: tuple[Path, Path]) -> None:
    train, test = (Side.whole(name, TokenStore.open(path), "m6a") for name, path in zip("ab", pair, strict=True))
    found = {finding.check: finding for finding in audit(train, test)}
    assert list(found) == list(CHECKS)
    expected = {
        "sites": {"site"},
        "intervals": {"site", "overlap"},
        "genes": {"gene"},
        "kmers": {"kmer"},
        "identity": {"identity"},
    }
    for check, names in expected.items():
        assert named(found[check], train, found[check].train_rows) == names, check
        assert named(found[check], test, found[check].test_rows) == names, check
        assert found[check].n_test_shared == len(names) and found[check].example
    assert (found["sites"].n_train, found["sites"].n_test) == (1, 2) and found["sites"].example == "chr1:1010:+"


def test_removal_keeps_what_is_clean_and_its_labels(
    pair: tuple[Path, Path], evaluate: Callable[..., int], tmp_path: Path
) -> None:
    out, clean = tmp_path / "leakage.tsv", tmp_path / "clean"
    assert evaluate("leakage", "--train", pair[0], "--test", pair[1], "--out", out, "--remove", clean) == 0
    with out.open() as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert [row["check"] for row in rows] == list(CHECKS) and {row["n_test_shared"] for row in rows} == {"1", "2"}
    kept, before = TokenStore.open(clean, verify=True), TokenStore.open(pair[0])
    assert kept.names()["name"].to_list() == ["nothing"] and kept.names()["gene"].to_list() == ["B"]
    assert np.array_equal(kept.tokens, before.row(5)) and kept.label("m6a").shape == (300,)
    assert kept.names()["block_starts0"].to_list() == [[40_000]] and kept.manifest["source"]["removed"]["rows"] == 5
    assert evaluate("leakage", "--train", clean, "--test", pair[1], "--out", out) == 0
    with out.open() as handle:
        assert {row["n_test_shared"] for row in csv.DictReader(handle, delimiter="\t")} == {"0"}


def test_single_checks_and_bad_ones(
    pair: tuple[Path, Path], evaluate: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["--train", pair[0], "--test", pair[1], "--out", tmp_path / "l.tsv"]
    assert evaluate("leakage", *both, "--check", "genes") == 0
    assert len((tmp_path / "l.tsv").read_text().splitlines()) == 2
    assert evaluate("leakage", *both, "--check", "vibes") == 2
    assert (
        evaluate("leakage", "--train", pair[0], "--test", pair[0], "--out", tmp_path / "m.tsv", "--remove", "q") == 65
    )
    assert "none is left" in capsys.readouterr().err


def sides(folder: Path, train: np.ndarray, test: np.ndarray) -> tuple[Side, Side]:
    """Two stores of rows of letters, without labels and places."""
    found = []
    for name, rows in (("a", train), ("b", test)):
        write_store(folder / name, [(f"{name}{k}", row, None, []) for k, row in enumerate(rows)])
        found.append(Side.whole(name, TokenStore.open(folder / name)))
    return found[0], found[1]


def test_near_copies_are_found_however_large_the_test_side_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    rows = np.array([sequence(rng, 101) for _ in range(100)])
    near = rows.copy()
    near[:, 33] = near[:, 66] = ord("A")
    train, test = sides(tmp_path, rows, near)
    monkeypatch.setattr(leakage, "SKETCHED_BASES", 100)  # as if a hundred times more bases were compared
    (found,) = audit(train, test, ["identity"])
    assert found.n_test_shared >= 95 and found.n_train_shared == found.n_test_shared


@pytest.mark.parametrize("n_copies", [150, 450])
def test_families_of_many_copies_are_found(tmp_path: Path, n_copies: int) -> None:
    rng = np.random.default_rng(2)
    copies = np.tile(sequence(rng, 90), (n_copies, 1))
    trained = np.array([copies[0], sequence(rng, 90), *[sequence(rng, 90)] * 250])
    copies[:, 30] = copies[:, 60] = ord("A")
    for row in copies:
        row[rng.integers(30)] = ord("C")
    train, test = sides(tmp_path, trained, np.array([*copies, sequence(rng, 90), trained[2]]))
    (found,) = audit(train, test, ["identity"])
    assert found.test_rows.tolist() == [True] * n_copies + [False, True]
    assert found.train_rows.tolist() == [True, False] + [True] * 250


def test_short_windows_need_fewer_words(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = np.array([sequence(rng, 19) for _ in range(20)])
    train, test = sides(tmp_path, rows, rows[::-1])
    (found,) = audit(train, test, ["identity"])
    assert found.test_rows.all() and found.train_rows.all()


def test_rows_without_a_place_share_no_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(4)
    train, test = sides(tmp_path, *(np.array([sequence(rng, 60) for _ in range(4)]) for _ in "ab"))
    checks = {finding.check for finding in audit(train, test)}
    assert checks == {"genes", "kmers", "identity"} and "no sequence of a has a place" in capsys.readouterr().err
    stores = [
        write_store(tmp_path / name, [("row_1", sequence(rng), None, []), ("w", sequence(rng), place(1_000), [])])
        for name in ("c", "d")
    ]
    found = {f.check: f for f in audit(*(Side.whole(store.name, TokenStore.open(store)) for store in stores))}
    assert (found["intervals"].n_test, found["intervals"].n_test_shared) == (1, 1)
    assert found["intervals"].test_rows.tolist() == [False, True]


def test_records_of_one_name_in_different_files_share_no_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(5)
    for name in "ab":
        (tmp_path / f"{name}.fa").write_bytes(b">seq1\n" + bytes(sequence(rng, 600)) + b"\n")
        options = ["--sequences", str(tmp_path / f"{name}.fa"), "--window", "200", "--overlap", "100"]
        assert tokenize(["fasta", *options, "--out", str(tmp_path / name)]) == 0
    a, b = (Side.whole(name, TokenStore.open(tmp_path / name)) for name in "ab")
    assert {finding.check for finding in audit(a, b)} == {"genes", "kmers", "identity"}
    assert "records of different FASTA files may have one name" in capsys.readouterr().err
    odd = Side("odd", a.store, a.rows[1::2])
    even = Side("even", a.store, a.rows[::2])
    assert {f.check: f for f in audit(odd, even)}["intervals"].test_rows.all()


def test_labels_of_whole_windows_are_no_sites(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", TOKENIZER, {"polya": LabelSpec("sequence")}) as writer:
        writer.add(TOKENIZER.encode(letters("ACGT" * 20)), "w", Place("chr1", "+", ((1_000, 1_080),)), {"polya": 1.0})
    side = Side.whole("a", TokenStore.open(tmp_path / "s"), "polya")
    assert "sites" not in {finding.check for finding in audit(side, side)}


def test_a_leak_between_folds_is_found(tmp_path: Path) -> None:
    world: World = make_world(tmp_path, n_genes=8, planted=True)
    store = TokenStore.open(world.store)
    half = len(store) // 2
    first = Side("a", store, np.arange(half), "m6a")
    second = Side("b", store, np.arange(half, len(store)), "m6a")
    found = {finding.check: finding for finding in audit(first, second)}
    assert found["kmers"].test_rows.all() and found["identity"].test_rows.all()
    assert found["sites"].n_test_shared == found["genes"].n_test_shared == found["intervals"].n_test_shared == 0


@pytest.mark.parametrize("k", [1, 5, 16, 32, 51, 70])
def test_words_are_those_of_the_text(k: int) -> None:
    rng = np.random.default_rng(k)
    codes = rng.choice(5, size=600, p=[0.248, 0.248, 0.248, 0.248, 0.008]).astype(np.uint8)
    codes[300:400] = codes[0:100]
    offsets = np.array([0, 0, 90, 300, 600])
    number, row = words(codes, offsets, k)
    expected = []
    for r in range(4):
        for start in range(int(offsets[r]), int(offsets[r + 1]) - k + 1):
            text = codes[start : start + k]
            if (text < 4).all():
                expected.append((r, text.tobytes()))
    assert row.tolist() == [r for r, _ in expected]
    by_text: dict[bytes, int] = {}
    for (_, text), value in zip(expected, number.tolist(), strict=True):
        assert by_text.setdefault(text, value) == value
    assert len(set(by_text.values())) == len(by_text)


@pytest.mark.realdata
@pytest.mark.skipif(not DEGRADATION.is_dir(), reason=f"no real data at {DEGRADATION} (set RIBOLM_DATA)")
def test_the_published_split_of_m6a_bert_deg_leaks(tmp_path: Path) -> None:
    """No window is in both parts, yet 68 of 194 test windows share a 51-mer with training (counted independently)."""
    stores = {}
    for part in ("train", "dev", "test"):
        with gzip.open(DEGRADATION / f"{part}.tsv.gz", "rt") as handle:
            rows = [line.split("\t")[0].split() for line in handle.read().splitlines()[1:]]
        texts = ["".join(word[0] for word in row) + row[-1][1:] for row in rows]
        windows = [(f"{part}{i}", letters(text), None, []) for i, text in enumerate(texts)]
        stores[part] = TokenStore.open(write_store(tmp_path / part, windows))
    finding = audit(Side.whole("train", stores["train"]), Side.whole("test", stores["test"]), ["kmers"])[0]
    assert (finding.n_test, finding.n_test_shared, finding.n_train) == (194, 68, 698)
