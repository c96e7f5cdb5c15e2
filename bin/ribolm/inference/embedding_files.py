"""Embeddings as parquet, npz or zarr, written part by part: a file of any size needs the memory of one part.

Each form has the names, the values and, as JSON, what they depend on. One row per token: `token0` is the number of the
token in its sequence, which is the base where tokens are single bases.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ribolm.errors import DataError, UsageError
from ribolm.files import atomic_path
from ribolm.inference.calls import PROVENANCE

if TYPE_CHECKING:
    from ribolm.inference.embedded_records import Embedded, Part

ZARR_CHUNK_VALUES = 1 << 20
Writer = Callable[[Path, "Embedded", "Iterable[Part]"], None]


def writer_for(out: Path) -> Writer:
    """The writer that the suffix of a path asks for. Raises UsageError for another suffix, DataError for a folder."""
    writers: dict[str, Writer] = {".parquet": write_parquet, ".npz": write_npz, ".zarr": write_zarr}
    if out.suffix not in writers:
        raise UsageError(f"--out {out} has the suffix '{out.suffix}'. Use one of {', '.join(writers)}.")
    if out.suffix == ".zarr":
        _require_own_zarr(out)
    elif out.is_dir():
        raise UsageError(f"{out} is a folder. Name a file.")
    return writers[out.suffix]


def write_parquet(out: Path, wanted: Embedded, parts: Iterable[Part]) -> None:
    """Columns `name`, of tokens `token0`, and `embedding`, a list of D float32; facts in the metadata `ribolm`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [("name", pa.string())] + [("token0", pa.int32())] * (wanted.level == "token")
    schema = pa.schema([*columns, ("embedding", pa.list_(pa.float32(), wanted.width))])
    schema = schema.with_metadata({PROVENANCE: json.dumps(wanted.facts, sort_keys=True).encode()})
    with atomic_path(out) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for part in parts:
            offsets = wanted.offsets[part.rows.start : part.rows.stop + 1]
            names = pa.array(wanted.names[part.rows.start : part.rows.stop], pa.string())
            values = pa.FixedSizeListArray.from_arrays(pa.array(part.values.ravel()), wanted.width)
            arrays = [names, values]
            if wanted.level == "token":
                row = np.repeat(np.arange(len(part.rows)), np.diff(offsets))
                token0 = np.arange(len(part.values)) - (offsets[:-1] - offsets[0])[row]
                arrays = [names.take(pa.array(row)), pa.array(token0, pa.int32()), values]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def write_npz(out: Path, wanted: Embedded, parts: Iterable[Part]) -> None:
    """Arrays `embeddings`, `names`, of tokens `offsets` [n + 1], and `metadata`, JSON; read without pickles."""
    with atomic_path(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        header = {"descr": "<f4", "fortran_order": False, "shape": (wanted.n_values, wanted.width)}
        with archive.open("embeddings.npy", "w", force_zip64=True) as handle:
            np.lib.format.write_array_header_1_0(handle, header)
            for part in parts:
                handle.write(np.ascontiguousarray(part.values, dtype="<f4").data.cast("B"))
        others = {"names": np.array(wanted.names, dtype=np.str_), "metadata": np.array(json.dumps(wanted.facts))}
        if wanted.level == "token":
            others["offsets"] = wanted.offsets
        for name, array in others.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as handle:
                np.lib.format.write_array(handle, array, allow_pickle=False)


def write_zarr(out: Path, wanted: Embedded, parts: Iterable[Part]) -> None:
    """The same arrays as a zarr group, `metadata` as its attribute `ribolm`; replaces a group of embeddings."""
    import zarr

    _require_own_zarr(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        group = zarr.open_group(store=str(temporary), mode="w-", zarr_format=2)
        shape = (wanted.n_values, wanted.width)
        chunk = (max(1, min(max(shape[0], 1), ZARR_CHUNK_VALUES // wanted.width)), wanted.width)
        values = group.create_array("embeddings", shape=shape, chunks=chunk, dtype="float32")
        at = 0
        for part in parts:
            values[at : at + len(part.values)] = part.values
            at += len(part.values)
        longest = max((len(name) for name in wanted.names), default=1)
        names = np.array(wanted.names, dtype=f"<U{longest}")
        group.create_array("names", data=names)
        if wanted.level == "token":
            group.create_array("offsets", data=wanted.offsets)
        group.attrs["ribolm"] = wanted.facts
        if out.exists():
            shutil.rmtree(out)
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _require_own_zarr(out: Path) -> None:
    """Raise DataError where a path to be replaced is anything but a zarr group of embeddings or an empty folder."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    attributes = out / ".zattrs"
    try:
        content = json.loads(attributes.read_text("utf-8")) if attributes.is_file() else {}
    except ValueError:
        content = {}
    if not isinstance(content, dict) or "level" not in (content.get("ribolm") or {}):
        raise DataError(f"{out}: holds something else than embeddings as zarr. Choose another --out.")
