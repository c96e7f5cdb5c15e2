"""The rows of a token store that one label is learnt from: what is trained on, and what stands aside as dev."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ribolm.errors import DataError, UsageError
from ribolm.genome.coordinates import ranges
from ribolm.labels.folds import Folds, read_folds
from ribolm.labels.values.targets import Standardised
from ribolm.sequences.store import LabelSpec, TokenStore
from ribolm.training.objectives.labels import LabelArray
from ribolm.training.recipes.assembly import BLOCK_ROWS, held_out_blocks

Level = Literal["token", "sequence", "regression", "multilabel"]
Int64 = NDArray[np.int64]
RANKS = {"token": ("token",), "sequence": ("sequence",), "regression": ("sequence", "multilabel"),
         "multilabel": ("multilabel",)}  # fmt: skip
ROWS_AT_A_TIME = 4096


@dataclass(frozen=True)
class LabelledRows:
    """A store with one of its labels and a split of its rows.

    train, dev: int64 [n], [m], rows of the store; unit: int64 [n], what must stay together when `train` is split again.
    Values of a regression are standardised on the training rows.
    """

    store: TokenStore
    spec: LabelSpec
    labels: LabelArray
    train: Int64
    dev: Int64
    unit: Int64


def open_labelled_rows(
    path: Path, task: str, level: Level, folds: Path | None, fold: int | None, dev_share: float, seed: int
) -> LabelledRows:
    """Open a store and split it: by a table of folds, or (without one) `dev_share` of its rows, in blocks, are dev.

    `fold` is the one that is left out altogether; None: nothing is, and fold 0 is dev. Raises DataError for labels that
    do not fit the level, for an empty store or split, and for training rows of one class or without a label; UsageError
    for a fold without a table.
    """
    store = TokenStore.open(path)
    spec = store.label_spec(task)
    if spec.rank not in RANKS[level]:
        raise DataError(
            f"{path}: labels of '{task}' are per {spec.rank}, which is no --level {level}. "
            f"Use --level {next(level for level, ranks in RANKS.items() if spec.rank in ranks)}."
        )
    if not len(store):
        raise DataError(f"{path}: holds no sequence, so there is nothing to learn. Label sites that lie on the genome.")
    if folds is None:
        if fold is not None:
            raise UsageError("--fold needs --folds, the table of folds.")
        train, dev = held_out_blocks(len(store), dev_share, seed)
        unit = train // BLOCK_ROWS
    else:
        table = read_folds(folds, store)
        train, dev = _split(table, fold)
        unit = table.unit[train]
    if not train.size:
        raise DataError(f"{path}: no sequence is left to train on. Check the folds.")
    labels: LabelArray = store.label(task)
    if level == "regression":
        labels = Standardised.on(store.label(task), train)
    if level in ("token", "sequence") and spec.width == 1:
        _require_two_classes(store, task, level, labels, train)
    else:
        _require_known(store, task, level, labels, train)
    return LabelledRows(store, spec, labels, train, dev, unit)


def _require_two_classes(store: TokenStore, task: str, level: Level, labels: LabelArray, train: Int64) -> None:
    """Refuse training rows of one class; of incomplete labels of tokens, unknown ones are the other class."""
    lacks_no = level == "token" and not store.manifest["source"].get("options", {}).get("complete_labels", False)
    is_site = is_other = False
    for values in _in_pieces(store, level, labels, train):
        is_site, is_other = is_site or bool((values > 0).any()), is_other or lacks_no or bool((values < 1).any())
        if is_site and is_other:
            return
    found = "1" if is_site else "0" if is_other else "unknown"
    raise DataError(
        f"{store.directory}: the rows to train on hold one class only, every label of '{task}' is {found}. Give sites "
        "and others, and check the folds."
    )


def _require_known(store: TokenStore, task: str, level: Level, labels: LabelArray, train: Int64) -> None:
    if not any(np.isfinite(values).any() for values in _in_pieces(store, level, labels, train)):
        raise DataError(
            f"{store.directory}: the rows to train on have no known label of '{task}'. Check the labels and the folds."
        )


def _in_pieces(store: TokenStore, level: Level, labels: LabelArray, rows: Int64) -> Iterator[NDArray[Any]]:
    """The labels of some rows, of so many at a time that they fit in memory."""
    for begin in range(0, len(rows), ROWS_AT_A_TIME):
        piece = rows[begin : begin + ROWS_AT_A_TIME]
        yield labels[ranges(store.offsets[piece], np.diff(store.offsets)[piece]) if level == "token" else piece]


def _split(folds: Folds, fold: int | None) -> tuple[Int64, Int64]:
    """(training rows, dev rows)."""
    if fold is not None:
        train, dev, _ = folds.split(fold)
        return train, dev
    return folds.rows(*range(1, folds.n_folds)), folds.rows(0)
