"""ribolm-explain: what models of windows look at."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command, new_app, run
from ribolm.cli.inputs import require_inputs
from ribolm.cli.predict import COMPUTING
from ribolm.cli.predict_polya import prepared
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.explain.output import Part, Values
    from ribolm.inference.window_models import WindowModel

MODEL = Spec("model", Path, REQUIRED, "Model folder, trained with --level sequence.")
SEQUENCES = Spec("sequences", Path, REQUIRED, "FASTA, plain or gzip.")
ANCHOR0 = Spec("anchor0", int | None, None, "0-based index of the anchor [default: middle].", {"min": 0})
FIRST = Spec("first", int | None, None, "Only so many of the first records [default: all].", {"min": 1})
DEVICE = tuple(spec for spec in COMPUTING if spec.name != "precision")  # explanations are computed in fp32


def main(argv: Sequence[str]) -> int:
    """Entry point of bin/ribolm-explain."""
    return run(app, argv, "ribolm-explain")


def app() -> "typer.Typer":
    """Build the command line; heavy modules are imported by the sub-command that needs them."""
    cli = new_app(__doc__)
    for add in (_add_windows, _add_perturbation, _add_attention, _add_mutagenesis, _add_gradients):
        add(cli)
    return cli


def _specs(*own: Spec) -> tuple[Spec, ...]:
    """A sub-command's own options among those of all that look at the windows of FASTA files."""
    return (MODEL, *own, ANCHOR0, FIRST, *DEVICE)


def _loaded(model: Path, **computing: Any) -> "tuple[WindowModel, Any]":
    """A model of windows, and itself on a device."""
    from ribolm.cli.predict import Precision
    from ribolm.inference.window_models import load_window_model

    loaded = load_window_model(model)
    return loaded, prepared(loaded, precision=Precision.fp32, **computing)


def _windows(model: "WindowModel", path: Path, anchor0: int | None, first: int | None) -> "Iterator[Any]":
    """Names and windows of the records of a FASTA, some thousand at a time."""
    import numpy as np

    from ribolm.genome.fasta import Genome
    from ribolm.inference.sequences import record_windows

    records = Genome.open(path)
    return record_windows(model, records, anchor0, np.arange(len(records.names))[:first])


def _explained(
    model: "WindowModel", path: Path, anchor0: int | None, first: int | None, values: "Callable[[Any], Values]"
) -> "Iterator[Part]":
    """Names, windows and what is told of each of their letters, some thousand windows at a time."""
    for names, windows in _windows(model, path, anchor0, first):
        yield names, windows, values(windows)


def _all_windows(model: "WindowModel", path: Path, anchor0: int | None, first: int | None) -> Any:
    """All windows of a FASTA, uint8 [n, window_nt]."""
    import numpy as np

    return np.concatenate([windows for _, windows in _windows(model, path, anchor0, first)])


def _add_windows(cli: "typer.Typer") -> None:
    specs = (
        MODEL,
        Spec("store", Path, REQUIRED, "Token store of the same windows, with one label per sequence."),
        Spec("sequences", Path, REQUIRED, "FASTA of the windows, plain or gzip."),
        Spec("outdir", Path, REQUIRED, "Folder for the tables."),
        Spec("task", str, "polya", "Name of the labels in the store."),
        Spec("folds", Path | None, None, "Folds of the store's rows."),
        Spec("fold", int | None, None, "Fold whose windows are looked at [default: all].", {"min": 0}),
        Spec("most", int, 1000, "Windows of a class, evenly spread over the set.", {"min": 1}),
        Spec("seed", int, 1, "Seed of the replacements.", {"min": 0}),
        *DEVICE,
    )

    def windows(
        model: Path, store: Path, sequences: Path, outdir: Path, task: str, folds: Path | None, fold: int | None,
        most: int, seed: int, **computing: Any,
    ) -> None:  # fmt: skip
        """Look at a labelled set: signals destroyed, letters changed, words attended to where a model has attention."""
        if (folds is None) != (fold is None):
            raise UsageError("--folds and --fold belong together: the table, and which of its folds is looked at.")
        from ribolm.explain.labelled import classes_of, explain_classes
        from ribolm.genome.fasta import Genome

        records = Genome.open(sequences)
        classes = classes_of(store, task, records, folds, fold, most)
        loaded, forward = _loaded(model, **computing)
        summary = explain_classes(outdir, loaded, forward, records, classes, seed)
        print(f"{outdir}: {summary['positives']:,} positives, {summary['negatives']:,} negatives")

    add_command(cli, "windows", specs, windows)


