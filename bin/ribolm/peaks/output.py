"""The files of one call: bins.parquet, bins.tsv.gz, peaks.bed, peaks.tsv. Same numbers, same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pysam
from numpy.typing import NDArray

from ribolm.genome.coordinates import STRAND_SIGN
from ribolm.genome.exon_space import ExonSpace, genomic_blocks
from ribolm.genome.regions import write_bed12
from ribolm.peaks.bins import GcContent
from ribolm.peaks.call import ExaminedBins
from ribolm.peaks.peak_table import PEAK_COLUMNS, PeakRow, peak_names

CHUNK_ROWS = 1 << 17
FLAG_OUTLIER = "outlier"
FLAG_NO_BACKGROUND = "no_background"


@dataclass(frozen=True)
class BinColumns:
    """What bins.parquet is made of.

    libraries: name and row (in counts and offsets) of each library, in the order of the columns; background bool[k];
    gc: None without a genome; no_background: whether the size factors are a fallback.
    """

    tested: ExaminedBins
    space: ExonSpace
    libraries: Mapping[str, int]
    background: NDArray[np.bool_]
    gc: GcContent | None
    no_background: bool


def bin_schema(libraries: Iterable[str]) -> pa.Schema:
    """Names and types of the columns of bins.parquet."""
    blocks = pa.list_(pa.int32())
    fixed = {
        "bin": pa.int32(), "gene": pa.string(), "chrom": pa.string(), "start0": pa.int32(), "end0": pa.int32(),
        "strand": pa.string(), "block_starts0": blocks, "block_sizes": blocks, "gc": pa.float64(),
        "background": pa.bool_(), "log2_fold_change": pa.float64(), "standard_error": pa.float64(),
        "p_value": pa.float64(), "flag": pa.string(),
    }  # fmt: skip
    counts = {f"count.{name}": pa.int32() for name in libraries}
    offsets = {f"offset.{name}": pa.float64() for name in libraries}
    return pa.schema(list((fixed | counts | offsets).items()))


def bin_tables(columns: BinColumns) -> Iterator[pa.Table]:
    """The rows of bins.parquet in pieces of a fixed number of rows."""
    for begin in range(0, columns.tested.bins.size, CHUNK_ROWS):
        yield _bin_table(columns, slice(begin, begin + CHUNK_ROWS))


def _bin_table(columns: BinColumns, part: slice) -> pa.Table:
    tested, space = columns.tested, columns.space
    unit = tested.unit[part]
    blocks = genomic_blocks(space, unit, tested.start_nt[part], tested.end_nt[part])
    last = blocks.first[1:] - 1
    bins = tested.bins[part]
    gc = pa.nulls(bins.size, pa.float64())
    if columns.gc is not None:
        gc = pa.array(columns.gc.share(bins), from_pandas=True)
    offsets = pa.array(blocks.first.astype(np.int32))
    fixed = [
        pa.array((bins + 1).astype(np.int32)),
        _names(space.names, unit),
        _names(space.chroms, space.chrom[unit]),
        pa.array(blocks.start0[blocks.first[:-1]]),
        pa.array(blocks.start0[last] + blocks.size[last]),
        _names([STRAND_SIGN[-1], STRAND_SIGN[1]], (space.strand[unit] > 0).astype(np.int64)),
        pa.ListArray.from_arrays(offsets, pa.array(blocks.start0)),
        pa.ListArray.from_arrays(offsets, pa.array(blocks.size)),
        gc,
        pa.array(columns.background[part]),
        pa.array(tested.test.log2_fold_change[part]),
        pa.array(tested.test.standard_error[part]),
        pa.array(tested.test.p_value[part]),
        _flags(tested.outlier[part], columns.no_background),
    ]
    order = list(columns.libraries.values())
    counts = [pa.array(row[part]) for row in tested.counts[order]]
    scales = [pa.array(row[part]) for row in tested.offsets[order]]
    return pa.Table.from_arrays(fixed + counts + scales, schema=bin_schema(columns.libraries))


def _names(names: Sequence[str], index: NDArray) -> pa.Array:
    """Text of each row, looked up among the names that occur in it."""
    used, where = np.unique(index, return_inverse=True)
    texts = pa.array([names[int(i)] for i in used], pa.string())
    return texts.take(pa.array(where.astype(np.int32)))


def _flags(outlier: NDArray[np.bool_], no_background: bool) -> pa.Array:
    always = [FLAG_NO_BACKGROUND] if no_background else []
    texts = [",".join(always), ",".join([FLAG_OUTLIER, *always])]
    return _names(texts, outlier.astype(np.int64))


def write_bins_parquet(path: Path, columns: BinColumns) -> None:
    """Write bins.parquet: Zstandard, row groups of a fixed number of rows, no time stamp."""
    with pq.ParquetWriter(path, bin_schema(columns.libraries), compression="zstd") as writer:
        for table in bin_tables(columns):
            writer.write_table(table)


def write_bins_tsv(path: Path, columns: BinColumns) -> None:
    """Write the same table as BGZF-compressed TSV; lists are comma-joined, null is an empty cell."""
    import polars as pl

    with pysam.BGZFile(str(path), "wb", None) as handle:
        handle.write(("\t".join(bin_schema(columns.libraries).names) + "\n").encode())
        for table in bin_tables(columns):
            frame = pl.DataFrame(pl.from_arrow(table)).with_columns(
                pl.col("block_starts0", "block_sizes").cast(pl.List(pl.String)).list.join(",")
            )
            handle.write(frame.write_csv(include_header=False, separator="\t", quote_style="never").encode())


def write_peaks(folder: Path, prefix: str, rows: Sequence[PeakRow]) -> None:
    """Write peaks.bed and peaks.tsv."""
    names = peak_names(prefix, len(rows))
    write_bed12(folder / "peaks.bed", (row.region(name) for row, name in zip(rows, names, strict=True)))
    with (folder / "peaks.tsv").open("w", encoding="utf-8", newline="\n") as handle:
        handle.write("\t".join(PEAK_COLUMNS) + "\n")
        for row, name in zip(rows, names, strict=True):
            handle.write("\t".join(row.cells(name)) + "\n")
