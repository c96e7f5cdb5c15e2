"""Names and places of stored sequences: the columns of names.parquet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ribolm.genome.coordinates import Int64

ROWS_PER_GROUP = 1 << 16
COLUMNS = ("name", "chrom", "start0", "end0", "strand", "gene", "cluster", "block_starts0", "block_ends0")
SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("chrom", pa.string()),
        ("start0", pa.int64()),
        ("end0", pa.int64()),
        ("strand", pa.string()),
        ("gene", pa.string()),
        ("cluster", pa.string()),
        ("block_starts0", pa.list_(pa.int64())),
        ("block_ends0", pa.list_(pa.int64())),
    ]
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one sequence lies: blocks (start0, end0) ascending on the genome.

    `gene` None outside genes. `cluster`: genes that overlap on the genome, on either strand, share one; the unit of
    splits.
    """

    chrom: str
    strand: str
    blocks: tuple[tuple[int, int], ...]
    gene: str | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class PlaceBatch:
    """The same for n sequences: lists of n texts; row i owns blocks first_block[i] to first_block[i + 1] (int64)."""

    chrom: Sequence[str | None]
    strand: Sequence[str | None]
    gene: Sequence[str | None]
    cluster: Sequence[str | None]
    first_block: Int64
    block_starts0: Int64
    block_ends0: Int64

    @classmethod
    def of(cls, places: Sequence[Place | None]) -> PlaceBatch:
        """Gather single places; None stands for a sequence of unknown place."""
        blocks = [() if place is None else place.blocks for place in places]
        flat = np.array([pair for row in blocks for pair in row], dtype=np.int64).reshape(-1, 2)
        first = np.r_[0, np.cumsum([len(row) for row in blocks], dtype=np.int64)].astype(np.int64)
        columns = {
            key: [None if place is None else getattr(place, key) for place in places]
            for key in ("chrom", "strand", "gene", "cluster")
        }
        return cls(**columns, first_block=first, block_starts0=flat[:, 0], block_ends0=flat[:, 1])


def names_table(names: Sequence[str], places: PlaceBatch) -> pa.Table:
    """The rows of names.parquet; places are null where a sequence has no block."""
    first = np.asarray(places.first_block, dtype=np.int64)
    unknown = first[1:] == first[:-1]
    low, high = np.zeros(len(unknown), np.int64), np.zeros(len(unknown), np.int64)
    low[~unknown] = places.block_starts0[first[:-1][~unknown]]
    high[~unknown] = places.block_ends0[first[1:][~unknown] - 1]
    mask = pa.array(unknown)
    lists = (
        pa.ListArray.from_arrays(pa.array(first, pa.int32()), pa.array(values, pa.int64()), mask=mask)
        for values in (places.block_starts0, places.block_ends0)
    )
    columns = [
        pa.array(names, pa.string()),
        pa.array(places.chrom, pa.string()),
        pa.array(low, pa.int64(), mask=unknown),
        pa.array(high, pa.int64(), mask=unknown),
        *(pa.array(values, pa.string()) for values in (places.strand, places.gene, places.cluster)),
        *lists,
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


class NamesWriter:
    """Streams rows into a parquet file, one row group of 65,536 rows at a time."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")
        self._pending: list[pa.Table] = []
        self._n_pending = 0

    def append(self, table: pa.Table) -> None:
        """Add rows; full row groups are written at once."""
        self._pending.append(table)
        self._n_pending += table.num_rows
        if self._n_pending >= ROWS_PER_GROUP:
            whole = pa.concat_tables(self._pending)
            full = self._n_pending // ROWS_PER_GROUP * ROWS_PER_GROUP
            self._writer.write_table(whole.slice(0, full), row_group_size=ROWS_PER_GROUP)
            self._pending, self._n_pending = [whole.slice(full).combine_chunks()], self._n_pending - full

    def close(self) -> None:
        """Write what is left and finish the file."""
        if self._n_pending:
            self._writer.write_table(pa.concat_tables(self._pending))
        self._pending, self._n_pending = [], 0
        self._writer.close()
