"""ribolm-predict variants: what variants do to candidates."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, Universe, add_command
from ribolm.cli.inputs import refuse_unused
from ribolm.cli.predict_polya import prepared
from ribolm.cli.predict_scan import RULE, rule_of

if TYPE_CHECKING:
    import typer

    from ribolm.inference.batches import Forward
    from ribolm.inference.calibration import Calibration
    from ribolm.inference.ensemble import Ensemble

    PrepareSites = Callable[..., tuple[Ensemble, Forward]]


UNIVERSE = Spec("universe", Universe, Universe.drach, "Candidates of a model of sites.")


def add_variants(cli: "typer.Typer", computing: tuple[Spec, ...], prepare_sites: "PrepareSites") -> None:
    """Add the sub-command; `computing` are the options of device and batches that all predictions share.

    `prepare_sites`: from model folders and those options to models of sites on a device.
    """
    specs = (
        Spec("vcf", Path, REQUIRED, "Variants, plain or gzip."),
        Spec("fasta", Path, REQUIRED, "Genome of the variants: plain or gzip FASTA."),
        Spec("model", Path, REQUIRED, "Model folder; its task.json says what a candidate is."),
        Spec("out", Path, REQUIRED, "Table to write: one line per candidate that a variant makes, breaks or shifts."),
        Spec("least_change", float, 0.0, "Least change of the logit that counts as a shift.", {"min": 0}),
        UNIVERSE,
        *RULE,
        *computing,
    )

    def variants(vcf: Path, fasta: Path, model: Path, out: Path, least_change: float, **chosen: Any) -> None:
        """Give the change of every candidate that a variant makes, breaks or shifts."""
        from ribolm.files import require_file, require_folder_possible, require_other_than

        require_folder_possible(out.parent)
        require_other_than(out, [require_file(path) for path in (vcf, fasta)])
        from ribolm.genome.fasta import Genome, look_at_fasta
        from ribolm.genome.vcf import look_at_variants, read_variants
        from ribolm.models.directories import level_of

        level = level_of(model)
        _refuse_unused(level, chosen)
        look_at_fasta(fasta)
        look_at_variants(vcf)  # before torch is imported: told at once
        from ribolm.inference.variants.output import write_effects

        effects_of, calibration = _prepared_effects(model, level, prepare_sites, **chosen)
        genome = Genome.open(fasta)
        counts = write_effects(out, effects_of(genome, read_variants(vcf, genome)), calibration, least_change)
        kinds = ", ".join(f"{counts[kind]:,} {kind}" for kind in ("made", "broken", "shifted"))
        print(f"{out}: {counts['variants']:,} alleles; candidates {kinds}")

    add_command(cli, "variants", specs, variants)


def _refuse_unused(level: str | None, chosen: dict[str, Any]) -> None:
    """Refuse what only a model of the other kind reads."""
    if level == "token":
        refuse_unused(RULE, chosen, "the model scores sites, whose candidates --universe names")
    else:
        refuse_unused((UNIVERSE,), chosen, "the model scores windows, whose candidates have a hexamer upstream")


def _prepared_effects(
    model: Path, level: str | None, prepare_sites: "PrepareSites", universe: Universe, **chosen: Any
) -> "tuple[Callable[..., Any], Calibration]":
    """The function from genome and variants to effects that fits the model's task, and the model's calibration."""
    rule = rule_of(**{spec.name: chosen.pop(spec.name) for spec in RULE})
    if level == "token":
        from ribolm.inference.variants.sites import site_effects

        ensemble, forward = prepare_sites([model], **chosen)
        calibration = ensemble.calibrations[0]
        return lambda genome, found: site_effects(ensemble, forward, genome, found, universe.value), calibration
    from ribolm.inference.scan.scorer import ModelScorer
    from ribolm.inference.variants.polya import polya_effects
    from ribolm.inference.window_models import load_window_model

    loaded = load_window_model(model)
    scorer = ModelScorer(loaded, prepared(loaded, **chosen))
    return lambda genome, found: polya_effects(scorer, genome, found, rule), loaded.calibration
