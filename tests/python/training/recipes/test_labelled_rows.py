"""Rows to learn from: an empty store, and training rows of one class, are refused before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ribolm.errors import DataError
from ribolm.sequences.store import LabelSpec, StoreWriter
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.recipes.labelled_rows import Level, open_labelled_rows

NAN = np.nan


def store_of(folder: Path, rank: str, labels: list[Any], **options: object) -> Path:
    """A store of one sequence of four bases per label (per list of four labels, for tokens)."""
    tokenizer = make_tokenizer("nucleotide")
    with StoreWriter(folder, tokenizer, {"polya": LabelSpec(rank)}, {"options": options}) as writer:
        for row, label in enumerate(labels):
            writer.add(tokenizer.encode(np.frombuffer(b"ACGT", np.uint8)), f"s{row}", None, {"polya": label})
    return folder


def opened(path: Path, level: Level) -> int:
    return len(open_labelled_rows(path, "polya", level, None, None, 0.0, 1).train)


@pytest.mark.parametrize(
    ("level", "labels", "options", "found"),
    [
        ("sequence", [1.0, 1.0, NAN], {}, "is 1"),
        ("sequence", [0.0, 0.0], {}, "is 0"),
        ("sequence", [NAN, NAN], {}, "is unknown"),
        ("token", [[0, 0, NAN, 0], [0, 0, 0, 0]], {"complete_labels": True}, "is 0"),
        ("token", [[1, 1, NAN, 1]], {"complete_labels": True}, "is 1"),
        ("token", [[0, NAN, NAN, 0]], {}, "is 0"),
    ],
)
def test_one_class_only_is_refused(
    tmp_path: Path, level: Level, labels: list[Any], options: dict[str, object], found: str
) -> None:
    store = store_of(tmp_path / "store", level, labels, **options)
    with pytest.raises(DataError, match=f"hold one class only, every label of 'polya' {found}"):
        opened(store, level)


@pytest.mark.parametrize(
    ("level", "labels", "options"),
    [
        ("sequence", [1.0, 0.0, NAN], {}),
        ("sequence", [0.3, 0.8], {}),
        ("token", [[0, 0, 0, 0], [0, 1, NAN, 0]], {"complete_labels": True}),
        ("token", [[NAN, 1, NAN, NAN]], {}),
    ],
)
def test_two_classes_and_sites_among_unknown_bases_are_learnt(
    tmp_path: Path, level: Level, labels: list[Any], options: dict[str, object]
) -> None:
    assert opened(store_of(tmp_path / "store", level, labels, **options), level) == len(labels)


def test_an_empty_store_is_refused_whatever_its_folds_say(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store", "sequence", [])
    folds = tmp_path / "folds.tsv"
    folds.write_text("row\tname\tchrom\tcluster\tfold\n")
    for table, fold in ((None, None), (folds, 0)):
        with pytest.raises(DataError, match="holds no sequence, so there is nothing to learn"):
            open_labelled_rows(store, "polya", "sequence", table, fold, 0.1, 1)
