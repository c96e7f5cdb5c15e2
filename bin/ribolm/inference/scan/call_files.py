"""Calls of poly(A) sites on disk: BED with named columns, parquet, 3'UTR isoforms, new sites, base composition."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ribolm.files import atomic_path
from ribolm.genome.bgzf import bgzf_file
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.inference.scan.annotate import NOTHING, UNKNOWN_NT, CallAnnotation
from ribolm.inference.scan.calls import SiteCalls
from ribolm.labels.polya.strand_letters import letters_around

COLUMNS = (
    "chrom", "start0", "end0", "name", "score", "strand", "probability", "logit", "fdr_estimate", "gene", "feature",
    "distance_to_known_nt", "nearest_known", "internal_priming", "cluster_size",
)  # fmt: skip
ISOFORM_COLUMNS = (
    "gene", "transcript", "chrom", "strand", "isoform", "n_isoforms", "start0", "end0", "utr3_nt", "probability",
    "fdr_estimate", "distance_to_known_nt",
)  # fmt: skip
COMPOSITION_COLUMNS = ("place", "A", "C", "G", "T")
REACH_NT = 50
NOVEL_NT = 24
LINES_AT_ONCE = 1 << 14
SCHEMA = pa.schema(
    [
        ("chrom", pa.string()), ("start0", pa.int64()), ("end0", pa.int64()), ("name", pa.string()),
        ("score", pa.int32()), ("strand", pa.string()), ("probability", pa.float64()), ("logit", pa.float32()),
        ("fdr_estimate", pa.float64()), ("gene", pa.string()), ("feature", pa.string()),
        ("distance_to_known_nt", pa.int64()), ("nearest_known", pa.string()), ("internal_priming", pa.bool_()),
        ("cluster_size", pa.int64()),
    ]
)  # fmt: skip
Columns = dict[str, list[Any]]


def columns_of(genome: Genome, calls: SiteCalls, about: CallAnnotation) -> Columns:
    """The columns of the table of calls as lists; an unknown distance is None."""
    found, places = calls.candidates, calls.candidates.places
    return {
        "chrom": [genome.names[k] for k in places.contig.tolist()],
        "start0": places.at0.tolist(),
        "end0": (places.at0 + 1).tolist(),
        "name": [found.names[k] for k in found.name.tolist()],
        "score": np.rint(1000 * calls.probability).astype(np.int64).tolist(),
        "strand": ["+" if sign > 0 else "-" for sign in places.strand.tolist()],
        "probability": calls.probability.tolist(),
        "logit": found.logit.tolist(),
        "fdr_estimate": calls.fdr.tolist(),
        "gene": about.gene.tolist(),
        "feature": about.feature.tolist(),
        "distance_to_known_nt": [None if d == UNKNOWN_NT else d for d in about.distance_nt.tolist()],
        "nearest_known": about.nearest.tolist(),
        "internal_priming": about.is_primed.tolist(),
        "cluster_size": calls.cluster_size.tolist(),
    }


def write_calls(path: Path, columns: Columns) -> None:
    """Write the table as BED6 and nine named columns in blocked gzip; numbers with six decimals, flags 0 or 1."""
    with bgzf_file(path) as writer:
        for text in _blocks(["#" + "\t".join(COLUMNS)], _lines(columns, COLUMNS)):
            writer.write(text.encode())


def write_table(path: Path, columns: Columns, provenance: dict[str, Any]) -> None:
    """Write the same table as parquet; an unknown distance is null. `provenance` goes into its metadata."""
    arrays = [pa.array(columns[field.name], field.type) for field in SCHEMA]
    schema = SCHEMA.with_metadata({b"ribolm": json.dumps(provenance, sort_keys=True).encode()})
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), temporary, compression="zstd")


def write_novel(
    path: Path, columns: Columns, about: CallAnnotation, within_nt: int = NOVEL_NT, *, has_known: bool = True
) -> int:
    """Write the calls farther than `within_nt` from every known site of their strand; returns their number.

    Calls before an A-rich stretch of the genome stay in, flagged. Without known sites no call is told to be new.
    """
    is_far = (about.distance_nt == UNKNOWN_NT) | (np.abs(about.distance_nt) > within_nt)
    rows = np.flatnonzero(is_far).tolist() if has_known else []
    kept = {name: [values[k] for k in rows] for name, values in columns.items()}
    _write_text(path, COLUMNS, _lines(kept, COLUMNS))
    return len(rows)


def write_isoforms(path: Path, columns: Columns, about: CallAnnotation) -> int:
    """Write every call that ends a 3'UTR, by gene, the nearest to the stop codon first; returns the number of genes.

    `utr3_nt`: bases from the stop codon to the cleavage along the transcript, and beyond its end where the call lies
    behind it. Genes in byte order of their names.
    """
    rows = sorted(
        np.flatnonzero(about.utr3_nt >= 0).tolist(), key=lambda k: (columns["gene"][k].encode(), int(about.utr3_nt[k]))
    )
    by_gene: dict[str, list[int]] = {}
    for k in rows:
        by_gene.setdefault(columns["gene"][k], []).append(k)
    table: Columns = {name: [] for name in ISOFORM_COLUMNS}
    for gene_rows in by_gene.values():
        for number, k in enumerate(gene_rows, start=1):
            own = {"transcript": about.transcript[k], "isoform": number, "n_isoforms": len(gene_rows)}
            own["utr3_nt"] = int(about.utr3_nt[k])
            for name in ISOFORM_COLUMNS:
                table[name].append(own[name] if name in own else columns[name][k])
    _write_text(path, ISOFORM_COLUMNS, _lines(table, ISOFORM_COLUMNS))
    return len(by_gene)


def composition(genome: Genome, calls: SiteCalls, reach_nt: int = REACH_NT) -> Int64:
    """Counts of A, C, G, T at every place from `reach_nt` upstream to `reach_nt` downstream of calls, [width, 4]."""
    counts = np.zeros((2 * reach_nt + 1, 4), dtype=np.int64)
    for begin in range(0, len(calls), LINES_AT_ONCE):
        part = calls.candidates.places.take(np.arange(begin, min(begin + LINES_AT_ONCE, len(calls))))
        letters = letters_around(genome, part, reach_nt, reach_nt)
        for column, base in enumerate(b"ACGT"):
            counts[:, column] += (letters == base).sum(axis=0)
    return counts


def write_composition(path: Path, counts: Int64) -> None:
    """Write the counts, place 0 = the A of the call."""
    reach_nt = len(counts) // 2
    rows = ([str(place - reach_nt), *map(str, row)] for place, row in enumerate(counts.tolist()))
    _write_text(path, COMPOSITION_COLUMNS, ("\t".join(row) for row in rows))


def feature_counts(columns: Columns) -> dict[str, int]:
    """Number of calls per feature."""
    names, counts = np.unique(np.array(columns["feature"], dtype=str), return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _lines(columns: Columns, order: Sequence[str]) -> Iterator[str]:
    for row in zip(*(columns[name] for name in order), strict=True):
        yield "\t".join(_cell(value) for value in row)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{round(value, 6) + 0.0:.6f}"
    return NOTHING if value is None or value == "" else str(value)


def _write_text(path: Path, header: Sequence[str], lines: Iterable[str]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.writelines(_blocks(["\t".join(header)], lines))


def _blocks(header: list[str], lines: Iterable[str]) -> Iterator[str]:
    block = header
    for line in lines:
        block.append(line)
        if len(block) >= LINES_AT_ONCE:
            yield "\n".join(block) + "\n"
            block = []
    if block:
        yield "\n".join(block) + "\n"
