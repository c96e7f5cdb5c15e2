"""Stretches of one strand that are read token by token: crops around 3' ends, background, whole genes in tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ribolm.errors import UsageError
from ribolm.genome.annotation import Annotation
from ribolm.genome.coordinates import Int64, overlap_clusters
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.gene_places import REACH_NT, Genes
from ribolm.labels.polya.strand_letters import Int8, Places

TAIL_NT = 100  # behind the last exon: the anchor of a site lies one base behind it, a causal model reads on
INSIDE_SHARE = 0.25  # an end so far from the edges of a crop needs no crop of its own
TRIES = 50


@dataclass(frozen=True)
class Stretches:
    """Intervals of one strand; arrays of one length n.

    `contig`, `start0`, `end0` int64, `strand` int8; `core_start0`, `core_end0` int64: the bases that count, the others
    are context; `gene` int64: row of `Genes`; `cluster` int64: unit of splits; `kind`: end, background or gene.
    """

    contig: Int64
    start0: Int64
    end0: Int64
    strand: Int8
    core_start0: Int64
    core_end0: Int64
    gene: Int64
    cluster: Int64
    kind: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.start0)

    def known(self, genome: Genome, share: float) -> Stretches:
        """Those of whose bases more than a share is known."""
        spans = zip(self.contig.tolist(), self.start0.tolist(), self.end0.tolist(), strict=True)
        keep = []
        for row, (contig, start0, end0) in enumerate(spans):
            letters = genome.data[genome.offsets[contig] + start0 : genome.offsets[contig] + end0]
            if np.count_nonzero(letters != ord("N")) > share * len(letters):
                keep.append(row)
        columns = {name: value[keep] for name, value in vars(self).items() if name != "kind"}
        return Stretches(**columns, kind=tuple(self.kind[row] for row in keep))

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, int, int, int, int, int]], kind: Sequence[str]) -> Stretches:
        """Gather rows of (contig, start0, end0, strand, core_start0, core_end0, gene, cluster)."""
        columns = np.array(rows, dtype=np.int64).reshape(-1, 8).T
        contig, start0, end0, strand, low, high, gene, cluster = columns
        return cls(contig, start0, end0, strand.astype(np.int8), low, high, gene, cluster, tuple(kind))


@dataclass(frozen=True)
class Territories:
    """Where each cluster of genes reaches, widened and cut at the contig's ends: they share no base with each other."""

    low0: Int64
    high0: Int64

    @classmethod
    def of(cls, genes: Genes, genome: Genome) -> Territories:
        """Arrays by number of the cluster, int64 [clusters]."""
        n = int(genes.cluster.max()) + 1 if len(genes) else 0
        low0, high0 = np.full(n, np.iinfo(np.int64).max), np.zeros(n, dtype=np.int64)
        np.minimum.at(low0, genes.cluster, np.maximum(genes.start0 - REACH_NT, 0))
        ends = np.minimum(genes.end0 + REACH_NT, np.diff(genome.offsets)[genes.contig])
        np.maximum.at(high0, genes.cluster, ends)
        return cls(low0, high0)


def transcript_ends(annotation: Annotation, genome: Genome) -> Places:
    """The base behind the last one of every transcript on the genome, each once."""
    index = {name: k for k, name in enumerate(genome.names)}
    exons = annotation.exons
    contig = np.array([index.get(name, -1) for name in annotation.chroms], dtype=np.int64)[exons.chrom]
    exons, contig = exons.take(contig >= 0), contig[contig >= 0]
    key = exons.transcript.astype(np.int64) * (len(index) + 1) + contig
    _, first, of_exon = np.unique(key, return_index=True, return_inverse=True)
    low, high = np.full(len(first), np.iinfo(np.int64).max), np.zeros(len(first), dtype=np.int64)
    np.minimum.at(low, of_exon, exons.start0)
    np.maximum.at(high, of_exon, exons.end0)
    strand = exons.strand[first]
    places = np.unique(np.stack([contig[first], np.where(strand > 0, high, low - 1), strand]), axis=1)
    inside = (places[1] >= 0) & (places[1] < np.diff(genome.offsets)[places[0]])
    return Places(places[0][inside], places[1][inside], places[2][inside].astype(np.int8))


def crops(
    genes: Genes, territories: Territories, ends: Places, crop_nt: int, background: float, seed: int
) -> Stretches:
    """Crops of `crop_nt` around 3' ends, the end anywhere in them, and `background` times as many elsewhere in genes.

    None leaves the territory of its cluster of genes; background shares no base with a crop of its strand. Ends in no
    gene are left out. Raises UsageError for crops shorter than 100 nt.
    """
    if crop_nt < 100:
        raise UsageError(f"--crop {crop_nt} is too short for a site and its signals. Ask for 100 nt or more.")
    random = np.random.Generator(np.random.Philox(seed))
    owner = genes.owner(ends)
    rows: list[tuple[int, ...]] = []
    taken: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for k in ends.order().tolist():
        if owner[k] < 0:
            continue
        gene, at0 = int(owner[k]), int(ends.at0[k])
        lane = (int(genes.contig[gene]), int(genes.strand[gene]))
        last = taken.setdefault(lane, [(-1, -1)])[-1]
        edge = int(INSIDE_SHARE * crop_nt)
        shift = int(random.integers(edge, crop_nt - edge + 1))
        if last[0] + edge <= at0 < last[1] - edge:
            continue
        row = _within(genes, territories, gene, at0 - shift, crop_nt)
        taken[lane].append((row[1], row[2]))
        rows.append(row)
    n_ends = len(rows)
    rows += _background(genes, territories, taken, round(background * n_ends), crop_nt, random)
    return Stretches.of(rows, ["end"] * n_ends + ["background"] * (len(rows) - n_ends))  # type: ignore[arg-type]


