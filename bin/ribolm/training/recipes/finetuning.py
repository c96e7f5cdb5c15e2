"""A head on an encoder, trained on the labels of a token store; calibrated and given a threshold on its dev rows."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ribolm.genome.coordinates import ranges
from ribolm.labels.incomplete import CROSS_PREDICTED
from ribolm.labels.values.targets import Standardised
from ribolm.models.heads import HeadSpec, Pooling
from ribolm.models.network import Network, new_network
from ribolm.training.feed.batches import Feed
from ribolm.training.objectives.labels import LabelArray, LabelLoss, Labels, balanced_binary_weights
from ribolm.training.objectives.objective import TrainingBatch
from ribolm.training.objectives.relabelling import Relabelled, resampled
from ribolm.training.recipes.adapting import adapted, merged
from ribolm.training.recipes.assembly import (
    Start,
    check_memory,
    check_out,
    file_digest,
    require_length,
    validation_feed,
    write_model,
)
from ribolm.training.recipes.calibration import decide
from ribolm.training.recipes.crosspredict import CrossPrediction, Place, cross_predict
from ribolm.training.recipes.labelled_rows import LabelledRows, Level, open_labelled_rows
from ribolm.training.recipes.unused import refuse_unused
from ribolm.training.run.loop import Loop
from ribolm.training.run.parameters import parameter_groups
from ribolm.training.run.session import Lesson, Session, open_session
from ribolm.training.settings import Optimisation, Runtime, Settings

Int64 = NDArray[np.int64]
WINDOW_KEYS = ("anchor", "anchor_offset0", "padding", "length_rule")  # of a store: what prediction must know of it


@dataclass(frozen=True)
class FinetuneOptions:
    """What `ribolm-train finetune` is told.

    folds, fold: the table of folds and the one that is never seen (None: train on all but fold 0, which is dev); no
    table: `dev_share` of the rows, in blocks, are dev. positive_weight: of a positive label against a negative one, 0
    for balanced. lora: rank of the adapters, 0 for none. head_only: the whole encoder stays as it is. huber_delta:
    error in standard deviations from which on it counts linearly, 0 for squared errors. universe: which places are
    candidates, for prediction.
    """

    store: Path
    task: str
    out: Path
    start: Start
    optimisation: Optimisation
    runtime: Runtime
    level: Level = "token"
    folds: Path | None = None
    fold: int | None = None
    dev_share: float = 0.1
    unlabeled: str = "soft"
    rounds: int = 1
    resampling: str = "none"
    lora: int = 0
    head_only: bool = False
    pooling: Pooling | None = None
    positive_weight: float = 1.0
    focal_gamma: float = 0.0
    label_smoothing: float = 0.0
    huber_delta: float = 0.0
    crop_tokens: int | None = None
    universe: str | None = None
    delay_nt: int = 0
    both_strands: bool = False


def finetune(options: FinetuneOptions, key_only: bool = False) -> str:
    """Train, calibrate and write the model; returns the checkpoint key. With `key_only` nothing else is done."""
    refuse_unused(options, _unused(options))
    optimisation = options.optimisation
    split = (options.folds, options.fold, options.dev_share, optimisation.seed)
    data = open_labelled_rows(options.store, options.task, options.level, *split)
    head = HeadSpec(options.level, data.spec.width, options.pooling, options.delay_nt, options.both_strands)
    model = options.start.load(data.store.tokenizer, options.level)
    network = options.start.network(model, data.store.tokenizer, head, optimisation.seed)
    settings = _settings(options, data, options.start.record(model, network))
    if key_only:
        return settings.key()
    runtime = options.runtime.named(settings.key())
    check_out(options.out, runtime.checkpoint_dir, settings)
    with open_session(runtime, optimisation.precision, optimisation.determinism) as session:
        work = _Finetuning(options, data, settings, head, session)
        labels = work.labels(network)
        lesson = work.lesson(_adapted(network, options), labels, settings)
        loop, state = session.train(lesson)
        task = work.task(lesson, loop)
        write_model(options.out, session, _merged(lesson, options), loop, state, data.store.tokenizer, task)
    return settings.key()


def _unused(options: FinetuneOptions) -> dict[str, str]:
    """Fields that change nothing beside the others, with the reason."""
    level = options.level
    unused: dict[str, str] = {}
    if options.folds is not None:
        unused["dev_share"] = "--folds says which rows are dev"
    elif options.dev_share == 0:
        unused |= dict.fromkeys(("patience", "evaluate_every_steps"), "--dev-share 0 holds no row out")
    if level != "token":
        unused |= dict.fromkeys(("unlabeled", "rounds", "resampling"), f"it is about tokens, not --level {level}")
    elif options.unlabeled not in CROSS_PREDICTED:
        unused["rounds"] = f"--unlabeled {options.unlabeled} predicts no labels"
    if options.lora:
        unused["freeze"] = "--lora changes no layer itself, and puts adapters on all of them"
    if options.head_only:
        unused |= {"lora": "--head-only leaves the encoder as it is", "freeze": "--head-only freezes every layer"}
    if level != "regression":
        unused["huber_delta"] = f"it is about values, not --level {level}"
    else:
        unused |= dict.fromkeys(("positive_weight", "focal_gamma", "label_smoothing"), "a regression has no classes")
    return unused


class _Finetuning:
    """The parts of one fine-tuning that share data, settings and session."""

    def __init__(
        self, options: FinetuneOptions, data: LabelledRows, settings: Settings, head: HeadSpec, session: Session
    ) -> None:
        self.options, self.data, self.settings, self.head, self.session = options, data, settings, head, session
        self.base_ids = np.asarray(data.store.tokenizer.base_ids)

    @property
    def incomplete(self) -> bool:
        """Whether unknown labels have a meaning: yes-no labels of tokens, but for stores that call theirs complete."""
        made = self.data.store.manifest["source"].get("options", {})
        return self.options.level == "token" and not made.get("complete_labels", False)

    def labels(self, network: Network) -> LabelArray:
        """The labels to train on: as they are, under a mode of incomplete annotation, or cross-predicted."""
        options, data = self.options, self.data
        if not self.incomplete:
            return data.labels
        if options.unlabeled not in CROSS_PREDICTED:
            return Relabelled(data.labels, data.store.tokens, self.base_ids, options.unlabeled)
        session = self.session
        folder = session.folder / "cross"
        if session.runtime.resume == "never" and session.world.first:
            shutil.rmtree(folder, ignore_errors=True)
        step = options.optimisation.tokens_per_step
        plan = CrossPrediction(options.unlabeled, options.optimisation.seed, self.settings.key(), options.rounds)
        place = Place(session.world, session.device, session.fitting(step), lambda: session.stop.name)
        start = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        arguments = (data.store, data.labels, self.base_ids, data.train, data.unit)

        def fit(stage: str, rows: Int64, labels: LabelArray, folder: Path) -> nn.Module:
            lesson = self.lesson(_adapted(_copy(network, start), options), labels, self._stage(stage), rows)
            session.train(lesson, folder)
            return lesson.network

        return cross_predict(plan, *arguments, fit, folder, place)

    def lesson(self, network: Network, labels: LabelArray, settings: Settings, rows: Int64 | None = None) -> Lesson:
        """What the loop needs to train `network` on `rows` (default: all training rows)."""
        options, data, optimisation = self.options, self.data, self.options.optimisation
        rows = data.train if rows is None else rows
        copies = resampled(data.labels, data.store.offsets, rows, options.resampling) if self.incomplete else None
        step, crop = optimisation.tokens_per_step, options.crop_tokens
        feed = Feed(data.store, rows, seed=optimisation.seed, tokens_per_step=step, copies=copies, crop_tokens=crop)
        validation = validation_feed(data.store, data.dev, step, None)
        require_length(network, feed, validation)
        share = float(options.level == "token")
        mfu = check_memory(self.session, network, feed, validation, share, data.spec.width, step)
        network.to(self.session.device.name)
        groups = parameter_groups(network, optimisation.weight_decay, optimisation.layer_decay)
        objective, judge = self._objective(labels, self._loss(labels, rows)), self._objective(self._dev_labels())
        return Lesson(settings, network, groups, objective, feed, validation, mfu, judge)

    def task(self, lesson: Lesson, loop: Loop) -> dict[str, Any]:
        """The content of task.json; calibration and threshold from the dev rows of every process."""
        options, data = self.options, self.data
        made = data.store.manifest["source"].get("options", {})
        names = data.spec.names or _label_names(options.task, data.spec.width)
        task = {
            "task": options.task,
            "level": options.level,
            "labels": list(names),
            "pooling": self.head.pooling,
            "window_nt": made.get("window_nt"),
            "overlap_nt": made.get("overlap_nt"),
            **{key: made[key] for key in WINDOW_KEYS if key in made},
        }
        if isinstance(data.labels, Standardised):
            targets = data.labels.targets(made.get("transforms", {}), options.task)
            task["target"] = [target.to_dict() for target in targets]
        task |= _reading(options)
        if options.universe is not None:
            task["universe"] = options.universe
        if data.spec.width == 1 and options.level in ("token", "sequence"):
            decision = decide(*self._answers(lesson, loop))
            if not decision.fitted:
                self.session.log.notice("The dev rows cannot tell how logits become probabilities: left as they are.")
            task |= decision.to_task()
        return task

    def _objective(self, labels: LabelArray, loss: LabelLoss | None = None) -> Labels:
        level: Literal["token", "sequence"] = "token" if self.options.level == "token" else "sequence"
        target: Literal["value", "binary"] = "value" if self.options.level == "regression" else "binary"
        return Labels(labels, level, target, self.data.spec.width, loss or LabelLoss())

    def _loss(self, labels: LabelArray, rows: Int64) -> LabelLoss:
        options, width = self.options, self.data.spec.width
        weight, weights = options.positive_weight, None
        if options.level == "regression":
            return LabelLoss(delta=options.huber_delta or None)
        if weight == 0:
            offsets = self.data.store.offsets
            chosen = ranges(offsets[rows], np.diff(offsets)[rows]) if options.level == "token" else rows
            weights = balanced_binary_weights(np.asarray(labels[chosen]))
            told = [weights[1] / weights[0]] if width == 1 else weights
            self.session.log.choice(
                "weight of a positive", ", ".join(f"{w:.1f}" for w in told), "balances both classes"
            )
        elif weight != 1:
            weights = (1.0, weight) if width == 1 else (weight,) * width
        return LabelLoss(weights, options.focal_gamma, options.label_smoothing)

    def _dev_labels(self) -> LabelArray:
        """What dev is judged by: known sites against unknown places, where there are unknown ones; else all labels."""
        data, offsets = self.data, self.data.store.offsets
        if not self.incomplete:
            return data.labels
        places = ranges(offsets[data.dev], np.diff(offsets)[data.dev])
        judged = Relabelled(data.labels, data.store.tokens, self.base_ids, "as_negative", certain=False)
        return judged if judged.unannotated(places).any() else data.labels

    def _stage(self, stage: str) -> Settings:
        """The settings of a part of cross-prediction, with a key of its own."""
        return self.settings.model_copy(update={"data": {**self.settings.data, "stage": stage}})

    def _answers(self, lesson: Lesson, loop: Loop) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Logits and targets of all dev places, [N] each, from all processes."""
        network = lesson.network.eval()

        def answers(batch: TrainingBatch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            logits = network(batch.sequences, batch.selected)[:, 0]
            return logits.double().cpu().numpy(), batch.targets.double().cpu().numpy().ravel()

        logits, targets = zip((np.zeros(0), np.zeros(0)), *loop.ask_held_out(answers), strict=True)
        found = self.session.world.gather({"logits": np.concatenate(logits), "targets": np.concatenate(targets)})
        return found["logits"], found["targets"]


def _settings(options: FinetuneOptions, data: LabelledRows, network: dict[str, Any]) -> Settings:
    split = {"folds": file_digest(options.folds), "fold": options.fold, "dev_share": options.dev_share}
    if options.folds is not None:
        split.pop("dev_share")
    return Settings(
        kind="finetune",
        data={"store": data.store.digest, **split, "crop_tokens": options.crop_tokens},
        network={
            **network,
            "head": options.level,
            "pooling": options.pooling,
            "lora": options.lora,
            **_reading(options),
            **({"head_only": True} if options.head_only else {}),
        },
        objective={
            "task": options.task,
            "unlabeled": options.unlabeled,
            "rounds": options.rounds,
            "resampling": options.resampling,
            "positive_weight": options.positive_weight,
            "focal_gamma": options.focal_gamma,
            "label_smoothing": options.label_smoothing,
            **_regression(options),
        },
        optimisation=options.optimisation,
    )


def _reading(options: FinetuneOptions) -> dict[str, Any]:
    """Where a causal model's answer is read, said only where it is not at the token itself."""
    found = {"delay_nt": options.delay_nt, "both_strands": options.both_strands}
    return {name: value for name, value in found.items() if value}


def _regression(options: FinetuneOptions) -> dict[str, Any]:
    """How values are learnt; nothing for other levels."""
    return {"target": "standard", "huber_delta": options.huber_delta} if options.level == "regression" else {}


def _adapted(network: Network, options: FinetuneOptions) -> Network:
    """The network, of which what the options ask for is trained."""
    optimisation = options.optimisation
    return adapted(network, optimisation.freeze, options.lora, optimisation.seed, options.head_only)


def _merged(lesson: Lesson, options: FinetuneOptions) -> Lesson:
    """Adapters added to the weights, so that the model is a plain one."""
    assert isinstance(lesson.network, Network)
    merged(lesson.network, options.lora)
    return lesson


def _copy(network: Network, state: dict[str, torch.Tensor]) -> Network:
    """A network of the same form with the weights of `state`."""
    other = new_network(network.config, network.spec, 0)
    other.load_state_dict(state)
    return other


def _label_names(task: str, width: int) -> tuple[str, ...]:
    return (task,) if width == 1 else tuple(f"{task}_{number}" for number in range(width))
