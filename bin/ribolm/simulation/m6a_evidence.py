"""What others would have measured of the planted sites: three tables of different techniques, each with its errors.

Every technique misses sites, reports A's that are no site (most of them in DRACH), and now and then a place beside the
site. Their errors are independent of each other, so that two techniques that agree are seldom wrong.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ribolm.alphabet import DRACH, DRACH_A_OFFSET, motif_starts
from ribolm.files import atomic_path
from ribolm.genome.coordinates import STRAND_SIGN, Int64
from ribolm.simulation.m6a_fragments import Experiment
from ribolm.simulation.streams import stream

BUILD = "simulated"
FALSE_SHARE = 0.1
FALSE_IN_DRACH = 0.8
SHIFTED_SHARE = 0.02
# Name of the table, share of the sites that it holds, techniques of its rows.
TABLES = (
    ("miclip.bed", 0.85, ("miCLIP",)),
    ("glori.tsv", 0.85, ("GLORI",)),
    ("atlas.tsv", 0.8, ("m6A-REF-seq", "MAZTER-seq", "m6ACE")),
)
SHEET_COLUMNS = ("source", "path", "technique", "build")
GLORI_COLUMNS = ("Chr", "Sites", "Strand", "Gene", "CR", "AGcov", "Acov", "Genecov", "Ratio", "Pvalue", "P_adjust")
ATLAS_COLUMNS = (
    "ID", "seqnames", "start", "strand", "Condition_Count", "Gene_Name", "Gene_Biotype", "annotation", "RBP_Num",
    "miRNA_Num", "SplicingSite_Num", "SNP_Num", "Cell_Line", "Cell_Line_Num", "Technique", "Technique_Num",
    "Quantification",
)  # fmt: skip


@dataclass(frozen=True)
class _Places:
    """Reported places, sorted: `gene`, `contig`, `position0`, `strand`, all int64 [n]; `true` where a site lies."""

    gene: Int64
    contig: Int64
    position0: Int64
    strand: Int64
    true: np.ndarray

    def __len__(self) -> int:
        return len(self.gene)


def write_evidence(folder: Path, experiment: Experiment) -> None:
    """Write miclip.bed, glori.tsv, atlas.tsv and sites.csv, the sheet for `ribolm-labels sites`."""
    folder.mkdir(parents=True, exist_ok=True)
    names = experiment.transcripts.contig_names
    for file_name, share, techniques in TABLES:
        rng = stream(experiment.options.seed, "evidence", file_name)
        places = _reported(rng, experiment, share)
        chroms = [names[k] for k in places.contig]
        strands = [STRAND_SIGN[int(s)] for s in places.strand]
        if file_name == "miclip.bed":
            _write(folder / file_name, None, _bed_rows(rng, places, chroms, strands))
        elif file_name == "glori.tsv":
            _write(folder / file_name, GLORI_COLUMNS, _glori_rows(rng, experiment, places, chroms, strands))
        else:
            _write(folder / file_name, ATLAS_COLUMNS, _atlas_rows(rng, experiment, places, chroms, strands, techniques))
    rows = [(name.split(".")[0], name, techniques[0] if len(techniques) == 1 else "", BUILD)
            for name, _, techniques in TABLES]  # fmt: skip
    _write(folder / "sites.csv", SHEET_COLUMNS, rows, ",")


def _reported(rng: np.random.Generator, experiment: Experiment, share: float) -> _Places:
    """A share of the sites, false places among the main isoforms of methylated genes, some places off by one."""
    sites, transcripts = experiment.sites, experiment.transcripts
    seen = np.flatnonzero(rng.random(len(sites)) < share)
    genes = np.unique(sites.gene)
    n_false = round(FALSE_SHARE * len(seen))
    false = [_false_place(rng, experiment, int(gene)) for gene in (rng.choice(genes, n_false) if n_false else ())]
    gene = np.r_[sites.gene[seen], np.array([f[0] for f in false], dtype=np.int64)]
    position0 = np.r_[sites.position0[seen], np.array([f[1] for f in false], dtype=np.int64)]
    position0 = position0 + (rng.random(len(gene)) < SHIFTED_SHARE)
    contig, strand = transcripts.gene_contig[gene], transcripts.gene_strand[gene]
    key = np.stack([contig, position0, strand])
    first = np.unique(key, axis=1, return_index=True)[1]
    true = np.r_[np.ones(len(seen), dtype=bool), np.zeros(n_false, dtype=bool)]
    return _Places(gene[first], contig[first], position0[first], strand[first], true[first])


def _false_place(rng: np.random.Generator, experiment: Experiment, gene: int) -> tuple[int, int]:
    """An A of the main isoform of a gene, in DRACH more often than not: (gene, position0)."""
    transcripts = experiment.transcripts
    main = int(np.searchsorted(transcripts.transcript_gene, gene))
    start, end = (int(x) for x in transcripts.transcript_offset[main : main + 2])
    sequence = transcripts.sequence[start:end]
    at = motif_starts(sequence, DRACH) + DRACH_A_OFFSET
    if rng.random() >= FALSE_IN_DRACH or not len(at):
        at = np.flatnonzero(sequence == ord("A"))
    place = np.array([start + int(at[rng.integers(len(at))])])
    return gene, int(transcripts.to_genome0(place)[0])


def _levels(rng: np.random.Generator, places: _Places) -> np.ndarray:
    """Share of molecules with m6A: high at sites, low elsewhere."""
    return np.where(places.true, rng.uniform(0.3, 0.95, len(places)), rng.uniform(0.1, 0.3, len(places)))


def _bed_rows(
    rng: np.random.Generator, places: _Places, chroms: Sequence[str], strands: Sequence[str]
) -> Iterable[tuple[object, ...]]:
    tags = 2 + rng.poisson(4 * _levels(rng, places))
    for k, (chrom, strand) in enumerate(zip(chroms, strands, strict=True)):
        yield chrom, places.position0[k], places.position0[k] + 1, f"cims_{k + 1}", tags[k], strand


def _glori_rows(
    rng: np.random.Generator, experiment: Experiment, places: _Places, chroms: Sequence[str], strands: Sequence[str]
) -> Iterable[tuple[object, ...]]:
    coverage = 15 + rng.poisson(60, len(places))
    kept = rng.binomial(coverage, _levels(rng, places))
    for k, (chrom, strand) in enumerate(zip(chroms, strands, strict=True)):
        gene = experiment.transcripts.gene_ids[places.gene[k]]
        ratio, p_value = kept[k] / coverage[k], 10.0 ** -min(kept[k], 30)
        counts = (0.992, coverage[k], kept[k], coverage[k] * 40, f"{ratio:.6f}", f"{p_value:.3e}", f"{p_value * 2:.3e}")
        yield chrom, places.position0[k] + 1, strand, gene, *counts


def _atlas_rows(
    rng: np.random.Generator,
    experiment: Experiment,
    places: _Places,
    chroms: Sequence[str],
    strands: Sequence[str],
    techniques: Sequence[str],
) -> Iterable[tuple[object, ...]]:
    tissues = ("Brain", "Liver", "HEK293")
    for k, (chrom, strand) in enumerate(zip(chroms, strands, strict=True)):
        seen = sorted({techniques[int(x)] for x in rng.integers(len(techniques), size=1 + int(rng.integers(2)))})
        where = sorted({tissues[int(x)] for x in rng.integers(len(tissues), size=1 + int(rng.integers(2)))})
        gene = experiment.transcripts.gene_ids[places.gene[k]]
        middle = (gene, "protein_coding", "Exon", -1, -1, -1, 0)
        last = (";".join(where), len(where), ";".join(seen), len(seen), 1)
        yield f"m6A_sim_{k + 1}", chrom, places.position0[k] + 1, strand, len(where), *middle, *last


def _write(path: Path, header: Sequence[str] | None, rows: Iterable[Sequence[object]], delimiter: str = "\t") -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter=delimiter, lineterminator="\n")
        if header:
            writer.writerow(header)
        writer.writerows(rows)
