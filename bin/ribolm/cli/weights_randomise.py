"""ribolm-weights randomise: the shape of a model with weights that learnt nothing."""

from pathlib import Path
from typing import TYPE_CHECKING

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

RANDOMISE = (
    Spec("model", Path, REQUIRED, "Model directory whose shape and tokens are taken."),
    Spec("out", Path, REQUIRED, "Model directory to write."),
    Spec("seed", int, 1, "Seed of the random weights.", {"min": 0}),
)


def add_randomise(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def randomise(model: Path, out: Path, seed: int) -> None:
        """Write a model of the same shape and tokens with random weights: the control of every comparison."""
        from ribolm.files import require_other_than
        from ribolm.models.directories import require_model

        require_other_than(out, (require_model(model),))
        if (out / "model.safetensors").exists():
            raise UsageError(f"--out {out} holds a model already. Choose another folder, or remove that one.")
        from ribolm.models.initial import write_random_twin

        write_random_twin(out, model, seed)

    add_command(cli, "randomise", RANDOMISE, randomise)
