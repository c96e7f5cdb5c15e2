"""The simulated genome and its transcripts as flat arrays, and the way from a place on a transcript to the genome."""

import dataclasses

import numpy as np

from ribolm.alphabet import COMPLEMENT, Letters
from ribolm.genome.coordinates import Int64, ranges
from ribolm.simulation.m6a_genes import BASES, GeneModel, draw_gene, positions
from ribolm.simulation.m6a_options import M6aOptions
from ribolm.simulation.streams import stream

CODING_SHARE = 0.85
OVERLAP_SHARE = 0.12
INTERGENIC_GC = 0.42
EMPTY_CONTIG_NT = 8000
CONTIG_END_N_NT = 100


@dataclasses.dataclass(frozen=True)
class Transcriptome:
    """Contigs, genes, transcripts and exons.

    `genome` uint8 ASCII, contigs end to end, bounded by `contig_offset` int64 [c + 1]; the last `n_spikein` contigs
    are spike-ins, each with one gene that no annotation names. Per gene: ids, biotypes, `gene_contig`, `gene_strand`
    (+1, -1). Per transcript: id, gene, `coding_start`/`coding_end` int64 on the transcript (stop included; -1 without).
    Exons int64 in 5' to 3' order of their transcript, genome 0-based on their contig; `exon_place` [e + 1] is the place
    of their first base where all transcripts lie end to end, as in `sequence` (uint8) and `transcript_offset` [t + 1].
    """

    contig_names: tuple[str, ...]
    contig_offset: Int64
    genome: Letters
    n_spikein: int
    gene_ids: tuple[str, ...]
    gene_biotypes: tuple[str, ...]
    gene_contig: Int64
    gene_strand: Int64
    transcript_ids: tuple[str, ...]
    transcript_gene: Int64
    coding_start: Int64
    coding_end: Int64
    first_exon: Int64
    exon_start0: Int64
    exon_end0: Int64
    exon_place: Int64
    transcript_offset: Int64
    sequence: Letters

    @property
    def length_nt(self) -> Int64:
        """Spliced length of every transcript."""
        return np.diff(self.transcript_offset)

    @property
    def n_annotated_genes(self) -> int:
        """Genes that the GTF names: all but the spike-ins, which come last."""
        return len(self.gene_ids) - self.n_spikein

    def to_genome0(self, place: Int64) -> Int64:
        """Genome position (0-based on the contig) of places in the end-to-end transcripts; same shape, int64."""
        exon = np.searchsorted(self.exon_place, place, side="right") - 1
        shift = place - self.exon_place[exon]
        forward = self.exon_strand[exon] > 0
        return np.where(forward, self.exon_start0[exon] + shift, self.exon_end0[exon] - 1 - shift)

    @property
    def exon_strand(self) -> Int64:
        """Strand (+1, -1) of every exon."""
        strand = self.gene_strand[self.transcript_gene]
        return np.asarray(np.repeat(strand, np.diff(self.first_exon)))

    def with_genome(self, genome: Letters) -> "Transcriptome":
        """The same genes on other letters, uint8 as long as `genome`."""
        exon_contig = np.repeat(self.gene_contig[self.transcript_gene], np.diff(self.first_exon))
        edges = np.stack([self.exon_start0, self.exon_end0], axis=1)
        rna = spliced(genome, self.contig_offset[exon_contig], edges, self.exon_strand)
        return dataclasses.replace(self, genome=genome, sequence=rna)

    def blocks(self, transcript: int, start_nt: int, end_nt: int) -> list[tuple[int, int]]:
        """Genomic blocks (start0, end0), ascending, of [start_nt, end_nt) of one transcript."""
        exons = slice(int(self.first_exon[transcript]), int(self.first_exon[transcript + 1]))
        begin = self.exon_place[exons] - self.transcript_offset[transcript]
        start0, end0 = self.exon_start0[exons], self.exon_end0[exons]
        low = np.maximum(start_nt - begin, 0)
        high = np.minimum(end_nt - begin, end0 - start0)
        if self.gene_strand[self.transcript_gene[transcript]] > 0:
            found = zip(start0 + low, start0 + high, strict=True)
        else:
            found = zip(end0 - high, end0 - low, strict=True)
        return sorted((int(a), int(b)) for a, b in found if a < b)


@dataclasses.dataclass(frozen=True)
class _Placed:
    """A gene on a contig: `low0` is its lowest genomic coordinate."""

    model: GeneModel
    contig: int
    low0: int
    strand: int


def build_transcriptome(options: M6aOptions) -> Transcriptome:
    """Draw genes, place them on contigs (the last contig without genes), write their sequence into the genome.

    Some neighbouring coding genes overlap tail to tail on opposite strands, inside their 3'UTRs.
    """
    rng = stream(options.seed, "genes")
    models = [draw_gene(rng, options, bool(rng.random() < CODING_SHARE)) for _ in range(options.genes)]
    placed, contig_lengths = _place(models, options)
    spikes = _spikein_genes(options)
    first_spike = len(contig_lengths)
    placed += [_Placed(model, first_spike + k, 0, 1) for k, model in enumerate(spikes)]
    contig_lengths += [len(model.sequence) for model in spikes]
    contig_offset = np.r_[0, np.cumsum(contig_lengths)].astype(np.int64)
    genome = _write_genome(placed, contig_offset, first_spike, stream(options.seed, "intergenic"))
    names = [f"chr{k + 1}" for k in range(max(1, options.contigs - 1))] + ["chrUn"][: options.contigs - 1]
    names += [f"spikein_{k + 1:02d}" for k in range(len(spikes))]
    return _flatten(tuple(names), contig_offset, genome, placed, len(spikes))


