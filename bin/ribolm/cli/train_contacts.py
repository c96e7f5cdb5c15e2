"""ribolm-train contacts: the regression from attention to contacts, fitted on a few RNAs of known structure."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Device, Spec, add_command

if TYPE_CHECKING:
    import typer

SPECS = (
    Spec("model", Path, REQUIRED, "Model folder with attention, one token per base."),
    Spec("structures", Path, REQUIRED, "RNAs of known structure: dot-bracket, CT, BPSEQ, Stockholm."),
    Spec("out", Path, REQUIRED, "Model folder to write: the model with its contact head."),
    Spec("n", int, 20, "RNAs to fit on, chosen by the seed.", {"min": 1}),
    Spec("separation", int, 6, "Least distance j - i of a pair.", {"min": 1}),
    Spec("c", float, 0.15, "Inverse strength of the L1 penalty.", {"min": 1e-6}),
    Spec("token_dropout", bool, False, "ESM-2's token dropout while attention is read."),
    Spec("seed", int, 0, "Seed of the choice and of the solver.", {"min": 0}),
    Spec("device", Device, Device.auto, "Where to compute."),
    Spec("threads", int | None, None, "CPU threads [default: all that are allowed].", {"min": 1, "max": 1024}),
)


def add_contacts(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def contacts(threads: int | None, device: Device, **chosen: Any) -> None:
        """Fit contacts to the attention of a model as published: L1 logistic regression on a few RNAs."""
        from ribolm.files import require_file, require_other_than
        from ribolm.models.directories import require_model

        require_file(chosen["structures"])
        require_other_than(chosen["out"], (require_model(chosen["model"]), chosen["structures"]))
        import torch

        from ribolm.training.recipes.contacts import ContactOptions, fit_contacts

        if threads is not None:
            torch.set_num_threads(threads)
        fit = fit_contacts(ContactOptions(**chosen, device=device.value))
        pairs = f"{fit['positives']:,} of {fit['pairs']:,} pairs in {len(fit['rnas'])} RNAs"
        print(f"{chosen['out']}: {fit['maps_used']} of {fit['maps']} attention maps, fitted on {pairs}")

    add_command(cli, "contacts", SPECS, contacts)
