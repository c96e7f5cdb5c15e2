"""ribolm-evaluate regression: the floor of models of windows, fitted and kept beside a model."""

from pathlib import Path
from typing import TYPE_CHECKING

from ribolm.cli import REQUIRED, Spec, add_command

if TYPE_CHECKING:
    import typer

REGRESSION = (
    Spec("store", Path, REQUIRED, "Labelled windows of one width: those that the model learnt from."),
    Spec(
        "out",
        Path,
        REQUIRED,
        "File to write; a model folder's regression.safetensors is found, and checked with the model.",
    ),
    Spec("task", str, "polya", "Name of the labels in the store."),
)


def add_regression(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def regression(store: Path, out: Path, task: str) -> None:
        """Fit the 4-mer regression that models of windows have to beat, for scans far from its windows."""
        from ribolm.evaluation.sequence_level.examples import read_examples
        from ribolm.evaluation.sequence_level.regression_files import fit_regression, write_regression
        from ribolm.files import require_folder_possible
        from ribolm.models import directories
        from ribolm.sequences.store import TokenStore

        require_folder_possible(out.parent)
        fitted = fit_regression(read_examples(TokenStore.open(store), task), store.name)
        write_regression(out, fitted)
        if out.name == directories.REGRESSION and (out.parent / directories.MANIFEST).is_file():
            directories.add_to_manifest(out.parent, out.name)
        print(f"{out}: {fitted.n_windows:,} windows of {fitted.window_nt} nt, {fitted.n_sites:,} of them sites")

    add_command(cli, "regression", REGRESSION, regression)
