"""ribolm-train: pretraining and fine-tuning that may be killed at any instant and go on bit for bit."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Device, Spec, Universe, add_command, new_app, run
from ribolm.cli import train_structure as structures
from ribolm.cli.train_contacts import add_contacts
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.training.recipes.finetuning import FinetuneOptions
    from ribolm.training.recipes.pretraining import PretrainOptions


class Resume(StrEnum):
    """What to do with checkpoints that are there."""

    auto = "auto"
    never = "never"
    require = "require"


class Busy(StrEnum):
    """What to do while another process trains in the checkpoint folder."""

    wait = "wait"
    refuse = "refuse"


class Precision(StrEnum):
    """Number format of matrix products."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


class Determinism(StrEnum):
    """L1: resume is exact. L2: deterministic kernels on a card, too."""

    L1 = "L1"
    L2 = "L2"


class Level(StrEnum):
    """What one label belongs to."""

    token = "token"
    sequence = "sequence"
    regression = "regression"
    multilabel = "multilabel"


class Unlabeled(StrEnum):
    """What an unknown label means."""

    soft = "soft"
    hard = "hard"
    ignore_unlabeled = "ignore_unlabeled"
    as_negative = "as_negative"


class Resampling(StrEnum):
    """Formula for showing rows with labels more often."""

    none = "none"
    sc = "sc"
    sCR = "sCR"
    sCRD = "sCRD"
    nsCRD = "nsCRD"


class Pooling(StrEnum):
    """How a sequence becomes one vector."""

    mean = "mean"
    cls = "cls"
    last = "last"


POSITIVE, SHARE = {"min": 1}, {"min": 0, "max": 1}
WHERE = (
    Spec("store", Path, REQUIRED, "Token store."),
    Spec("out", Path, REQUIRED, "Model directory to write."),
    Spec("checkpoint_dir", Path, REQUIRED, "Folder of checkpoints, kept for a next try; {key}: the key of the run."),
    Spec("preset", str | None, None, "Random weights: tiny, mini, small, base, 8m to 650m, hyenadna-tiny-1k …."),
    Spec("init", Path | None, None, "Model directory to begin with, instead of --preset."),
)
HOW_IT_RUNS = (
    Spec("device", Device, Device.auto, "auto, cpu or cuda."),
    Spec("processes", int, 1, "Processes on this machine, one per card.", POSITIVE),
    Spec("resume", Resume, Resume.auto, "Go on from checkpoints, begin anew (they are removed), or insist on one."),
    Spec("if_busy", Busy, Busy.wait, "When another process trains in the checkpoint folder."),
    Spec("tokens_per_micro_batch", int | None, None, "Tokens at a time; halved after running out of memory.", POSITIVE),
    Spec("checkpoint_every_s", float, 240.0, "Seconds between checkpoints.", {"min": 1, "max": 300}),
    Spec("checkpoint_every_steps", int | None, None, "Checkpoints after so many steps as well.", POSITIVE),
    Spec("keep", int, 2, "Checkpoints to keep.", POSITIVE),
    Spec("log_every_steps", int | None, None, "Steps per line of log.jsonl [default: 1000 lines].", POSITIVE),
)
PLACES = ("store", "out", "checkpoint_dir", "preset", "init")
SCHEDULE = (
    Spec("warmup_share", float, 0.06, "Share of the steps with a rising rate.", SHARE),
    Spec("floor", float, 0.1, "Share of the learning rate that remains at the end.", SHARE),
    Spec("weight_decay", float, 0.01, "Of AdamW, on matrices.", {"min": 0}),
    Spec("beta1", float, 0.9, "Of AdamW.", SHARE),
    Spec("beta2", float, 0.98, "Of AdamW.", SHARE),
    Spec("eps", float, 1e-8, "Of AdamW.", {"min": 0}),
    Spec("clip_norm", float, 1.0, "Largest norm of the gradient.", {"min": 0}),
    Spec("layer_decay", float, 1.0, "Rate of a layer over that of the one above it.", SHARE),
    Spec("freeze", int, 0, "Lowest layers, with the embedding, that stay as they are.", {"min": 0}),
    Spec("evaluate_every_steps", int | None, None, "Steps between evaluations [default: chosen].", POSITIVE),
    Spec("seed", int, 1, "Seed of all chance.", {"min": 0}),
    Spec("precision", Precision, Precision.auto, "auto, fp32 or bf16."),
    Spec("determinism", Determinism, Determinism.L1, "L1: exact resume; L2: deterministic kernels on cards, too."),
)


