"""Cross-prediction: half of the data says what the unknown labels of the other half are likely to be.

Jie et al. 2019 (NAACL, "Better modeling of incomplete annotations"): the training rows are split into k folds by gene;
in every round one model per fold is trained on the other folds and predicts the unannotated places of its own. Known
labels never move. The first round takes the unknown for negative; a later one takes the predictions of the round
before, for all its folds (our choice: the order of the folds does not matter then). The final model is the caller's.

Every stage trains in a folder of its own, with its own checkpoints; what it predicted is a product with a record that
is written last. After a kill, finished products are taken as they are and the stage that was cut goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ribolm.errors import DataError, Stopped, UsageError
from ribolm.files import atomic_path, write_json
from ribolm.labels.folds import assign_folds
from ribolm.labels.incomplete import CROSS_PREDICTED, check_mode, first_mode
from ribolm.training.faults import reach
from ribolm.training.feed.batches import Feed, RowBatch, TokenSource
from ribolm.training.machine.distributed import StopAsked, World
from ribolm.training.machine.fitting import Fitting
from ribolm.training.machine.precision import Device
from ribolm.training.objectives.labels import LabelArray
from ribolm.training.objectives.objective import sequences_of
from ribolm.training.objectives.relabelling import Relabelled

Int64Array = NDArray[np.int64]

PIECE_TOKENS = 1 << 22
PREDICTED, DONE = "predicted.npy", "predicted_{fold}.json"


class Fit(Protocol):
    """Trains a fresh network on rows of the store against labels, or goes on in `folder`, and returns it."""

    def __call__(self, stage: str, rows: Int64Array, labels: LabelArray, folder: Path) -> nn.Module: ...


@dataclass(frozen=True)
class CrossPrediction:
    """How unknown labels are filled: mode "soft" or "hard", outer iterations, folds and the seed of their split.

    `key`: identity of data and settings; products of another key are made anew.
    """

    mode: str
    seed: int
    key: str
    rounds: int = 1
    folds: int = 2

    def __post_init__(self) -> None:
        if check_mode(self.mode) not in CROSS_PREDICTED:
            raise UsageError(f"Cross-prediction fills labels in one of the modes {', '.join(CROSS_PREDICTED)}.")
        if self.rounds < 1 or self.folds < 2:
            raise UsageError("Cross-prediction needs one round and two folds at least.")

    def identity(self, stage: str) -> str:
        """What a product is known by: all that it depends on."""
        parts = [self.key, self.mode, self.seed, self.folds, stage]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Place:
    """Where predictions are made: processes, device, tokens at a time, and whether a signal asked to stop."""

    world: World
    device: Device
    fitting: Fitting
    stopped: Callable[[], str | None]


def cross_predict(
    plan: CrossPrediction,
    store: TokenSource,
    labels: LabelArray,
    base_ids: NDArray[Any],
    rows: Int64Array,
    unit: Int64Array,
    fit: Fit,
    folder: Path,
    place: Place,
) -> Relabelled:
    """Labels for the final model: known ones as they are, unknown ones of `rows` predicted.

    labels: per token [t], yes-no, NaN = unknown; `rows` int64 [n] of the training split, `unit` int64 [n] what must
    stay together (clusters of genes). `fit` is called once per round and fold, but for those that are finished already.
    Raises Stopped after a signal; the same call goes on from there. DataError for rows that cannot be split.
    """
    _require_units(unit, plan.folds)
    lengths = np.asarray(store.offsets[rows + 1] - store.offsets[rows])
    fold = assign_folds(unit, lengths, plan.folds, plan.seed)
    current = Relabelled(labels, store.tokens, base_ids, first_mode(plan.mode))
    for number in range(1, plan.rounds + 1):
        predicted = _Predictions(folder / f"round_{number}", len(store.tokens), place.world)
        for part in range(plan.folds):
            stage = f"round_{number}/fold_{part}"
            mine, others = rows[fold == part], rows[fold != part]
            if not predicted.is_done(part, plan.identity(stage), store, mine):
                network = fit(stage, others, current, folder / stage)
                _predict(network, current, store, mine, predicted, place)
                predicted.finish(part, plan.identity(stage), store, mine)
        current = Relabelled(labels, store.tokens, base_ids, plan.mode, predicted.values)
    return current


def _require_units(unit: Int64Array, n_folds: int) -> None:
    n_units = len(np.unique(unit))
    if n_units < n_folds:
        raise DataError(
            f"The rows to train on cannot be split into {n_folds} parts that predict each other's unknown labels: all "
            "are neighbours, or of one gene. Give more sequences, or leave the prediction out: "
            "--unlabeled as_negative or ignore_unlabeled."
        )


class _Predictions:
    """Probabilities per token of the store, float32 on disk, NaN where none were made; shared by all processes."""

    def __init__(self, folder: Path, n_tokens: int, world: World) -> None:
        self.folder, self.world = folder, world
        path = folder / PREDICTED
        if world.first and not _fits(path, n_tokens):
            folder.mkdir(parents=True, exist_ok=True)
            _write_unknown(path, n_tokens)
        world.meet()  # no process opens the file before it is there
        self.values: NDArray[np.float32] = np.lib.format.open_memmap(path, mode="r+")

    def is_done(self, fold: int, identity: str, store: TokenSource, rows: Int64Array) -> bool:
        """Whether this fold's predictions are complete and those of the same plan; one answer for all processes."""
        done = False
        if self.world.first:
            path = self.folder / DONE.format(fold=fold)
            try:
                record = json.loads(path.read_text("utf-8"))
            except (OSError, ValueError):
                record = {}
            same = record.get("identity") == identity
            done = same and record.get("sha256") == self._digest(store, rows)
        return self.world.any(done)

    def finish(self, fold: int, identity: str, store: TokenSource, rows: Int64Array) -> None:
        """Bring the predictions of a fold to the disk, then say so."""
        assert isinstance(self.values, np.memmap)
        self.values.flush()
        self.world.meet()
        if self.world.first:
            reach("cross.product")
            content = {"identity": identity, "sha256": self._digest(store, rows)}
            write_json(self.folder / DONE.format(fold=fold), content)

    def _digest(self, store: TokenSource, rows: Int64Array) -> str:
        digest = hashlib.sha256()
        for start, end in zip(store.offsets[rows].tolist(), store.offsets[rows + 1].tolist(), strict=True):
            digest.update(self.values[start:end].tobytes())
        return digest.hexdigest()


