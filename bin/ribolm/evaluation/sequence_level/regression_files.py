"""The 4-mer regression as a file, so that a scan far from its training windows can still be held against it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.evaluation.sequence_level.binned_kmers import BIN_NT, PENALTY, BinnedKmers, K, fit, n_features
from ribolm.evaluation.sequence_level.examples import Examples
from ribolm.files import atomic_path, require_file

KIND = "counts of 4-mers per stretch of ten bases"
LEAST_OF_CLASS = 5  # of fewer, the regression ranks by chance and is no floor
FEW_WINDOWS = 1000  # of fewer, it ranks clearly worse than it would of thousands


@dataclass(frozen=True)
class StoredRegression:
    """A fitted regression, the width of its windows and what it was fitted on (a name, windows, sites)."""

    regression: BinnedKmers
    window_nt: int
    source: str
    n_windows: int
    n_sites: int


def fit_regression(examples: Examples, source: str) -> StoredRegression:
    """Fit on all windows of a store; DataError where they are of several widths, of tokens wider than a base,
    of one class or a handful.

    Tells of a store that holds too few windows for a floor worth the name.
    """
    if not len(examples):
        raise DataError(f"{source}: holds no labelled window. Give a store with sites and others.")
    if examples.letters is None:
        raise DataError(f"{source}: {examples.without_letters}")
    if examples.is_positive.all() or not examples.is_positive.any():
        raise DataError(f"{source}: holds one class only. Give a store with sites and others.")
    n, n_sites = len(examples), int(examples.is_positive.sum())
    if min(n_sites, n - n_sites) < LEAST_OF_CLASS:
        raise DataError(
            f"{source}: holds {n_sites:,} sites and {n - n_sites:,} others, of which the regression learns nothing. "
            f"Give {LEAST_OF_CLASS} windows of each class or more, better some thousand."
        )
    if n < FEW_WINDOWS:
        notice(
            f"{source}: {n:,} windows are few for a regression of {n_features(examples.letters.shape[1]):,} "
            "coefficients; it is a weak floor, easily beaten."
        )
    regression = fit(examples.letters, examples.is_positive)
    width = examples.letters.shape[1]
    return StoredRegression(regression, width, source, n, n_sites)


def write_regression(path: Path, stored: StoredRegression) -> None:
    """Write coefficients and intercept in fp64 as safetensors, everything else as its metadata."""
    from safetensors.numpy import save_file

    arrays = {
        "coefficients": stored.regression.coefficients,
        "intercept": np.array([stored.regression.intercept], dtype=np.float64),
    }
    about = {"kind": KIND, "k": K, "bin_nt": BIN_NT, "inverse_l2": PENALTY, "window_nt": stored.window_nt}
    of_data = {"source": stored.source, "windows": stored.n_windows, "sites": stored.n_sites}
    with atomic_path(path) as partial:
        save_file(arrays, partial, metadata={key: str(value) for key, value in {**about, **of_data}.items()})


def read_regression(path: Path) -> StoredRegression:
    """Read what `write_regression` wrote; DataError for a damaged file and for one of another kind."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(require_file(path), framework="np") as handle:
            about: dict[str, Any] = handle.metadata() or {}
            arrays = {name: handle.get_tensor(name) for name in handle.keys()}
    except (SafetensorError, ValueError) as error:
        raise DataError(f"{path}: is cut short or no safetensors file ({error}). Copy the model again.") from error
    if about.get("kind") != KIND or arrays.keys() != {"coefficients", "intercept"}:
        raise DataError(f"{path}: holds no 4-mer regression. Give one of `ribolm-evaluate regression`.")
    window_nt, coefficients = int(about["window_nt"]), np.asarray(arrays["coefficients"], dtype=np.float64)
    if coefficients.shape != (n_features(window_nt),) or not np.isfinite(coefficients).all():
        raise DataError(
            f"{path}: {coefficients.shape} coefficients, some of them not finite, or not the {n_features(window_nt):,} "
            f"of windows of {window_nt} nt. Copy the model again."
        )
    model = BinnedKmers(coefficients, float(arrays["intercept"][0]))
    return StoredRegression(model, window_nt, about["source"], int(about["windows"]), int(about["sites"]))
