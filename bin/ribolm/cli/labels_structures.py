"""ribolm-labels structures: known secondary structures as a labelled token store."""

from pathlib import Path
from typing import TYPE_CHECKING

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.cli.tokenize import MAPPING, Kind
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

POSITIVE = {"min": 1}
STRUCTURES = (
    Spec("structures", list[Path], REQUIRED, "Dot-bracket, CT, BPSEQ or Stockholm; repeat for more files."),
    Spec("out", Path, REQUIRED, "Folder of the token store to write."),
    Spec("exclude", list[Path] | None, None, "Structures to be tested on: RNAs sharing all or 31 nt are left out."),
    Spec("tokenizer", Kind, Kind.nucleotide, "nucleotide, or esm for models made from ESM-2."),
    Spec("mapping", str, "KDNY", MAPPING),
    Spec("min_nt", int, 16, "Leave out shorter RNAs.", POSITIVE),
    Spec("max_nt", int | None, None, "Leave out longer RNAs.", POSITIVE),
    Spec("family", str | None, None, "Sign in a name before which its family stands, for ribolm-labels folds."),
    Spec("no_thermodynamics", bool, False, "Without ViennaRNA's pair probabilities.", {"flag": "--no-thermodynamics"}),
    Spec("energies", str, "rna_turner2004", "Energy parameters of ViennaRNA; of several, between commas, the mean."),
    Spec("processes", int, 1, "Processes that fold.", {"min": 1, "max": 1024}),
)


def add_structures(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def structures(
        structures: list[Path],
        out: Path,
        exclude: list[Path] | None,
        tokenizer: Kind,
        mapping: str,
        min_nt: int,
        max_nt: int | None,
        family: str | None,
        no_thermodynamics: bool,
        energies: str,
        processes: int,
    ) -> None:
        """Label every base with its partner, and fold every RNA by ViennaRNA for the input channel of training."""
        from ribolm.files import require_file, require_folder_possible, require_other_than
        from ribolm.folding.energy import energy_models
        from ribolm.labels.structure.stored import StructureStoreOptions, build_structure_store
        from ribolm.sequences.tokenizers import make_tokenizer

        for path in (*structures, *(exclude or [])):
            require_other_than(out, (require_file(path),))
        require_folder_possible(out)
        if family == "":
            raise UsageError("--family '' is no sign. Give the sign behind the family, as _.")
        chosen = make_tokenizer(tokenizer.value, mapping=mapping)
        folding = 0 if no_thermodynamics else processes
        models = energy_models(energies)
        options = StructureStoreOptions(min_nt, max_nt, tuple(exclude or ()), family, folding, models)
        counts = build_structure_store(structures, out, chosen, options)
        counts.tell(options)
        print(f"{out}: {counts.written:,} RNAs with {counts.pairs:,} pairs")

    add_command(cli, "structures", STRUCTURES, structures)
