"""Stores of known structures: partners as labels, pair lists beside them, RNAs of the test left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.labels import main
from ribolm.errors import DataError
from ribolm.files import sha256_of
from ribolm.folding.pair_lists import StoredPairs
from ribolm.folding.vienna import probable_pairs
from ribolm.labels.folds import deal_folds, read_folds
from ribolm.labels.structure.dot_bracket import write_dot_bracket
from ribolm.labels.structure.pairs import Structure
from ribolm.labels.structure.stored import TASK, shared_with
from ribolm.sequences.store import TokenStore


def hairpins(n: int, seed: int = 0, prefix: str = "fam{}_", stem: int = 12) -> list[Structure]:
    """RNAs of one hairpin each, between tails of various length; three families by name."""
    random = np.random.default_rng(seed)
    mate = dict(zip("ACGU", "UGCA", strict=True))
    found = []
    for number in range(n):
        arm = random.choice(list("ACGU"), stem).tolist()
        head, tail = (random.choice(list("ACGU"), random.integers(2, 8)).tolist() for _ in range(2))
        text = [*head, *arm, *"GAAA", *(mate[base] for base in reversed(arm)), *tail]
        first, last = len(head), len(head) + 2 * stem + 3
        pairs = [(first + k, last - k) for k in range(stem)]
        found.append(Structure.from_pairs(prefix.format(number % 3) + str(number), "".join(text), pairs))
    return found


@pytest.fixture
def known(tmp_path: Path) -> Path:
    write_dot_bracket(tmp_path / "known.dbn", hairpins(12))
    return tmp_path / "known.dbn"


def test_partners_and_probabilities_come_back(known: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["structures", "--structures", str(known), "--out", str(tmp_path / "store")]) == 0
    assert "12 RNAs with 144 pairs" in capsys.readouterr().out
    store = TokenStore.open(tmp_path / "store", verify=True)
    pairs = StoredPairs.open(store)
    assert pairs is not None and store.manifest["source"]["thermodynamics"]["program"] == "ViennaRNA"
    for row, one in enumerate(hairpins(12)):
        part = slice(store.offsets[row], store.offsets[row + 1])
        assert store.label(TASK)[part].tolist() == one.partner.tolist()
        listed, folded = pairs.row(row), probable_pairs(one.letters)
        assert all(np.array_equal(a, b) for a, b in zip(listed, folded, strict=True)) and len(listed.p)
        assert listed.sums(len(one)).sum(axis=1).max() <= 1.01


def test_lists_do_not_depend_on_the_number_of_processes(known: Path, tmp_path: Path) -> None:
    for processes in ("1", "2"):
        options = ["--out", str(tmp_path / processes), "--processes", processes]
        assert main(["structures", "--structures", str(known), *options]) == 0
    one, two = (TokenStore.open(tmp_path / name) for name in ("1", "2"))
    assert one.digest == two.digest


def test_rnas_that_share_their_sequence_or_31_bases_with_the_test_are_left_out(
    known: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same, other = hairpins(12)[:1], hairpins(2, seed=9)
    long = Structure.from_pairs("long", "ACGU" + hairpins(12)[5].letters[:31] + "ACGU", [])
    write_dot_bracket(tmp_path / "test.dbn", [*same, *other, long])
    command = ["structures", "--structures", str(known), "--out", str(tmp_path / "store"), "--no-thermodynamics"]
    out = [*command, "--exclude", str(tmp_path / "test.dbn"), "--max-nt", "38"]
    n_long = sum(len(one) > 38 for one in hairpins(12))
    left = [one for place, one in enumerate(hairpins(12)) if len(one) <= 38 and place not in (0, 5)]
    assert main(out) == 0
    said = capsys.readouterr().err
    assert f"{n_long} of 12 RNAs are longer than 38 nt" in said and "share their sequence or 31 nt" in said
    store = TokenStore.open(tmp_path / "store")
    assert store.names(["name"])["name"].to_list() == [one.name for one in left]
    assert StoredPairs.open(store) is None


def test_files_of_one_name_keep_a_digest_each(known: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    write_dot_bracket(tmp_path / "b/known.dbn", hairpins(3, seed=4, prefix="other{}_"))
    files = ["--structures", str(known), "--structures", str(tmp_path / "b/known.dbn")]
    assert main(["structures", *files, "--out", str(tmp_path / "store"), "--no-thermodynamics"]) == 0
    told = TokenStore.open(tmp_path / "store").manifest["source"]["files"]
    assert [one["name"] for one in told] == ["known.dbn"] * 2
    assert [one["sha256"] for one in told] == [sha256_of(known), sha256_of(tmp_path / "b/known.dbn")]


def test_no_rna_left_is_told(known: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path / "store"), "--exclude", str(known)]
    (tmp_path / "copy.dbn").write_text(known.read_text())
    assert main(["structures", "--structures", str(tmp_path / "copy.dbn"), *out]) == 65
    assert "none of 12 RNAs is left" in capsys.readouterr().err and not (tmp_path / "store").exists()


def test_families_by_name_stay_together_in_folds(known: Path, tmp_path: Path) -> None:
    command = ["structures", "--structures", str(known), "--out", str(tmp_path / "store"), "--no-thermodynamics"]
    assert main([*command, "--family", "_"]) == 0
    store = TokenStore.open(tmp_path / "store")
    deal_folds(tmp_path / "store", tmp_path / "folds.tsv", "gene", 3, 1)
    fold = read_folds(tmp_path / "folds.tsv", store).fold
    family = [name.split("_")[0] for name in store.names(["name"])["name"].to_list()]
    assert len({(f, int(k)) for f, k in zip(family, fold, strict=True)}) == 3


def test_a_copy_without_its_lists_is_refused(known: Path, tmp_path: Path) -> None:
    assert main(["structures", "--structures", str(known), "--out", str(tmp_path / "store")]) == 0
    (tmp_path / "store/thermodynamics/p.npy").unlink()
    with pytest.raises(DataError, match=r"p\.npy: is missing"):
        StoredPairs.open(TokenStore.open(tmp_path / "store"))


def test_nothing_is_shared_with_nobody() -> None:
    assert shared_with(hairpins(3), []) == set() and shared_with([], hairpins(3)) == set()
