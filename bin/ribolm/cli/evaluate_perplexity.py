"""ribolm-evaluate perplexity: what a pretrained model makes of RNAs, by their type."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Device, Spec, add_command

if TYPE_CHECKING:
    import typer

PERPLEXITY = (
    Spec("model", Path, REQUIRED, "Pretrained model directory."),
    Spec("sequences", Path, REQUIRED, "RNA: plain or gzip FASTA."),
    Spec("outdir", Path, REQUIRED, "Folder for perplexity.tsv and metrics.json."),
    Spec("types", Path | None, None, "Table with the columns name and type [default: the headers say the types]."),
    Spec("mask_rate", float, 0.15, "Share of the nucleotides that are hidden.", {"min": 0.01, "max": 1}),
    Spec("token_dropout", bool | None, None, "ESM-2's token dropout [default: as the model was trained]."),
    Spec("draws", int, 1000, "Draws of sequences for the intervals.", {"min": 0}),
    Spec("device", Device, Device.auto, "auto, cpu or cuda."),
    Spec("seed", int, 1, "Seed of what is hidden, and of the draws.", {"min": 0}),
)


def add_perplexity(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def perplexity(**chosen: Any) -> None:
        """Loss and perplexity of hidden nucleotides, overall and by type of RNA, beside those of a guess by chance."""
        from ribolm.evaluation.perplexity import PerplexityOptions, assess_perplexity
        from ribolm.files import require_file

        outdir = chosen.pop("outdir")
        for path in (chosen["sequences"], chosen["types"]):
            if path is not None:
                require_file(path)
        assess_perplexity(PerplexityOptions(**{**chosen, "device": chosen["device"].value}), outdir)

    add_command(cli, "perplexity", PERPLEXITY, perplexity)
