"""Tables of what was found: one line per letter of a window, in parquet; small tables as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ribolm.alphabet import Letters
from ribolm.files import atomic_path

Float32 = npt.NDArray[np.float32]
Values = Mapping[str, Float32]
Part = tuple[tuple[str, ...], Letters, Values]


def write_letters(path: Path, columns: tuple[str, ...], parts: Iterable[Part]) -> int:
    """Write windows letter by letter: name, position0 in the window, letter, and float32 columns; returns the windows.

    A part holds names, windows uint8 [n, width_nt] and every column as [n, width_nt].
    """
    name = pa.dictionary(pa.int32(), pa.string())
    fields = [("name", name), ("position0", pa.int32()), ("letter", name)]
    schema = pa.schema([*fields, *((column, pa.float32()) for column in columns)])
    letters, n = pa.array([chr(code) for code in range(128)]), 0
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for names, windows, values in parts:
            row, position = np.indices(windows.shape, dtype=np.int32).reshape(2, -1)
            table = [
                pa.DictionaryArray.from_arrays(pa.array(row), pa.array(names, pa.string())),
                pa.array(position),
                pa.DictionaryArray.from_arrays(pa.array(windows.ravel().astype(np.int32)), letters),
                *(pa.array(values[column].ravel()) for column in columns),
            ]
            writer.write_table(pa.Table.from_arrays(table, schema=schema))
            n += len(names)
    return n


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Write a small table as tab-separated text with a header."""
    with atomic_path(path) as temporary:
        table.write_csv(temporary, separator="\t", null_value=".")
