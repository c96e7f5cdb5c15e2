"""Values predicted for whole sequences, in the units that they were measured in, by a model's own rule of length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ribolm.alphabet import Letters
from ribolm.console import Progress, choice, notice
from ribolm.errors import DataError
from ribolm.files import atomic_path
from ribolm.genome.coordinates import Int64, ranges
from ribolm.genome.fasta import Genome
from ribolm.inference.batches import Forward
from ribolm.inference.seen import trainings_of, words_of
from ribolm.inference.sequences import score_windows
from ribolm.inference.window_models import TOKENS_PER_PASS
from ribolm.labels.values.targets import Target
from ribolm.models.ragged import pack
from ribolm.models.weights import LoadedModel, load_model
from ribolm.sequences.length_rule import LengthRule

Float64 = npt.NDArray[np.float64]
RECORDS_AT_ONCE = 4_096
HEADER = "name\tvalue"


@dataclass(frozen=True)
class ValueModel:
    """A model with one value per sequence: what it reads of a sequence, and what its answer means."""

    loaded: LoadedModel
    task: str
    rule: LengthRule
    target: Target

    @property
    def window_nt(self) -> int | None:
        """Width of what it reads, None where sequences are read whole or keep their length."""
        return self.rule.window_nt if self.rule.pads else None


def load_value_model(directory: Path | str) -> ValueModel:
    """Load a model that was trained with --level regression on one value; DataError for any other."""
    loaded = load_model(directory)
    task, source = loaded.task, str(loaded.directory / "task.json")
    labels = (task or {}).get("labels", [])
    if task is None or task.get("level") != "regression" or len(labels) != 1:
        found = f"predicts {len(labels)} labels per {task.get('level')}" if task else "is a pretrained model"
        raise DataError(f"{directory}: {found}, not one value per sequence. Train with --level regression.")
    targets = task.get("target")
    if not isinstance(targets, list) or len(targets) != 1:
        raise DataError(f"{source}: target is {targets!r}, not the scaler of one value. Train the model again.")
    rule = LengthRule.of_dict(task.get("length_rule"), source)
    return ValueModel(loaded, str(task.get("task")), rule, Target.of_dict(targets[0], source))


def forward_of_values(model: ValueModel, device: str = "auto", precision: str = "fp32") -> Forward:
    """The model on a device; what else is predicted changes no digit on a CPU. UsageError for CUDA without a card."""
    forward = Forward.prepare((model.loaded.network,), model.loaded.tokenizer, device, precision, 0)
    if model.window_nt is not None:
        forward.tokens_per_batch = TOKENS_PER_PASS[forward.device.kind]
        choice("tokens per pass", f"{forward.tokens_per_batch:,}", "one shape, so that values do not depend on it")
    else:
        choice("tokens per pass", "one sequence", "independent of what else is predicted")
    return forward


def predicted_values(model: ValueModel, forward: Forward, letters: Letters, offsets: Int64) -> Float64:
    """Values in units of the measurement, float64 [n]; row i is letters[offsets[i]:offsets[i + 1]], uint8 ASCII ACGTN.

    Cost: windows go in passes of one shape; of sequences of many lengths each has a pass.
    """
    read, bounds = model.rule.apply(letters, offsets)
    n = len(offsets) - 1
    if not n:
        return np.zeros(0)
    if model.window_nt is not None:
        return model.target.value(score_windows(model, forward, read.reshape(n, model.window_nt)))
    tokens, starts = forward.tokenizer.encode_rows(read, bounds)
    before, after = forward.tokenizer.prefix_ids, forward.tokenizer.suffix_ids
    full = np.diff(starts) + len(before) + len(after)
    answers = np.empty(n)

    def run(row: Int64) -> float:
        inner = tokens[starts[row[0]] : starts[row[0] + 1]].astype(np.int64)
        batch = pack([np.r_[np.array(before, dtype=np.int64), inner, np.array(after, dtype=np.int64)]])
        with torch.inference_mode(), forward.device.autocast():
            return float(forward.networks[0](batch.to(forward.device.name))[0, 0].float())

    for row, answer in forward.passes(np.arange(n), full, lambda _: 1, run):
        answers[row] = answer
    return model.target.value(answers)


def predict_records(
    model: ValueModel, forward: Forward, records: Genome, chosen: Int64 | None = None
) -> Iterator[tuple[tuple[str, ...], Float64]]:
    """Names and values of the records of a FASTA in their order, some thousand at a time; `chosen`: int64 row numbers.

    Raises DataError for a record without letters.
    """
    rows = np.arange(len(records.names)) if chosen is None else chosen
    length = np.diff(records.offsets)[rows]
    if (length == 0).any():
        name = records.names[rows[int(np.argmin(length))]]
        raise DataError(f"{records.label}, record '{name}': has no letters. Remove the record.")
    tell_lengths(model, length)
    with Progress("predicting", len(rows), "sequences") as progress:
        for begin in range(0, len(rows), RECORDS_AT_ONCE):
            part = rows[begin : begin + RECORDS_AT_ONCE]
            width = length[begin : begin + RECORDS_AT_ONCE]
            letters = np.asarray(records.data[ranges(records.offsets[part], width)])
            bounds = np.r_[0, np.cumsum(width)].astype(np.int64)
            yield tuple(records.names[row] for row in part.tolist()), predicted_values(model, forward, letters, bounds)
            progress.advance(len(part))


def tell_lengths(model: ValueModel, length: Int64) -> None:
    """Say by which rule sequences of these lengths (int64 [n], nt) are read, and which are unlike those of training."""
    rule = model.rule
    window = rule.window_nt
    longer, shorter = (0, 0) if window is None else (int((length > window).sum()), int((length < window).sum()))
    counted = f"{longer:,} of {len(length):,} sequences are longer, {shorter:,} shorter" if window else "task.json"
    choice("length rule", rule.sentence(), counted)
    if rule.trained_nt is None:
        return
    low, high = rule.trained_nt
    unlike = int(((length < low) | (length > high)).sum())
    if unlike:
        span = f"{low:,} nt" if low == high else f"{low:,} to {high:,} nt"
        notice(f"{unlike:,} of {len(length):,} sequences have a length that training did not have ({span}).")


def write_values(
    path: Path, model: ValueModel, parts: Iterable[tuple[tuple[str, ...], Float64]], of_fold: bool = False
) -> int:
    """Write name and value (six significant digits) of each record; returns their number.

    `of_fold`: the records are a fold of labelled rows, and a third column `trained_on` says what the model has seen.
    """
    more = f"\t{words_of(trainings_of(model.loaded.manifest))}" if of_fold else ""
    undone = "" if model.target.transform == "none" else f", its {model.target.transform} undone"
    choice("unit", f"that of '{model.task}' where it was measured", f"standardisation undone{undone}")
    n = 0
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(HEADER + ("\ttrained_on" if of_fold else "") + "\n")
        for names, values in parts:
            rows = zip(names, values.tolist(), strict=True)
            handle.writelines(f"{name}\t{value:.6g}{more}\n" for name, value in rows)
            n += len(names)
    return n
