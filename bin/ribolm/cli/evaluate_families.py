"""ribolm-evaluate families: whether embeddings tell RNA families apart, without training."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Device, Spec, add_command

if TYPE_CHECKING:
    import typer

FAMILIES = (
    Spec("families", Path, REQUIRED, "Families as Stockholm alignments (Rfam's seeds), plain or gzip."),
    Spec("outdir", Path, REQUIRED, "Folder for metrics.json and the tables."),
    Spec("model", list[Path] | None, None, "Model folder; its head, if any, is not used; repeat."),
    Spec("trained_on", list[Path] | None, None, "FASTA or token store of the models' training, compared; repeat."),
    Spec("per_family", int, 10, "Different sequences drawn of each family that has so many.", {"min": 2}),
    Spec("draws", int, 1000, "Draws of families for the intervals.", {"min": 0}),
    Spec("seed", int, 1, "Seed of sequences, draws and random encoders.", {"min": 0}),
    Spec("device", Device, Device.auto, "Where to compute."),
)


def add_families(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def families(families: Path, model: list[Path] | None, trained_on: list[Path] | None, **chosen: Any) -> None:
        """Nearest neighbour, retrieval and overlap ratio by cosine, beside k-mers, GC share and random encoders."""
        from ribolm.files import require_file
        from ribolm.models.directories import require_model

        for directory in model or ():
            require_model(directory)
        for path in trained_on or ():
            if not path.is_dir():
                require_file(path)
        _evaluate(families, tuple(model or ()), tuple(trained_on or ()), **chosen)

    add_command(cli, "families", FAMILIES, families)


def _evaluate(
    path: Path,
    models: tuple[Path, ...],
    trained_on: tuple[Path, ...],
    outdir: Path,
    per_family: int,
    draws: int,
    seed: int,
    device: Device,
) -> None:
    from ribolm.evaluation.families.chosen import choose_families
    from ribolm.labels.structure.stockholm import read_families

    chosen = choose_families(read_families(path), per_family, seed)  # before torch is imported: told at once
    from ribolm.evaluation.families.assessment import Method, assess_families
    from ribolm.evaluation.families.floors import floor_likenesses
    from ribolm.evaluation.families.models import encoder_methods
    from ribolm.evaluation.families.output import write_family_assessment
    from ribolm.evaluation.families.overlap import overlap_rows
    from ribolm.files import sha256_of

    overlap = overlap_rows(chosen, trained_on)
    encoders = encoder_methods(models, chosen.records, device.value, seed)
    floors = tuple(Method(name, "floor", likeness) for name, likeness in floor_likenesses(chosen.records).items())
    found = assess_families(chosen, (*encoders.methods, *floors), draws, seed)
    settings = {"families": path.name, "sha256": sha256_of(path), "per_family": per_family, "draws": draws}
    write_family_assessment(outdir, found, {**settings, "seed": seed}, encoders.facts, overlap)
