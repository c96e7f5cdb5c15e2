"""Incomplete annotation: what an unlabelled place means to the loss (Jie et al. 2019, cross-prediction).

A label is 1 (known site), 0 (certainly none) or NaN (unknown). Four modes say what becomes of NaN:
`as_negative` sets 0, `ignore_unlabeled` leaves it out of the loss, `hard` and `soft` put the prediction of a model that
was trained on the other half of the training data there: rounded, or as a probability. Known labels never move.
"""

import numpy as np
import numpy.typing as npt

from ribolm.errors import UsageError

Float32 = npt.NDArray[np.float32]

MODES = ("soft", "hard", "ignore_unlabeled", "as_negative")
DEFAULT_MODE = "soft"
CROSS_PREDICTED = ("soft", "hard")
HARD_THRESHOLD = 0.5  # argmax of two classes


def check_mode(mode: str) -> str:
    """Return `mode`; raise UsageError when it is none of `MODES`."""
    if mode not in MODES:
        raise UsageError(f"--unlabeled {mode} is not known. Choose one of {', '.join(MODES)}.")
    return mode


def first_mode(mode: str) -> str:
    """The mode of the first round, when there is no prediction yet: cross-prediction begins with `as_negative`."""
    return "as_negative" if check_mode(mode) in CROSS_PREDICTED else mode


def unannotated(labels: Float32, usable: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.bool_]:
    """Where a prediction may stand in for a label, bool of the same shape: unknown, and `usable` where that is given.

    `usable` is False for tokens that can never be judged, as N.
    """
    unknown = np.isnan(labels)
    return unknown if usable is None else unknown & usable


def targets(
    labels: Float32, mode: str, predicted: Float32 | None = None, usable: npt.NDArray[np.bool_] | None = None
) -> Float32:
    """Targets of the loss, float32 of the shape of `labels`; NaN = out of the loss.

    `predicted` (probabilities of the same shape, NaN where nothing was predicted) is needed by `hard` and `soft` and
    read at unannotated places alone; `usable` as in `unannotated`. Raises UsageError for an unknown mode.
    """
    open_places = unannotated(labels, usable)
    found = np.array(labels, dtype=np.float32)
    if check_mode(mode) == "as_negative":
        found[open_places] = 0
    elif mode in CROSS_PREDICTED:
        if predicted is None:
            raise UsageError(f"--unlabeled {mode} needs predictions of the other half; none were given.")
        values = np.asarray(predicted, dtype=np.float32)[open_places]
        known = ~np.isnan(values)
        found[open_places] = np.where(known, values >= HARD_THRESHOLD, np.nan) if mode == "hard" else values
    return found
