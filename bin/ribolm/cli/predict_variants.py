"""ribolm-predict variants: what variants do to candidates of a genome, or to the bases of RNAs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, Universe, add_command
from ribolm.cli.inputs import refuse_unused, require_inputs
from ribolm.cli.predict_polya import prepared
from ribolm.cli.predict_scan import RULE, rule_of
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.inference.batches import Forward
    from ribolm.inference.calibration import Calibration
    from ribolm.inference.ensemble import Ensemble

    PrepareSites = Callable[..., tuple[Ensemble, Forward]]


UNIVERSE = Spec("universe", Universe, Universe.drach, "Candidates of a model of sites.")
LEAST_CHANGE = Spec("least_change", float, 0.0, "Least change of the logit that counts as a shift.", {"min": 0})
FORMS = "Give --vcf with --fasta (a genome), or --sequences with --variants (RNAs)."


def add_variants(cli: "typer.Typer", computing: tuple[Spec, ...], prepare_sites: "PrepareSites") -> None:
    """Add the sub-command; `computing` are the options of device and batches that all predictions share.

    `prepare_sites`: from model folders and those options to models of sites on a device.
    """
    specs = (
        Spec("model", Path, REQUIRED, "Model folder; its task.json says what a candidate is."),
        Spec("out", Path, REQUIRED, "Table to write: candidates made, broken or shifted; or --variants with effects."),
        Spec("vcf", Path | None, None, "Variants of a genome, plain or gzip."),
        Spec("fasta", Path | None, None, "Genome of --vcf: plain or gzip FASTA."),
        Spec("sequences", Path | None, None, "RNAs: plain or gzip FASTA."),
        Spec("variants", Path | None, None, "Substitutions in them: name, position0, reference, alternative."),
        LEAST_CHANGE,
        UNIVERSE,
        *RULE,
        *computing,
    )

    def variants(
        vcf: Path | None, fasta: Path | None, sequences: Path | None, variants: Path | None, **chosen: Any
    ) -> None:
        """Give what variants do to candidates of a genome, or substitutions to the likelihood of RNAs.

        With --sequences and --variants a pretrained model masks each base: log p(alternative) - log p(reference).
        """
        if vcf is not None and fasta is not None and sequences is None and variants is None:
            _on_genome(prepare_sites, vcf, fasta, **chosen)
        elif sequences is not None and variants is not None and vcf is None and fasta is None:
            _on_rnas(sequences, variants, **chosen)
        else:
            raise UsageError(FORMS)

    add_command(cli, "variants", specs, variants)


def _on_rnas(sequences: Path, variants: Path, model: Path, out: Path, **chosen: Any) -> None:
    require_inputs(out, (sequences, variants))
    refuse_unused((LEAST_CHANGE, UNIVERSE, *RULE), chosen, "it belongs to --vcf")
    from ribolm.inference.variants.substitutions import read_substitutions
    from ribolm.models.directories import require_model
    from ribolm.sequences.rna import read_rna

    require_model(model)
    letters = {record.name: record.letters for record in read_rna(sequences)}
    table = read_substitutions(variants, letters)  # before torch is imported: told at once
    from ribolm.inference.batches import Forward
    from ribolm.inference.variants.marginals import delta_log_probabilities, load_masked_model, write_marginals

    if chosen["threads"] is not None:
        import torch

        torch.set_num_threads(chosen["threads"])
    loaded = load_masked_model(model)
    options = (chosen["device"].value, chosen["precision"].value, chosen["tokens_per_batch"])
    forward = Forward.prepare((loaded.network,), loaded.tokenizer, *options)
    write_marginals(out, table, delta_log_probabilities(forward, letters, table.substitutions), loaded)
    print(f"{out}: {len(table.substitutions):,} substitutions")


def _on_genome(
    prepare_sites: "PrepareSites", vcf: Path, fasta: Path, model: Path, out: Path, least_change: float, **chosen: Any
) -> None:
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
