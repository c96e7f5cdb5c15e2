"""Genes as stretches of one strand: what lies in a gene, what between genes, and which gene a site belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ribolm.genome.annotation import Annotation
from ribolm.genome.coordinates import Int64, overlap_clusters
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.strand_letters import Bool, Int8, Places

REACH_NT = 1000  # a site so far behind the end of a gene still belongs to it


@dataclass(frozen=True)
class Genes:
    """Stretches from the first to the last exon of a gene on one contig and strand; arrays of one length n.

    `contig` int64 (index in the genome), `start0`, `end0` int64, `strand` int8, `gene` int64 (index of `names`).
    `cluster` int64: genes whose stretches, widened by `REACH_NT`, overlap on either strand share one.
    """

    names: tuple[str, ...]
    contig: Int64
    start0: Int64
    end0: Int64
    strand: Int8
    gene: Int64
    cluster: Int64

    def __len__(self) -> int:
        return len(self.gene)

    @classmethod
    def of(cls, annotation: Annotation, genome: Genome) -> Genes:
        """The genes of an annotation on the contigs of a genome, by contig and start."""
        index = {name: k for k, name in enumerate(genome.names)}
        contig = np.array([index.get(name, -1) for name in annotation.chroms], dtype=np.int64)[annotation.exons.chrom]
        exons = annotation.exons.take(contig >= 0)
        contig, gene = contig[contig >= 0], annotation.transcript_gene[exons.transcript].astype(np.int64)
        place = (gene * len(index) + contig) * 2 + (exons.strand > 0)
        _, first, of_exon = np.unique(place, return_index=True, return_inverse=True)
        start0, end0 = np.full(len(first), np.iinfo(np.int64).max), np.zeros(len(first), dtype=np.int64)
        np.minimum.at(start0, of_exon, exons.start0)
        np.maximum.at(end0, of_exon, exons.end0)
        order = np.lexsort((end0, start0, contig[first]))
        first, start0, end0 = first[order], start0[order], end0[order]
        by_place, number = overlap_clusters(contig[first], np.maximum(start0 - REACH_NT, 0), end0 + REACH_NT)
        cluster = np.empty(len(first), dtype=np.int64)
        cluster[by_place] = number
        return cls(annotation.genes, contig[first], start0, end0, exons.strand[first], gene[first], cluster)

    def covers(self, places: Places, same_strand: bool) -> Bool:
        """Whether a gene holds each place, on its strand or on any, bool [n]."""
        found = np.zeros(len(places), dtype=bool)
        for strand in (1, -1):
            mine = np.flatnonzero(places.strand == strand)
            rows = self.strand == strand if same_strand else np.ones(len(self), dtype=bool)
            found[mine] = _covered(self.contig[rows], self.start0[rows], self.end0[rows], places.take(mine))
        return found

    def owner(self, places: Places) -> Int64:
        """Row of the gene of each place, int64 [n], -1 without.

        The gene of its strand that holds it, the one with the nearest 3' end first; else one whose 3' end lies at
        most `REACH_NT` upstream.
        """
        owner = np.full(len(places), -1, dtype=np.int64)
        best = np.full(len(places), np.iinfo(np.int64).max)
        order = places.order()
        contig, at0 = places.contig[order], places.at0[order]
        span = int(max(at0.max(initial=0), self.end0.max(initial=0))) + 2 * REACH_NT + 1
        key = contig * span + at0
        for row in range(len(self)):
            reach = (0, REACH_NT) if self.strand[row] > 0 else (REACH_NT, 0)
            low, high = int(self.start0[row]) - reach[0], int(self.end0[row]) + reach[1]
            base = int(self.contig[row]) * span
            rows = order[np.searchsorted(key, base + max(low, 0)) : np.searchsorted(key, base + high)]
            rows = rows[places.strand[rows] == self.strand[row]]
            end = self.end0[row] - 1 if self.strand[row] > 0 else self.start0[row]
            beyond = (places.at0[rows] - end) * int(self.strand[row])
            far = np.where(beyond > 0, beyond + (1 << 40), -beyond)
            nearer = far < best[rows]
            owner[rows[nearer]], best[rows[nearer]] = row, far[nearer]
        return owner

    def cluster_of(self, contig: Int64, start0: Int64, end0: Int64) -> Int64:
        """Cluster that shares bases with each interval, the first of several, int64 [n]; -1 without."""
        if not len(self):
            return np.full(len(contig), -1, dtype=np.int64)
        first = np.flatnonzero(np.r_[True, np.diff(self.cluster[np.argsort(self.cluster, kind="stable")]) > 0])
        by_cluster = np.argsort(self.cluster, kind="stable")
        low = np.minimum.reduceat(self.start0[by_cluster], first) - REACH_NT
        high = np.maximum.reduceat(self.end0[by_cluster], first) + REACH_NT
        where, number = self.contig[by_cluster][first], self.cluster[by_cluster][first]
        span = int(max(high.max(), end0.max(initial=0))) + REACH_NT + 1
        order = np.argsort(where * span + high)
        at = np.searchsorted((where * span + high)[order], contig * span + start0, side="right")
        found = order[np.minimum(at, len(order) - 1)]
        hit = (at < len(order)) & (where[found] == contig) & (low[found] < end0)
        return np.where(hit, number[found], -1).astype(np.int64)


def _covered(contig: Int64, start0: Int64, end0: Int64, places: Places) -> Bool:
    """Whether any interval (ascending by contig and start) holds each place."""
    if not len(contig) or not len(places):
        return np.zeros(len(places), dtype=bool)
    order, cluster = overlap_clusters(contig, start0, end0)
    opens = np.flatnonzero(np.r_[True, np.diff(cluster) > 0])
    where, low = contig[order][opens], start0[order][opens]
    high = np.maximum.reduceat(end0[order], opens)
    span = int(max(high.max(), places.at0.max())) + 1
    at = np.searchsorted(where * span + low, places.contig * span + places.at0, side="right") - 1
    found = np.maximum(at, 0)
    return np.asarray((at >= 0) & (where[found] == places.contig) & (places.at0 < high[found]))
