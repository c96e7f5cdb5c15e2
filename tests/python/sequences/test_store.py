"""Token stores: what is written comes back, what was changed is found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ribolm.errors import DataError
from ribolm.sequences.places import ROWS_PER_GROUP, Place, PlaceBatch, names_table
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore, add_labels, describe
from ribolm.sequences.tokenizers import make_tokenizer

TOKENIZER = make_tokenizer()
LABELS = {"m6a": LabelSpec("token"), "decay": LabelSpec("sequence"), "rbp": LabelSpec("multilabel", 2, ("X", "Y"))}


def write(folder: Path, n: int = 4) -> TokenStore:
    rng = np.random.default_rng(1)
    with StoreWriter(folder, TOKENIZER, LABELS, source={"kind": "test"}) as writer:
        for i in range(n):
            tokens = rng.integers(4, 8, 3 + i).astype(np.uint8)
            place = Place("chr1", "-", ((10, 12), (20, 21 + i)), "G", "chr1:0-50") if i % 2 else None
            labels = {"m6a": np.where(tokens == 4, np.nan, 0), "decay": i, "rbp": [i, np.nan]}
            writer.add(tokens, f"row{i}", place, labels)
    return TokenStore.open(folder, verify=True)


def test_rows_labels_and_places_come_back(tmp_path: Path) -> None:
    store = write(tmp_path / "s")
    rng = np.random.default_rng(1)
    for i in range(4):
        assert store.row(i).tolist() == rng.integers(4, 8, 3 + i).tolist()
    assert store.offsets.tolist() == [0, 3, 7, 12, 18] and store.offsets.dtype == np.int64
    assert store.tokens.dtype == np.uint8 and store.tokenizer == TOKENIZER
    assert np.isnan(store.label("m6a")).tolist() == (np.asarray(store.tokens) == 4).tolist()
    assert store.label("decay").tolist() == [0, 1, 2, 3]
    assert store.label("rbp").shape == (4, 2) and store.label_spec("rbp").names == ("X", "Y")
    names = store.names()
    assert names["name"].to_list() == ["row0", "row1", "row2", "row3"]
    assert names["start0"].to_list() == [None, 10, None, 10] and names["end0"].to_list() == [None, 22, None, 24]
    assert names["block_starts0"].to_list() == [None, [10, 20], None, [10, 20]]
    assert names["cluster"].to_list() == [None, "chr1:0-50"] * 2
    text = describe(store)
    assert "4 sequences, 18 tokens" in text and "labels 'm6a': per token" in text


def test_batches_write_what_single_rows_do(tmp_path: Path) -> None:
    one = write(tmp_path / "one", 3)
    with StoreWriter(tmp_path / "two", TOKENIZER, LABELS, source={"kind": "test"}) as writer:
        places = PlaceBatch.of([None, Place("chr1", "-", ((10, 12), (20, 22)), "G", "chr1:0-50"), None])
        labels = {task: np.asarray(one.label(task)) for task in LABELS}
        writer.add_batch(np.asarray(one.tokens), one.offsets, ["row0", "row1", "row2"], places, labels)
    assert TokenStore.open(tmp_path / "two").digest == one.digest


def test_an_empty_store_is_valid(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", TOKENIZER, LABELS):
        pass
    store = TokenStore.open(tmp_path / "s", verify=True)
    assert len(store) == 0 and len(store.tokens) == 0 and store.label("rbp").shape == (0, 2)
    assert store.names().height == 0 and "none" in describe(store)


def test_a_fault_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), StoreWriter(tmp_path / "s", TOKENIZER) as writer:
        writer.add(np.array([4], dtype=np.uint8), "a")
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_two_bytes_hold_large_vocabularies(tmp_path: Path) -> None:
    chunks = make_tokenizer("chunk")
    with StoreWriter(tmp_path / "s", chunks) as writer:
        writer.add(np.array([4100, 300], dtype=np.uint16), "a")
    store = TokenStore.open(tmp_path / "s", verify=True)
    assert store.tokens.dtype == np.uint16 and store.row(0).tolist() == [4100, 300]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", TOKENIZER, {"m6a": LabelSpec("token")}) as writer:
        with pytest.raises(ValueError, match="beyond a vocabulary of 10"):
            writer.add(np.array([10], dtype=np.uint8), "a", labels={"m6a": [0]})
        with pytest.raises(ValueError, match="are not those of the store"):
            writer.add(np.array([4], dtype=np.uint8), "a")
        with pytest.raises(ValueError, match="have shape"):
            writer.add(np.array([4], dtype=np.uint8), "a", labels={"m6a": [0, 1]})
    with pytest.raises(ValueError, match="label rank"):
        LabelSpec("word")


def test_labels_are_added_to_a_copy(tmp_path: Path) -> None:
    store = write(tmp_path / "s")
    halves = [np.zeros(9, dtype=np.float32), np.ones(9, dtype=np.float32)]
    add_labels(
        store, tmp_path / "t", {"m6a": (LabelSpec("token"), halves), "new": (LabelSpec("sequence"), [np.ones(4)])}
    )
    other = TokenStore.open(tmp_path / "t", verify=True)
    assert set(other.tasks) == {"m6a", "decay", "rbp", "new"}
    assert other.label("m6a").sum() == 9 and other.label("decay").tolist() == [0, 1, 2, 3]
    assert np.array_equal(other.tokens, store.tokens) and other.digest != store.digest
    with pytest.raises(ValueError, match="3 labels of 'new'"):
        add_labels(store, tmp_path / "u", {"new": (LabelSpec("sequence"), [np.ones(3)])})
    assert not (tmp_path / "u").exists()


@pytest.mark.parametrize("name", ["tokens.bin", "offsets.npy", "names.parquet", "labels/m6a.npy"])
def test_changed_files_are_found(tmp_path: Path, name: str) -> None:
    store = write(tmp_path / "s")
    path = store.directory / name
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(DataError, match="bytes, not"):
        TokenStore.open(store.directory)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataError, match="sha256"):
        TokenStore.open(store.directory, verify=True)
    path.unlink()
    with pytest.raises(DataError, match="is missing"):
        TokenStore.open(store.directory)


def test_a_folder_that_is_no_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no token store"):
        TokenStore.open(tmp_path)
    store = write(tmp_path / "s")
    manifest = json.loads((store.directory / "manifest.json").read_text())
    for change in ({"version": 9}, {"sequences": 5}, {"tokens": 17}):
        (store.directory / "manifest.json").write_text(json.dumps(manifest | change))
        with pytest.raises(DataError):
            TokenStore.open(store.directory)
    (store.directory / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="is no JSON"):
        TokenStore.open(store.directory)
    with pytest.raises(DataError, match="has no labels of task 'other'"):
        write(tmp_path / "t").label("other")


def test_names_are_written_in_row_groups(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    n = ROWS_PER_GROUP + 5
    with StoreWriter(tmp_path / "s", TOKENIZER) as writer:
        for begin in range(0, n, 30000):
            size = min(30000, n - begin)
            names = [str(begin + i) for i in range(size)]
            writer.add_batch(np.full(size, 4, np.uint8), np.arange(size + 1), names)
    file = pq.ParquetFile(tmp_path / "s" / "names.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [ROWS_PER_GROUP, 5]
    assert TokenStore.open(tmp_path / "s").names(("name",))["name"].to_list() == [str(i) for i in range(n)]


def test_a_place_without_blocks_is_null() -> None:
    table = names_table(["a"], PlaceBatch.of([None]))
    assert table["block_starts0"].to_pylist() == [None] and table["start0"].to_pylist() == [None]
