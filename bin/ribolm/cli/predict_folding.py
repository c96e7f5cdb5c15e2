"""ribolm-predict folding: structures by thermodynamics alone, the floor of every model of structures."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ribolm.cli import REQUIRED, Spec, add_command

if TYPE_CHECKING:
    import typer


class Method(StrEnum):
    """What is taken of the ensemble of structures."""

    mfe = "mfe"
    mea = "mea"
    linearpartition = "linearpartition"


FOLDING = (
    Spec("sequences", Path, REQUIRED, "RNAs: FASTA, plain or gzip."),
    Spec("out", Path, REQUIRED, "File to write; its ending, .dbn, .ct or .bpseq, says the format."),
    Spec("method", Method, Method.mfe, "Least free energy or largest expected accuracy (ViennaRNA); linearpartition."),
    Spec("processes", int, 1, "Processes that fold.", {"min": 1, "max": 1024}),
)


def add_folding(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def folding(sequences: Path, out: Path, method: Method, processes: int) -> None:
        """Fold RNAs by energy: what needs no training. LinearPartition only where the user installed it."""
        from ribolm.cli.inputs import require_inputs
        from ribolm.console import Progress
        from ribolm.folding.floors import folded_by
        from ribolm.folding.many import fold_many
        from ribolm.folding.requirements import require_foldable
        from ribolm.labels.structure.files import output_format, write_structures
        from ribolm.labels.structure.pairs import Structure
        from ribolm.sequences.rna import read_rna

        output_format(out)
        require_inputs(out, [sequences])
        function = folded_by(method.value)
        records = read_rna(sequences)
        if method is not Method.linearpartition:
            require_foldable(records, "Leave it out, or give a shorter stretch.", processes)
        found = []
        with Progress("folding", len(records), "RNAs") as progress:
            for record, partner in zip(records, fold_many(function, records, processes), strict=True):
                found.append(Structure(record.name, record.letters, partner))
                progress.advance()
        write_structures(out, found)
        print(f"{out}: {len(found):,} structures")

    add_command(cli, "folding", FOLDING, folding)
