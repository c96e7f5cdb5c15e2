"""A model explained on a labelled set: signals destroyed, every letter changed, words attended to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from ribolm.alphabet import Letters
from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.evaluation.sequence_level.examples import read_examples
from ribolm.explain.attention import attended_words, attention_table
from ribolm.explain.mutagenesis import importance, mutagenesis
from ribolm.explain.output import Part, write_letters, write_table
from ribolm.explain.perturbation import perturb, perturbation_table
from ribolm.explain.tokens import overlaps
from ribolm.files import atomic_directory, write_json
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.inference.batches import Forward
from ribolm.inference.sequences import record_windows, score_windows
from ribolm.inference.window_models import WindowModel
from ribolm.labels.folds import read_folds
from ribolm.models.attention_maps import has_attention
from ribolm.sequences.store import TokenStore

ATTENTION = "attention.tsv"
CHANGES = (*(f"change_{base}" for base in "ACGT"), "importance")


class Classes(NamedTuple):
    """Numbers of the records of each class, int64, ascending."""

    positives: Int64
    negatives: Int64


def classes_of(store: Path, task: str, records: Genome, folds: Path | None, fold: int | None, most: int) -> Classes:
    """Records of a fold (None: of all) by the labels of a store, at most so many of a class, evenly spread.

    Raises DataError for a class without a window, and for a labelled window that is no record.
    """
    opened = TokenStore.open(store)
    examples = read_examples(opened, task, read_folds(folds, opened) if folds else None)
    place = {name: row for row, name in enumerate(records.names)}
    found = []
    for name, is_positive in (("positive", True), ("negative", False)):
        rows = np.flatnonzero((examples.is_positive == is_positive) & ((fold is None) | (examples.fold == fold)))
        if not len(rows):
            where = "" if fold is None else f" in fold {fold}"
            raise DataError(
                f"{store}: has no {name} window of '{task}'{where}. Give a set, and a fold, of both classes."
            )
        kept = rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64))]
        lost = next((examples.names[row] for row in kept.tolist() if examples.names[row] not in place), None)
        if lost is not None:
            raise DataError(f"{records.label}: has no record '{lost}' of {store}. Give the windows of this store.")
        found.append(np.sort(np.array([place[examples.names[row]] for row in kept.tolist()], dtype=np.int64)))
    return Classes(*found)


def explain_classes(
    outdir: Path, model: WindowModel, forward: Forward, records: Genome, classes: Classes, seed: int
) -> dict[str, Any]:
    """Write perturbation.tsv, mutagenesis.parquet and importance.tsv of positives, and summary.json, which is returned.

    attention.tsv, of both classes, comes where the backbone has attention and tokens do not overlap. Logits are
    calibrated for the perturbation alone, whose probabilities are compared with the model's threshold.
    """
    positives, negatives = (_letters(model, records, rows) for rows in classes)
    attends = has_attention(forward.networks[0]) and not overlaps(forward.tokenizer)

    def calibrated(part: Letters) -> npt.NDArray[np.float32]:
        logits = score_windows(model, forward, part).astype(np.float64)
        return np.asarray(model.calibration.apply(logits), dtype=np.float32)

    with atomic_directory(outdir, optional=(ATTENTION,)) as out:
        found = perturb(positives, calibrated, seed)
        write_table(out / "perturbation.tsv", perturbation_table(found, model.threshold))
        write_table(out / "importance.tsv", _mutated(out / "mutagenesis.parquet", model, forward, records, classes))
        if attends:
            words = [attended_words(forward.networks[0], forward.tokenizer, part) for part in (positives, negatives)]
            write_table(out / ATTENTION, attention_table(words[0], words[1]))
        else:
            notice("The model has no attention, or tokens that overlap, so no words are counted.")
        summary = {
            "positives": len(positives),
            "negatives": len(negatives),
            "with_signal": int(found.with_signal.sum()),
            "threshold": model.threshold,
            "attention": attends,
            "seed": seed,
        }
        write_json(out / "summary.json", summary)
    return summary


def _letters(model: WindowModel, records: Genome, rows: Int64) -> Letters:
    return np.concatenate([windows for _, windows in record_windows(model, records, None, rows)])


def _mutated(path: Path, model: WindowModel, forward: Forward, records: Genome, classes: Classes) -> pl.DataFrame:
    """Write all substitutions of the positives; returns, by place against the anchor, means over the windows."""
    total, size = np.zeros(model.window_nt), np.zeros(model.window_nt)

    def parts() -> Iterator[Part]:
        for names, windows in record_windows(model, records, None, classes.positives):
            changes = mutagenesis(windows, lambda part: score_windows(model, forward, part))
            support = importance(changes)
            total[:] += support.sum(axis=0, dtype=np.float64)
            size[:] += np.abs(changes).sum(axis=(0, 2), dtype=np.float64) / 3
            by_base = {f"change_{base}": changes[:, :, column] for column, base in enumerate("ACGT")}
            yield names, windows, {**by_base, "importance": support}

    n = write_letters(path, CHANGES, parts())
    place = np.arange(model.window_nt) - model.anchor_offset0
    return pl.DataFrame({"place": place, "importance": total / n, "size": size / n})
