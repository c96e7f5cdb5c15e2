"""A small genome with poly(A) sites of known truth: FASTA, GTF, an incomplete list of sites, sheet, truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ribolm.files import atomic_directory, write_json
from ribolm.simulation.polya_genes import (
    DECOY,
    GU_FIRST_NT,
    GU_NT,
    PRIMED,
    SITE,
    Planted,
    SimulatedGene,
    SimulatedGenome,
    simulate_genome,
)
from ribolm.simulation.polya_options import PolyaOptions
from ribolm.simulation.streams import stream
from ribolm.simulation.text_files import deterministic_gzip, write_fasta, write_lines

CLUSTER_NT = 12


def simulate_polya(options: PolyaOptions, outdir: Path) -> str:
    """Write genome.fa.gz, genes.gtf.gz, sites.polyasite.bed, samplesheet.csv and truth/ into a folder.

    Returns one sentence of what it holds. The same options give the same bytes.
    """
    made = simulate_genome(options)
    listed = _listed(made, options)
    with atomic_directory(outdir) as folder:
        write_fasta(folder / "genome.fa.gz", list(made.names), list(made.contigs))
        with deterministic_gzip(folder / "genes.gtf.gz") as handle:
            for gene in made.genes:
                handle.writelines(line.encode() for line in _gtf_lines(gene, made.names[gene.contig]))
        ends = {gene.name: _ends(gene) for gene in made.genes}
        write_lines(folder / "sites.polyasite.bed", (_polyasite_line(made, one, at0, ends) for one, at0 in listed))
        write_lines(
            folder / "samplesheet.csv",
            ["sample,fasta,gtf,sites", "simulated,genome.fa.gz,genes.gtf.gz,sites.polyasite.bed"],
        )
        known = {(one.contig, one.anchor0, one.strand) for one, _ in listed}
        for kind, name in ((SITE, "sites"), (DECOY, "decoys"), (PRIMED, "primed")):
            rows = _sorted([one for one in made.planted if one.kind == kind])
            write_lines(folder / "truth" / f"{name}.bed", (_truth_line(made, one, known) for one in rows))
        write_json(folder / "truth" / "parameters.json", _parameters(made, options, len(listed)))
    n = {kind: sum(one.kind == kind for one in made.planted) for kind in (SITE, DECOY)}
    return f"{len(made.genes)} genes, {n[SITE]} sites ({len(listed)} places listed), {n[DECOY]} decoys: {outdir}"


def _listed(made: SimulatedGenome, options: PolyaOptions) -> list[tuple[Planted, int]]:
    """What the list holds, and where: most sites, a few of them some bases beside their place, and primed places."""
    random = stream(options.seed, "polya", "list")
    found = []
    for one in _sorted(list(made.planted)):
        drawn, beside, step = random.random(), random.random(), int(random.integers(2, 6))
        if one.kind == PRIMED or (one.kind == SITE and drawn < options.known_fraction):
            moved = step if one.kind == SITE and beside < options.shifted_fraction else 0
            found.append((one, one.anchor0 + moved * (1 if one.strand == "+" else -1)))
    return found


def _sorted(planted: Sequence[Planted]) -> list[Planted]:
    return sorted(planted, key=lambda one: (one.contig, one.anchor0, one.strand))


def _polyasite_line(made: SimulatedGenome, one: Planted, anchor0: int, ends: dict[str, set[int]]) -> str:
    """A row as PolyASite 2 writes it: a cluster around the representative, which is the base before the A, 1-based."""
    sign = 1 if one.strand == "+" else -1
    last0, name = anchor0 - sign, made.names[one.contig]
    low = (last0 * 7 + one.anchor0) % CLUSTER_NT  # any place inside, without another random number
    start0, end0 = last0 - low, last0 - low + CLUSTER_NT
    kind = "TE" if one.kind == SITE and one.anchor0 in ends[one.gene] else "EX"
    motif = "NA" if not one.hexamer else f"{one.hexamer}@-{one.distance_nt}@{one.anchor0 - sign * one.distance_nt + 1}"
    usage = 1 + one.anchor0 % 50
    columns = (name, start0, end0, f"{name}:{last0 + 1}:{one.strand}", usage / 10, one.strand, 0.5, 3, usage / 10)
    return "\t".join(map(str, (*columns, kind, motif)))


def _ends(gene: SimulatedGene) -> set[int]:
    """The bases right behind the transcripts of a gene."""
    if gene.strand == "+":
        return {blocks[-1][1] for blocks in gene.transcripts}
    return {blocks[0][0] - 1 for blocks in gene.transcripts}


def _truth_line(made: SimulatedGenome, one: Planted, known: set[tuple[int, int, str]]) -> str:
    name = f"{one.gene}|{one.hexamer}@-{one.distance_nt}" if one.hexamer else one.gene
    is_known = int((one.contig, one.anchor0, one.strand) in known)
    return f"{made.names[one.contig]}\t{one.anchor0}\t{one.anchor0 + 1}\t{name}\t0\t{one.strand}\t{is_known}"


def _gtf_lines(gene: SimulatedGene, chrom: str) -> Iterator[str]:
    spans = [(blocks[0][0], blocks[-1][1]) for blocks in gene.transcripts]
    yield _gtf_row(chrom, gene, "gene", min(low for low, _ in spans), max(high for _, high in spans), "")
    for number, blocks in enumerate(gene.transcripts, start=1):
        text = f' transcript_id "{gene.name}.{number}";'
        yield _gtf_row(chrom, gene, "transcript", *spans[number - 1], text)
        for low0, high0 in blocks:
            yield _gtf_row(chrom, gene, "exon", low0, high0, text)
        for low0, high0 in blocks:
            first0, last0 = max(low0, gene.coding[0]), min(high0, gene.coding[1])
            if first0 < last0:
                yield _gtf_row(chrom, gene, "CDS", first0, last0, text)


def _gtf_row(chrom: str, gene: SimulatedGene, feature: str, start0: int, end0: int, text: str) -> str:
    attributes = f'gene_id "{gene.name}";{text} gene_name "{gene.name}"; gene_type "protein_coding";'
    return f"{chrom}\tribolm\t{feature}\t{start0 + 1}\t{end0}\t.\t{gene.strand}\t.\t{attributes}\n"


def _parameters(made: SimulatedGenome, options: PolyaOptions, n_listed: int) -> dict[str, object]:
    counts = {kind: sum(one.kind == kind for one in made.planted) for kind in (SITE, DECOY, PRIMED)}
    return {
        "options": dataclasses.asdict(options),
        "rule": {"gu_rich_first_nt": GU_FIRST_NT, "gu_rich_nt": GU_NT, "anchor": "the A behind the last RNA base"},
        "planted": counts,
        "listed": n_listed,
        "genes": len(made.genes),
        "length_nt": int(np.sum([len(letters) for letters in made.contigs])),
    }