def _lengths(tokens_per_step: int, learning_rate: float, epochs: float, patience: int | None) -> tuple[Spec, ...]:
    return (
        Spec("steps", int | None, None, "Optimiser steps, instead of --epochs.", POSITIVE),
        Spec("epochs", float | None, None, f"Passes over the data [default: {epochs:g}].", {"min": 0}),
        Spec("tokens_per_step", int, tokens_per_step, "Tokens per optimiser step, over all processes.", POSITIVE),
        Spec("learning_rate", float, learning_rate, "Peak of the learning rate.", {"min": 0}),
        Spec("patience", int | None, patience, "Evaluations without gain that end the training.", POSITIVE),
        *SCHEDULE,
    )


EPOCHS = {"pretrain": 10.0, "finetune": 10.0}
PRETRAIN_LENGTHS = _lengths(16_384, 1e-3, EPOCHS["pretrain"], None)
FINETUNE_LENGTHS = _lengths(8_192, 5e-4, EPOCHS["finetune"], 10)
PRETRAIN_OWN = (
    Spec("mask_rate", float, 0.15, "Share of the tokens that are hidden.", SHARE),
    Spec("span", int | None, None, "Tokens hidden together [default: 1, or k of overlapping k-mers].", POSITIVE),
    Spec("crop_tokens", int | None, None, "Cut longer sequences to so many tokens, anew in each epoch.", POSITIVE),
    Spec("dev_share", float, 0.01, "Share of the rows that are held out to watch the loss.", SHARE),
    Spec("published_replacements", bool, False, "RESM's quirk: random tokens are ids 0 to 10, never nucleotides."),
)
FINETUNE_OWN = (
    Spec("task", str, REQUIRED, "Labels of the store to learn."),
    Spec("level", Level, Level.token, "What one label belongs to."),
    Spec("folds", Path | None, None, "Table of ribolm-labels folds."),
    Spec("fold", str, "none", "Fold that is never seen, the next one is dev; none: fold 0 is dev."),
    Spec("dev_share", float, 0.1, "Without --folds: share of the rows, in blocks, that is dev.", SHARE),
    Spec("unlabeled", Unlabeled, Unlabeled.soft, "What an unknown label of a token means."),
    Spec("rounds", int, 1, "Rounds of cross-prediction for soft and hard.", POSITIVE),
    Spec("resampling", Resampling, Resampling.none, "Formula for showing rows with labels more often."),
    Spec("lora", int, 0, "Rank of adapters that are trained instead of the encoder; 0: none.", {"min": 0}),
    Spec("head_only", bool, False, "Train the head alone.", {"flag": "--head-only"}),
    Spec("pooling", Pooling | None, None, "How a sequence becomes one vector [default: mean]."),
    Spec("delay_nt", int, 0, "Of a causal model: read the answer for a token so many later.", {"min": 0}),
    Spec("both_strands", bool, False, "Of a causal model: answer for a token from both strands."),
    Spec("positive_weight", float, 1.0, "Weight of a positive label; 0 balances.", {"min": 0}),
    Spec("focal_gamma", float, 0.0, "Exponent of the focal loss; 0: none.", {"min": 0}),
    Spec("label_smoothing", float, 0.0, "Share of the uniform target.", SHARE),
    Spec("huber_delta", float, 0.0, "Of values: errors beyond so many SDs count linearly; 0: squared.", {"min": 0}),
    Spec("crop_tokens", int | None, None, "Cut longer sequences to so many tokens, anew in each epoch.", POSITIVE),
    Spec("universe", Universe | None, None, "Candidates, noted in task.json for prediction."),
)
PRETRAIN = (*WHERE, *PRETRAIN_LENGTHS, *PRETRAIN_OWN, *HOW_IT_RUNS)
FINETUNE = (*WHERE, *FINETUNE_OWN, *FINETUNE_LENGTHS, *HOW_IT_RUNS)


def main(argv: Sequence[str]) -> int:
    """Entry point of bin/ribolm-train; with --processes N it runs itself N times."""
    argv = list(argv)
    if (number := _processes(argv)) > 1:
        from ribolm.training.machine.launcher import is_worker, launch

        if not is_worker():
            return launch("ribolm.cli.train", argv, number)
    return run(app, argv, "ribolm-train")


def _processes(argv: Sequence[str]) -> int:
    """The number behind --processes; 1 where it is not there or no number, for the parser to refuse."""
    from ribolm.files import is_whole_number

    for place, text in enumerate(argv):
        name, _, value = text.partition("=")
        if name == "--processes":
            value = value or next(iter(argv[place + 1 : place + 2]), "")
            return int(value) if is_whole_number(value) and argv[0] != "key" else 1
    return 1


