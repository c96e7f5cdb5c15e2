"""Scored candidates on disk: parquet, one row per candidate, unmerged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ribolm.candidates.hexamers import CandidateRule
from ribolm.console import Progress, notice
from ribolm.files import atomic_path
from ribolm.genome.fasta import Genome
from ribolm.inference.batches import Float32
from ribolm.inference.scan.candidate_files import BLOCK_BYTES, CandidateBlock, hexamer_distances, read_candidates
from ribolm.inference.scan.scorer import (
    WindowFaults,
    WindowScorer,
    best_of_hexamers,
    require_named_hexamers,
    require_rule,
    score_places,
)

PROVENANCE = b"ribolm-scan"
DICTIONARY = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("chrom", DICTIONARY),
        ("start0", pa.int64()),
        ("end0", pa.int64()),
        ("name", DICTIONARY),
        ("strand", DICTIONARY),
        ("logit", pa.float32()),
    ]
)
MANY_UNKNOWN = 0.01


class _Writer(Protocol):
    def write_table(self, table: pa.Table) -> None: ...


def scan_provenance(scorer: WindowScorer, genome: Genome, rule: CandidateRule) -> dict[str, Any]:
    """What decides logits and nulls: model, genome, and the rule of the hexamers upstream of a candidate."""
    rule_facts = vars(rule) | {"hexamers": list(rule.hexamers)}
    return {**scorer.provenance(), "genome": genome.sha256, "rule": rule_facts}


def scan_candidates(
    scorer: WindowScorer,
    genome: Genome,
    candidates: Path,
    out: Path,
    rule: CandidateRule,
    block_bytes: int = BLOCK_BYTES,
) -> int:
    """Score every candidate of a BED file and write one row for each, in its order; returns their number.

    A candidate's logit depends on its window alone, so that parts of a genome may be scored apart. Memory: the genome,
    one block and one batch. Raises DataError for a file of another genome.
    """
    faults, n = WindowFaults(), 0
    with (
        _open(out, scan_provenance(scorer, genome, rule)) as writer,
        Progress("scoring", unit="candidates") as progress,
    ):
        for block in read_candidates(candidates, genome, block_bytes):
            writer.write_table(_table(genome, block, score_block(scorer, genome, block, rule, candidates.name, faults)))
            n += len(block)
            progress.advance(len(block))
    if not n:
        notice(f"{candidates.name}: holds no candidate; the result is empty.")
    if faults.with_unknown > MANY_UNKNOWN * faults.windows:
        text = f"{faults.with_unknown:,} of {faults.windows:,} windows of {scorer.window_nt} nt hold N"
        notice(f"{candidates.name}: {text} or leave their contig; their scores mean less.")
    return n


def score_block(
    scorer: WindowScorer, genome: Genome, block: CandidateBlock, rule: CandidateRule, source: str, faults: WindowFaults
) -> Float32:
    """Logits of some candidates, float32 [n]. Raises DataError for candidates of another rule."""
    distance = hexamer_distances(block.name, source)
    require_rule(block.name, distance, rule, source)
    if scorer.anchor == "cleavage":
        return score_places(scorer, genome, block.places, faults)
    require_named_hexamers(genome, block.places, block.name, distance, source)
    return best_of_hexamers(scorer, genome, block.places, distance, rule, faults)


@contextmanager
def _open(out: Path, provenance: Mapping[str, Any]) -> Iterator[_Writer]:
    schema = SCHEMA.with_metadata({PROVENANCE: json.dumps(dict(provenance), sort_keys=True).encode()})
    with atomic_path(out) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        yield writer


def _table(genome: Genome, block: CandidateBlock, logits: Float32) -> pa.Table:
    places = block.places
    contigs = pa.array(genome.names, pa.string())
    columns = [
        pa.DictionaryArray.from_arrays(places.contig.astype(np.int32), contigs),
        pa.array(places.at0),
        pa.array(places.at0 + 1),
        pa.array(block.name, pa.string()).dictionary_encode(),
        pa.DictionaryArray.from_arrays((places.strand > 0).astype(np.int32), pa.array(["-", "+"])),
        pa.array(logits),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)
