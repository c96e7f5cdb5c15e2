"""Candidate poly(A) sites that variants make, break or shift, scored with either allele by a model of windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ribolm.candidates.hexamers import CandidateRule
from ribolm.candidates.search import find_candidates
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.genome.vcf import Variant
from ribolm.inference.batches import Float32
from ribolm.inference.scan.scorer import HEXAMER_ANCHOR_NT, WindowScorer, best_of_hexamers, score_places
from ribolm.inference.variants.haplotypes import Haplotypes, haplotypes_of
from ribolm.labels.polya.strand_letters import Places

VARIANTS_AT_ONCE = 1024


@dataclass(frozen=True)
class Site:
    """A candidate with one of the alleles: its name and its logit."""

    name: str
    logit: float


@dataclass(frozen=True)
class Effect:
    """What a variant does to one candidate; `start0`: its A on the reference, of an inserted A the base before it.

    `reference` None: the variant makes the candidate; `alternative` None: it breaks it; both: it shifts its logit, or
    the hexamer that names it.
    """

    variant: Variant
    start0: int
    strand: str
    reference: Site | None
    alternative: Site | None

    @property
    def kind(self) -> str:
        """made, broken or shifted."""
        return "made" if self.reference is None else "broken" if self.alternative is None else "shifted"


def polya_effects(
    scorer: WindowScorer, genome: Genome, variants: Iterable[Variant], rule: CandidateRule
) -> Iterator[tuple[Variant, list[Effect]]]:
    """Every variant with its effects, ascending by place, + before −; none where no candidate changes.

    Both alleles are read with everything around them that can reach a candidate's window, so that the effects do not
    depend on other variants. Memory: a thousand variants at a time.
    """
    rest = iter(variants)
    while block := tuple(islice(rest, VARIANTS_AT_ONCE)):
        yield from zip(block, _effects_of(scorer, genome, block, rule), strict=True)


def _effects_of(
    scorer: WindowScorer, genome: Genome, variants: Sequence[Variant], rule: CandidateRule
) -> list[list[Effect]]:
    upstream_nt, downstream_nt = reach_of(scorer, rule)
    haplotypes = haplotypes_of(genome, variants, 2 * (upstream_nt + downstream_nt) + scorer.window_nt)
    places, names, distance_nt = _candidates(haplotypes, rule)
    near = haplotypes.upstream_nt(places) <= upstream_nt
    near &= haplotypes.downstream_nt(places) <= downstream_nt
    places, names, distance_nt = places.take(near), names[near], distance_nt[near]
    logits = _logits(scorer, haplotypes.sequence, places, distance_nt, rule)
    on_reference = haplotypes.reference_places(places.contig, places.at0)
    inserted = haplotypes.is_inserted(places.contig, places.at0)
    # inserted bases have no partner: they differ by their own index, others by −1
    own = np.where(inserted, places.at0, -1)
    found: list[dict[tuple[int, int, int], dict[int, Site]]] = [{} for _ in variants]
    rows = zip(
        places.contig.tolist(), on_reference.tolist(), places.strand.tolist(), own.tolist(), names.tolist(),
        logits.tolist(), strict=True,
    )  # fmt: skip
    for contig, start0, strand, index, name, logit in rows:
        found[contig // 2].setdefault((start0, -strand, index), {})[contig % 2] = Site(name, logit)
    return [
        [
            Effect(variant, start0, "+" if minus_strand < 0 else "-", alleles.get(0), alleles.get(1))
            for (start0, minus_strand, _), alleles in sorted(sites.items())
            if len(alleles) == 1 or alleles[0] != alleles[1]
        ]
        for variant, sites in zip(variants, found, strict=True)
    ]


def reach_of(scorer: WindowScorer, rule: CandidateRule) -> tuple[int, int]:
    """How many bases upstream and downstream of its A a candidate depends on: by its windows, and by the rule."""
    before_nt, after_nt = scorer.anchor_offset0, scorer.window_nt - 1 - scorer.anchor_offset0
    if scorer.anchor == "hexamer":
        before_nt += rule.farthest_nt - HEXAMER_ANCHOR_NT
        after_nt -= rule.nearest_nt - HEXAMER_ANCHOR_NT
    return max(before_nt, rule.flank_nt, rule.farthest_nt), max(after_nt, rule.flank_nt)


def _candidates(haplotypes: Haplotypes, rule: CandidateRule) -> tuple[Places, np.ndarray, Int64]:
    """Candidates of all stretches, their names (object [m]) and distances in nt; one search, with N between."""
    sequence = haplotypes.sequence
    lengths = np.diff(sequence.offsets)
    starts = sequence.offsets[:-1] + rule.flank_nt * np.arange(len(lengths))
    text = np.full(int(lengths.sum()) + rule.flank_nt * len(lengths), ord("N"), dtype=np.uint8)
    contig_of_base = np.repeat(np.arange(len(lengths)), lengths)
    text[np.arange(len(contig_of_base)) + rule.flank_nt * contig_of_base] = sequence.data
    found = find_candidates(text, rule)
    contig = np.searchsorted(starts, found.anchor0, side="right") - 1
    pairs = zip(found.hexamer.tolist(), found.distance_nt.tolist(), strict=True)
    names = np.array([rule.name(hexamer, distance) for hexamer, distance in pairs], dtype=object)
    places = Places(contig.astype(np.int64), found.anchor0 - starts[contig], found.strand)
    return places, names, found.distance_nt.astype(np.int64)


def _logits(scorer: WindowScorer, sequence: Genome, places: Places, distance_nt: Int64, rule: CandidateRule) -> Float32:
    if not len(places):
        return np.zeros(0, dtype=np.float32)
    if scorer.anchor == "cleavage":
        return score_places(scorer, sequence, places)
    return best_of_hexamers(scorer, sequence, places, distance_nt, rule)
