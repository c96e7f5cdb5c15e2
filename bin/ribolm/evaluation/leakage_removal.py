"""A training store without the sequences that it shares with the test."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ribolm.errors import DataError
from ribolm.evaluation.candidates import Bool
from ribolm.evaluation.leakage import Finding
from ribolm.evaluation.stored_letters import row_chunks
from ribolm.genome.coordinates import Int64, ranges
from ribolm.sequences.places import PlaceBatch
from ribolm.sequences.store import StoreWriter, TokenStore

if TYPE_CHECKING:
    import polars

PLACE_COLUMNS = ("name", "chrom", "strand", "gene", "cluster", "block_starts0", "block_ends0")


def shared_rows(findings: Sequence[Finding], n_rows: int) -> Bool:
    """Training rows that any check found, bool [rows]."""
    found = np.zeros(n_rows, dtype=bool)
    for finding in findings:
        found |= finding.train_rows
    return found


def write_without(store: TokenStore, drop: Bool, directory: Path | str, reason: str) -> int:
    """Write a copy of a store without the rows of `drop` (bool [rows]) and return how many were kept.

    Labels are kept; `reason` goes into the manifest. Raises DataError when no row is left.
    """
    if drop.all():
        raise DataError(f"{store.directory}: every sequence is shared with the test, so that none is left to train on.")
    names = store.names(PLACE_COLUMNS)
    specs = {task: store.label_spec(task) for task in store.tasks}
    source = {**store.manifest["source"], "removed": {"rows": int(drop.sum()), "reason": reason}}
    with StoreWriter(directory, store.tokenizer, specs, source) as writer:
        for low, high in row_chunks(store):
            rows = low + np.flatnonzero(~drop[low:high])
            if not len(rows):
                continue
            lengths = np.diff(store.offsets)[rows]
            tokens = ranges(store.offsets[rows], lengths)
            part = names[rows]
            labels = {task: store.label(task)[tokens if spec.rank == "token" else rows] for task, spec in specs.items()}
            offsets = np.r_[0, np.cumsum(lengths)].astype(np.int64)
            writer.add_batch(store.tokens[tokens], offsets, part["name"].to_list(), _places(part), labels)
    return int((~drop).sum())


def _places(names: "polars.DataFrame") -> PlaceBatch:
    n_blocks = names["block_starts0"].list.len().fill_null(0).to_numpy().astype(np.int64)
    blocks: list[Int64] = [
        names[column].explode(empty_as_null=True).drop_nulls().to_numpy().astype(np.int64)
        for column in ("block_starts0", "block_ends0")
    ]
    chrom, strand, gene, cluster = (names[column].to_list() for column in ("chrom", "strand", "gene", "cluster"))
    first = np.r_[0, np.cumsum(n_blocks)].astype(np.int64)
    return PlaceBatch(chrom, strand, gene, cluster, first, blocks[0], blocks[1])
