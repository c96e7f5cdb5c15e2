"""Few-shot classification: nearness to the mean of two embeddings per class, as in Saha et al. 2025
(doi 10.1016/j.csbj.2025.12.011).

s+ and s- are the cosines of an embedding with the prototypes, p = exp(s+) / (exp(s+) + exp(s-)), called from p > 0.5
on. As |s+ - s-| is at most 2, p lies between 0.119 and 0.881: the ranking by s+ - s- tells more than the calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.errors import DataError, UsageError
from ribolm.evaluation.metrics import average_precision, roc_auc
from ribolm.evaluation.sequence_level.thresholds import METRICS, Confusion, averaging
from ribolm.evaluation.tables import write_tsv
from ribolm.files import atomic_directory, write_json
from ribolm.labels.folds import Folds

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Row = dict[str, Any]

SHOTS, DRAWS = 2, 10
RANKED = ("roc_auc", "average_precision")
COLUMNS = ("metric", "averaging", "mean", "sd", "least", "largest", "n")


@dataclass(frozen=True)
class FewShot:
    """One row per fold and draw with all metrics, and the name of the way of pooling."""

    rows: tuple[Row, ...]

    def summary(self) -> list[Row]:
        """Mean, standard deviation, least and largest value of each metric over draws and folds, with its averaging."""
        found: list[Row] = []
        for metric in (*RANKED, *METRICS):
            of = "ranking" if metric in RANKED else averaging(metric)
            values = np.array([row[metric] for row in self.rows], dtype=np.float64)
            known = values[np.isfinite(values)]
            if not len(known):
                found.append({**dict.fromkeys(COLUMNS), "metric": metric, "averaging": of, "n": 0})
                continue
            spread = float(known.std(ddof=1)) if len(known) > 1 else None
            row: Row = {"metric": metric, "averaging": of, "mean": float(known.mean()), "sd": spread}
            found.append({**row, "least": float(known.min()), "largest": float(known.max()), "n": len(known)})
        return found


def few_shot(
    embeddings: Float32, is_positive: Bool, folds: Folds, shots: int = SHOTS, draws: int = DRAWS, seed: int = 1
) -> FewShot:
    """Draw prototypes from the training rows of every fold and call its test rows.

    `embeddings` float32 [n, D]. Training rows are those outside the fold and outside the next one (dev). Draw d of
    fold f depends on (seed, f, d) alone. Raises DataError where a fold leaves fewer than `shots` of a class.
    """
    if shots < 1 or draws < 1:
        raise UsageError("Few-shot needs one example per class and one draw or more.")
    unit = _unit(embeddings.astype(np.float64))
    rows = []
    for fold in range(folds.n_folds):
        train, _, test = folds.split(fold)
        classes = [train[is_positive[train]], train[~is_positive[train]]]
        if min(map(len, classes)) < shots:
            raise DataError(
                f"Fold {fold} leaves fewer than {shots} sequences of a class to learn from. Make other folds."
            )
        for draw in range(draws):
            rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, fold, draw])))
            chosen = [np.sort(rng.choice(some, shots, replace=False)) for some in classes]
            margin = margins(unit, embeddings, chosen[0], chosen[1])[test]
            rows.append({"fold": fold, "draw": draw, "n": len(test), **measured(is_positive[test], margin)})
    return FewShot(tuple(rows))


def margins(
    unit: Float64, embeddings: Float32, positives: npt.NDArray[np.int64], negatives: npt.NDArray[np.int64]
) -> Float64:
    """s+ - s- of all rows, float64 [n]: cosines with the mean embedding of each class."""
    prototypes = [embeddings[rows].astype(np.float64).mean(axis=0) for rows in (positives, negatives)]
    return np.asarray(unit @ (_unit(prototypes[0][None])[0] - _unit(prototypes[1][None])[0]))


def measured(is_positive: Bool, margin: Float64) -> dict[str, float]:
    """Metrics of the ranking, and of calls where the margin is above 0 (p > 0.5)."""
    ranked = {"roc_auc": roc_auc(is_positive, margin), "average_precision": average_precision(is_positive, margin)}
    return {**ranked, **Confusion.of(is_positive, margin > 0).metrics()}


def _unit(rows: Float64) -> Float64:
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norm, 1e-12))


def write_few_shot(outdir: Path | str, found: FewShot, settings: Row) -> None:
    """Write metrics.json (settings, summary) and draws.tsv (every fold and draw)."""
    summary = found.summary()
    with atomic_directory(outdir) as out:
        write_json(out / "metrics.json", {"kind": "fewshot", "settings": settings, "metrics": summary})
        write_tsv(out / "draws.tsv", found.rows)
        write_tsv(out / "summary.tsv", summary)
    for row in summary[:3]:
        value = "undefined" if row["mean"] is None else f"{row['mean']:.3f} (sd {row['sd'] or 0:.3f}, n = {row['n']})"
        notice(f"few-shot {row['metric']}: {value}")
