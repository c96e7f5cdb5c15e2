"""How much of each transcript there is, and where it is methylated."""

import dataclasses

import numpy as np

from ribolm.alphabet import DRACH, DRACH_A_OFFSET, motif_starts
from ribolm.genome.coordinates import Int64
from ribolm.simulation.m6a_options import M6aOptions
from ribolm.simulation.m6a_transcriptome import Transcriptome
from ribolm.simulation.streams import stream

END_MARGIN_NT = 40
SPACING_FRAGMENTS = 2.2


@dataclasses.dataclass(frozen=True)
class Sites:
    """Planted sites, sorted by contig and position, and every transcript that carries each.

    Per site: `gene`, `contig`, `position0` (genome), `strand` (+1, -1), `transcript` (main isoform) and
    `transcript_position` (0-based on it), `present` bool [groups, n]. Per (site, transcript) pair: `pair_site`,
    `pair_transcript`, `pair_position` (0-based on that transcript). All but `present` int64.
    """

    gene: Int64
    contig: Int64
    position0: Int64
    strand: Int64
    transcript: Int64
    transcript_position: Int64
    present: np.ndarray
    pair_site: Int64
    pair_transcript: Int64
    pair_position: Int64

    def __len__(self) -> int:
        return len(self.gene)


def draw_abundance(transcripts: Transcriptome, options: M6aOptions) -> np.ndarray:
    """Molecules of each transcript, float64 [t]: log-normal genes, of unequal isoforms; spike-ins take their share.

    The spike-ins' share is of fragments in an input library, up to the edges of transcripts.
    """
    rng = stream(options.seed, "expression")
    per_gene = np.exp(options.expression_sigma * rng.standard_normal(len(transcripts.gene_ids)))
    share = stream(options.seed, "isoforms").gamma(2.0, size=len(transcripts.transcript_ids)) + 0.05
    main = np.r_[True, np.diff(transcripts.transcript_gene) > 0]
    share[main] *= 2
    share /= np.bincount(transcripts.transcript_gene, weights=share)[transcripts.transcript_gene]
    abundance = per_gene[transcripts.transcript_gene] * share
    spike = transcripts.transcript_gene >= transcripts.n_annotated_genes
    if spike.any():
        mass = abundance * transcripts.length_nt
        wanted = options.spikein_fraction / (1 - options.spikein_fraction) * mass[~spike].sum()
        abundance[spike] *= wanted / mass[spike].sum()
    return np.asarray(abundance)


def draw_sites(transcripts: Transcriptome, abundance: np.ndarray, options: M6aOptions) -> Sites:
    """Plant sites at the A of DRACH, most of them near stop codons and in 3'UTRs; a null experiment has none.

    Methylated genes are coding and above a quantile of expression. Sites of one gene are at least 2.2 mean fragment
    lengths apart, so that their enriched regions do not meet: draws nearer to an earlier one are dropped. Every group
    after the first loses a share of the sites.
    """
    rng = stream(options.seed, "sites")
    chosen = _methylated_genes(rng, transcripts, abundance, options)
    first_transcript = np.searchsorted(transcripts.transcript_gene, np.arange(len(transcripts.gene_ids) + 1))
    found = []
    for gene in chosen:
        main = int(first_transcript[gene])
        wanted = 1 + int(rng.poisson(max(options.sites_per_gene - 1, 0)))
        for position in _positions(rng, transcripts, main, wanted, options):
            found.append((int(gene), main, position))
    return _with_pairs(found if not options.null else [], transcripts, first_transcript, options)


def _methylated_genes(
    rng: np.random.Generator, transcripts: Transcriptome, abundance: np.ndarray, options: M6aOptions
) -> Int64:
    level = np.bincount(transcripts.transcript_gene, weights=abundance)
    coding = np.array([biotype == "protein_coding" for biotype in transcripts.gene_biotypes])
    draw = np.r_[rng.random(transcripts.n_annotated_genes), np.ones(transcripts.n_spikein)]
    if not coding.any():
        return np.zeros(0, dtype=np.int64)
    expressed = level >= np.quantile(level[coding], options.site_expression_quantile)
    return np.flatnonzero(coding & expressed & (draw < options.methylated_fraction))