def _fits(path: Path, n_tokens: int) -> bool:
    try:
        values = np.load(path, mmap_mode="r")
    except (OSError, ValueError):
        return False
    return bool(values.shape == (n_tokens,) and values.dtype == np.float32)


def _write_unknown(path: Path, n_tokens: int) -> None:
    """A file of NaN, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("wb") as out:
        header = {"descr": "<f4", "fortran_order": False, "shape": (n_tokens,)}
        np.lib.format.write_array_header_2_0(out, header)
        for first in range(0, n_tokens, PIECE_TOKENS):
            out.write(np.full(min(PIECE_TOKENS, n_tokens - first), np.nan, "<f4").tobytes())


@torch.no_grad()
def _predict(
    network: nn.Module, labels: Relabelled, store: TokenSource, rows: Int64Array, out: _Predictions, place: Place
) -> None:
    """Fill in the probabilities of the unannotated places of these rows; each process does its share."""
    world, device, tokens = place.world, place.device, place.fitting.tokens
    feed = Feed(store, rows, seed=0, tokens_per_step=max(tokens * world.size, 1), shuffle=False)
    network.to(device.name).eval()
    with place.fitting.halved_when_full(feed.longest, device.name):
        for batch in _in_step(feed.once(tokens, world.rank, world.size), place):
            _fill(network, labels, batch, out, device)


def _fill(network: nn.Module, labels: Relabelled, batch: RowBatch, out: _Predictions, device: Device) -> None:
    inner = np.flatnonzero(batch.place >= 0)
    selected = inner[labels.unannotated(batch.place[inner])]
    if not selected.size:
        return
    with device.autocast():
        at = torch.from_numpy(selected).to(device.name)
        logits = network(sequences_of(batch).to(device.name), at)
    if logits.shape[1] != 1:
        raise DataError("Cross-prediction fills yes-no labels of tokens; this network has several outputs.")
    out.values[batch.place[selected]] = torch.sigmoid(logits[:, 0].float()).cpu().numpy()


def _in_step(batches: Iterable[RowBatch], place: Place) -> Iterator[RowBatch]:
    """The batches of this process. Raises Stopped in all processes when one is asked to stop."""
    try:
        for batch in place.world.in_step(batches, lambda: place.stopped() is not None):
            reach("cross.batch")
            yield batch
    except StopAsked as error:
        name = place.stopped() or "a signal to another process"
        raise Stopped(f"Stopped by {name} during cross-prediction. The same command goes on from there.") from error
