"""Labels per nucleotide: 1 the anchor of a known site, 0 any other base, unknown (NaN) where neither can be said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.files import write_json
from ribolm.genome.coordinates import STRAND_SIGN, Int64
from ribolm.genome.fasta import Genome
from ribolm.labels.folds import Folds, assign_folds, write_folds
from ribolm.labels.polya.build import PolyaInputs, open_genome_and_genes
from ribolm.labels.polya.gene_places import Genes
from ribolm.labels.polya.given_sites import KEPT, GivenSites, SiteRules, place_sites
from ribolm.labels.polya.outcomes import Outcomes
from ribolm.labels.polya.output import TASK
from ribolm.labels.polya.sets import search_rule
from ribolm.labels.polya.site_lists import read_site_list
from ribolm.labels.polya.strand_letters import Places
from ribolm.labels.polya.stretches import Stretches, Territories, crops, gene_tiles, transcript_ends
from ribolm.sequences.places import Place
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.tokenizers import Tokenizer

LEAST_KNOWN = 0.5  # share of the bases of a crop; whole genes are written as they are, but for those all of N
COMPLETE = {
    "complete_labels": True
}  # a label of 0 is meant, an unknown one is left out: there is no evidence to wait for
UNCLEAR_NT = 5  # around a listed site whose anchor is no A, or that was left out as primed inside
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TokenRules:
    """Sizes in nt: of crops, of tiles and their overlap. `background`: crops elsewhere per crop at an end.

    `fold`: whose whole genes are tiled, -1 for all.
    """

    crop_nt: int = 4096
    background: float = 1.0
    tile_nt: int = 32_768
    overlap_nt: int = 1024
    folds: int = 5
    fold: int = 0
    seed: int = 1


def write_token_sets(
    folder: Path, inputs: PolyaInputs, site_rules: SiteRules, rules: TokenRules, tokenizer: Tokenizer
) -> str:
    """Write crops/ (to train on), genes/ (whole genes of one fold), a table of folds for each, genes.tsv, outcomes.tsv.

    Clusters of genes are dealt into folds, so that no base of a tested gene, on either strand, is in a crop of another
    fold. Returns one sentence. Raises DataError for tokens that are not one per nucleotide and for what reading the
    inputs refuses.
    """
    if not tokenizer.per_nucleotide:
        raise DataError(f"A {tokenizer.kind} token covers several bases, so a site has no token. Choose nucleotide.")
    sites = read_site_list(inputs.sites, inputs.format)
    genome, annotation = open_genome_and_genes(inputs.fasta, inputs.gtf)
    genes, outcomes = Genes.of(annotation, genome), Outcomes()
    given = place_sites(sites, genome, genes, search_rule("ACGT", 10, 35, 1), site_rules, outcomes)
    territories = Territories.of(genes, genome)
    fold_of_cluster = _fold_of_cluster(genes, rules)
    ends = Places.joined([given.places.take(given.kept), transcript_ends(annotation, genome)])
    cropped = crops(genes, territories, ends, rules.crop_nt, rules.background, rules.seed)
    asked = np.flatnonzero((rules.fold < 0) | (fold_of_cluster[genes.cluster] == rules.fold))
    tiled = gene_tiles(genes, territories, asked, rules.tile_nt, rules.overlap_nt)
    labels = SiteLabels.of(given)
    parts = (("crops", cropped, LEAST_KNOWN, rules.crop_nt), ("genes", tiled, 0, rules.tile_nt))
    for name, drawn, share, longest_nt in parts:
        stretches = drawn.known(genome, share)
        outcomes.add(name, "rows_unknown", len(drawn) - len(stretches))
        options = {"window_nt": longest_nt, "overlap_nt": min(rules.overlap_nt, longest_nt // 4), **COMPLETE}
        write_store(folder / name, genome, genes, stretches, labels, tokenizer, outcomes, options)
        store = TokenStore.open(folder / name)
        folds = Folds(fold_of_cluster[stretches.cluster], stretches.cluster, "gene")
        write_folds(folder / f"{name}.folds.tsv", store.names(("name", "chrom")), folds)
    outcomes.write(folder / "outcomes.tsv")
    counts = {stage: outcomes.of(stage) for stage in ("crops", "genes")}
    write_json(folder / "summary.json", {"task": TASK, "rules": vars(rules), **counts})
    texts = [f"{stage}: {n['rows']:,} rows, {n['sites']:,} of {n['known']:,} bases" for stage, n in counts.items()]
    return ", ".join(texts)


def _fold_of_cluster(genes: Genes, rules: TokenRules) -> Int64:
    """Fold of every cluster of genes, about the same length of genes in each, int64 [clusters]."""
    if not len(genes):
        return np.zeros(0, dtype=np.int64)
    fold = assign_folds(genes.cluster, genes.end0 - genes.start0, rules.folds, rules.seed)
    found = np.zeros(int(genes.cluster.max()) + 1, dtype=np.int64)
    found[genes.cluster] = fold
    return found


@dataclass(frozen=True)
class SiteLabels:
    """Places with a label, by lane (contig, strand): anchors, and places that are neither 1 nor 0, ascending."""

    anchors: dict[tuple[int, int], Int64]
    unclear: dict[tuple[int, int], Int64]

    @classmethod
    def of(cls, given: GivenSites) -> SiteLabels:
        """Kept sites are anchors; sites without an A and those left out as primed are unclear."""
        doubtful = np.isin(given.outcome, ("base_not_a", "internally_primed"))
        return cls(_lanes(given.places.take(given.outcome == KEPT)), _lanes(given.places.take(doubtful)))

    def of_stretch(self, stretches: Stretches, row: int, letters: npt.NDArray[np.uint8]) -> Float32:
        """Labels of one stretch in the direction of the RNA, float32 [length]; context and N are NaN."""
        lane = (int(stretches.contig[row]), int(stretches.strand[row]))
        start0, end0 = int(stretches.start0[row]), int(stretches.end0[row])
        labels = np.zeros(end0 - start0, dtype=np.float32)
        for at0 in _between(self.unclear, lane, start0 - UNCLEAR_NT, end0 + UNCLEAR_NT):
            labels[max(at0 - UNCLEAR_NT - start0, 0) : at0 + UNCLEAR_NT + 1 - start0] = np.nan
        labels[_between(self.anchors, lane, start0, end0) - start0] = 1
        labels[: int(stretches.core_start0[row]) - start0] = np.nan
        labels[int(stretches.core_end0[row]) - start0 :] = np.nan
        labels = labels if lane[1] > 0 else labels[::-1].copy()
        labels[letters == ord("N")] = np.nan
        return labels


def _lanes(places: Places) -> dict[tuple[int, int], Int64]:
    found = {}
    for contig, strand in {(int(c), int(s)) for c, s in zip(places.contig, places.strand, strict=True)}:
        found[contig, strand] = np.sort(places.at0[(places.contig == contig) & (places.strand == strand)])
    return found


def _between(lanes: dict[tuple[int, int], Int64], lane: tuple[int, int], low: int, high: int) -> Int64:
    found = lanes.get(lane, np.zeros(0, dtype=np.int64))
    return found[slice(*np.searchsorted(found, [low, high]))]


def write_store(
    folder: Path,
    genome: Genome,
    genes: Genes,
    stretches: Stretches,
    labels: SiteLabels,
    tokenizer: Tokenizer,
    outcomes: Outcomes,
    options: Mapping[str, object],
) -> None:
    """Write the stretches as a store with token labels; rows, tokens, sites and unknown bases are counted."""
    source = {"kind": "polya tokens", "genome_sha256": genome.sha256, "options": options}
    n = {"rows": len(stretches), "tokens": 0, "known": 0, "sites": 0}
    with StoreWriter(folder, tokenizer, {TASK: LabelSpec("token", 1, (TASK,))}, source) as writer:
        for row in range(len(stretches)):
            chrom, strand = genome.names[stretches.contig[row]], STRAND_SIGN[int(stretches.strand[row])]
            start0, end0 = int(stretches.start0[row]), int(stretches.end0[row])
            letters = genome.fetch(chrom, start0, end0, strand)
            values = labels.of_stretch(stretches, row, letters)
            gene = genes.names[int(genes.gene[stretches.gene[row]])]
            place = Place(chrom, strand, ((start0, end0),), gene, f"C{int(stretches.cluster[row])}")
            writer.add(tokenizer.encode(letters), f"{chrom}:{start0}-{end0}({strand})", place, {TASK: values})
            n["tokens"] += len(values)
            n["known"] += int(np.isfinite(values).sum())
            n["sites"] += int(np.nansum(values))
    for outcome, count in n.items():
        outcomes.add(folder.name, outcome, count)
    for kind in dict.fromkeys(stretches.kind):
        outcomes.add(folder.name, f"rows_{kind}", stretches.kind.count(kind))
    if len(stretches) and not n["sites"]:
        notice(f"{folder.name}: no known site lies in any row; every label is 0 or unknown.")
