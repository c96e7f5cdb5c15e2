"""How much of the planted truth a peak call finds, at any p-value cutoff.

A called peak is a true positive when its blocks share at least one base, on the same strand, with the region of a site
that the group has (`truth/regions.bed`: one mean fragment length around it on its transcripts). A site is found when a
called peak shares a base with its region. Regions of one gene do not meet, so one peak seldom serves two sites.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ribolm.genome.coordinates import STRAND_CODE, Int64, overlapping_pairs
from ribolm.genome.regions import Region, read_bed

PEAKS, TRUE_PEAKS, SITES, FOUND_SITES = range(4)


@dataclasses.dataclass(frozen=True)
class Recovery:
    """Counts per gene at one cutoff, int64 [genes, 4]: peaks, true peaks, sites, found sites."""

    per_gene: Int64

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Peaks, true peaks, sites, found sites over all genes."""
        peaks, true, sites, found = (int(x) for x in self.per_gene.sum(axis=0))
        return peaks, true, sites, found

    @property
    def precision(self) -> float:
        """True peaks over peaks; NaN without a peak."""
        return float(_ratio(self.per_gene.sum(axis=0), TRUE_PEAKS, PEAKS))

    @property
    def recall(self) -> float:
        """Found sites over sites; NaN without a site."""
        return float(_ratio(self.per_gene.sum(axis=0), FOUND_SITES, SITES))

    def intervals(self, rng: np.random.Generator, rounds: int = 1000) -> tuple[tuple[float, float], ...]:
        """95 % percentile intervals of precision and recall over genes drawn with replacement; NaN where undefined."""
        n = len(self.per_gene)
        weights = rng.multinomial(n, np.full(n, 1 / n), size=rounds)
        sums = weights @ self.per_gene
        found = []
        for top, bottom in ((TRUE_PEAKS, PEAKS), (FOUND_SITES, SITES)):
            defined = _ratio(sums[sums[:, bottom] > 0], top, bottom)
            low, high = np.quantile(defined, [0.025, 0.975]) if len(defined) else (np.nan, np.nan)
            found.append((float(low), float(high)))
        return tuple(found)


def _ratio(sums: Int64, top: int, bottom: int) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.asarray(sums[..., top] / np.where(sums[..., bottom] > 0, sums[..., bottom], np.nan))


@dataclasses.dataclass(frozen=True)
class ScoredBins:
    """Bins of one call beside the sites of one group, sorted by bin number.

    Per bin: `number`, `gene` (below `n_genes`), `width_nt` int64, `p_value` float64. `pair_bin` and `pair_site` int64
    index the bins and sites whose blocks share bases. Per site: `site_gene` int64, `expected_input` float64 (fragments
    of one input library that hold it).
    """

    number: Int64
    gene: Int64
    n_genes: int
    width_nt: Int64
    p_value: np.ndarray
    pair_bin: Int64
    pair_site: Int64
    site_gene: Int64
    expected_input: np.ndarray

    def at(self, p_cutoff: float, least_expected_input: float = 0.0, least_width_nt: int = 25) -> Recovery:
        """Merge consecutive bins with p ≤ cutoff into peaks and count; sites below an expected coverage left out.

        Left-out sites still make peaks true, so that precision does not depend on `least_expected_input`.
        """
        rows = np.flatnonzero(self.p_value <= p_cutoff)
        opens = np.r_[True, (np.diff(self.number[rows]) != 1) | (np.diff(self.gene[rows]) != 0)][: len(rows)]
        peak = np.cumsum(opens) - 1
        wide = np.bincount(peak, weights=self.width_nt[rows]) >= least_width_nt
        kept = wide[peak] if len(rows) else np.zeros(0, dtype=bool)
        rows, peak, peak_gene = rows[kept], peak[kept], self.gene[rows[opens]]
        called = np.zeros(len(self.number), dtype=bool)
        called[rows] = True
        hit = np.zeros(len(self.number), dtype=bool)
        hit[self.pair_bin] = True
        true = np.unique(peak[hit[rows]])
        in_universe = np.flatnonzero(self.expected_input >= least_expected_input)
        found = np.intersect1d(np.unique(self.pair_site[called[self.pair_bin]]), in_universe)
        columns = (peak_gene[np.flatnonzero(wide)], peak_gene[true], self.site_gene[in_universe], self.site_gene[found])
        return Recovery(np.stack([np.bincount(genes, minlength=self.n_genes) for genes in columns], axis=1))