def _within(genes: Genes, territories: Territories, gene: int, start0: int, crop_nt: int) -> tuple[int, ...]:
    cluster = int(genes.cluster[gene])
    low, high = int(territories.low0[cluster]), int(territories.high0[cluster])
    start0 = max(low, min(start0, high - crop_nt))
    end0 = min(start0 + crop_nt, high)
    contig, strand = int(genes.contig[gene]), int(genes.strand[gene])
    return contig, start0, end0, strand, start0, end0, gene, cluster


def _background(
    genes: Genes,
    territories: Territories,
    taken: dict[tuple[int, int], list[tuple[int, int]]],
    n: int,
    crop_nt: int,
    random: np.random.Generator,
) -> list[tuple[int, ...]]:
    """Crops that begin anywhere in genes, each base as likely, as far as free ones are found."""
    if not len(genes) or not n:
        return []
    covered = {lane: sorted(spans) for lane, spans in taken.items()}
    starts = {lane: np.array([low for low, _ in spans]) for lane, spans in covered.items()}
    reach = {lane: np.maximum.accumulate([high for _, high in spans]) for lane, spans in covered.items()}
    before = np.r_[0, np.cumsum(genes.end0 - genes.start0)]
    rows: list[tuple[int, ...]] = []
    for _ in range(TRIES * n):
        base = int(random.integers(before[-1]))
        gene = int(np.searchsorted(before, base, side="right")) - 1
        row = _within(genes, territories, gene, int(genes.start0[gene]) + base - int(before[gene]), crop_nt)
        lane = (row[0], row[3])
        at = int(np.searchsorted(starts[lane], row[2])) if lane in starts else 0
        if not at or reach[lane][at - 1] <= row[1]:
            rows.append(row)
            if len(rows) == n:
                break
    return rows


def gene_tiles(genes: Genes, territories: Territories, rows: Int64, tile_nt: int, overlap_nt: int) -> Stretches:
    """Whole genes, 100 nt behind their ends included, in tiles that share `overlap_nt`; every base counts in one tile.

    `rows`: genes asked for. Genes of one strand that overlap are one stretch. Raises UsageError for an overlap that
    leaves no core.
    """
    if not 0 <= overlap_nt < tile_nt:
        raise UsageError(f"--overlap {overlap_nt} does not fit tiles of {tile_nt} nt. Choose 0 ≤ --overlap < --tile.")
    strand = genes.strand[rows]
    low = np.where(strand > 0, genes.start0[rows], genes.start0[rows] - TAIL_NT)
    high = np.where(strand > 0, genes.end0[rows] + TAIL_NT, genes.end0[rows])
    low = np.maximum(low, territories.low0[genes.cluster[rows]])
    high = np.minimum(high, territories.high0[genes.cluster[rows]])
    order, number = overlap_clusters(genes.contig[rows] * 2 + (strand > 0), low, high)
    opens = np.flatnonzero(np.r_[True, np.diff(number) > 0]) if len(order) else np.zeros(0, dtype=np.int64)
    ends = np.maximum.reduceat(high[order], opens) if len(opens) else opens
    found: list[tuple[int, ...]] = []
    for first, end0 in zip(order[opens].tolist(), ends.tolist(), strict=True):
        gene = int(rows[first])
        place = (int(genes.contig[gene]), int(genes.strand[gene]), gene, int(genes.cluster[gene]))
        for start0, stop0, core0, core_end0 in tiles(int(low[first]), end0, tile_nt, overlap_nt):
            found.append((place[0], start0, stop0, place[1], core0, core_end0, place[2], place[3]))
    return Stretches.of(found, ["gene"] * len(found))  # type: ignore[arg-type]


def tiles(low0: int, high0: int, tile_nt: int, overlap_nt: int) -> list[tuple[int, int, int, int]]:
    """Cover [low0, high0) with tiles (start0, end0, core_start0, core_end0); the cores touch and never overlap.

    All tiles but the only one are `tile_nt` long: the last is moved back, its core is what is left.
    """
    length = high0 - low0
    if length <= tile_nt:
        return [(low0, high0, low0, high0)]
    stride = tile_nt - overlap_nt
    n = -(-(length - tile_nt) // stride) + 1
    starts = [min(low0 + k * stride, high0 - tile_nt) for k in range(n)]
    edges = [low0, *((start + before + tile_nt) // 2 for before, start in pairwise(starts)), high0]
    return [(start, start + tile_nt, edges[k], edges[k + 1]) for k, start in enumerate(starts)]
