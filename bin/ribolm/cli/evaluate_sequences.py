"""The sub-commands of ribolm-evaluate for models that answer once per sequence."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Device, Spec, add_command
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.evaluation.sequence_level.assessment import SequencePlan


class Anchor(StrEnum):
    """Which base a window is about."""

    hexamer = "hexamer"
    cleavage = "cleavage"


SCORES = "Table of `ribolm-predict sequences`; files of one name are its folds, NAME@SEED another seed; repeat."
PEER = "Table of another tool with name and probability, logit or score; repeat."
TRAIN = "Labelled store to fit the baselines on, where the evaluated one was never trained on."
NAMED, LEAST_0 = {"metavar": "NAME[@SEED]=FILE"}, {"min": 0}
SEQUENCES = (
    Spec("store", Path, REQUIRED, "Token store with one label per sequence."),
    Spec("outdir", Path, REQUIRED, "Folder for metrics.json and the tables."),
    Spec("scores", list[str] | None, None, SCORES, NAMED),
    Spec("task", str, "polya", "Name of the labels in the store."),
    Spec("folds", Path | None, None, "Folds of the store's rows [default: nothing was trained on it]."),
    Spec("peer", list[str] | None, None, PEER, NAMED),
    Spec("train_store", Path | None, None, TRAIN),
    Spec("anchor", Anchor, Anchor.hexamer, "What the anchor is, for the hexamer rule and classes."),
    Spec("anchor0", int | None, None, "0-based index of the anchor in the windows.", LEAST_0),
    Spec("threshold", float, 0.5, "Probability from which on a sequence is called.", {"min": 0, "max": 1}),
    Spec("reference", str, "", "Method that the others are compared with [default: the first]."),
    Spec("baselines", bool, True, "Fit the 4-mer regression and the small network."),
    Spec("draws", int, 1000, "Draws of families for the intervals.", LEAST_0),
    Spec("seed", int, 1, "Seed of draws, permutation and the small network.", LEAST_0),
)
FEWSHOT = (
    Spec("store", Path, REQUIRED, "Token store with one label per sequence."),
    Spec("model", Path, REQUIRED, "Model folder; its head, if any, is not used."),
    Spec("folds", Path, REQUIRED, "Folds of the store's rows."),
    Spec("outdir", Path, REQUIRED, "Folder for metrics.json and the tables."),
    Spec("task", str, "polya", "Name of the labels in the store."),
    Spec("shots", int, 2, "Sequences per class that a prototype is the mean of.", {"min": 1}),
    Spec("draws", int, 10, "Draws of prototypes per fold.", {"min": 1}),
    Spec("faithful", bool, False, "Pool special tokens, too, as the published code does."),
    Spec("seed", int, 1, "Seed of the draws.", LEAST_0),
    Spec("device", Device, Device.auto, "Where to compute."),
)


def add_few_shot(cli: "typer.Typer") -> None:
    """Add `ribolm-evaluate fewshot`."""

    def fewshot(outdir: Path, faithful: bool, **chosen: Any) -> None:
        """Classify by nearness to two sequences per class, without training, over draws and folds."""
        from ribolm.evaluation.sequence_level.few_shot import write_few_shot
        from ribolm.evaluation.sequence_level.few_shot_of_models import few_shot_of_model

        write_few_shot(outdir, *few_shot_of_model(with_special=faithful, **chosen))

    add_command(cli, "fewshot", FEWSHOT, fewshot)


def add_sequences(cli: "typer.Typer") -> None:
    """Add `ribolm-evaluate sequences`."""

    def sequences(outdir: Path, **chosen: Any) -> None:
        """ROC-AUC, average precision, accuracy, precision, recall and F1 of whole windows, beside the floors."""
        from ribolm.evaluation.sequence_level.assessment import assess_sequences
        from ribolm.evaluation.sequence_level.output import write_sequence_assessment

        plan = _plan(**chosen)
        write_sequence_assessment(outdir, assess_sequences(plan), plan.settings())

    add_command(cli, "sequences", SEQUENCES, sequences)


def _plan(
    store: Path,
    scores: list[str] | None,
    folds: Path | None,
    peer: list[str] | None,
    train_store: Path | None,
    anchor: Anchor,
    baselines: bool,
    **words: Any,
) -> "SequencePlan":
    from ribolm.evaluation.score_tables import named_files
    from ribolm.evaluation.sequence_level.assessment import SequencePlan
    from ribolm.files import sha256_of
    from ribolm.labels.folds import read_folds
    from ribolm.sequences.store import TokenStore

    if folds is not None and train_store is not None:
        raise UsageError("--folds and --train-store contradict each other: the store is either split or a test set.")
    _refuse_unused(anchor, words["anchor0"], baselines, train_store)
    opened = TokenStore.open(store)
    named, others = named_files(scores or [], "--scores"), named_files(peer or [], "--peer")
    shared = {files.method for files in named} & {files.method for files in others}
    if shared:
        raise UsageError(f"--peer {sorted(shared)[0]}: a model of --scores has that name. Call it differently.")
    return SequencePlan(
        store=opened,
        scores=named,
        peers=others,
        folds=read_folds(folds, opened) if folds else None,
        folds_sha256=sha256_of(folds) if folds else "",
        train=TokenStore.open(train_store) if train_store else None,
        anchor=anchor.value,
        fit_baselines=baselines,
        **words,
    )


def _refuse_unused(anchor: Anchor, anchor0: int | None, baselines: bool, train_store: Path | None) -> None:
    if anchor is not Anchor.hexamer and anchor0 is None:
        raise UsageError("--anchor says what --anchor0 is, and has no effect without it. Give --anchor0.")
    if not baselines and train_store is not None:
        raise UsageError("--train-store has no effect with --no-baselines: nothing is fitted. Leave one of them out.")
    if not baselines and anchor is Anchor.cleavage:
        raise UsageError("--anchor cleavage has no effect with --no-baselines: no hexamer is looked for. Leave it out.")