def score_bins(bins_parquet: Path, truth: Path, group: str, stranded: bool = True) -> ScoredBins:
    """Put the bins of `ribolm-peaks call` beside the sites that a group has; `truth` is the simulation's folder.

    Cost: sorting the blocks of bins and regions.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(bins_parquet).sort_by("bin")
    column = {name: np.asarray(table[name].to_numpy()) for name in ("bin", "gene", "chrom", "strand", "p_value")}
    blocks = [
        [(a, a + size) for a, size in zip(starts0, sizes, strict=True)]
        for starts0, sizes in zip(table["block_starts0"].to_pylist(), table["block_sizes"].to_pylist(), strict=True)
    ]
    sites, regions, field = _sites_of(truth, group)
    site_genes = [site.extra[field["gene"]] for site in sites]
    genes = {name: index for index, name in enumerate(sorted({*column["gene"].tolist(), *site_genes}))}
    lane = _Lanes(stranded)
    in_bins = _flat([lane.number(*at) for at in zip(column["chrom"], column["strand"], strict=True)], blocks)
    in_regions = _flat([lane.number(r.chrom, r.strand) for r in regions], [r.blocks for r in regions])
    pair_bin, pair_site = _pairs(in_bins, in_regions)
    return ScoredBins(
        column["bin"].astype(np.int64),
        np.array([genes[name] for name in column["gene"]], dtype=np.int64),
        len(genes),
        np.array([sum(b - a for a, b in parts) for parts in blocks], dtype=np.int64),
        column["p_value"],
        pair_bin,
        pair_site,
        np.array([genes[name] for name in site_genes], dtype=np.int64),
        np.array([float(site.extra[field["expected_input_fragments"]]) for site in sites]),
    )


def _sites_of(truth: Path, group: str) -> tuple[list[Region], list[Region], dict[str, int]]:
    """Sites that a group has, the region of each, and the place of every named extra column."""
    with (truth / "sites.bed").open(encoding="utf-8") as handle:
        names = handle.readline().lstrip("#").rstrip("\n").split("\t")
    field = {name: k - 6 for k, name in enumerate(names)}
    sites = [site for site in read_bed(truth / "sites.bed") if site.extra[field[group]] == "1"]
    region_of = {region.name: region for region in read_bed(truth / "regions.bed")}
    return sites, [region_of[site.name] for site in sites], field


def _flat(lanes: Sequence[int], blocks: Sequence[Sequence[tuple[int, int]]]) -> Int64:
    """Rows (lane, start0, end0, owner) of all blocks, int64 [4, n]."""
    rows = [(lanes[k], a, b, k) for k, parts in enumerate(blocks) for a, b in parts]
    return np.array(rows, dtype=np.int64).reshape(-1, 4).T


def _pairs(in_bins: Int64, in_regions: Int64) -> tuple[Int64, Int64]:
    both = np.concatenate([in_bins, in_regions], axis=1)
    first, second = overlapping_pairs(*both[:3])
    low, high = np.minimum(first, second), np.maximum(first, second)
    n = in_bins.shape[1]
    mixed = (low < n) & (high >= n)
    return both[3][low[mixed]], both[3][high[mixed]]


class _Lanes(dict[tuple[str, int], int]):
    """A number for each contig, or for each strand of each contig."""

    def __init__(self, stranded: bool) -> None:
        super().__init__()
        self.stranded = stranded

    def number(self, chrom: str, strand: str) -> int:
        return self.setdefault((chrom, STRAND_CODE[strand] if self.stranded else 0), len(self))
