"""GTF of the simulated transcripts, as GENCODE writes it: CDS without the stop codon, codons as rows of their own."""

from collections.abc import Iterator
from pathlib import Path

from ribolm.simulation.m6a_transcriptome import Transcriptome
from ribolm.simulation.text_files import deterministic_gzip

STRAND = {1: "+", -1: "-"}


def write_gtf(path: Path, transcripts: Transcriptome) -> None:
    """Write genes, transcripts, exons, CDS, start and stop codons as gzip GTF (1-based, inclusive); no spike-ins."""
    with deterministic_gzip(path) as handle:
        for line in _lines(transcripts):
            handle.write(line.encode())


def _lines(transcripts: Transcriptome) -> Iterator[str]:
    n = len(transcripts.transcript_ids)
    index = 0
    for gene in range(transcripts.n_annotated_genes):
        members = []
        while index < n and transcripts.transcript_gene[index] == gene:
            members.append(index)
            index += 1
        exons = slice(int(transcripts.first_exon[members[0]]), int(transcripts.first_exon[members[-1] + 1]))
        low0, high0 = int(transcripts.exon_start0[exons].min()), int(transcripts.exon_end0[exons].max())
        yield _row(transcripts, gene, "gene", low0, high0, ".", "")
        for transcript in members:
            yield from _transcript_lines(transcripts, gene, transcript)


def _transcript_lines(transcripts: Transcriptome, gene: int, transcript: int) -> Iterator[str]:
    name = f' transcript_id "{transcripts.transcript_ids[transcript]}";'
    exons = range(int(transcripts.first_exon[transcript]), int(transcripts.first_exon[transcript + 1]))
    start0, end0 = transcripts.exon_start0, transcripts.exon_end0
    low0, high0 = min(int(start0[e]) for e in exons), max(int(end0[e]) for e in exons)
    yield _row(transcripts, gene, "transcript", low0, high0, ".", name)
    for number, exon in enumerate(exons, start=1):
        text = f'{name} exon_number "{number}";'
        yield _row(transcripts, gene, "exon", int(start0[exon]), int(end0[exon]), ".", text)
    first, last = int(transcripts.coding_start[transcript]), int(transcripts.coding_end[transcript])
    if first < 0:
        return
    parts = (("start_codon", first, first + 3), ("CDS", first, last - 3), ("stop_codon", last - 3, last))
    for feature, begin, end in parts:
        done_nt = 0
        blocks = transcripts.blocks(transcript, begin, end)
        for low0, high0 in blocks if transcripts.gene_strand[gene] > 0 else reversed(blocks):
            yield _row(transcripts, gene, feature, low0, high0, str(-done_nt % 3), name)
            done_nt += high0 - low0


def _row(transcripts: Transcriptome, gene: int, feature: str, start0: int, end0: int, frame: str, text: str) -> str:
    contig = transcripts.contig_names[int(transcripts.gene_contig[gene])]
    strand = STRAND[int(transcripts.gene_strand[gene])]
    gene_id, biotype = transcripts.gene_ids[gene], transcripts.gene_biotypes[gene]
    attributes = f'gene_id "{gene_id}";{text} gene_name "{gene_id}"; gene_type "{biotype}";'
    return f"{contig}\tribolm\t{feature}\t{start0 + 1}\t{end0}\t.\t{strand}\t{frame}\t{attributes}\n"
