"""A head of secondary structure on an encoder, trained on known structures; its way of decoding chosen on dev, once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ribolm.console import choice, notice
from ribolm.errors import DataError, UsageError
from ribolm.folding.pair_lists import FOLDER, StoredPairs
from ribolm.labels.folds import read_folds
from ribolm.labels.structure.stored import TASK
from ribolm.models.heads import HeadSpec
from ribolm.models.network import Network
from ribolm.models.pair_maps.configuration import PairMapConfig, base_ids
from ribolm.sequences.deduplication import equal_rows
from ribolm.sequences.store import TokenStore
from ribolm.training.feed.batches import Feed
from ribolm.training.objectives.structures import Structures
from ribolm.training.recipes.adapting import adapted, merged
from ribolm.training.recipes.assembly import (
    Start,
    check_out,
    file_digest,
    held_out_units,
    require_length,
    validation_feed,
    write_model,
)
from ribolm.training.recipes.pair_decoding import choose_decoding
from ribolm.training.recipes.pair_memory import check_pair_memory, micro_batch_tokens
from ribolm.training.recipes.unused import refuse_unused
from ribolm.training.run.parameters import parameter_groups
from ribolm.training.run.session import Lesson, Session, open_session
from ribolm.training.settings import Optimisation, Runtime, Settings

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class StructureOptions:
    """What `ribolm-train structure` is told.

    dev: a store of its own for early stopping and decoding; else folds (see finetuning) or `dev_share` of the rows.
    shape: fields of PairMapConfig but for `bases`. hidden_share: rows that are shown no thermodynamics, per epoch.
    max_nt: longer RNAs are left out of training; crop_tokens: longer ones are cut, anew in each epoch.
    """

    store: Path
    out: Path
    start: Start
    optimisation: Optimisation
    runtime: Runtime
    dev: Path | None = None
    folds: Path | None = None
    fold: int | None = None
    dev_share: float = 0.1
    shape: dict[str, Any] | None = None
    thermodynamics: bool = True
    hidden_share: float = 0.25
    lora: int = 0
    max_nt: int | None = None
    crop_tokens: int | None = None


@dataclass(frozen=True)
class _Rows:
    """A store of structures, the rows of it that are used, and its pair lists."""

    store: TokenStore
    rows: Int64
    pairs: StoredPairs | None

    def objective(self, seed: int, hidden_share: float, min_distance: int) -> Structures:
        store = self.store
        return Structures(store.label(TASK), store.offsets, self.pairs, seed, hidden_share, min_distance)


def train_structure(options: StructureOptions, key_only: bool = False) -> str:
    """Train, choose the threshold and write the model; returns the checkpoint key, alone with `key_only`."""
    refuse_unused(options, _unused(options))
    optimisation, train_rows, dev_rows = options.optimisation, *_open_rows(options)
    tokenizer = train_rows.store.tokenizer
    shape = PairMapConfig(base_ids(tokenizer), thermodynamic=options.thermodynamics, **(options.shape or {}))
    model = options.start.load(tokenizer, "structure")
    head = HeadSpec("structure", pair_map=shape)
    network = options.start.network(model, tokenizer, head, optimisation.seed)
    settings = _settings(options, train_rows, dev_rows, options.start.record(model, network), shape)
    if key_only:
        return settings.key()
    if not dev_rows.rows.size:
        notice("no RNA is held out: training takes all its steps, and pairs are decoded by what is usual.")
    runtime = options.runtime.named(settings.key())
    check_out(options.out, runtime.checkpoint_dir, settings)
    runtime = _fitting_micro_batches(runtime, train_rows, options)
    with open_session(runtime, optimisation.precision, optimisation.determinism) as session:
        adapted(network, optimisation.freeze, options.lora, optimisation.seed)
        lesson = _lesson(options, settings, network, shape, train_rows, dev_rows, session)
        loop, state = session.train(lesson)
        merged(network, options.lora)
        trained_nt = _trained_nt(options, train_rows)
        decoding = choose_decoding(session, lesson, loop, trained_nt["longest"])
        task = {**_task(options, shape, train_rows), **decoding, "trained_nt": trained_nt}
        write_model(options.out, session, lesson, loop, state, tokenizer, task)
    return settings.key()


def _unused(options: StructureOptions) -> dict[str, str]:
    """Fields that change nothing beside the others, with the reason."""
    unused: dict[str, str] = {}
    if options.folds is not None:
        unused["dev_share"] = "--folds says which rows are dev"
    if options.dev is not None:
        unused |= dict.fromkeys(("folds", "fold", "dev_share"), "--dev is the store of dev")
    elif options.folds is None and options.dev_share == 0:
        unused |= dict.fromkeys(("patience", "evaluate_every_steps"), "--dev-share 0 holds no row out")
    if options.lora:
        unused["freeze"] = "--lora changes no layer itself, and puts adapters on all of them"
    if not options.thermodynamics:
        unused["hidden_share"] = "--no-thermodynamics shows no RNA any"
    return unused


def _open_rows(options: StructureOptions) -> tuple[_Rows, _Rows]:
    """(rows to train on, rows of dev)."""
    store = TokenStore.open(options.store)
    if options.dev is not None:
        dev_store = TokenStore.open(options.dev)
        if dev_store.tokenizer != store.tokenizer:
            raise DataError(f"{options.dev}: has another tokenizer than {options.store}. Write both with one.")
        train, dev = np.arange(len(store)), np.arange(len(dev_store))
    else:
        dev_store = store
        train, dev = _split(options, store)
    lengths = np.diff(store.offsets)[train]
    if options.max_nt is not None and (lengths > options.max_nt).any():
        notice(f"{(lengths > options.max_nt).sum():,} of {len(train):,} RNAs are longer than {options.max_nt} nt.")
        train = train[lengths <= options.max_nt]
    if not train.size:
        raise DataError(f"{options.store}: no RNA is left to train on. Check --max-nt and the folds.")
    stored = _pairs(store, options), _pairs(dev_store, options) if dev.size else None
    return _Rows(store, train, stored[0]), _Rows(dev_store, dev, stored[1])


def _split(options: StructureOptions, store: TokenStore) -> tuple[Int64, Int64]:
    if options.folds is None:
        if options.fold is not None:
            raise UsageError("--fold needs --folds, the table of folds.")
        equal = equal_rows(np.asarray(store.tokens), store.offsets)
        return held_out_units(equal, options.dev_share, options.optimisation.seed)
    table = read_folds(options.folds, store)
    if options.fold is not None:
        train, dev, _ = table.split(options.fold)
        return train, dev
    return table.rows(*range(1, table.n_folds)), table.rows(0)


def _pairs(store: TokenStore, options: StructureOptions) -> StoredPairs | None:
    if not options.thermodynamics:
        return None
    found = StoredPairs.open(store)
    if found is None:
        raise DataError(
            f"{store.directory}: has no pair probabilities ({FOLDER}). Write the store with `ribolm-labels structures` "
            "without --no-thermodynamics, or train with --no-thermodynamics."
        )
    return found


def _fitting_micro_batches(runtime: Runtime, rows: _Rows, options: StructureOptions) -> Runtime:
    if runtime.tokens_per_micro_batch is not None:
        return runtime
    lengths = np.diff(rows.store.offsets)[rows.rows]
    tokens = micro_batch_tokens(int(min(lengths.max(), options.crop_tokens or lengths.max())))
    choice("tokens per micro-batch", tokens, "a map grows with the square of the length: the longest RNA alone")
    return runtime.model_copy(update={"tokens_per_micro_batch": tokens})


def _lesson(
    options: StructureOptions,
    settings: Settings,
    network: Network,
    shape: PairMapConfig,
    train: _Rows,
    dev: _Rows,
    session: Session,
) -> Lesson:
    optimisation = options.optimisation
    step, crop = optimisation.tokens_per_step, options.crop_tokens
    feed = Feed(train.store, train.rows, seed=optimisation.seed, tokens_per_step=step, crop_tokens=crop)
    validation = validation_feed(dev.store, dev.rows, step, None)
    require_length(network, feed, validation)
    check_pair_memory(session, network, feed, validation, step)
    network.to(session.device.name)
    groups = parameter_groups(network, optimisation.weight_decay, optimisation.layer_decay)
    objective = train.objective(optimisation.seed, options.hidden_share, shape.min_distance)
    judge = dev.objective(optimisation.seed, 0.0, shape.min_distance)
    return Lesson(settings, network, groups, objective, feed, validation, judge=judge)


def _settings(
    options: StructureOptions, train: _Rows, dev: _Rows, network: dict[str, Any], shape: PairMapConfig
) -> Settings:
    split: dict[str, Any] = {"max_nt": options.max_nt, "crop_tokens": options.crop_tokens}
    if options.dev is not None:
        split["dev"] = dev.store.digest
    elif options.folds is not None:
        split |= {"folds": file_digest(options.folds), "fold": options.fold}
    else:
        split["dev_share"] = options.dev_share
    return Settings(
        kind="structure",
        data={"store": train.store.digest, **split},
        network={**network, "head": "structure", "pair_map": shape.to_dict(), "lora": options.lora},
        objective={"task": TASK, "hidden_share": options.hidden_share if options.thermodynamics else None},
        optimisation=options.optimisation,
    )


def _further(shape: PairMapConfig) -> list[str]:
    return [name for name, read in (("thermodynamics", shape.thermodynamic), ("attention", shape.attention)) if read]


def _trained_nt(options: StructureOptions, rows: _Rows) -> dict[str, int]:
    """Shortest and longest stretch that was trained on."""
    lengths = np.diff(rows.store.offsets)[rows.rows]
    lengths = np.minimum(lengths, options.crop_tokens or lengths.max())
    return {"shortest": int(lengths.min()), "longest": int(lengths.max())}


def _task(options: StructureOptions, shape: PairMapConfig, rows: _Rows) -> dict[str, Any]:
    """The content of task.json but for what is chosen on dev."""
    told = rows.store.manifest["source"].get(FOLDER, {}) if options.thermodynamics else {}
    kept = ("program", "version", "parameters", "temperature_c", "least")
    return {
        "task": "structure",
        "level": "structure",
        "labels": ["paired"],
        "pooling": None,
        "pair_map": shape.to_dict(),
        "channels": ["pair_types", "distances", "states", *_further(shape)],
        "thermodynamics": {name: told[name] for name in kept if name in told},
    }
