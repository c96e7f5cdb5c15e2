"""ribolm-predict variants: what variants do to candidates."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.cli.predict_polya import prepared
from ribolm.cli.predict_scan import RULE, rule_of

if TYPE_CHECKING:
    import typer


def add_variants(cli: "typer.Typer", computing: tuple[Spec, ...]) -> None:
    """Add the sub-command; `computing` are the options of device and batches that all predictions share."""
    specs = (
        Spec("vcf", Path, REQUIRED, "Variants, plain or gzip."),
        Spec("fasta", Path, REQUIRED, "Genome of the variants: plain or gzip FASTA."),
        Spec("model", Path, REQUIRED, "Model folder, trained with --level sequence."),
        Spec("out", Path, REQUIRED, "Table to write: one line per candidate that a variant makes, breaks or shifts."),
        *RULE,
        *computing,
    )

    def variants(vcf: Path, fasta: Path, model: Path, out: Path, **chosen: Any) -> None:
        """Give the change of every candidate that a variant makes, breaks or shifts."""
        from ribolm.files import require_file, require_folder_possible, require_other_than

        require_folder_possible(out.parent)
        require_other_than(out, [require_file(path) for path in (vcf, fasta)])
        rule = rule_of(**{spec.name: chosen.pop(spec.name) for spec in RULE})
        from ribolm.genome.fasta import Genome
        from ribolm.genome.vcf import read_variants
        from ribolm.inference.scan.scorer import ModelScorer
        from ribolm.inference.variants.output import write_effects
        from ribolm.inference.variants.polya import polya_effects
        from ribolm.inference.window_models import load_window_model

        loaded = load_window_model(model)
        scorer = ModelScorer(loaded, prepared(loaded, **chosen))
        genome = Genome.open(fasta)
        effects = polya_effects(scorer, genome, read_variants(vcf, genome), rule)
        counts = write_effects(out, effects, loaded.calibration)
        kinds = ", ".join(f"{counts[kind]:,} {kind}" for kind in ("made", "broken", "shifted"))
        print(f"{out}: {counts['variants']:,} alleles; candidates {kinds}")

    add_command(cli, "variants", specs, variants)
