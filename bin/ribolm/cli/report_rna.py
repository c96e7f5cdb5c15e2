"""The sub-commands of ribolm-report for RNA language models: structures, embeddings, zero-shot, measured values."""

from pathlib import Path
from typing import TYPE_CHECKING

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

NAMED = {"metavar": "NAME=FILE"}
OUTDIR = Spec("outdir", Path, REQUIRED, "Folder for sections and pictures.")
STRUCTURES = (
    OUTDIR,
    Spec("folder", list[Path] | None, None, "Folder of `ribolm-evaluate structure`; repeat.", {"flag": "--dir"}),
    Spec("known", list[str] | None, None, "Known structures of a set, as dot-bracket; repeat.", NAMED),
    Spec("shown", list[str] | None, None, "Structures predicted for it, to be drawn beside; repeat.", NAMED),
    Spec("predicted", list[str] | None, None, "Structures of `ribolm-predict structure`; repeat.", NAMED),
    Spec("confidence", list[str] | None, None, "The table beside them; repeat.", NAMED),
)
EMBEDDING = (
    OUTDIR,
    Spec("embeddings", list[str], REQUIRED, "Table of `ribolm-predict embed` (.parquet); repeat.", NAMED),
    Spec("sequences", list[str], REQUIRED, "FASTA that was embedded, whose headers name types; repeat.", NAMED),
)
ZEROSHOT_DIR = "Folder of `ribolm-evaluate families`, `interactions`, `structure` or `perplexity`; repeat."
ZEROSHOT = (OUTDIR, Spec("folder", list[Path], REQUIRED, ZEROSHOT_DIR, {"flag": "--dir"}))
VALUES = (
    OUTDIR,
    Spec("folder", list[Path], REQUIRED, "Folder of `ribolm-evaluate values`; repeat per set.", {"flag": "--dir"}),
)


def add_structures(cli: "typer.Typer") -> None:
    """Add `ribolm-report structures`."""

    def structures(
        outdir: Path,
        folder: list[Path] | None,
        known: list[str] | None,
        shown: list[str] | None,
        predicted: list[str] | None,
        confidence: list[str] | None,
    ) -> None:
        """Predicted structures as arcs, and what they are worth: methods, families, lengths, beside the published."""
        if not (folder or predicted):
            raise UsageError("Give --dir, what was evaluated, or --predicted, structures to show, or both.")
        from ribolm.files import atomic_directory
        from ribolm.report.folders.assessed_folder import read_assessed
        from ribolm.report.resm.named_structures import read_pairs_of_sets, read_predicted
        from ribolm.report.resm.prediction_sections import write_prediction_sections
        from ribolm.report.resm.structure_headline import write_structure_headline
        from ribolm.report.resm.structure_sections import write_structure_sections

        folders = [read_assessed(path, ("structures",)) for path in folder or ()]
        compared = read_pairs_of_sets(known or (), shown or ())
        found = read_predicted(predicted or (), confidence or ())
        with atomic_directory(outdir) as out:
            write_prediction_sections(out, found, compared)
            write_structure_sections(out, folders)
            write_structure_headline(out, folders, found)

    add_command(cli, "structures", STRUCTURES, structures)


def add_embedding(cli: "typer.Typer") -> None:
    """Add `ribolm-report embedding`."""

    def embedding(outdir: Path, embeddings: list[str], sequences: list[str]) -> None:
        """Maps of RNAs by principal components of their embeddings, coloured by type."""
        from ribolm.files import atomic_directory
        from ribolm.report.resm.embedding_sections import read_maps, write_embedding_section

        maps = read_maps(embeddings, sequences)
        with atomic_directory(outdir) as out:
            write_embedding_section(out, maps)

    add_command(cli, "embedding", EMBEDDING, embedding)


def add_zeroshot(cli: "typer.Typer") -> None:
    """Add `ribolm-report zeroshot`."""

    def zeroshot(outdir: Path, folder: list[Path]) -> None:
        """What models know without training: perplexity, contacts, families, interactions, beside the published."""
        from ribolm.files import atomic_directory
        from ribolm.report.folders.assessed_folder import read_assessed
        from ribolm.report.resm.zeroshot import KINDS, write_zeroshot_sections

        folders = [read_assessed(path, KINDS) for path in folder]
        with atomic_directory(outdir) as out:
            write_zeroshot_sections(out, folders)

    add_command(cli, "zeroshot", ZEROSHOT, zeroshot)


def add_values(cli: "typer.Typer") -> None:
    """Add `ribolm-report values`."""

    def values(outdir: Path, folder: list[Path]) -> None:
        """Models of measured values: methods, scatter, differences, strata."""
        from ribolm.files import atomic_directory
        from ribolm.report.folders.assessed_folder import read_assessed
        from ribolm.report.resm.value_sections import write_value_sections

        folders = [read_assessed(path, ("values",)) for path in folder]
        with atomic_directory(outdir) as out:
            write_value_sections(out, folders)

    add_command(cli, "values", VALUES, values)
