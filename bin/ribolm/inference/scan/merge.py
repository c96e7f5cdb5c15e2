"""The last step of a scan: scored parts in, annotated calls and the tables about them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ribolm.candidates.hexamers import CandidateRule
from ribolm.candidates.regions import read_search_regions
from ribolm.console import notice
from ribolm.errors import UsageError
from ribolm.files import atomic_directory, write_json
from ribolm.genome.annotation import Annotation, read_gtf
from ribolm.genome.contigs import require_one_naming_style, require_shared_contigs
from ribolm.genome.fasta import Genome
from ribolm.inference.calibration import Calibration
from ribolm.inference.scan.annotate import CallAnnotation, KnownSites, annotate, known_sites
from ribolm.inference.scan.asked import Scope
from ribolm.inference.scan.call_files import (
    Columns,
    columns_of,
    composition,
    feature_counts,
    write_calls,
    write_composition,
    write_isoforms,
    write_novel,
    write_table,
)
from ribolm.inference.scan.calls import CallOptions, CallResult, SiteCalls, make_calls
from ribolm.inference.scan.gathered import ScoredCandidates, read_scored, rule_of_parts
from ribolm.inference.scan.recovery import recoveries
from ribolm.inference.scan.scored import scan_provenance
from ribolm.inference.scan.scorer import WindowScorer


@dataclass(frozen=True)
class ScanInputs:
    """Parts of a scan, what was scanned, and what calls are annotated with; `unscored`: candidates without a score."""

    parts: tuple[Path, ...]
    scope: Scope
    annotation: Annotation | None
    known: KnownSites | None
    rule: CandidateRule
    scored: ScoredCandidates
    unscored: int

    @property
    def genome(self) -> Genome:
        """The genome of the scan."""
        return self.scope.genome


@dataclass(frozen=True)
class MergedScan:
    """Calls with their columns, and the numbers behind them."""

    inputs: ScanInputs
    result: CallResult
    about: CallAnnotation
    columns: Columns
    provenance: dict[str, Any]

    @property
    def calls(self) -> SiteCalls:
        """The calls, by contig of the FASTA, place, + before -."""
        return self.result.calls


def open_inputs(
    scorer: WindowScorer,
    parts: Sequence[Path],
    fasta: Path,
    gtf: Path | None,
    known: Path | None,
    regions: Path | None = None,
) -> ScanInputs:
    """Read everything and check that it belongs together. Raises UsageError without a part, DataError for the rest.

    `regions`: what was scanned, None for the whole genome; known sites elsewhere are not asked for. Candidates there
    that no part scores are counted and told.
    """
    if not parts:
        raise UsageError("Give at least one --scored.")
    rule = rule_of_parts(parts)
    genome = Genome.open(fasta)
    annotation = read_gtf(gtf) if gtf else None
    if annotation is not None:
        require_shared_contigs(genome.label, genome.names, annotation.label, annotation.chroms)
        require_one_naming_style(genome.label, genome.names, annotation.label, annotation.chroms)
    sites = known_sites(genome, known, annotation)
    scored = read_scored(parts, genome, scan_provenance(scorer, genome, rule))
    scope = Scope(genome, read_search_regions(regions, genome.lengths, genome.label) if regions else None)
    if regions:
        scope.require(scored, regions)
    return ScanInputs(tuple(parts), scope, annotation, sites, rule, scored, scope.unscored(scored, rule))


def merge_scan(scorer: WindowScorer, inputs: ScanInputs, calibration: Calibration, options: CallOptions) -> MergedScan:
    """Make the calls of a scan and annotate them. Memory: the genome, about 100 bytes per candidate, the calls."""
    result = make_calls(scorer, inputs.genome, inputs.scored, inputs.rule, calibration, options)
    about = annotate(result.calls.candidates.places, inputs.genome, inputs.annotation, inputs.known)
    if not len(inputs.scored):
        notice("the scan holds no candidate; the results are empty.")
    provenance = {**scan_provenance(scorer, inputs.genome, inputs.rule), **vars(options)}
    return MergedScan(inputs, result, about, columns_of(inputs.genome, result.calls, about), provenance)


def write_scan(merged: MergedScan, out: Path, details: Path | None) -> None:
    """Write the BED of calls, and into the folder `details` the tables: parquet, isoforms, new sites, composition.

    `summary.json` there holds prevalence, threshold, false discovery rates and the recovery of known sites.
    """
    if details is not None:
        with atomic_directory(details) as folder:
            write_table(folder / "calls.parquet", merged.columns, merged.provenance)
            n_genes = write_isoforms(folder / "isoforms.tsv", merged.columns, merged.about)
            known = merged.inputs.known
            n_novel = write_novel(folder / "novel_sites.tsv", merged.columns, merged.about, has_known=known is not None)
            write_composition(folder / "composition.tsv", composition(merged.inputs.genome, merged.calls))
            extra = {"genes_with_isoforms": n_genes, "novel_sites": n_novel if known else None}
            write_json(folder / "summary.json", {**summary(merged), **extra})
    write_calls(out, merged.columns)


def summary(merged: MergedScan) -> dict[str, Any]:
    """The numbers of a merged scan, for JSON."""
    result, inputs = merged.result, merged.inputs
    names = inputs.genome.names
    plus = merged.calls.candidates.places.strand > 0
    contigs = [
        np.bincount(part.contig, minlength=len(names))
        for part in (inputs.scored.places, merged.calls.candidates.places)
    ]
    known = recoveries(inputs.scope, result, inputs.known, inputs.scored.logit) if inputs.known else []
    return {
        "candidates": result.n_candidates,
        "unscored_candidates": inputs.unscored,
        "united_candidates": len(result.peaks),
        "calls": len(result.calls),
        "calls_plus": int(plus.sum()),
        "calls_minus": int((~plus).sum()),
        "prevalence": result.prevalence,
        "threshold_logit": result.threshold,
        "fdr_estimate": float(result.calls.fdr.max()) if len(result.calls) else None,
        "least_fdr_estimate": float(result.peaks.fdr.min()) if len(result.peaks) else None,
        "null_groups": len(result.null),
        "features": feature_counts(merged.columns),
        "internally_primed": int(merged.about.is_primed.sum()),
        "per_contig": {
            name: {
                "length_nt": inputs.genome.lengths[name],
                "scanned_nt": inputs.scope.length_nt(name),
                "candidates": int(n),
                "calls": int(m),
            }
            for name, n, m in zip(names, *contigs, strict=True)
            if n
        },
        "known": inputs.known.label if inputs.known else None,
        "known_sites": inputs.scope.account(inputs.known.places) if inputs.known else None,
        "recovery": [one.facts() for one in known],
        "provenance": merged.provenance,
    }
