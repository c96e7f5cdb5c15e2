"""Contacts as a table of pairs (TSV, parquet) or as one matrix per RNA (a folder of npz)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ribolm.errors import DataError, UsageError
from ribolm.files import atomic_directory, atomic_path, write_json
from ribolm.genome.coordinates import Int64
from ribolm.inference.calibration import probability
from ribolm.inference.calls import PROVENANCE

if TYPE_CHECKING:
    from ribolm.inference.batches import Float32

HEADER = "name\ti0\tj0\tprobability"
INDEX, ABOUT, INDEX_HEADER = "index.tsv", "about.json", "file\tname\tlength_nt"
MATRIX_NAME = re.compile(r"\d{6,}\.npz")


class Contacts(NamedTuple):
    """One RNA and its logits, float32 [L, L]."""

    name: str
    letters: str
    logits: Float32


class Kept(NamedTuple):
    """Which pairs a table lists: of that probability or more, at least so many bases apart."""

    threshold: float
    separation: int


Writer = Callable[[Path, Iterable[Contacts], Kept, Mapping[str, Any]], int]


def writer_for(out: Path) -> Writer:
    """The writer that a path asks for by its suffix; without one a folder. Raises UsageError for others."""
    writers: dict[str, Writer] = {".tsv": write_tsv, ".parquet": write_parquet, "": write_folder}
    if out.suffix not in writers:
        raise UsageError(f"--out {out} has the suffix '{out.suffix}'. Use .tsv, .parquet, or none for a folder.")
    if out.suffix and out.is_dir():
        raise UsageError(f"{out} is a folder. Name a file.")
    if not out.suffix:
        _own_matrices(out)
    return writers[out.suffix]


def contact_pairs(logits: Float32, threshold: float, separation: int) -> tuple[Int64, Float32]:
    """Pairs i < j at least `separation` bases apart, of that probability or more, and their probabilities.

    logits [L, L]; int64 [P, 2], ascending by i, then j; float32 [P].
    """
    with np.errstate(divide="ignore"):
        least = np.float32(np.log(threshold) - np.log1p(-threshold))
    rows = [np.flatnonzero(row[i + separation :] >= least) + i + separation for i, row in enumerate(logits)]
    left = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    right = np.concatenate([*rows, np.zeros(0, dtype=np.int64)]).astype(np.int64)
    chance = probability(logits[left, right].astype(np.float64)).astype(np.float32)
    return np.stack([left, right], axis=1).astype(np.int64), chance


def write_tsv(out: Path, found: Iterable[Contacts], kept: Kept, facts: Mapping[str, Any]) -> int:
    """Write pairs with the header `HEADER`, and beside them `<out>.json`, what they depend on; returns their number."""
    n = 0
    with atomic_path(out) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(HEADER + "\n")
        for one in found:
            pairs, chance = contact_pairs(one.logits, *kept)
            rows = zip(*pairs.T.tolist(), chance.tolist(), strict=True)
            handle.writelines(f"{one.name}\t{i}\t{j}\t{p:.6f}\n" for i, j, p in rows)
            n += len(pairs)
    write_json(out.with_name(f"{out.name}.json"), {**facts, **kept._asdict()})
    return n


def write_parquet(out: Path, found: Iterable[Contacts], kept: Kept, facts: Mapping[str, Any]) -> int:
    """Write the same pairs as parquet, facts in the metadata `ribolm`; returns their number."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [("name", pa.string()), ("i0", pa.int32()), ("j0", pa.int32()), ("probability", pa.float32())]
    about = json.dumps({**facts, **kept._asdict()}, sort_keys=True).encode()
    schema, n = pa.schema(columns).with_metadata({PROVENANCE: about}), 0
    with atomic_path(out) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for one in found:
            pairs, chance = contact_pairs(one.logits, *kept)
            names = pa.array([one.name], pa.string()).take(pa.array(np.zeros(len(pairs), dtype=np.int64)))
            arrays = [names, *(pa.array(column, pa.int32()) for column in pairs.T), pa.array(chance)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            n += len(pairs)
    return n


def write_folder(out: Path, found: Iterable[Contacts], kept: Kept, facts: Mapping[str, Any]) -> int:
    """Write the whole matrix of each RNA, `000001.npz` …, with index.tsv and about.json; returns their number.

    Arrays: `probabilities` float32 [L, L], `name`, `letters`. All pairs are in it, whatever `kept` says.
    """
    del kept
    before = _own_matrices(out)
    with atomic_directory(out) as folder:
        lines = [f"{INDEX_HEADER}\n"]
        for number, one in enumerate(found, 1):
            file = f"{number:06d}.npz"
            matrix = np.empty_like(one.logits)
            for row, logits in zip(matrix, one.logits, strict=True):
                row[:] = probability(logits.astype(np.float64))
            np.savez(folder / file, probabilities=matrix, name=one.name, letters=one.letters)
            lines.append(f"{file}\t{one.name}\t{len(one.letters)}\n")
        (folder / INDEX).write_text("".join(lines), "utf-8")
        write_json(folder / ABOUT, dict(facts))
        written = {path.name for path in folder.iterdir()}
    for name in before - written:
        (out / name).unlink(missing_ok=True)  # of a longer list that was there before
    return len(lines) - 1


def _own_matrices(out: Path) -> set[str]:
    """Names of the matrices that an earlier call has left in a folder, none in a new or empty one.

    Raises DataError where the path is something else.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return set()
    try:
        facts = json.loads((out / ABOUT).read_text("utf-8"))
        lines = (out / INDEX).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        facts, lines = None, []
    if not isinstance(facts, dict) or "model_sha256" not in facts or lines[:1] != [INDEX_HEADER]:
        raise DataError(f"{out}: holds something else than contacts. Choose another --out.")
    return {name for line in lines[1:] if MATRIX_NAME.fullmatch(name := line.split("\t")[0])}
