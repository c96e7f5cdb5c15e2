"""The sub-commands of ribolm-predict that search a genome for poly(A) sites."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.cli import REQUIRED, Spec, add_command
from ribolm.cli.inputs import require_inputs
from ribolm.cli.predict_polya import prepared
from ribolm.errors import UsageError

if TYPE_CHECKING:
    import typer

    from ribolm.candidates.hexamers import CandidateRule

RULE = (
    Spec("hexamer", list[str] | None, None, "Signal hexamer; repeat in order of preference [default: the 18 known]."),
    Spec("nearest_nt", int, 10, "Least distance from the A back to the first base of the hexamer.", {"min": 6}),
    Spec("farthest_nt", int, 35, "Largest such distance.", {"max": 63}),
    Spec("preceding", str, "CG", "Bases of which one stands before the A."),
    Spec("site", str, "A", "Bases of which one is the site itself."),
    Spec("flank_nt", int, 50, "Bases on either side of the A that must be free of N.", {"min": 6}),
    Spec("preferred_nt", int, 20, "Of one hexamer at several distances, the nearest to this gives the name."),
)


def add_scan(cli: "typer.Typer", computing: tuple[Spec, ...]) -> None:
    """Add the sub-commands; `computing` are the options of device and batches that all predictions share."""
    _add_candidates(cli)
    _add_scored(cli, computing)


def _add_candidates(cli: "typer.Typer") -> None:
    specs = (
        Spec("fasta", Path, REQUIRED, "Genome: plain or gzip FASTA."),
        Spec("out", Path, REQUIRED, "BED6 to write, blocked gzip: one line per candidate."),
        Spec("regions", Path | None, None, "BED: only candidates whose A lies inside; strands are obeyed."),
        Spec("chunk_nt", int, 1 << 20, "Bases searched at a time.", {"min": 1}),
        *RULE,
    )

    def candidates(fasta: Path, out: Path, regions: Path | None, chunk_nt: int, **rule: Any) -> None:
        """Find candidate poly(A) sites: an A after C or G with a signal hexamer upstream."""
        require_inputs(out, (fasta, regions))
        from ribolm.candidates.output import write_candidates
        from ribolm.candidates.regions import read_search_regions
        from ribolm.genome.fasta import Genome

        chosen = rule_of(**rule)
        genome = Genome.open(fasta)
        where = read_search_regions(regions, genome.lengths, genome.label) if regions else None
        counts = write_candidates(out, genome, chosen, where, chunk_nt)
        print(f"{out}: {counts.candidates:,} candidates, {counts.plus:,} on + and {counts.minus:,} on -")

    add_command(cli, "candidates", specs, candidates)


def _add_scored(cli: "typer.Typer", computing: tuple[Spec, ...]) -> None:
    specs = (
        Spec("model", Path, REQUIRED, "Model folder, trained with --level sequence."),
        Spec("fasta", Path, REQUIRED, "Genome in which the candidates were found."),
        Spec("candidates", Path, REQUIRED, "BED6 of `ribolm-predict candidates`, all of it or a part."),
        Spec("out", Path, REQUIRED, "Parquet to write: one row per candidate."),
        *RULE,
        *computing,
    )

    def scan(model: Path, fasta: Path, candidates: Path, out: Path, **chosen: Any) -> None:
        """Score every candidate by a model of windows; unmerged, for `ribolm-predict merge`."""
        require_inputs(out, (fasta, candidates))
        rule = rule_of(**{spec.name: chosen.pop(spec.name) for spec in RULE})
        from ribolm.genome.fasta import Genome
        from ribolm.inference.scan.scored import scan_candidates
        from ribolm.inference.scan.scorer import ModelScorer
        from ribolm.inference.window_models import load_window_model

        loaded = load_window_model(model)
        scorer = ModelScorer(loaded, prepared(loaded, **chosen))
        n = scan_candidates(scorer, Genome.open(fasta), candidates, out, rule)
        print(f"{out}: {n:,} candidates scored")

    add_command(cli, "scan", specs, scan)


def rule_of(hexamer: list[str] | None, preceding: str, site: str, **numbers: int) -> "CandidateRule":
    """The rule of the options; hexamers and bases in either case, RNA letters allowed."""
    from ribolm.candidates.hexamers import HEXAMERS, CandidateRule

    hexamers, before, bases = (
        tuple(text.upper().replace("U", "T") for text in texts)
        for texts in (hexamer or HEXAMERS, (preceding,), (site,))
    )
    if any(numbers[key] > 1 << 20 for key in ("flank_nt", "preferred_nt")):
        raise UsageError("--flank-nt and --preferred-nt are wider than any window. Give smaller ones.")
    return CandidateRule(hexamers=hexamers, preceding=before[0], site=bases[0], **numbers)
