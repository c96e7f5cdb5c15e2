"""Labels as the loss shall see them: what is unknown becomes a negative, a prediction, or stays out.

Nothing is written or copied: the rule of `labels.incomplete` is applied to the places that a batch asks for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ribolm.labels.incomplete import CROSS_PREDICTED, check_mode, targets, unannotated
from ribolm.labels.resampling import class_counts, copies
from ribolm.training.objectives.labels import LabelArray

Float32Array = NDArray[np.float32]
Int64Array = NDArray[np.int64]

PIECE_ROWS = 1 << 16


class Relabelled:
    """Labels per token under one mode of incomplete annotation; indexed like the array of labels.

    `tokens` and `base_ids`: only a base can be judged, so an unknown label of N stays unknown. `predicted`:
    probabilities [t], NaN where none were made (soft, hard). `certain=False` takes out the labels of 0, so that known
    sites stand against the unknown alone: the question that validation asks where every other base is a sure negative.
    """

    def __init__(
        self,
        labels: LabelArray,
        tokens: NDArray[Any],
        base_ids: NDArray[Any],
        mode: str,
        predicted: LabelArray | None = None,
        certain: bool = True,
    ) -> None:
        self.labels, self.tokens, self.mode = labels, tokens, check_mode(mode)
        self.predicted, self.certain = predicted, certain
        self._usable = np.zeros(np.iinfo(tokens.dtype).max + 1, dtype=bool)
        self._usable[np.asarray(base_ids, dtype=np.int64)] = True

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Any, /) -> Float32Array:
        known = np.asarray(self.labels[index], dtype=np.float32)
        usable = self._usable[self.tokens[index]]
        predicted = None if self.predicted is None or self.mode not in CROSS_PREDICTED else self.predicted[index]
        found = targets(known, self.mode, predicted, usable)
        if not self.certain:
            found[known == 0] = np.nan
        return found

    def unannotated(self, index: Any) -> NDArray[np.bool_]:
        """Where a prediction may stand in for a label."""
        known = np.asarray(self.labels[index], dtype=np.float32)
        return np.asarray(unannotated(known, self._usable[self.tokens[index]]))


def resampled(labels: LabelArray, offsets: Int64Array, rows: Int64Array, method: str) -> Int64Array:
    """Showings of each of `rows` per epoch, int64, by a formula of `labels.resampling`; labels are read in pieces.

    `rows` int64 [n], those of the training split, ascending.
    """
    counts = []
    for first in range(0, len(rows), PIECE_ROWS):
        piece = rows[first : first + PIECE_ROWS]
        starts, sizes = offsets[piece], offsets[piece + 1] - offsets[piece]
        bounds = np.concatenate(([0], np.cumsum(sizes)))
        place = np.repeat(starts - bounds[:-1], sizes) + np.arange(bounds[-1])
        counts.append(class_counts(np.asarray(labels[place], dtype=np.float32), bounds))
    lengths = np.asarray(offsets[rows + 1] - offsets[rows])
    return copies(np.concatenate(counts) if counts else np.zeros((0, 1), np.int64), lengths, method)
