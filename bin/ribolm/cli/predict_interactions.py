"""ribolm-predict interactions: where two RNAs pair, from the contact map of both in one sequence."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.cli.inputs import require_inputs

if TYPE_CHECKING:
    import typer

SPECS = (
    Spec("model", Path, REQUIRED, "Model folder with a contact head fitted on RNA (ribolm-train contacts)."),
    Spec("pairs", Path, REQUIRED, "Table of pairs: query, target, query_sequence, target_sequence."),
    Spec("out", Path, REQUIRED, "Table to write: the best stretch of every pair, in both orders of the chains."),
    Spec("contacts", Path | None, None, "Table to write as well: name, query0, target0, probability."),
    Spec("least_probability", float, 0.01, "Least probability in --contacts.", {"min": 0, "max": 1}),
    Spec("width", int, 12, "Bases of a stretch.", {"min": 1}),
)


def add_interactions(cli: "typer.Typer", computing: tuple[Spec, ...]) -> None:
    """Add the sub-command; of `computing`, what all predictions share, device and threads are taken."""
    specs = (*SPECS, *(spec for spec in computing if spec.name in ("device", "threads")))

    def interactions(
        model: Path,
        pairs: Path,
        out: Path,
        contacts: Path | None,
        least_probability: float,
        width: int,
        device: Any,
        threads: int | None,
    ) -> None:
        """Give the stretch in which two RNAs most likely pair, from the contacts of their concatenation."""
        require_inputs(out, (pairs,), contacts)
        from ribolm.labels.interactions.pairs import read_pairs
        from ribolm.models.directories import require_model

        require_model(model)
        read = read_pairs(pairs)  # before torch is imported: told at once
        from ribolm.inference.contacts import contact_forward, load_contact_model, require_memory
        from ribolm.inference.interactions.concatenation import Kept, predict_interactions, write_interactions

        loaded = load_contact_model(model)
        forward = contact_forward(loaded, device.value, threads)
        require_memory(loaded, forward, [len(one.query.letters) + len(one.target.letters) for one in read])
        predicted = predict_interactions(loaded, forward, read, width)
        kept = Kept(contacts, least_probability) if contacts is not None else None
        n = write_interactions(out, predicted, {**loaded.facts(), "width": width}, kept)
        print(f"{out}: {n:,} pairs")

    add_command(cli, "interactions", specs, interactions)
