"""ribolm-predict embed: RNAs as vectors of a model."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command

if TYPE_CHECKING:
    import typer


class EmbeddingLevel(StrEnum):
    """What gets a vector."""

    pooled = "pooled"
    token = "token"


def add_embed(cli: "typer.Typer", computing: tuple[Spec, ...]) -> None:
    """Add the sub-command; `computing` are the options of device and batches that all predictions share."""
    specs = (
        Spec("model", Path, REQUIRED, "Model folder of any backbone."),
        Spec("sequences", Path, REQUIRED, "RNAs: FASTA, plain or gzip."),
        Spec("out", Path, REQUIRED, "Result: .parquet, .npz or .zarr."),
        Spec("level", EmbeddingLevel, EmbeddingLevel.pooled, "The mean of each RNA, or one vector per token."),
        Spec("token_dropout", bool, False, "ESM-2's token dropout, which scales all embeddings by 0.88."),
        *computing,
    )

    def embed(
        model: Path, sequences: Path, out: Path, level: EmbeddingLevel, token_dropout: bool, **computing: Any
    ) -> None:
        """Write the vectors of all RNAs of a FASTA; what else is in it moves them by rounding alone."""
        from ribolm.files import require_file, require_other_than
        from ribolm.inference.embedding_files import writer_for
        from ribolm.models.directories import require_model
        from ribolm.sequences.rna import read_rna

        require_other_than(out, (require_file(sequences),))
        write = writer_for(out)
        require_model(model)
        records = read_rna(sequences)  # before torch is imported: told at once
        from ribolm.files import sha256_of
        from ribolm.inference import embedded_records

        loaded, in_force = embedded_records.embedding_model(model, token_dropout)
        forward = _forward(loaded, **computing)
        wanted = embedded_records.records_to_embed(loaded, records, level.value, in_force, forward.device.precision)
        wanted.facts["sequences"] = {"file": sequences.name, "sha256": sha256_of(sequences)}
        write(out, wanted, embedded_records.embed(forward, wanted))
        print(f"{out}: {len(records):,} RNAs, {wanted.n_values:,} vectors of {wanted.width:,}")

    add_command(cli, "embed", specs, embed)


def _forward(loaded: Any, device: Any, precision: Any, tokens_per_batch: int | None, threads: int | None) -> Any:
    """The network on its device, by the options of the command line."""
    import torch

    from ribolm.inference.embedded_records import embedding_forward

    if threads is not None:
        torch.set_num_threads(threads)
    return embedding_forward(loaded, device.value, precision.value, tokens_per_batch)