def _positions(
    rng: np.random.Generator, transcripts: Transcriptome, main: int, wanted: int, options: M6aOptions
) -> list[int]:
    """Draw site positions on a main isoform, weighted by place and motif."""
    start, end = int(transcripts.transcript_offset[main]), int(transcripts.transcript_offset[main + 1])
    sequence = transcripts.sequence[start:end]
    at = motif_starts(sequence, DRACH) + DRACH_A_OFFSET
    inside = (at >= END_MARGIN_NT) & (at < end - start - END_MARGIN_NT)
    at = at[inside & _in_one_exon(transcripts, main, at)]
    weight = _place_weight(at, int(transcripts.coding_start[main]), int(transcripts.coding_end[main]))
    weight = weight * np.where(sequence[at - 1] == ord("G"), 1.0, 0.4)  # GAC over AAC, as in cells
    weight = (
        weight * np.where(sequence[at - 2] == ord("G"), 2.0, 1.0) * np.where(sequence[at + 2] == ord("T"), 2.0, 1.0)
    )
    cumulative = np.cumsum(weight)
    chosen: list[int] = []
    for draw in rng.random(wanted) if len(at) else ():
        place = int(at[np.searchsorted(cumulative, draw * cumulative[-1], side="right")])
        # A draw too near another is dropped, not moved, so that the density along the RNA stays what it is.
        if all(abs(place - x) >= SPACING_FRAGMENTS * options.fragment_length_nt for x in chosen):
            chosen.append(place)
    return chosen


def _in_one_exon(transcripts: Transcriptome, transcript: int, at: Int64) -> np.ndarray:
    places = transcripts.transcript_offset[transcript] + at
    first = np.searchsorted(transcripts.exon_place, places - DRACH_A_OFFSET, side="right")
    last = np.searchsorted(transcripts.exon_place, places + len(DRACH) - 1 - DRACH_A_OFFSET, side="right")
    return np.asarray(first == last)


def _place_weight(at: Int64, coding_start: int, coding_end: int) -> np.ndarray:
    """Density of methylation along an mRNA: a peak at the stop codon, a plateau in the 3'UTR, little elsewhere."""
    near_stop = np.exp(-np.abs(at - coding_end) / 120.0)
    plateau = np.select([at < coding_start, at < coding_end], [0.01, 0.03], 0.15)
    return np.asarray(near_stop + plateau)


def _with_pairs(
    found: list[tuple[int, int, int]], transcripts: Transcriptome, first_transcript: Int64, options: M6aOptions
) -> Sites:
    gene, main, position = np.array(found, dtype=np.int64).reshape(-1, 3).T
    position0 = transcripts.to_genome0(transcripts.transcript_offset[main] + position)
    contig = transcripts.gene_contig[gene]
    order = np.lexsort((transcripts.gene_strand[gene], position0, contig))
    gene, main, position, position0, contig = (x[order] for x in (gene, main, position, position0, contig))
    pairs = [
        (site, transcript, place)
        for site in range(len(gene))
        for transcript in range(int(first_transcript[gene[site]]), int(first_transcript[gene[site] + 1]))
        if (place := _place_on(transcripts, transcript, int(position0[site]))) is not None
    ]
    pair_site, pair_transcript, pair_position = np.array(pairs, dtype=np.int64).reshape(-1, 3).T
    present = np.ones((options.groups, len(gene)), dtype=bool)
    for index, group in enumerate(options.group_names()[1:], start=1):
        present[index] = stream(options.seed, "sites", group).random(len(gene)) >= options.lost_fraction
    strand = transcripts.gene_strand[gene]
    return Sites(gene, contig, position0, strand, main, position, present, pair_site, pair_transcript, pair_position)


def _place_on(transcripts: Transcriptome, transcript: int, position0: int) -> int | None:
    """Position of a genome position on a transcript that holds the whole motif around it in one exon, else None."""
    exons = slice(int(transcripts.first_exon[transcript]), int(transcripts.first_exon[transcript + 1]))
    start0, end0 = transcripts.exon_start0[exons], transcripts.exon_end0[exons]
    hit = np.flatnonzero((start0 + 2 <= position0) & (position0 < end0 - 2))
    if not len(hit):
        return None
    exon = int(hit[0])
    forward = transcripts.gene_strand[transcripts.transcript_gene[transcript]] > 0
    shift = position0 - start0[exon] if forward else end0[exon] - 1 - position0
    return int(transcripts.exon_place[exons][exon] - transcripts.transcript_offset[transcript] + shift)
