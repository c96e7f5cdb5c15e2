"""Windows scored by a model that answers once per window: letters in, logits out, whatever else is scored with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from ribolm.alphabet import COMPLEMENT, Letters
from ribolm.console import Progress
from ribolm.errors import DataError
from ribolm.files import atomic_path
from ribolm.genome.coordinates import Int64, ranges
from ribolm.genome.fasta import Genome
from ribolm.inference.batches import Float32, Forward
from ribolm.inference.calibration import probability
from ribolm.inference.seen import trainings_of, words_of
from ribolm.inference.window_models import WindowModel
from ribolm.models.ragged import ragged
from ribolm.sequences.vocabulary import TokenArray

LETTERS_AT_ONCE = 1 << 22
HEADER = "name\tlogit\tprobability"
Bool = npt.NDArray[np.bool_]


class Windowed(Protocol):
    """A model that reads windows of one width."""

    @property
    def window_nt(self) -> int | None: ...


def score_windows(model: Windowed, forward: Forward, letters: Letters) -> Float32:
    """Uncalibrated logits, float32 [n], of windows of letters, uint8 [n, window_nt] (ASCII ACGTN).

    Windows of as many tokens go through the network in passes of one shape (the rest of the last one is filled up), so
    that neither their number nor their order changes a logit. Memory: the letters, and 30 bytes per letter of a few
    megabytes of them. Raises ValueError for windows of another width.
    """
    if letters.ndim != 2 or letters.shape[1] != model.window_nt:
        raise ValueError(f"windows of shape {letters.shape} for a model of {model.window_nt} nt")
    out = np.empty(len(letters), dtype=np.float32)
    step = max(1, LETTERS_AT_ONCE // letters.shape[1])
    for begin in range(0, len(letters), step):
        out[begin : begin + step] = _score(forward, letters[begin : begin + step])
    return out


def windows_around(model: WindowModel, letters: Letters, anchor0: Int64, is_minus: Bool) -> Letters:
    """Windows of one contig, uint8 [n, window_nt], each read on its own strand; N beyond the ends.

    `letters` uint8 [contig] may be a memory map. `anchor0` int64 [n] index of the anchor on the + strand. Raises
    DataError where bases are missing and the model refuses that. Memory: the result and 8 bytes per letter of it.
    """
    before = np.where(is_minus, model.after_nt, model.anchor_offset0)
    found, is_short = _cut(letters, anchor0 - before, 0, len(letters), model.window_nt)
    if model.padding == "refuse" and is_short.any():
        at = int(anchor0[is_short][0])
        raise DataError(
            f"The window around base {at:,} (0-based) leaves the sequence of {len(letters):,} nt, which this model "
            "refuses. Give longer sequences, or a model whose task.json has padding N."
        )
    found[is_minus] = COMPLEMENT[found[is_minus, ::-1]]
    return found


def score_records(
    model: WindowModel, forward: Forward, records: Genome, anchor0: int | None = None, chosen: Int64 | None = None
) -> Iterator[tuple[tuple[str, ...], Float32]]:
    """Names and uncalibrated logits of the records of a FASTA, in the order of `record_windows`."""
    with Progress("scoring", len(records.names) if chosen is None else len(chosen), "sequences") as progress:
        for names, windows in record_windows(model, records, anchor0, chosen):
            yield names, score_windows(model, forward, windows)
            progress.advance(len(names))


def record_windows(
    model: WindowModel, records: Genome, anchor0: int | None = None, chosen: Int64 | None = None
) -> Iterator[tuple[tuple[str, ...], Letters]]:
    """Names and windows (uint8 [n, window_nt]) of the records of a FASTA in their order, some thousand at a time.

    `chosen`: int64 numbers of the records to score, ascending; None: all.

    The anchor is base `anchor0` of every record; without it, that of the window where a record is as long as the
    window, else its base length // 2. Missing flanks follow the model's padding. Raises DataError for a record without
    that base, and where flanks are refused.
    """
    step = max(1, LETTERS_AT_ONCE // model.window_nt)
    numbers = np.arange(len(records.names)) if chosen is None else chosen
    for begin in range(0, len(numbers), step):
        rows = numbers[begin : begin + step]
        names = tuple(records.names[row] for row in rows.tolist())
        first, last = records.offsets[rows], records.offsets[rows + 1]
        anchor = _anchors(model, records, names, last - first, anchor0)
        starts = first + anchor - model.anchor_offset0
        windows, is_short = _cut(records.data, starts, first[:, None], last[:, None], model.window_nt)
        if model.padding == "refuse" and is_short.any():
            raise DataError(
                f"{records.label}, record '{names[int(np.argmax(is_short))]}': the window of {model.window_nt} nt "
                "leaves it, which this model refuses. Give longer records."
            )
        yield names, windows


def write_scores(
    path: Path, model: WindowModel, parts: Iterable[tuple[tuple[str, ...], Float32]], of_fold: bool = False
) -> int:
    """Write name, logit and calibrated probability (six decimals) of each record; returns their number.

    `of_fold`: the records are a fold of labelled rows, and a fourth column `trained_on` says what the model has seen
    (the same in every row), so that an evaluation can tell (`seen.words_of`).
    """
    more = f"\t{words_of(trainings_of(model.loaded.manifest))}" if of_fold else ""
    n = 0
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(HEADER + ("\ttrained_on" if of_fold else "") + "\n")
        for names, logits in parts:
            chance = probability(model.calibration.apply(logits.astype(np.float64)))
            rows = zip(names, logits.tolist(), chance.tolist(), strict=True)
            handle.writelines(f"{name}\t{round(z, 6) + 0.0:.6f}\t{p:.6f}{more}\n" for name, z, p in rows)
            n += len(names)
    return n


def _anchors(model: WindowModel, records: Genome, names: Sequence[str], length: Int64, anchor0: int | None) -> Int64:
    if anchor0 is None:
        found = np.where(length == model.window_nt, model.anchor_offset0, length // 2)
    else:
        found = np.full(len(length), anchor0)
    bad = np.flatnonzero(found >= length)
    if len(bad):
        raise DataError(
            f"{records.label}, record '{names[bad[0]]}': has {length[bad[0]]:,} nt, so that there is no base "
            f"{found[bad[0]]:,} (0-based) to be the anchor. Give the --anchor0 of these records, or longer ones."
        )
    return np.asarray(found, dtype=np.int64)


def _cut(letters: Letters, starts: Int64, low: int | Int64, high: int | Int64, window_nt: int) -> tuple[Letters, Bool]:
    """Windows, uint8 [n, window_nt], N outside low … high; and which of them leave that range."""
    at = starts[:, None] + np.arange(window_nt)
    inside = (at >= low) & (at < high)
    found: Letters = np.full(at.shape, ord("N"), dtype=np.uint8)
    found[inside] = letters[at[inside]]
    return found, np.asarray(~inside.all(axis=1))


def _score(forward: Forward, letters: Letters) -> Float32:
    n, window_nt = letters.shape
    tokens, offsets = forward.tokenizer.encode_rows(letters.ravel(), np.arange(n + 1, dtype=np.int64) * window_nt)
    length = np.diff(offsets)
    out = np.empty(n, dtype=np.float32)
    for n_tokens in np.unique(length).tolist():
        rows = np.flatnonzero(length == n_tokens)
        full = np.full(len(rows), n_tokens + _n_special(forward))
        run = partial(_run, forward, tokens, offsets, n_tokens)
        for part, logits in forward.passes(rows, full, lambda rest: _rows_per_pass(forward, int(rest[0])), run):
            out[part] = logits
    return out


def _rows_per_pass(forward: Forward, full: int) -> int:
    return max(1, forward.tokens_per_batch // full)


def _n_special(forward: Forward) -> int:
    return sum(len(part) for part in _around(forward))


def _around(forward: Forward) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ids before and behind a sequence."""
    return forward.tokenizer.prefix_ids, forward.tokenizer.suffix_ids


def _run(forward: Forward, tokens: TokenArray, offsets: Int64, n_tokens: int, rows: Int64) -> Float32:
    """Logits of some rows of `n_tokens`, in a pass of one shape: the last one is repeated where there are fewer."""
    before, after = _around(forward)
    size = _rows_per_pass(forward, len(before) + n_tokens + len(after))
    starts = np.r_[offsets[rows], np.repeat(offsets[rows[-1:]], size - len(rows))]
    flat = np.empty((size, len(before) + n_tokens + len(after)), dtype=np.int64)
    flat[:, : len(before)] = before
    flat[:, len(before) + n_tokens :] = after
    flat[:, len(before) : len(before) + n_tokens] = tokens[ranges(starts, np.full(size, n_tokens))].reshape(size, -1)
    batch = ragged(torch.from_numpy(flat.ravel()), [flat.shape[1]] * size).to(forward.device.name)
    with torch.inference_mode(), forward.device.autocast():
        logits = forward.networks[0](batch)[:, 0].float()
    return np.asarray(logits.cpu().numpy()[: len(rows)])
