"""What can be told of the inputs of a prediction at once: before torch, a model or a whole genome is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ribolm.errors import UsageError
from ribolm.files import require_each_once
from ribolm.genome.fasta import look_at_fasta
from ribolm.genome.regions import read_bed
from ribolm.models.directories import require_model


def require_one_input(bed: Path | None, gtf: Path | None, sequences: Path | None, fasta: Path | None) -> None:
    """Raise UsageError for a combination of inputs that says nothing, or two things, about where to look."""
    if sequences is not None and (bed or gtf or fasta):
        raise UsageError("--sequences stands alone: give no --bed, --gtf or --fasta with it.")
    if bed is None and gtf is None and sequences is None:
        raise UsageError("Say where to look: give --bed, --gtf or --sequences.")
    if sequences is None and fasta is None:
        raise UsageError("--bed and --gtf need the genome: give --fasta.")


def look_at_inputs(
    models: Sequence[Path], bed: Path | None, gtf: Path | None, sequences: Path | None, fasta: Path | None
) -> None:
    """Raise what the inputs of `ribolm-predict sites` are refused for, as far as it shows without reading a genome.

    UsageError for a wrong combination, no model or one named twice, DataError for a folder that is no model, a bad line
    of a BED and a file that does not begin as FASTA.
    """
    require_one_input(bed, gtf, sequences, fasta)
    if not models:
        raise UsageError("Give at least one --model.")
    require_each_once("--model", models)
    for model in models:
        require_model(model)
    if bed is not None:
        read_bed(bed)
    look_at_fasta(sequences or fasta, may_be_empty=sequences is not None)