def _add_perturbation(cli: "typer.Typer") -> None:
    specs = _specs(
        Spec("sequences", Path, REQUIRED, "FASTA of positives, plain or gzip."),
        Spec("out", Path, REQUIRED, "Table to write: one line per level, signals and control."),
        Spec("seed", int, 1, "Seed of the replacements.", {"min": 0}),
    )

    def perturbation(
        model: Path, sequences: Path, out: Path, seed: int, anchor0: int | None, first: int | None, **computing: Any
    ) -> None:
        """Replace AATAAA and ATTAAA with growing probability, and other hexamers as control."""
        require_inputs(out, (sequences,))
        from ribolm.explain.output import write_table
        from ribolm.explain.perturbation import perturb, perturbation_table
        from ribolm.inference.sequences import score_windows

        loaded, forward = _loaded(model, **computing)

        def calibrated(part: Any) -> Any:
            return loaded.calibration.apply(score_windows(loaded, forward, part).astype("float64"))

        windows = _all_windows(loaded, sequences, anchor0, first)
        found = perturb(windows, calibrated, seed)
        write_table(out, perturbation_table(found, loaded.threshold))
        print(f"{out}: {len(windows):,} sequences, {int(found.with_signal.sum()):,} with a signal")

    add_command(cli, "perturbation", specs, perturbation)


def _add_attention(cli: "typer.Typer") -> None:
    specs = _specs(
        Spec("positives", Path, REQUIRED, "FASTA of positives, plain or gzip."),
        Spec("negatives", Path, REQUIRED, "FASTA of negatives, plain or gzip."),
        Spec("out", Path, REQUIRED, "Table to write: the words attended most in positives, beside negatives."),
        Spec("layer", int, -1, "Layer, counted from 0 or backwards from -1."),
        Spec("top", int, 20, "Words that are listed.", {"min": 1, "max": 4096}),
    )

    def attention(
        model: Path, positives: Path, negatives: Path, out: Path, layer: int, top: int, anchor0: int | None,
        first: int | None, **computing: Any,
    ) -> None:  # fmt: skip
        """Count the six-letter words of the most attended tokens, over all frames."""
        require_inputs(out, (positives, negatives))
        from ribolm.explain.attention import attended_words, attention_table
        from ribolm.explain.output import write_table

        loaded, forward = _loaded(model, **computing)
        counted = [
            attended_words(forward.networks[0], forward.tokenizer, _all_windows(loaded, path, anchor0, first), layer)
            for path in (positives, negatives)
        ]
        write_table(out, attention_table(counted[0], counted[1], top))
        print(f"{out}: {counted[0].readings:,} readings of positives, {counted[1].readings:,} of negatives")

    add_command(cli, "attention", specs, attention)


def _add_mutagenesis(cli: "typer.Typer") -> None:
    out = Spec("out", Path, REQUIRED, "Parquet to write: one line per letter, the change by each base.")
    specs = _specs(SEQUENCES, out)

    def mutagenesis(
        model: Path, sequences: Path, out: Path, anchor0: int | None, first: int | None, **computing: Any
    ) -> None:
        """Score every single substitution of every window."""
        require_inputs(out, (sequences,))
        from ribolm.explain.mutagenesis import importance, mutagenesis
        from ribolm.explain.output import write_letters
        from ribolm.inference.sequences import score_windows

        loaded, forward = _loaded(model, **computing)

        def changed(windows: Any) -> "Values":
            changes = mutagenesis(windows, lambda part: score_windows(loaded, forward, part))
            by_base = {f"change_{base}": changes[:, :, column] for column, base in enumerate("ACGT")}
            return {**by_base, "importance": importance(changes)}

        columns = (*(f"change_{base}" for base in "ACGT"), "importance")
        n = write_letters(out, columns, _explained(loaded, sequences, anchor0, first, changed))
        print(f"{out}: {n:,} sequences")

    add_command(cli, "mutagenesis", specs, mutagenesis)


def _add_gradients(cli: "typer.Typer") -> None:
    out = Spec("out", Path, REQUIRED, "Parquet to write: one line per letter, its share of the logit.")
    steps = Spec("steps", int, 32, "Points of the path from unknown letters to the window.", {"min": 1, "max": 4096})
    specs = _specs(SEQUENCES, out, steps)

    def gradients(
        model: Path, sequences: Path, out: Path, steps: int, anchor0: int | None, first: int | None, **computing: Any
    ) -> None:
        """Share every logit out among the letters of its window, by integrated gradients."""
        require_inputs(out, (sequences,))
        from ribolm.explain.gradients import integrated_gradients
        from ribolm.explain.output import write_letters

        loaded, forward = _loaded(model, **computing)
        missing: list[float] = []

        def shared(windows: Any) -> "Values":
            found = integrated_gradients(forward.networks[0], forward.tokenizer, windows, steps)
            missing.append(float(abs(found.missing).max()))
            return {"share": found.shares}

        n = write_letters(out, ("share",), _explained(loaded, sequences, anchor0, first, shared))
        print(f"{out}: {n:,} sequences; shares miss at most {max(missing, default=0.0):.4f} of a logit")

    add_command(cli, "gradients", specs, gradients)
