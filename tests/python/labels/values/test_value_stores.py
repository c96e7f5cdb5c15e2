"""`ribolm-labels values`: a store with one label per sequence, groups kept together, scales that are told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.labels import main
from ribolm.labels.folds import deal_folds, read_folds
from ribolm.labels.values.build import united
from ribolm.labels.values.targets import Standardised, Target
from ribolm.sequences.store import TokenStore

HEADER = "id,utr,rl,gene\n"


def table(folder: Path, rows: list[tuple[str, float, str]]) -> Path:
    path = folder / "t.csv"
    path.write_text(HEADER + "".join(f"r{i},{s},{v},{g}\n" for i, (s, v, g) in enumerate(rows)))
    return path


def build(folder: Path, *more: str) -> int:
    columns = ["--sequence", "utr", "--value", "rl", "--name", "id", "--group", "gene"]
    return main(["values", "--table", str(folder / "t.csv"), *columns, "--out", str(folder / "out"), *more])


def test_windows_end_where_the_sequence_ends(tmp_path: Path, capsys) -> None:
    table(tmp_path, [("ACGTACGT", 1, ""), ("GG", 2, ""), ("TTTTT", 3, "")])
    assert build(tmp_path, "--window", "5") == 0
    store = TokenStore.open(tmp_path / "out" / "store", verify=True)
    text = store.tokenizer.middle_letters()[np.asarray(store.tokens)].tobytes().decode()
    assert text == "TACGT" + "NNNGG" + "TTTTT" and np.array_equal(store.label("rl"), [1, 2, 3])
    options = store.manifest["source"]["options"]
    assert options["window_nt"] == 5 and options["transforms"] == {"rl": "none"}
    assert options["length_rule"] == {
        "window_nt": 5, "end": "last", "pads": True, "trained_nt": [2, 8],
        "text": "the last 5 nt are read; shorter sequences are filled up with N at their 5' end",
    }  # fmt: skip
    assert (tmp_path / "out" / "sequences.fa").read_text() == ">r0\nACGTACGT\n>r1\nGG\n>r2\nTTTTT\n"
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["sequences"], summary["longer"], summary["shorter"]) == (3, 1, 1)
    assert "1 sequences are longer, 1 shorter" in capsys.readouterr().err


def test_logarithms_are_learnt_and_told(tmp_path: Path, capsys) -> None:
    table(tmp_path, [("ACGT", 1, ""), ("GG", np.e, "")])
    assert build(tmp_path, "--transform", "log") == 0
    store = TokenStore.open(tmp_path / "out" / "store")
    np.testing.assert_allclose(store.label("rl"), [0, 1], atol=1e-6)
    assert store.manifest["source"]["options"]["transforms"] == {"rl": "log"}
    assert "scale = natural log" in capsys.readouterr().err
    table(tmp_path, [("ACGT", 1, ""), ("GG", 0, "")])
    assert build(tmp_path, "--transform", "log") == 65
    assert "t.csv line 3, column 'rl': '0' has no log" in capsys.readouterr().err


def test_groups_and_equal_sequences_stay_together(tmp_path: Path, capsys) -> None:
    rng = np.random.default_rng(2)
    rows = [("".join(rng.choice(list("ACGT"), 20)), float(i), f"g{i // 4}" if i < 60 else "") for i in range(80)]
    rows[70] = (rows[3][0], 1.0, "")  # the sequence of group g0
    rows[75] = (rows[65][0], 1.0, "")  # of a row without a group
    table(tmp_path, rows)
    assert build(tmp_path) == 0
    assert "2 sequences occur before; folds keep equal ones together" in capsys.readouterr().err
    cluster = TokenStore.open(tmp_path / "out" / "store").names(("cluster",))["cluster"].to_list()
    assert cluster[:4] == ["g0"] * 4 and cluster[70] == "g0" and cluster[65] == cluster[75] == "equal_65"
    assert cluster[66] is None
    deal_folds(tmp_path / "out" / "store", tmp_path / "f.tsv", "gene", 4, 1)
    fold = read_folds(tmp_path / "f.tsv", TokenStore.open(tmp_path / "out" / "store")).fold
    assert fold[70] == fold[3] and fold[65] == fold[75] and all(len(set(fold[i : i + 4])) == 1 for i in range(0, 60, 4))


def test_random_folds_are_drawn_by_seed_not_by_rank_of_the_value(tmp_path: Path, capsys) -> None:
    rng = np.random.default_rng(2)
    table(tmp_path, [("".join(rng.choice(list("ACGT"), 20)), float(i), "") for i in range(200)])
    assert build(tmp_path) == 0
    store, out = tmp_path / "out" / "store", tmp_path / "f.tsv"
    found = []
    for seed in (1, 1, 2):
        deal_folds(store, out, "random", 17, seed, 0.2)
        found.append(read_folds(out, TokenStore.open(store)).fold)
    assert np.array_equal(found[0], found[1]) and not np.array_equal(found[0], found[2])
    assert np.bincount(found[0]).tolist() == [40] + [10] * 16
    tested = np.flatnonzero(found[0] == 0)
    assert 60 < tested.mean() < 140 and "publish others" not in capsys.readouterr().err


def test_names_of_clusters() -> None:
    assert united(["a", None, "b", None, None], np.array([0, 0, 2, 3, 3])) == ["a", "a", "b", "equal_3", "equal_3"]
    assert united([], np.zeros(0, dtype=np.int64)) == []


def test_an_empty_table_is_a_valid_empty_store(tmp_path: Path, capsys) -> None:
    table(tmp_path, [])
    assert build(tmp_path, "--window", "5") == 0
    assert len(TokenStore.open(tmp_path / "out" / "store")) == 0
    assert (tmp_path / "out" / "sequences.fa").read_text() == ""
    assert "valid and empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--keep", "first"), "no effect without --window"),
        (("--value", "rl"), "--value rl is given twice"),
        (("--sequences", "x.fa"), "either --table or --sequences"),
        (("--value", "a b"), "no column 'a b'"),
    ],
)
def test_options_that_contradict_are_refused(tmp_path: Path, capsys, more: tuple[str, ...], message: str) -> None:
    table(tmp_path, [("ACGT", 1, "")])
    assert build(tmp_path, *more) in (2, 65)
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_targets_are_standardised_on_the_training_rows_and_come_back() -> None:
    labels = np.array([1, 3, np.nan, 100], dtype=np.float32)
    seen = Standardised.on(labels, np.array([0, 1, 2]))
    np.testing.assert_allclose(seen[np.array([0, 1, 3])], [-1, 1, 98])
    assert np.isnan(seen[2])
    (target,) = seen.targets({}, "rl")
    assert target == Target(2.0, 1.0, "none") and Target.of_dict(target.to_dict(), "task.json") == target
    np.testing.assert_allclose(target.value([-1, 1]), [1, 3])
    np.testing.assert_allclose(Target(1.0, 2.0, "log1p").value([0.5]), [np.expm1(2.0)])
