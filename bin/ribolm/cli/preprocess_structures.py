"""ribolm-preprocess structures: known structures checked, and brought from one format into another."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ribolm.cli import REQUIRED, Spec, add_command

if TYPE_CHECKING:
    import typer


class StructureFormat(StrEnum):
    """Files of structures that are read."""

    auto = "auto"
    dbn = "dbn"
    ct = "ct"
    bpseq = "bpseq"
    stockholm = "stockholm"


STRUCTURES = (
    Spec("input", Path, REQUIRED, "Structures, plain or gzip: dot-bracket, CT, BPSEQ or Stockholm."),
    Spec("out", Path, REQUIRED, "File to write; its ending, .dbn, .ct or .bpseq, says the format."),
    Spec("fasta", Path | None, None, "FASTA of their sequences to write as well."),
    Spec("most", int | None, None, "Keep so many RNAs at most, spread evenly over the file.", {"min": 1}),
    Spec("format", StructureFormat, StructureFormat.auto, "Format of --input; auto: by its content."),
    Spec("keep_repeated_names", bool, False, "Admit records of one name.", {"flag": "--keep-repeated-names"}),
    Spec("other_as_n", bool, False, "Read letters that are no nucleotide code as N.", {"flag": "--other-as-n"}),
)


def add_structures(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def structures(
        input: Path,
        out: Path,
        fasta: Path | None,
        most: int | None,
        format: StructureFormat,
        keep_repeated_names: bool,
        other_as_n: bool,
    ) -> None:
        """Check structures, normalise their letters (ACGUN) and write them as dot-bracket, CT or BPSEQ."""
        from ribolm.cli.inputs import require_inputs
        from ribolm.labels.structure.files import output_format, read_structures, spread_evenly, write_structures
        from ribolm.sequences.rna import ANY_LETTER, MODIFIED, RnaRecord, write_rna

        output_format(out)
        require_inputs(out, [input], fasta)
        found = read_structures(
            input,
            None if format is StructureFormat.auto else format.value,
            unique_names=not keep_repeated_names,
            tolerate=ANY_LETTER if other_as_n else MODIFIED,
        )
        found = spread_evenly(found, most)
        write_structures(out, found)
        if fasta is not None:
            write_rna(fasta, (RnaRecord(one.name, one.letters) for one in found))
        n_pairs = sum(len(structure.pairs()) for structure in found)
        print(f"{out}: {len(found):,} structures, {n_pairs:,} pairs")

    add_command(cli, "structures", STRUCTURES, structures)