def _spikein_genes(options: M6aOptions) -> list[GeneModel]:
    rng = stream(options.seed, "spikein")
    found = []
    for _ in range(options.spikein):
        n, gc = int(rng.integers(600, 1800)), float(rng.uniform(0.38, 0.58))
        sequence = np.where(rng.random(n) < gc, BASES[1 + rng.integers(2, size=n)], BASES[3 * rng.integers(2, size=n)])
        found.append(GeneModel((((0, n),),), None, sequence, 0))
    return found


def _place(models: list[GeneModel], options: M6aOptions) -> tuple[list[_Placed], list[int]]:
    rng = stream(options.seed, "placement")
    n_bearing = max(1, options.contigs - 1)
    placed, lengths = [], []
    for contig, members in enumerate(np.array_split(np.arange(len(models)), n_bearing)):
        end0, before = 1000, None
        for index in members:
            model = models[int(index)]
            strand = 1 if rng.random() < 0.5 else -1
            low0 = end0 + round(800 * float(np.exp(0.6 * rng.standard_normal())))
            draw, share = float(rng.random()), float(rng.uniform(0.3, 0.9))
            if before and before.strand > 0 and before.model.coding and model.coding and draw < 2 * OVERLAP_SHARE:
                strand = -1
                low0 = end0 - round(share * (min(before.model.last_utr_nt, model.last_utr_nt) - 30))
            before = _Placed(model, contig, low0, strand)
            placed.append(before)
            end0 = low0 + len(model.sequence)
        lengths.append(end0 + 1500)
    return placed, lengths + [EMPTY_CONTIG_NT] * (options.contigs > 1)


def _write_genome(placed: list[_Placed], offset: Int64, first_spike: int, rng: np.random.Generator) -> Letters:
    genome = np.full(int(offset[-1]), ord("N"), dtype=np.uint8)
    # Spike-ins are all gene, so that their number does not move the draws for the other contigs.
    n = int(offset[first_spike])
    strong, which = rng.random(n) < INTERGENIC_GC, (rng.integers(2, size=n), rng.integers(2, size=n))
    genome[:n] = np.where(strong, BASES[1 + which[0]], BASES[3 * which[1]])
    for contig in range(first_spike):
        genome[offset[contig] : offset[contig] + CONTIG_END_N_NT] = ord("N")
        genome[offset[contig + 1] - CONTIG_END_N_NT : offset[contig + 1]] = ord("N")
    for gene in placed:
        start = int(offset[gene.contig]) + gene.low0
        sequence = gene.model.sequence if gene.strand > 0 else COMPLEMENT[gene.model.sequence[::-1]]
        genome[start : start + len(sequence)] = sequence
    return genome


def _flatten(
    contigs: tuple[str, ...], offset: Int64, genome: Letters, placed: list[_Placed], n_spikein: int
) -> Transcriptome:
    exons, counts, coding, transcript_gene, ids = [], [], [], [], []
    for index, gene in enumerate(placed):
        high0 = gene.low0 + len(gene.model.sequence)
        for number, isoform in enumerate(gene.model.isoforms, start=1):
            plus = gene.strand > 0
            exons += [(gene.low0 + a, gene.low0 + b) if plus else (high0 - b, high0 - a) for a, b in isoform]
            counts.append(len(isoform))
            coding.append(_coding_span(gene.model, isoform))
            transcript_gene.append(index)
            ids.append(f"SIMT{index + 1:06d}.{number}")
    edges = np.array(exons, dtype=np.int64)
    first_exon = np.r_[0, np.cumsum(counts)].astype(np.int64)
    place = np.r_[0, np.cumsum(edges[:, 1] - edges[:, 0])].astype(np.int64)
    of_gene = np.array(transcript_gene, dtype=np.int64)
    strand = np.array([gene.strand for gene in placed], dtype=np.int64)
    contig = np.array([gene.contig for gene in placed], dtype=np.int64)
    spans = np.array(coding, dtype=np.int64)
    n_genes = len(placed)
    biotypes = [gene.model.biotype for gene in placed[: n_genes - n_spikein]] + ["spikein"] * n_spikein
    rows = np.repeat(of_gene, counts)
    return Transcriptome(
        contigs, offset, genome, n_spikein, tuple(f"SIMG{k + 1:06d}" for k in range(n_genes)), tuple(biotypes),
        contig, strand, tuple(ids), of_gene, spans[:, 0], spans[:, 1], first_exon, edges[:, 0], edges[:, 1], place,
        place[first_exon], spliced(genome, offset[contig[rows]], edges, strand[rows]),
    )  # fmt: skip


def _coding_span(model: GeneModel, isoform: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    if model.coding is None:
        return -1, -1
    places = positions(isoform)
    return int(np.searchsorted(places, model.coding[0])), int(np.searchsorted(places, model.coding[1]))


def spliced(genome: Letters, contig_start: Int64, edges: Int64, strand: Int64) -> Letters:
    """All exons end to end in the direction of their transcripts, uint8 ASCII.

    `genome` uint8 with contigs end to end; per exon `contig_start` (index of its contig in `genome`), `edges` int64
    [n, 2] (start0, end0 on the contig), `strand` (+1, -1).
    """
    sizes = edges[:, 1] - edges[:, 0]
    forward = strand > 0
    first = contig_start + np.where(forward, edges[:, 0], edges[:, 1] - 1)
    # A backward walk is a forward walk over negated positions.
    walk = ranges(np.where(forward, first, -first), sizes)
    backward = np.repeat(~forward, sizes)
    sequence = genome[np.abs(walk)]
    sequence[backward] = COMPLEMENT[sequence[backward]]
    return sequence
