"""Predicted sites as tables: BED with named columns for people and browsers, parquet for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ribolm.errors import DataError
from ribolm.files import atomic_path, require_each_once, require_file
from ribolm.genome.coordinates import Int64
from ribolm.inference.calibration import Float64

HEADER = "#chrom\tstart0\tend0\tname\tscore\tstrand\tprobability\tlogit\tcontext"
SCHEMA = pa.schema(
    [
        ("chrom", pa.string()),
        ("start0", pa.int64()),
        ("end0", pa.int64()),
        ("name", pa.string()),
        ("score", pa.int32()),
        ("strand", pa.string()),
        ("probability", pa.float64()),
        ("logit", pa.float64()),
        ("context", pa.string()),
    ]
)
PROVENANCE = b"ribolm"
LINES_AT_ONCE = 1 << 16
SAME_LOGIT = 1e-4
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Calls:
    """Sites, ascending by (chrom in byte order, start0, strand), each once; arrays of one length n.

    `probability` is calibrated, `logit` is not (both means over models); `context` five bases, 5' to 3', N outside.
    """

    chrom: Texts
    start0: Int64
    name: Texts
    strand: Texts
    probability: Float64
    logit: Float64
    context: Texts

    def __len__(self) -> int:
        return len(self.start0)

    @property
    def score(self) -> npt.NDArray[np.int32]:
        """round(1000 · probability), int32 [n]."""
        return np.rint(1000 * self.probability).astype(np.int32)

    def take(self, rows: npt.NDArray[Any]) -> Calls:
        """Some of the sites."""
        return Calls(*(getattr(self, key)[rows] for key in Calls.__annotations__))

    def sorted(self) -> Calls:
        """In the order of the class."""
        names = sorted(set(self.chrom.tolist()), key=str.encode)
        rank = {name: i for i, name in enumerate(names)}
        chrom = np.array([rank[name] for name in self.chrom.tolist()], dtype=np.int64)
        return self.take(np.lexsort((self.strand == "-", self.start0, chrom)))


def write_bed(path: Path, calls: Calls) -> None:
    """Write BED6 and three named columns; probability and logit with six decimals."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(HEADER + "\n")
        for begin in range(0, len(calls), LINES_AT_ONCE):
            part = calls.take(np.arange(begin, min(begin + LINES_AT_ONCE, len(calls))))
            columns = (part.chrom, part.start0, part.name, part.score, part.strand, part.probability, part.logit)
            rows = zip(*(column.tolist() for column in columns), part.context.tolist(), strict=True)
            handle.writelines(
                f"{chrom}\t{start0}\t{start0 + 1}\t{name}\t{score}\t{strand}\t{p:.6f}\t{_logit(z)}\t{context}\n"
                for chrom, start0, name, score, strand, p, z, context in rows
            )


def _logit(value: float) -> str:
    text = f"{value:.6f}"
    return "0.000000" if text == "-0.000000" else text


def write_table(path: Path, calls: Calls, provenance: Mapping[str, Any]) -> None:
    """Write the same sites as parquet; `provenance` goes into its metadata."""
    columns = [
        pa.array(calls.chrom, pa.string()),
        pa.array(calls.start0),
        pa.array(calls.start0 + 1),
        pa.array(calls.name, pa.string()),
        pa.array(calls.score),
        pa.array(calls.strand, pa.string()),
        pa.array(calls.probability),
        pa.array(calls.logit),
        pa.array(calls.context, pa.string()),
    ]
    schema = SCHEMA.with_metadata({PROVENANCE: json.dumps(dict(provenance), sort_keys=True).encode()})
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_arrays(columns, schema=schema), temporary, compression="zstd")


def read_table(path: Path) -> tuple[Calls, dict[str, Any]]:
    """Read what `write_table` wrote: sites and provenance; DataError for any other file."""
    require_file(path)
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: is no parquet file. Give a --table of `ribolm-predict sites`.") from error
    metadata = table.schema.metadata or {}
    if not table.schema.equals(SCHEMA) or PROVENANCE not in metadata:
        raise DataError(f"{path}: is no table of predicted sites. Give a --table of `ribolm-predict sites`.")
    texts = {key: np.array(table[key].to_pylist(), dtype=object) for key in ("chrom", "name", "strand", "context")}
    numbers = {key: table[key].to_numpy() for key in ("start0", "probability", "logit")}
    return Calls(**texts, **numbers), json.loads(metadata[PROVENANCE])


def merge_tables(paths: Sequence[Path]) -> tuple[Calls, dict[str, Any]]:
    """Unite tables that one set of models made of parts of the input; a site in several is kept once.

    Raises UsageError for a table named twice, DataError when the tables come of different models or options, or give a
    site two scores. Tables of earlier versions do not tell their precision, and are taken.
    """
    require_each_once("--part", paths)
    parts = [read_table(path) for path in paths]
    first = next((k for k, (_, about) in enumerate(parts) if "precision" in about), 0)
    told = {"precision": None, **parts[first][1]}
    for path, (_, about) in zip(paths, parts, strict=True):
        provenance = {"precision": told["precision"], **about}
        if provenance != told:
            differing = sorted(key for key in {*told, *provenance} if provenance.get(key) != told.get(key))
            raise DataError(
                f"{path}: was made with another {', '.join(differing) or 'set of options'} than {paths[first]}. "
                "Merge only parts of one prediction."
            )
    columns = {key: np.concatenate([getattr(calls, key) for calls, _ in parts]) for key in Calls.__annotations__}
    calls = Calls(**columns).sorted()
    place = list(zip(calls.chrom.tolist(), calls.start0.tolist(), calls.strand.tolist(), strict=True))
    again = np.zeros(len(calls), dtype=bool)
    again[1:] = [one == other for one, other in pairwise(place)]
    repeated = np.flatnonzero(again)
    apart = repeated[np.abs(calls.logit[repeated] - calls.logit[repeated - 1]) > SAME_LOGIT]
    if len(apart):
        chrom, start0, strand = place[apart[0]]
        raise DataError(f"Two parts score {chrom}:{start0} {strand} differently. Merge only parts of one prediction.")
    return calls.take(~again), parts[first][1]
