"""ribolm-evaluate contacts: structures read from contacts of pretrained models, beside random weights, RNAfold."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Device, Spec, add_command

if TYPE_CHECKING:
    import typer

AT_LEAST_0 = {"min": 0}
CONTACTS = (
    Spec("model", list[Path], REQUIRED, "Model folder with a contact head (ribolm-train contacts); repeat."),
    Spec("truth", Path, REQUIRED, "Known structures that are scored, once."),
    Spec("validation", Path, REQUIRED, "Known structures on which thresholds are chosen."),
    Spec("out", Path, REQUIRED, "File of the numbers to write (metrics.json)."),
    Spec("fit_on", Path | None, None, "Structures that the contact heads were fitted on, for the random control."),
    Spec("families", str | None, None, "Table (name, family), or the word prefix: what stands before the first _."),
    Spec("table", Path | None, None, "Table of every RNA to write."),
    Spec("n_truth", int, 0, "RNAs of --truth, drawn by seed; 0: all.", AT_LEAST_0),
    Spec("n_validation", int, 0, "RNAs of --validation, drawn by seed; 0: all.", AT_LEAST_0),
    Spec("rnafold", bool, True, "Fold by RNAfold, too."),
    Spec("split", str, "test", "What the RNAs of --truth are to the models, for the record."),
    Spec("draws", int, 1000, "Draws of RNAs for the intervals.", AT_LEAST_0),
    Spec("seed", int, 1, "Seed of RNAs, draws and random weights.", AT_LEAST_0),
    Spec("device", Device, Device.auto, "Where to compute."),
)


def add_contacts(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def contacts(model: list[Path], out: Path, table: Path | None, device: Device, **chosen: Any) -> None:
        """F1 of structures from contacts: at a threshold of the validation set, and pooled at the best one."""
        from ribolm.cli.inputs import require_inputs
        from ribolm.models.directories import require_model

        require_inputs(out, [chosen[name] for name in ("truth", "validation", "fit_on")], table)
        for directory in model:
            require_model(directory)
        from ribolm.evaluation.structures.contact_maps import ContactPlan, assess_contacts
        from ribolm.evaluation.structures.output import write_structure_assessment

        plan = ContactPlan(models=tuple(model), device=device.value, **chosen)
        found = assess_contacts(plan)
        write_structure_assessment(
            out, found.structures, {**plan.settings(), "models": found.models, "shared_rnas": found.shared}, table
        )

    add_command(cli, "contacts", CONTACTS, contacts)
