"""A rule that a model can learn: behind every methylated DRACH lies a stretch rich in U, behind others only by chance.

The stretch of `context_nt` bases begins 3 nt after the A, right behind the motif, in the exon of the motif.
"""

import dataclasses

import numpy as np

from ribolm.alphabet import COMPLEMENT, DRACH, DRACH_A_OFFSET, motif_starts
from ribolm.genome.coordinates import Int64
from ribolm.simulation.m6a_genes import has_open_frame
from ribolm.simulation.m6a_methylation import Sites
from ribolm.simulation.m6a_options import M6aOptions
from ribolm.simulation.m6a_transcriptome import Transcriptome, spliced
from ribolm.simulation.streams import stream

CONTEXT_OFFSET_NT = len(DRACH) - DRACH_A_OFFSET
URACIL_SHARE = 0.9
LEAST_URACIL = 0.75
T = ord("T")


def context_rule(options: M6aOptions) -> str:
    """The planted rule in words; empty where there is none."""
    if not options.context_nt:
        return ""
    first, last = CONTEXT_OFFSET_NT, CONTEXT_OFFSET_NT + options.context_nt - 1
    return (
        f"In methylated genes a DRACH is methylated when at least {LEAST_URACIL:.0%} of the {options.context_nt} bases "
        f"from {first} to {last} nt after its A are U."
    )


def has_context(sequence: np.ndarray, a_position: Int64, context_nt: int) -> np.ndarray:
    """Whether the rule holds for each A of a sequence (uint8 ASCII, on its strand); bool [n], False near its end."""
    before = np.r_[0, np.cumsum(sequence == T)]
    first = a_position + CONTEXT_OFFSET_NT
    inside = first + context_nt <= len(sequence)
    first = np.where(inside, first, 0)
    uracils = before[np.minimum(first + context_nt, len(sequence))] - before[first]
    return np.asarray(inside & (uracils >= LEAST_URACIL * context_nt))


def plant_context(transcripts: Transcriptome, sites: Sites, options: M6aOptions) -> tuple[Transcriptome, Sites]:
    """Write the stretch behind every site into genome and transcripts; sites without room for it are dropped.

    There is room where the stretch lies in the exon of the main isoform, meets no other site or stretch on either
    strand, and leaves the reading frame of every isoform open. Without --context-nt nothing changes.
    """
    if not options.context_nt or not len(sites):
        return transcripts, sites
    rng = stream(options.seed, "context")
    genome = transcripts.genome.copy()
    taken = np.zeros(len(genome), dtype=bool)
    centre = transcripts.contig_offset[sites.contig] + sites.position0
    for shift in range(-DRACH_A_OFFSET, CONTEXT_OFFSET_NT):
        taken[centre + shift] = True
    kept = np.zeros(len(sites), dtype=bool)
    for k in range(len(sites)):
        uracil = rng.random(options.context_nt) < URACIL_SHARE
        places = _places(transcripts, sites, k, options.context_nt)
        if places is None or taken[places].any():
            continue
        before = genome[places].copy()
        genome[places] = _written(before, uracil, int(sites.strand[k]))
        kept[k] = _frames_stay_open(transcripts, genome, int(sites.gene[k]))
        if kept[k]:
            taken[places] = True
        else:
            genome[places] = before
    return transcripts.with_genome(genome), _subset(sites, kept)


def context_without_site(transcripts: Transcriptome, sites: Sites, options: M6aOptions) -> int:
    """How many DRACH on the main isoforms of methylated genes fulfil the rule by chance, without being a site."""
    if not options.context_nt:
        return 0
    found = 0
    for gene in np.unique(sites.gene):
        main = int(np.searchsorted(transcripts.transcript_gene, gene))
        start, end = int(transcripts.transcript_offset[main]), int(transcripts.transcript_offset[main + 1])
        sequence = transcripts.sequence[start:end]
        at = motif_starts(sequence, DRACH) + DRACH_A_OFFSET
        at = at[has_context(sequence, at, options.context_nt)]
        found += int((~np.isin(at, sites.transcript_position[sites.gene == gene])).sum())
    return found


def _places(transcripts: Transcriptome, sites: Sites, k: int, n: int) -> Int64 | None:
    """Genome indexes of the stretch behind site k, 5' to 3'; None where it leaves the exon of the motif."""
    main, position = int(sites.transcript[k]), int(sites.transcript_position[k])
    place = int(transcripts.transcript_offset[main]) + position
    exon = int(np.searchsorted(transcripts.exon_place, place, side="right")) - 1
    if place + CONTEXT_OFFSET_NT + n > transcripts.exon_place[exon + 1]:
        return None
    centre = int(transcripts.contig_offset[sites.contig[k]] + sites.position0[k])
    return np.asarray(centre + int(sites.strand[k]) * (CONTEXT_OFFSET_NT + np.arange(n)))


def _written(before: np.ndarray, uracil: np.ndarray, strand: int) -> np.ndarray:
    letters = before if strand > 0 else COMPLEMENT[before]
    letters = np.where(uracil, T, letters).astype(np.uint8)
    if np.mean(letters == T) < LEAST_URACIL:
        letters[:] = T
    return letters if strand > 0 else COMPLEMENT[letters]


def _frames_stay_open(transcripts: Transcriptome, genome: np.ndarray, gene: int) -> bool:
    first, last = np.searchsorted(transcripts.transcript_gene, [gene, gene + 1])
    contig_start = transcripts.contig_offset[transcripts.gene_contig[gene]]
    for transcript in range(int(first), int(last)):
        exons = slice(int(transcripts.first_exon[transcript]), int(transcripts.first_exon[transcript + 1]))
        edges = np.stack([transcripts.exon_start0[exons], transcripts.exon_end0[exons]], axis=1)
        ones = np.ones(len(edges), dtype=np.int64)
        rna = spliced(genome, contig_start * ones, edges, transcripts.gene_strand[gene] * ones)
        coding = slice(int(transcripts.coding_start[transcript]), int(transcripts.coding_end[transcript]))
        if coding.start >= 0 and not has_open_frame(rna[coding]):
            return False
    return True


def _subset(sites: Sites, kept: np.ndarray) -> Sites:
    number = np.cumsum(kept) - 1
    pairs = kept[sites.pair_site]
    per_site = ("gene", "contig", "position0", "strand", "transcript", "transcript_position")
    return dataclasses.replace(
        sites,
        **{name: getattr(sites, name)[kept] for name in per_site},
        present=sites.present[:, kept],
        pair_site=number[sites.pair_site[pairs]],
        pair_transcript=sites.pair_transcript[pairs],
        pair_position=sites.pair_position[pairs],
    )
