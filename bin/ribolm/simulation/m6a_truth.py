"""What was planted: sites, enriched regions, expression, parameters."""

import dataclasses
from pathlib import Path

import numpy as np

from ribolm.alphabet import DRACH_A_OFFSET
from ribolm.files import atomic_path, write_json
from ribolm.genome.regions import Region, write_bed6, write_bed12
from ribolm.simulation.m6a_annotation import STRAND
from ribolm.simulation.m6a_context import context_rule, context_without_site
from ribolm.simulation.m6a_fragments import Experiment, Fragments, expected_input_fragments, gc_slope
from ribolm.simulation.m6a_options import M6aOptions, libraries

SITE_COLUMNS = (
    "chrom", "start0", "end0", "name", "score", "strand",
    "gene", "feature", "motif", "distance_to_stop_nt", "enrichment", "expected_input_fragments",
)  # fmt: skip


def write_truth(folder: Path, experiment: Experiment, drawn: dict[str, Fragments]) -> None:
    """Write sites.bed, regions.bed, transcripts.tsv and parameters.json; `drawn` by library name.

    sites.bed: BED6 of the A, then `SITE_COLUMNS` from the seventh and one column per group, 1 where the site is
    methylated. distance_to_stop_nt counts along the main isoform from the first base of its stop codon.
    regions.bed: for each site the blocks within one mean fragment length of it on any isoform that carries it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    header = "\t".join((*SITE_COLUMNS, *experiment.options.group_names()))
    expected = expected_input_fragments(experiment)
    n_sites = range(len(experiment.sites))
    write_bed6(folder / "sites.bed", (_site(experiment, k, float(expected[k])) for k in n_sites), header)
    regions = sorted((_region(experiment, k) for k in n_sites), key=lambda r: (r.chrom, r.start0, r.end0, r.name))
    write_bed12(folder / "regions.bed", regions)
    _write_transcripts(folder / "transcripts.tsv", experiment, drawn)
    write_json(folder / "parameters.json", _parameters(experiment))


def _name(index: int) -> str:
    return f"m6A_{index + 1:05d}"


def _site(experiment: Experiment, k: int, expected: float) -> Region:
    sites, transcripts = experiment.sites, experiment.transcripts
    main, position = int(sites.transcript[k]), int(sites.transcript_position[k])
    place = int(transcripts.transcript_offset[main]) + position - DRACH_A_OFFSET
    motif = transcripts.sequence[place : place + 5].tobytes().decode()
    coding_start, stop = int(transcripts.coding_start[main]), int(transcripts.coding_end[main]) - 3
    feature = "5UTR" if position < coding_start else "CDS" if position < stop + 3 else "3UTR"
    extra = (
        transcripts.gene_ids[int(sites.gene[k])], feature, motif, str(position - stop),
        f"{experiment.options.enrichment:g}", f"{expected:.1f}", *(str(int(x)) for x in sites.present[:, k]),
    )  # fmt: skip
    start0 = int(sites.position0[k])
    contig = transcripts.contig_names[int(sites.contig[k])]
    return Region(contig, start0, start0 + 1, _name(k), 1000, STRAND[int(sites.strand[k])], (), extra)


def _region(experiment: Experiment, k: int) -> Region:
    sites, transcripts, reach_nt = experiment.sites, experiment.transcripts, experiment.options.fragment_length_nt
    found: list[tuple[int, int]] = []
    for pair in np.flatnonzero(sites.pair_site == k):
        transcript, position = int(sites.pair_transcript[pair]), int(sites.pair_position[pair])
        found += transcripts.blocks(transcript, max(position - reach_nt + 1, 0), position + reach_nt)
    blocks = _merged(found)
    contig = transcripts.contig_names[int(sites.contig[k])]
    return Region(contig, blocks[0][0], blocks[-1][1], _name(k), 1000, STRAND[int(sites.strand[k])], tuple(blocks))


def _merged(blocks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start0, end0 in sorted(blocks):
        if merged and start0 <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end0, merged[-1][1]))
        else:
            merged.append((start0, end0))
    return merged


def _write_transcripts(path: Path, experiment: Experiment, drawn: dict[str, Fragments]) -> None:
    transcripts = experiment.transcripts
    n = len(transcripts.transcript_ids)
    tpm = experiment.abundance / experiment.abundance.sum() * 1e6
    counts = {name: np.bincount(fragments.transcript, minlength=n) for name, fragments in drawn.items()}
    columns = ("transcript", "gene", "biotype", "chrom", "strand", "length_nt", "cds_start", "cds_end", "tpm")
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write("\t".join((*columns, *(f"fragments.{name}" for name in counts))) + "\n")
        for k, gene in enumerate(transcripts.transcript_gene):
            row = (
                transcripts.transcript_ids[k], transcripts.gene_ids[gene], transcripts.gene_biotypes[gene],
                transcripts.contig_names[transcripts.gene_contig[gene]], STRAND[int(transcripts.gene_strand[gene])],
                transcripts.length_nt[k], transcripts.coding_start[k], transcripts.coding_end[k], f"{tpm[k]:.6g}",
            )  # fmt: skip
            handle.write("\t".join(map(str, (*row, *(count[k] for count in counts.values())))) + "\n")


def _parameters(experiment: Experiment) -> dict[str, object]:
    """Options and totals; no version of ribolm, so that a release does not change committed data."""
    options: M6aOptions = experiment.options
    transcripts = experiment.transcripts
    return {
        "context_rule": context_rule(options),
        "options": dataclasses.asdict(options),
        "totals": {
            "contigs": len(transcripts.contig_names),
            "genome_nt": len(transcripts.genome),
            "genes": transcripts.n_annotated_genes,
            "transcripts": len(transcripts.transcript_ids) - transcripts.n_spikein,
            "sites": len(experiment.sites),
            "context_without_site": context_without_site(transcripts, experiment.sites, options),
            "sites_present": {
                group: int(experiment.sites.present[k].sum()) for k, group in enumerate(options.group_names())
            },
        },
        "gc_slopes": {library.name: round(gc_slope(options, library), 6) for library in libraries(options)},
    }
