"""The sub-commands of ribolm-predict for poly(A) sites and other questions about windows."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.genome.coordinates import Int64
    from ribolm.genome.fasta import Genome
    from ribolm.inference.window_models import WindowModel


def add_polya(cli: "typer.Typer", computing: tuple[Spec, ...]) -> None:
    """Add the sub-commands; `computing` are the options of device and batches that all predictions share."""
    _add_sequences(cli, computing)


def _add_sequences(cli: "typer.Typer", computing: tuple[Spec, ...]) -> None:
    specs = (
        Spec("model", Path, REQUIRED, "Model folder, trained with --level sequence."),
        Spec("sequences", Path, REQUIRED, "FASTA, plain or gzip; the first word of a header is the name."),
        Spec("out", Path, REQUIRED, "Table to write: name, logit, probability (of a fold also trained_on)."),
        Spec("anchor0", int | None, None, "0-based index of the anchor [default: middle].", {"min": 0}),
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
        """Score every record of a FASTA by a model of windows."""
        from ribolm.files import require_file, require_folder_possible, require_other_than

        if (folds is None) != (fold is None):
            raise UsageError("--folds and --fold belong together: the table, and which of its folds is scored.")
        require_folder_possible(out.parent)
        require_other_than(out, (require_file(sequences), folds))
        from ribolm.genome.fasta import Genome
        from ribolm.inference.sequences import score_records, write_scores
        from ribolm.inference.window_models import load_window_model

        loaded = load_window_model(model)
        forward = prepared(loaded, **chosen)
        records = Genome.open(sequences)
        rows = _rows_of_fold(loaded, records, folds, fold) if folds is not None and fold is not None else None
        parts = score_records(loaded, forward, records, anchor0, rows)
        n = write_scores(out, loaded, parts, of_fold=rows is not None)
        print(f"{out}: {n:,} sequences")

    add_command(cli, "sequences", specs, sequences)


def _rows_of_fold(model: "WindowModel", records: "Genome", folds: Path, fold: int) -> "Int64":
    import numpy as np

    from ribolm.errors import DataError
    from ribolm.inference.seen import Asked, require_unseen
    from ribolm.labels.folds import fold_names

    require_unseen(model.loaded, Asked.of(folds), fold)
    names = fold_names(folds, fold)
    rows = np.flatnonzero([name in names for name in records.names])
    if len(rows) < len(names):
        lost = next(iter(sorted(names - set(records.names))))
        raise DataError(f"{records.label}: has no record '{lost}' of {folds.name}. Give the sequences of these folds.")
    return rows


def prepared(model: Any, device: Any, precision: Any, tokens_per_batch: int | None, threads: int | None) -> Any:
    """The networks of a model of windows on a device, by the options of the command line."""
    import torch

    from ribolm.inference.window_models import forward_of

    if threads is not None:
        torch.set_num_threads(threads)
    return forward_of(model, device.value, precision.value, tokens_per_batch)
