"""From genome, genes and a site list to labelled sets: the order of the steps and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ribolm.candidates.hexamers import CandidateRule
from ribolm.console import choice, notice
from ribolm.errors import UsageError
from ribolm.genome.annotation import Annotation, read_gtf
from ribolm.genome.contigs import require_one_naming_style, require_shared_contigs
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.anchors import base_table, find_anchors
from ribolm.labels.polya.gene_places import Genes
from ribolm.labels.polya.given_sites import GivenSites, SiteRules, place_sites
from ribolm.labels.polya.negatives import KnownSites, preceding_bases
from ribolm.labels.polya.outcomes import Outcomes
from ribolm.labels.polya.sets import LabelledSet, SetRules, build_sets, search_rule
from ribolm.labels.polya.signals import SignalShare, measure_signals, warn_at_chance
from ribolm.labels.polya.site_lists import read_site_list

MANY_UNKNOWN = 0.1
NARROWEST_NT = 11


@dataclass(frozen=True)
class PolyaInputs:
    """Files: genome, genes, sites in a known format or `auto`, further lists that negatives keep clear of."""

    fasta: Path
    gtf: Path
    sites: Path
    format: str = "auto"
    also_known: tuple[Path, ...] = ()


@dataclass(frozen=True)
class SearchOptions:
    """Where a negative's hexamer may start (nt upstream) and what may stand before its A (a key of `PRECEDING`).

    `margin_nt` None: one window, so that no negative's window shares a base with that of a site. A window of even width
    has its anchor behind its middle, so that it reaches a base farther on the other strand.
    """

    nearest_nt: int = 10
    farthest_nt: int = 35
    preceding: str = "auto"
    margin_nt: int | None = None


@dataclass(frozen=True)
class PolyaData:
    """All that was made: `bases` counts letters around the anchors of positives, `signals` judges the list."""

    genome: Genome
    genes: Genes
    given: GivenSites
    sets: tuple[LabelledSet, ...]
    rule: CandidateRule
    rules: SetRules
    site_rules: SiteRules
    bases: list[tuple[int, dict[str, int]]]
    signals: SignalShare
    outcomes: Outcomes


def open_genome_and_genes(fasta: Path, gtf: Path) -> tuple[Genome, Annotation]:
    """Open both. Raises DataError where their contigs are named in two styles or none is shared."""
    genome, annotation = Genome.open(fasta), read_gtf(gtf)
    require_shared_contigs(genome.label, list(genome.names), annotation.label, annotation.chroms)
    require_one_naming_style(genome.label, list(genome.names), annotation.label, annotation.chroms)
    return genome, annotation


def build_polya(inputs: PolyaInputs, site_rules: SiteRules, search: SearchOptions, rules: SetRules) -> PolyaData:
    """Read, place, judge, search, draw. Cost: about 0.1 µs per base of the contigs with sites, and 1 µs per candidate.

    A list without sites gives sets without rows. Raises DataError for what the parts refuse, UsageError for a window
    too narrow to hold the A and bases around it.
    """
    if rules.width_nt < NARROWEST_NT:
        raise UsageError(f"--width {rules.width_nt} is too narrow. Ask for {NARROWEST_NT} nt or more.")
    if not rules.hexamers:
        raise UsageError("--hexamers names none. Name one or more, as AATAAA,ATTAAA.")
    sites = read_site_list(inputs.sites, inputs.format)
    genome, annotation = open_genome_and_genes(inputs.fasta, inputs.gtf)
    genes, outcomes = Genes.of(annotation, genome), Outcomes()
    naming = search_rule("ACGT", search.nearest_nt, search.farthest_nt, rules.width_nt, rules.hexamers)
    given = place_sites(sites, genome, genes, naming, site_rules, outcomes)
    signals = measure_signals(genome, given.places, naming)
    warn_at_chance(inputs.sites.name, signals)
    _warn_of_unknown(inputs.sites.name, given)
    positives = given.places.take(given.kept)
    if not len(positives):
        notice(f"{inputs.sites.name}: without a site every set is valid and empty, with nothing to train on.")
    margin_nt = search.margin_nt
    if margin_nt is None:
        margin_nt = rules.width_nt - rules.width_nt % 2
        choice("--margin", margin_nt, "windows of negatives share no base with windows of known sites")
    preceding, reason = preceding_bases(genome, positives, search.preceding)
    choice("bases before a negative's A", preceding, reason)
    rules = replace(rules, margin_nt=margin_nt)
    rule = replace(naming, preceding=preceding)
    known = _known(given, inputs.also_known, genome, margin_nt)
    sets = build_sets(genome, genes, given, known, rule, rules, outcomes)
    bases = base_table(genome, positives)
    return PolyaData(genome, genes, given, tuple(sets), rule, rules, site_rules, bases, signals, outcomes)


def _known(given: GivenSites, also_known: Sequence[Path], genome: Genome, margin_nt: int) -> KnownSites:
    """Stretches of all rows of all lists, signals and pseudo-sites included, on both strands."""
    lists = [given.anchors, *(find_anchors(read_site_list(path), genome) for path in also_known)]
    contig = np.concatenate([one.places.contig for one in lists])
    low0, high0 = (np.concatenate([getattr(one, end) for one in lists]) for end in ("known_low0", "known_high0"))
    return KnownSites.of(contig, low0, high0, margin_nt)


def _warn_of_unknown(label: str, given: GivenSites) -> None:
    lost = int(np.isin(given.outcome, ("base_unknown", "window_with_n")).sum())
    if lost > MANY_UNKNOWN * max(len(given), 1):
        notice(f"{label}: {lost:,} of {len(given):,} sites lie in or beside unknown bases (N) and are left out.")
