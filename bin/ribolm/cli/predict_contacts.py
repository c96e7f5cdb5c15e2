"""ribolm-predict contacts: which bases of an RNA a model's attention joins."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import typer

    from ribolm.inference.batches import Forward
    from ribolm.inference.contact_files import Contacts
    from ribolm.inference.contacts import ContactModel
    from ribolm.sequences.rna import RnaRecord


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
        from ribolm.inference.contact_files import Kept, writer_for
        from ribolm.models.directories import require_model
        from ribolm.sequences.rna import read_rna

        write = writer_for(out)
        require_model(model)
        records = read_rna(sequences)  # before torch is imported: told at once
        from ribolm.inference.contacts import contact_forward, load_contact_model, require_memory

        loaded = load_contact_model(model)
        forward = contact_forward(loaded, device.value, threads)
        require_memory(loaded, forward, [len(record.letters) for record in records])
        n = write(out, _found(loaded, forward, records), Kept(threshold, separation), loaded.facts())
        print(f"{out}: {len(records):,} RNAs, {n:,} {'pairs' if out.suffix else 'matrices'}")

    add_command(cli, "contacts", specs, contacts)


def _found(model: "ContactModel", forward: "Forward", records: "Sequence[RnaRecord]") -> "Iterator[Contacts]":
    from ribolm.console import Progress
    from ribolm.inference.contact_files import Contacts
    from ribolm.inference.contacts import contact_logits

    with Progress("contacts", len(records), "RNAs") as progress:
        for record in records:
            yield Contacts(record.name, record.letters, contact_logits(model, forward, record.letters))
            progress.advance()
