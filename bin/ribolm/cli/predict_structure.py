"""ribolm-predict structure: secondary structures of RNAs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Device, Spec, add_command
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

DEFAULT_MODEL = "rna-structure-small"
OWN = (
    Spec("sequences", Path, REQUIRED, "RNAs: plain or gzip FASTA."),
    Spec("out", Path, REQUIRED, "Dot-bracket file to write (OUT.dbn); confidence and MEA score go to OUT.tsv."),
    Spec("model", Path | None, None, f"Model folder [default: {DEFAULT_MODEL}, which comes with ribolm]."),
    Spec("pairs", Path | None, None, "Table of pairs with a probability from 0.01 on to write as well."),
    Spec("no_thermodynamics", bool, False, "Leave ViennaRNA's probabilities out.", {"flag": "--no-thermodynamics"}),
    Spec("reactivities", Path | None, None, "SHAPE or DMS: TSV with name, position0, reactivity; read by ViennaRNA."),
    Spec("canonical", bool, False, "Predict A-U, G-C and G-U pairs alone.", {"flag": "--canonical"}),
    Spec("max_nt", int, 4_000, "Longest RNA; memory grows with its square.", {"min": 1}),
    Spec("processes", int, 1, "Processes that fold.", {"min": 1, "max": 1024}),
)
TAKEN = ("device", "precision", "threads")


def add_structure(cli: "typer.Typer", computing: tuple[Spec, ...]) -> None:
    """Add the sub-command; `computing`: options of device and threads that all predictions share."""

    def structure(
        sequences: Path,
        out: Path,
        model: Path | None,
        pairs: Path | None,
        no_thermodynamics: bool,
        reactivities: Path | None,
        **chosen: Any,
    ) -> None:
        """Predict the secondary structure of every RNA, pseudoknots included."""
        if no_thermodynamics and reactivities is not None:
            raise UsageError("--reactivities act through ViennaRNA. Leave out --no-thermodynamics.")
        from ribolm.cli.inputs import require_inputs
        from ribolm.inference.structures.output import table_beside

        for result in (out, table_beside(out)):
            require_inputs(result, (sequences, reactivities), pairs)
        n, of = _predict(sequences, out, model, pairs, not no_thermodynamics, reactivities, **chosen)
        print(f"{out}: {n:,} structures by {of}")

    add_command(cli, "structure", (*OWN, *(spec for spec in computing if spec.name in TAKEN)), structure)


def _predict(
    sequences: Path,
    out: Path,
    model: Path | None,
    pairs: Path | None,
    thermodynamics: bool,
    reactivities: Path | None,
    canonical: bool,
    max_nt: int,
    processes: int,
    device: Device,
    precision: Any,
    threads: int | None,
) -> tuple[int, Path]:
    """Number of RNAs, and the model."""
    from ribolm.models.directories import shipped_model
    from ribolm.sequences.rna import read_rna

    folder = model or shipped_model(DEFAULT_MODEL)
    records = read_rna(sequences)
    import torch

    from ribolm.inference.structures.model import load_structure_model
    from ribolm.inference.structures.output import write_predictions
    from ribolm.inference.structures.prediction import PredictionOptions, predict_structures
    from ribolm.inference.structures.reactivities import read_reactivities
    from ribolm.training.log import TrainingLog
    from ribolm.training.machine.precision import choose_device

    if threads is not None:
        torch.set_num_threads(threads)
    loaded = load_structure_model(folder, choose_device(device.value, precision.value, 0, TrainingLog(None)))
    if reactivities is not None and not loaded.shape.thermodynamic:
        raise UsageError(f"{folder} knows nothing of ViennaRNA, through which --reactivities act. Use another model.")
    measured = None if reactivities is None else read_reactivities(reactivities, records)
    options = PredictionOptions(thermodynamics, measured, canonical, processes, max_nt)
    return write_predictions(out, pairs, predict_structures(loaded, records, options)), folder
