"""ribolm-predict contacts: which bases of an RNA a model's attention joins."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command

if TYPE_CHECKING:
    import typer


def add_contacts(cli: "typer.Typer", computing: tuple[Spec, ...]) -> None:
    """Add the sub-command; of `computing`, what all predictions share, device and threads are taken."""
    specs = (
        Spec("model", Path, REQUIRED, "Model folder with contacts fitted by ribolm-train contacts."),
        Spec("sequences", Path, REQUIRED, "RNAs: FASTA, plain or gzip."),
        Spec("out", Path, REQUIRED, "Result: .tsv or .parquet of pairs, or a folder of matrices."),
        Spec("threshold", float, 0.01, "Least probability of a pair in a table.", {"min": 0, "max": 1}),
        Spec("separation", int, 6, "Least distance j - i of a pair in a table.", {"min": 1}),
        *(spec for spec in computing if spec.name in ("device", "threads")),
    )

    def contacts(
        model: Path, sequences: Path, out: Path, threshold: float, separation: int, device: Any, threads: int | None
    ) -> None:
        """Predict the contacts of all RNAs of a FASTA from attention, streamed: no map of a head is held."""
        from ribolm.files import require_file, require_other_than

        require_other_than(out, (require_file(sequences),))
        from ribolm.inference.contact_files import Contacts, Kept, writer_for
        from ribolm.models.directories import require_model
        from ribolm.sequences.rna import read_rna

        write = writer_for(out)
        require_model(model)
        records = read_rna(sequences)  # before torch is imported: told at once
        from ribolm.console import Progress
        from ribolm.inference.contacts import contact_forward, contact_logits, load_contact_model, require_memory

        loaded = load_contact_model(model)
        forward = contact_forward(loaded, device.value, threads)
        require_memory(loaded, forward, [len(record.letters) for record in records])
        with Progress("contacts", len(records), "RNAs") as progress:

            def found() -> Any:
                for record in records:
                    yield Contacts(record.name, record.letters, contact_logits(loaded, forward, record.letters))
                    progress.advance()

            n = write(out, found(), Kept(threshold, separation), loaded.facts())
        print(f"{out}: {len(records):,} RNAs, {n:,} {'pairs' if out.suffix else 'matrices'}")

    add_command(cli, "contacts", specs, contacts)
