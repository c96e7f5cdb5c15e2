"""The windows that are evaluated: names, labels, units and folds out of a store, and scores looked up by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.candidates.hexamers import HEXAMER_NT
from ribolm.console import notice
from ribolm.errors import DataError, UsageError
from ribolm.evaluation.methods import Scores
from ribolm.evaluation.raw_tables import raw_table
from ribolm.evaluation.score_tables import NamedFiles, numbered_words
from ribolm.genome.coordinates import Int64
from ribolm.inference.seen import seen_by_models
from ribolm.labels.folds import WHAT, Folds
from ribolm.sequences.similarity import similarity_clusters
from ribolm.sequences.store import TokenStore

if TYPE_CHECKING:
    import polars

Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
OTHER_HEXAMER = "other"
ANCHOR_IN_HEXAMER = 3  # index of the base by which a hexamer is placed


@dataclass(frozen=True)
class Examples:
    """Labelled windows; arrays of one length n.

    `cluster` numbers what is drawn together from 0; `fold` is that of the store's row, -1 where nothing was trained on
    it. `letters` uint8 [n, window_nt], None where rows differ in length or tokens are not one per nucleotide; then
    `without_letters` says which, and what to give instead.
    """

    names: tuple[str, ...]
    is_positive: Bool
    cluster: Int64
    fold: Int64
    letters: Letters | None
    without_letters: str = ""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def n_clusters(self) -> int:
        """Number of units that are drawn."""
        return int(self.cluster.max(initial=-1)) + 1

    def take(self, rows: npt.NDArray[np.generic]) -> Examples:
        """Some of the windows; units are numbered anew."""
        kept = np.arange(len(self))[rows]
        return Examples(
            tuple(self.names[row] for row in kept.tolist()),
            self.is_positive[kept],
            np.unique(self.cluster[kept], return_inverse=True)[1].astype(np.int64),
            self.fold[kept],
            None if self.letters is None else self.letters[kept],
            self.without_letters,
        )


def read_examples(store: TokenStore, task: str, folds: Folds | None = None) -> Examples:
    """Rows of a store with a label of a sequence-level task, in their order; unknown labels are left out, told.

    Units are those of the folds; without folds, windows that share a 51-mer or most of their bases are one. Raises
    DataError for labels of another rank, for labels other than 0 and 1, and for a name that occurs twice.
    """
    labels, known = yes_no_labels(store, task)
    if len(known) < len(labels):
        notice(f"{store.directory.name}: {len(labels) - len(known):,} sequences without a label are left out.")
    names = store.names(("name",))["name"].to_list()
    if len(set(names)) < len(names):
        raise DataError(
            f"{store.directory}: a name occurs twice, so that scores cannot be looked up. Make names unique."
        )
    letters, without = _letters(store)
    unit = folds.unit if folds is not None else _families(letters, len(store))
    whole = Examples(
        tuple(names),
        labels == 1,
        np.asarray(unit, dtype=np.int64),
        np.full(len(names), -1, dtype=np.int64) if folds is None else folds.fold,
        letters,
        without,
    )
    return whole.take(known)


def yes_no_labels(store: TokenStore, task: str) -> tuple[Float32, Int64]:
    """Labels of a task per sequence, float32 [n], and the rows that have one. DataError for others than 0 and 1."""
    spec = store.label_spec(task)
    if spec.rank != "sequence":
        raise DataError(f"{store.directory}: labels of '{task}' are per {spec.rank}, not per sequence.")
    labels = np.asarray(store.label(task))
    known = np.flatnonzero(np.isfinite(labels))
    odd = known[(labels[known] != 0) & (labels[known] != 1)]
    if len(odd):
        name = store.names(("name",))["name"][int(odd[0])]
        raise DataError(f"{store.directory}: '{name}' is labelled {labels[odd[0]]:g}, not 0 or 1. Give yes-no labels.")
    return labels, known


def _letters(store: TokenStore) -> tuple[Letters | None, str]:
    """Letters, or None and why there are none."""
    if not store.tokenizer.per_nucleotide:
        kind = store.tokenizer.kind
        return None, f"{kind} tokens cover several bases. Give the same windows made with --tokenizer nucleotide."
    if len(np.unique(np.diff(store.offsets))) != 1:
        return None, "holds windows of several widths. Give a store of windows of one width."
    found: Letters = store.tokenizer.middle_letters()[np.asarray(store.tokens)].reshape(len(store), -1)
    return found, ""


def _families(letters: Letters | None, n: int) -> Int64:
    if letters is None:
        return np.arange(n)
    return similarity_clusters(letters.ravel(), np.arange(n + 1, dtype=np.int64) * letters.shape[1])


def units_without_folds(examples: Examples) -> str:
    """What is drawn together where no table of folds says it, in words."""
    return WHAT["random" if examples.letters is None else "similarity"]


def hexamers(examples: Examples, anchor0: int) -> npt.NDArray[np.str_]:
    """The hexamer whose fourth base is at index `anchor0` of every window, U6 [n].

    Raises UsageError where it does not lie inside the windows.
    """
    letters, hexamer0 = examples.letters, anchor0 - ANCHOR_IN_HEXAMER
    if letters is None:
        raise UsageError(f"--anchor0 {anchor0} needs windows of one width. Leave it out.")
    last0 = letters.shape[1] - HEXAMER_NT + ANCHOR_IN_HEXAMER
    if not ANCHOR_IN_HEXAMER <= anchor0 <= last0:
        inside = f"give {ANCHOR_IN_HEXAMER} to {last0}" if last0 >= ANCHOR_IN_HEXAMER else "leave it out"
        raise UsageError(f"--anchor0 {anchor0}: the hexamer around it lies outside the windows; {inside}.")
    found = np.ascontiguousarray(letters[:, hexamer0 : hexamer0 + HEXAMER_NT]).view(f"S{HEXAMER_NT}").ravel()
    return found.astype(np.str_)


def read_named_scores(files: NamedFiles) -> polars.DataFrame:
    """Columns name, score (float64), probability (float64, null where unknown), trained_on of one method and seed.

    `trained_on`: what `ribolm-predict sequences` says that the model has seen, null where a table does not tell. Raises
    DataError for missing columns, values that are no numbers, and names that occur twice.
    """
    import polars

    table = polars.concat([_one_file(path) for path in files.paths])
    if table["name"].n_unique() < len(table):
        name = table.filter(polars.col("name").is_duplicated())["name"][0]
        raise DataError(f"Scores '{files.label}': '{name}' occurs twice. Files of one name must cover different folds.")
    return table


def _one_file(path: Path) -> polars.DataFrame:
    import polars

    table = raw_table(path)
    found = table.scores() if table.has("name") else None
    if found is None:
        raise DataError(f"{path.name}: no column 'name' or no score. Give name and logit, probability or score.")
    score, probability = found
    unknown = polars.Series([None] * len(table), dtype=polars.Float64)
    untold = polars.Series([None] * len(table), dtype=polars.String)
    columns = {
        "name": table.texts("name"),
        "score": score,
        "probability": unknown if probability is None else probability,
        "trained_on": table.texts("trained_on") if table.has("trained_on") else untold,
    }
    return polars.DataFrame([column.alias(name) for name, column in columns.items()])


def scores_over(examples: Examples, table: polars.DataFrame, seed: str, store: str = "", folds: str = "") -> Scores:
    """Scores of the windows by name; -inf where the table lacks one, NaN for its probability.

    `store`, `folds`: digests of the store and of its table of folds ("" without one), by which windows that the model
    was trained on are known.
    """
    place = {name: row for row, name in enumerate(table["name"].to_list())}
    at = np.array([place.get(name, -1) for name in examples.names], dtype=np.int64)
    score, chance = (table[column].cast(float).fill_null(np.nan).to_numpy() for column in ("score", "probability"))
    found = np.full(len(at), -np.inf)
    found[at >= 0] = score[at[at >= 0]]
    probability = np.full(len(at), np.nan)
    probability[at >= 0] = chance[at[at >= 0]]
    words, which = numbered_words(table)
    seen = seen_by_models(words, np.where(at >= 0, which[at], -1) if len(which) else at, store, folds, examples.fold)
    return Scores(seed, found, None if np.isnan(probability).all() else probability, seen)
