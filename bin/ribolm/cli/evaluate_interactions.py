"""ribolm-evaluate interactions: where targets are bound and which ones are, beside energies and complementary runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Device, Spec, add_command
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

AT_LEAST_0 = {"min": 0}
INTERACTIONS = (
    Spec("outdir", Path, REQUIRED, "Folder for metrics.json and the tables."),
    Spec("pairs", Path | None, None, "Table of pairs with known sites."),
    Spec("queries", Path | None, None, "FASTA of RNAs whose targets are ranked."),
    Spec("targets", Path | None, None, "FASTA of what is ranked for them."),
    Spec("verified", Path | None, None, "List of verified targets: sRNA, gene, organism."),
    Spec("model", list[Path] | None, None, "Model folder with a contact head (ribolm-train contacts); repeat."),
    Spec("fit_on", Path | None, None, "Structures that the contact heads were fitted on, for the random control."),
    Spec("others", int, 100, "Targets ranked beside the verified ones of each query; 0: all.", AT_LEAST_0),
    Spec("longest_cofold_nt", int, 1500, "Longest pair that RNAcofold folds, cubic in it; 0: all.", AT_LEAST_0),
    Spec("longest_map_nt", int, 0, "Longest pair that models are run on, square in it; 0: all.", AT_LEAST_0),
    Spec("width", int, 12, "Bases of a stretch of a contact map.", {"min": 1}),
    Spec("cofold", bool, True, "Rank by RNAcofold, too, which takes longer."),
    Spec("draws", int, 1000, "Draws of targets and queries for the intervals.", AT_LEAST_0),
    Spec("seed", int, 1, "Seed of the others, draws and random weights.", AT_LEAST_0),
    Spec("device", Device, Device.auto, "Where to compute."),
)


def add_interactions(cli: "typer.Typer") -> None:
    """Add the sub-command."""

    def interactions(outdir: Path, device: Device, **chosen: Any) -> None:
        """Sites on targets (--pairs) and ranking of targets (--queries, --targets, --verified)."""
        from ribolm.files import require_file
        from ribolm.models.directories import require_model

        given = [chosen[name] for name in ("queries", "targets", "verified")]
        if any(given) != all(given) or not (chosen["pairs"] or any(given)):
            raise UsageError("Give --pairs for sites, or --queries, --targets and --verified for a ranking, or all.")
        for path in (chosen["pairs"], chosen["fit_on"], *given):
            if path is not None:
                require_file(path)
        for directory in chosen["model"] or ():
            require_model(directory)
        from ribolm.evaluation.interactions.run import InteractionPlan, evaluate_interactions

        directories = tuple(chosen.pop("model") or ())
        evaluate_interactions(outdir, InteractionPlan(models=directories, device=device.value, **chosen))

    add_command(cli, "interactions", INTERACTIONS, interactions)
