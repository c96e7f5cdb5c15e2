"""Places that look like poly(A) sites and are known as none: an A with a canonical hexamer, far from every site."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.candidates.hexamers import CandidateRule
from ribolm.candidates.search import Candidates, find_candidates
from ribolm.console import Progress
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.gene_places import Genes
from ribolm.labels.polya.outcomes import Outcomes
from ribolm.labels.polya.strand_letters import Bool, Places, content_keys, letters_around, window_letters

KINDS = ("gene", "intergene")
PRECEDING = {"any": "ACGT", "not-a": "CGT", "cg": "CG"}
BATCH = 1 << 16
BLOCK = 1 << 20


@dataclass(frozen=True)
class Pool:
    """Eligible negatives of one contig: `places`, `key` uint64 (order of the draw, equal for equal windows).

    `hexamer` uint8 and `distance_nt` uint8 as in `Candidates`; `in_gene` bool: on the strand of a gene; all others
    lie in no gene of either strand.
    """

    places: Places
    key: npt.NDArray[np.uint64]
    hexamer: npt.NDArray[np.uint8]
    distance_nt: npt.NDArray[np.uint8]
    in_gene: Bool

    def take(self, rows: npt.NDArray) -> Pool:
        """Some of them."""
        return Pool(
            self.places.take(rows), self.key[rows], self.hexamer[rows], self.distance_nt[rows], self.in_gene[rows]
        )


@dataclass(frozen=True)
class KnownSites:
    """Stretches of every known site, of both strands, by contig: inclusive ends, ascending and apart."""

    contig: Int64
    low0: Int64
    high0: Int64

    @classmethod
    def of(cls, contig: Int64, low0: Int64, high0: Int64, margin_nt: int) -> KnownSites:
        """Widen by `margin_nt` on both sides and unite what overlaps."""
        order = np.lexsort((high0, low0, contig))
        contig, low0, high0 = contig[order], low0[order] - margin_nt, high0[order] + margin_nt
        if not len(contig):
            return cls(contig, low0, high0)
        span = int(high0.max()) + margin_nt + 2
        reach = np.maximum.accumulate(contig * span + high0)
        opens = np.flatnonzero(np.r_[True, (contig * span + low0)[1:] > reach[:-1]])
        return cls(contig[opens], low0[opens], np.maximum.reduceat(contig * span + high0, opens) - contig[opens] * span)

    def near(self, contig: int, at0: Int64) -> Bool:
        """Which places of one contig lie in a stretch, bool [n]."""
        rows = slice(*np.searchsorted(self.contig, [contig, contig + 1]))
        low0, high0 = self.low0[rows], self.high0[rows]
        if not len(low0):
            return np.zeros(len(at0), dtype=bool)
        at = np.searchsorted(low0, at0, side="right") - 1
        return np.asarray((at >= 0) & (at0 <= high0[np.maximum(at, 0)]))


def negative_pools(
    genome: Genome,
    genes: Genes,
    known: KnownSites,
    rule: CandidateRule,
    width_nt: int,
    seed: int,
    contigs: Int64,
    outcomes: Outcomes,
) -> Iterator[tuple[int, Pool]]:
    """Yield (contig, eligible candidates) of the contigs asked for; what is left out is counted in `outcomes`.

    Memory: the candidates of one contig, 30 bytes each, and a block of windows.
    """
    with Progress("searched", int(np.diff(genome.offsets)[contigs].sum()), "nt") as progress:
        for contig in contigs.tolist():
            letters = genome.data[genome.offsets[contig] : genome.offsets[contig + 1]]
            found = find_candidates(letters, rule)
            blocks = [np.arange(low, min(low + BLOCK, len(found))) for low in range(0, max(len(found), 1), BLOCK)]
            parts = [
                _eligible(genome, genes, known, contig, found.take(rows), width_nt, seed, outcomes) for rows in blocks
            ]
            progress.advance(len(letters))
            yield contig, _joined(parts)


def _eligible(
    genome: Genome,
    genes: Genes,
    known: KnownSites,
    contig: int,
    found: Candidates,
    width_nt: int,
    seed: int,
    outcomes: Outcomes,
) -> Pool:
    outcomes.add("candidates", "found", len(found))
    is_near = known.near(contig, found.anchor0)
    outcomes.add("candidates", "near_a_known_site", int(is_near.sum()))
    found = found.take(~is_near)
    places = Places(np.full(len(found), contig, dtype=np.int64), found.anchor0, found.strand)
    in_gene, in_any = genes.covers(places, same_strand=True), genes.covers(places, same_strand=False)
    keep = in_gene | ~in_any
    outcomes.add("candidates", "opposite_to_a_gene", int((~keep).sum()))
    places, found, in_gene = places.take(keep), found.take(keep), in_gene[keep]
    outcomes.add("candidates", "eligible_in_genes", int(in_gene.sum()))
    outcomes.add("candidates", "eligible_between_genes", int((~in_gene).sum()))
    return Pool(places, window_keys(genome, places, width_nt, seed), found.hexamer, found.distance_nt, in_gene)


def window_keys(genome: Genome, places: Places, width_nt: int, seed: int) -> npt.NDArray[np.uint64]:
    """`content_keys` of the window of every place, uint64 [n], a block of windows at a time."""
    keys = np.zeros(len(places), dtype=np.uint64)
    for begin in range(0, len(places), BATCH):
        rows = slice(begin, begin + BATCH)
        part = Places(places.contig[rows], places.at0[rows], places.strand[rows])
        keys[rows] = content_keys(window_letters(genome, part, width_nt), seed)
    return keys


def _joined(parts: list[Pool]) -> Pool:
    key, hexamer, distance, in_gene = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("key", "hexamer", "distance_nt", "in_gene")
    )
    return Pool(Places.joined([part.places for part in parts]), key, hexamer, distance, in_gene)


def preceding_bases(genome: Genome, sites: Places, asked: str) -> tuple[str, str]:
    """Bases that may stand before a negative's A: (letters, reason).

    `auto`: never an A where the sites of the list hardly have one there, for that alone would tell the classes apart.
    """
    if asked != "auto":
        return PRECEDING[asked], "as asked"
    before = letters_around(genome, sites, 1, 0)[:, 0]
    known = before[before != ord("N")]
    if not len(known):
        return PRECEDING["not-a"], "no site tells otherwise"
    share = float((known == ord("A")).mean())
    if share < 0.02:
        return PRECEDING["not-a"], f"{share:.1%} of the sites have an A there"
    return PRECEDING["any"], f"{share:.0%} of the sites have an A there"
