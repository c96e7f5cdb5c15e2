"""What a model has seen of labelled rows: told by the manifest that its training wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.files import is_whole_number, sha256_of
from ribolm.genome.coordinates import Int64

if TYPE_CHECKING:
    from ribolm.models.weights import LoadedModel

Bool = npt.NDArray[np.bool_]

DIGITS = 16  # of a sha256: enough to tell stores and tables apart, short enough for a column
NOTHING = "-"


@dataclass(frozen=True)
class Training:
    """One training: heads of the digests of its store and table of folds ("" without one), and the fold never seen.

    `held_out` None: rows of all folds were seen, of dev too, which decides when to stop and what a logit means.
    """

    store: str
    folds: str
    held_out: int | None

    @property
    def word(self) -> str:
        """store:folds:fold in one word, `-` for what there is not."""
        fold = NOTHING if self.held_out is None else str(self.held_out)
        return f"{self.store}:{self.folds or NOTHING}:{fold}"

    @classmethod
    def of_word(cls, word: str) -> Training | None:
        """The inverse of `word`; None for any other text."""
        store, _, rest = word.partition(":")
        folds, _, fold = rest.partition(":")
        if not store or not folds or not (fold == NOTHING or is_whole_number(fold)):
            return None
        return cls(store, "" if folds == NOTHING else folds, None if fold == NOTHING else int(fold))


@dataclass(frozen=True)
class Asked:
    """What is to be scored: a table of folds and, where known, the store that it deals; heads of their digests."""

    folds: str
    name: str
    store: str = ""

    @classmethod
    def of(cls, folds: Path, store: str = "") -> Asked:
        """From the path of a table and the digest of its store."""
        return cls(sha256_of(folds)[:DIGITS], folds.name, store[:DIGITS])

    def is_of(self, training: Training) -> bool:
        """Whether a training learnt from these rows; without the store, the table of folds tells."""
        return training.store == self.store if self.store else training.folds == self.folds


def trainings_of(manifest: Mapping[str, Any]) -> tuple[Training, ...]:
    """The trainings behind a model: one, of a united model several; none where its manifest does not tell."""
    parts = manifest.get("parts") if manifest.get("kind") == "united" else [manifest]
    found = [_training(part.get("data")) for part in parts or () if isinstance(part, Mapping)]
    return tuple(one for one in found if one is not None) if None not in found else ()


def _training(data: Any) -> Training | None:
    if not isinstance(data, Mapping) or not data.get("store") or "fold" not in data:
        return None
    fold = data["fold"]
    store, folds = (str(data.get(key) or "")[:DIGITS] for key in ("store", "folds"))
    return Training(store, folds, None if fold is None else int(fold))


def words_of(trainings: Sequence[Training]) -> str:
    """All trainings behind a model in one cell of a table, joined by commas; `-` where nothing is known."""
    return ",".join(training.word for training in trainings) or NOTHING


def require_unseen(model: LoadedModel, asked: Asked, fold: int) -> None:
    """Require that a model has not seen a fold. Raises DataError where it has, or where that cannot be told.

    A model of other data, or of none that its manifest names, goes through with a notice.
    """
    source, trainings = model.directory, trainings_of(model.manifest)
    if not trainings or not all(asked.is_of(training) for training in trainings):
        notice(f"{source}: was not trained on what {asked.name} deals; nothing is known of what the two share.")
    for training in trainings:
        if not asked.is_of(training):
            continue
        if training.folds != asked.folds:
            raise DataError(
                f"{source}: was trained on this store, but not by {asked.name}, so that nobody can tell which rows it "
                "has seen. Give the table of folds that it was trained with."
            )
        if training.held_out != fold:
            kept = "no fold" if training.held_out is None else f"fold {training.held_out} alone"
            raise DataError(
                f"{source}: has seen fold {fold} of {asked.name} in training, which held out {kept}. Give the model "
                f"that was trained with --fold {fold}."
            )


def seen_rows(cell: str, store: str, folds: str, fold: Int64) -> Bool | None:
    """Which rows of a store a model has seen, bool [n]; None where it was trained on other data or nothing is known.

    `cell`: what `words_of` wrote. `store`, `folds`: digests of the store and of its table of folds ("" without one);
    `fold` int64 [n]. Trained by another table, any row may have been seen, and all count.
    """
    trainings = [Training.of_word(word) for word in cell.split(",")]
    mine = [one for one in trainings if one is not None and one.store == store[:DIGITS]]
    if not mine:
        return None
    seen = np.zeros(len(fold), dtype=bool)
    for training in mine:
        known = bool(folds) and training.folds == folds[:DIGITS] and training.held_out is not None
        seen |= (fold != training.held_out) if known else True
    return seen


def seen_by_models(words: Sequence[str], which: Int64, store: str, folds: str, fold: Int64) -> Bool | None:
    """The same for rows that several models scored: `which` int64 [n] says what of `words` each wrote, -1 for none."""
    seen, is_known = np.zeros(len(fold), dtype=bool), False
    for number, word in enumerate(words):
        rows = np.flatnonzero(which == number)
        found = seen_rows(word, store, folds, fold[rows])
        if found is not None and len(rows):
            seen[rows], is_known = found, True
    return seen if is_known else None
