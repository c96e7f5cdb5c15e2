"""ribolm-labels structures: known secondary structures as a labelled token store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ribolm.cli.tokenize import Kind, Mapping
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer


def add_structures(cli: "typer.Typer") -> None:
    """Add the sub-command."""
    from typer import Option

    @cli.command()
    def structures(
        structures: Annotated[list[Path], Option(help="Dot-bracket, CT, BPSEQ or Stockholm; repeat for more files.")],
        out: Annotated[Path, Option(help="Folder of the token store to write.")],
        exclude: Annotated[
            list[Path] | None,
            Option(help="Structures to be tested on: RNAs that share the sequence or 31 nt are left out; repeat."),
        ] = None,
        tokenizer: Annotated[Kind, Option(help="Tokenizer: nucleotide, or esm for models made from ESM-2.")] = (
            Kind.nucleotide
        ),
        mapping: Annotated[Mapping, Option(help="Amino acids of the esm tokenizer.")] = Mapping.kdny,
        min_nt: Annotated[int, Option(min=1, help="Leave out shorter RNAs.")] = 16,
        max_nt: Annotated[int | None, Option(min=1, help="Leave out longer RNAs.")] = None,
        family: Annotated[
            str | None, Option(help="Sign in a name before which its family stands, for ribolm-labels folds.")
        ] = None,
        no_thermodynamics: Annotated[
            bool, Option("--no-thermodynamics", help="Without ViennaRNA's pair probabilities.")
        ] = False,
        processes: Annotated[int, Option(min=1, max=1024, help="Processes that fold.")] = 1,
    ) -> None:
        """Label every base with its partner, and fold every RNA by ViennaRNA for the input channel of training."""
        from ribolm.files import require_file, require_folder_possible, require_other_than
        from ribolm.labels.structure.stored import StructureStoreOptions, build_structure_store
        from ribolm.sequences.tokenizers import make_tokenizer

        for path in (*structures, *(exclude or [])):
            require_other_than(out, (require_file(path),))
        require_folder_possible(out)
        if family == "":
            raise UsageError("--family '' is no sign. Give the sign behind the family, as _.")
        chosen = make_tokenizer(tokenizer.value, mapping=mapping.value)
        excluded = tuple(exclude or ())
        options = StructureStoreOptions(min_nt, max_nt, excluded, family, 0 if no_thermodynamics else processes)
        counts = build_structure_store(structures, out, chosen, options)
        counts.tell(options)
        print(f"{out}: {counts.written:,} RNAs with {counts.pairs:,} pairs")