def app() -> "typer.Typer":
    """Build the command line; heavy modules are imported by the sub-command that needs them."""
    cli = new_app(__doc__)
    add_command(cli, "pretrain", PRETRAIN, _pretrain)
    add_command(cli, "finetune", FINETUNE, _finetune)
    keys = _add_key(cli)
    lengths = _lengths(structures.TOKENS_PER_STEP, structures.LEARNING_RATE, structures.EPOCHS, structures.PATIENCE)
    structures.add_structure(cli, keys, lengths, (WHERE, HOW_IT_RUNS), _shared)
    add_contacts(cli)
    return cli


def _pretrain(**chosen: Any) -> None:
    """Masked language modelling over a token store; writes a model directory with log.jsonl."""
    from ribolm.training.recipes.pretraining import pretrain

    pretrain(_pretrain_options(chosen))


def _finetune(**chosen: Any) -> None:
    """Train a head and its encoder on labels; calibrate and set the threshold on dev; write a model directory."""
    from ribolm.training.recipes.finetuning import finetune

    finetune(_finetune_options(chosen))


def _add_key(cli: "typer.Typer") -> "typer.Typer":
    from typer import Context, Typer

    keys = Typer(help="Print the checkpoint key of a training command: data, settings, format version.")
    cli.add_typer(keys, name="key")

    @keys.callback(invoke_without_command=True)
    def needs_a_command(context: Context) -> None:
        if context.invoked_subcommand is None:
            raise UsageError("Write the command and its options after it: ribolm-train key pretrain --store …")

    def key_of_pretrain(**chosen: Any) -> None:
        """Print the key of such a pretraining."""
        from ribolm.training.recipes.pretraining import pretrain

        print(pretrain(_pretrain_options(chosen), key_only=True))

    def key_of_finetune(**chosen: Any) -> None:
        """Print the key of such a fine-tuning."""
        from ribolm.training.recipes.finetuning import finetune

        print(finetune(_finetune_options(chosen), key_only=True))

    add_command(keys, "pretrain", PRETRAIN, key_of_pretrain)
    add_command(keys, "finetune", FINETUNE, key_of_finetune)
    return keys


def _pretrain_options(chosen: dict[str, Any]) -> "PretrainOptions":
    from ribolm.training.recipes.pretraining import PretrainOptions

    chosen = _plain(chosen)
    own = {spec.name: chosen[spec.name] for spec in PRETRAIN_OWN}
    return PretrainOptions(**_shared(chosen, PRETRAIN_LENGTHS, EPOCHS["pretrain"]), **own)


def _finetune_options(chosen: dict[str, Any]) -> "FinetuneOptions":
    from ribolm.files import is_whole_number
    from ribolm.training.recipes.finetuning import FinetuneOptions

    chosen = _plain(chosen)
    own = {spec.name: chosen[spec.name] for spec in FINETUNE_OWN}
    if not (is_whole_number(own["fold"]) or own["fold"] == "none"):
        raise UsageError(f"--fold {own['fold']} is no number of a fold. Give one, or none.")
    own["fold"] = None if own["fold"] == "none" else int(own["fold"])
    return FinetuneOptions(**_shared(chosen, FINETUNE_LENGTHS, EPOCHS["finetune"]), **own)


def _plain(chosen: dict[str, Any]) -> dict[str, Any]:
    return {name: value.value if isinstance(value, StrEnum) else value for name, value in chosen.items()}


def _shared(chosen: dict[str, Any], lengths: Sequence[Spec], epochs: float) -> dict[str, Any]:
    """What all commands have: places, start, optimisation, runtime."""
    from pydantic import ValidationError

    from ribolm.training.machine.launcher import require_own_number
    from ribolm.training.recipes.assembly import Start
    from ribolm.training.settings import Optimisation, Runtime

    chosen = _plain(chosen)
    require_own_number(chosen["processes"])
    if chosen["steps"] is None and chosen["epochs"] is None:
        chosen["epochs"] = epochs
    how = {spec.name: chosen[spec.name] for spec in HOW_IT_RUNS if spec.name != "processes"}
    try:
        optimisation = Optimisation(**{spec.name: chosen[spec.name] for spec in lengths})
        runtime = Runtime(checkpoint_dir=chosen["checkpoint_dir"], **how)
    except ValidationError as error:
        first = error.errors()[0]
        option = f"--{str(first['loc'][-1]).replace('_', '-')}" if first["loc"] else "--steps, --epochs"
        raise UsageError(f"Invalid value for '{option}': {first['msg'].removeprefix('Value error, ')}.") from error
    places = {"store": chosen["store"], "out": chosen["out"]}
    return {
        **places,
        "start": Start(chosen["preset"], chosen["init"]),
        "optimisation": optimisation,
        "runtime": runtime,
    }
