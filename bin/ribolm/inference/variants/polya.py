"""Candidate poly(A) sites that variants make, break or shift, scored with either allele by a model of windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from ribolm.candidates.hexamers import CandidateRule
from ribolm.candidates.search import find_candidates
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.genome.vcf import Variant
from ribolm.inference.batches import Float32
from ribolm.inference.scan.scorer import HEXAMER_ANCHOR_NT, WindowScorer, best_of_hexamers, score_places
from ribolm.inference.variants.effects import Effect, compared
from ribolm.inference.variants.haplotypes import Haplotypes, haplotypes_of
from ribolm.labels.polya.strand_letters import Places

VARIANTS_AT_ONCE = 1024


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
    return compared(haplotypes, variants, places, names, logits)


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
