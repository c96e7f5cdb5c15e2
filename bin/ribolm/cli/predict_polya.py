"""ribolm-predict sequences: models that answer once per sequence, windows with a site or measured values."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.genome.coordinates import Int64
    from ribolm.genome.fasta import Genome
    from ribolm.models.weights import LoadedModel


def add_polya(cli: "typer.Typer", computing: tuple[Spec, ...]) -> None:
    """Add the sub-commands; `computing` are the options of device and batches that all predictions share."""
    _add_sequences(cli, computing)


def _add_sequences(cli: "typer.Typer", computing: tuple[Spec, ...]) -> None:
    specs = (
        Spec("model", Path, REQUIRED, "Model folder, trained with --level sequence or regression."),
        Spec("sequences", Path, REQUIRED, "FASTA, plain or gzip; the first word of a header is the name."),
        Spec("out", Path, REQUIRED, "Table: name, logit, probability, or name, value (of a fold also trained_on)."),
        Spec("anchor0", int | None, None, "Of windows: 0-based index of the anchor [default: middle].", {"min": 0}),
        Spec("folds", Path | None, None, "Table of ribolm-labels folds: names of the records."),
        Spec("fold", int | None, None, "Fold whose records are scored [default: all].", {"min": 0}),
        *computing,
    )

    def sequences(
        model: Path,
        sequences: Path,
        out: Path,
        anchor0: int | None,
        folds: Path | None,
        fold: int | None,
        **chosen: Any,
    ) -> None:
        """Score every record of a FASTA by a model of windows, or predict its value by one of a regression."""
        from ribolm.files import require_file, require_folder_possible, require_other_than

        if (folds is None) != (fold is None):
            raise UsageError("--folds and --fold belong together: the table, and which of its folds is scored.")
        require_folder_possible(out.parent)
        require_other_than(out, (require_file(sequences), folds))
        from ribolm.models.directories import level_of

        if level_of(model) == "regression":
            if anchor0 is not None:
                raise UsageError("--anchor0 has no effect: a model of values has a rule of length. Leave it out.")
            n = _values(model, sequences, out, folds, fold, **chosen)
        else:
            n = _scores(model, sequences, out, anchor0, folds, fold, **chosen)
        print(f"{out}: {n:,} sequences")

    add_command(cli, "sequences", specs, sequences)


def _scores(
    model: Path, sequences: Path, out: Path, anchor0: int | None, folds: Path | None, fold: int | None, **chosen: Any
) -> int:
    from ribolm.genome.fasta import Genome
    from ribolm.inference.sequences import score_records, write_scores
    from ribolm.inference.window_models import load_window_model

    loaded = load_window_model(model)
    forward = prepared(loaded, **chosen)
    records = Genome.open(sequences, may_be_empty=True)
    rows = _rows_of_fold(loaded.loaded, records, folds, fold)
    return write_scores(out, loaded, score_records(loaded, forward, records, anchor0, rows), of_fold=rows is not None)


def _values(model: Path, sequences: Path, out: Path, folds: Path | None, fold: int | None, **chosen: Any) -> int:
    from ribolm.console import notice
    from ribolm.genome.fasta import Genome
    from ribolm.inference.values import forward_of_values, load_value_model, predict_records, write_values

    loaded = load_value_model(model)
    _set_threads(chosen["threads"])
    if chosen["tokens_per_batch"] is not None:
        notice("--tokens-per-batch is not used for values, where every pass has one shape.")
    forward = forward_of_values(loaded, chosen["device"].value, chosen["precision"].value)
    records = Genome.open(sequences, may_be_empty=True)
    rows = _rows_of_fold(loaded.loaded, records, folds, fold)
    return write_values(out, loaded, predict_records(loaded, forward, records, rows), of_fold=rows is not None)


def _rows_of_fold(model: "LoadedModel", records: "Genome", folds: Path | None, fold: int | None) -> "Int64 | None":
    if folds is None or fold is None:
        return None
    import numpy as np

    from ribolm.errors import DataError
    from ribolm.inference.seen import Asked, require_unseen
    from ribolm.labels.folds import fold_names

    require_unseen(model, Asked.of(folds), fold)
    names = fold_names(folds, fold)
    rows = np.flatnonzero([name in names for name in records.names])
    if len(rows) < len(names):
        lost = next(iter(sorted(names - set(records.names))))
        raise DataError(f"{records.label}: has no record '{lost}' of {folds.name}. Give the sequences of these folds.")
    return np.asarray(rows, dtype=np.int64)


def _set_threads(threads: int | None) -> None:
    import torch

    if threads is not None:
        torch.set_num_threads(threads)


def prepared(model: Any, device: Any, precision: Any, tokens_per_batch: int | None, threads: int | None) -> Any:
    """The networks of a model of windows on a device, by the options of the command line."""
    from ribolm.inference.window_models import forward_of

    _set_threads(threads)
    return forward_of(model, device.value, precision.value, tokens_per_batch)
