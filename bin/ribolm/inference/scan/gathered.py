"""The scored candidates of a whole genome, put together from the parts of a scan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ribolm.candidates.hexamers import CandidateRule
from ribolm.errors import DataError
from ribolm.files import require_each_once, require_file, sha256_of
from ribolm.genome.fasta import Genome
from ribolm.inference.batches import Float32
from ribolm.inference.scan.scored import PROVENANCE, SCHEMA
from ribolm.labels.polya.strand_letters import Places

SAME_LOGIT = 1e-4


@dataclass(frozen=True)
class ScoredCandidates:
    """Candidates by contig of the FASTA, place, + before -, each once; arrays of one length n.

    `name` int32: index of `names`; `logit` float32, uncalibrated.
    """

    places: Places
    name: npt.NDArray[np.int32]
    names: tuple[str, ...]
    logit: Float32

    def __len__(self) -> int:
        return len(self.logit)

    def take(self, rows: npt.NDArray[Any]) -> ScoredCandidates:
        """Some of the candidates."""
        return ScoredCandidates(self.places.take(rows), self.name[rows], self.names, self.logit[rows])


def read_scored(paths: Sequence[Path], genome: Genome, expected: dict[str, Any]) -> ScoredCandidates:
    """Read all parts of one scan, in any order. Memory: 25 bytes per candidate, thrice while sorting.

    `expected`: what `scan_provenance` gives for model, genome and rule. Raises UsageError for a part given twice,
    DataError for a file that is no scan, one of another model, genome, rule or precision, and for a candidate with two
    scores. Parts of earlier versions do not tell their precision, and are taken.
    """
    if not paths:
        raise ValueError("no part")
    require_each_once("--scored", paths)
    names: dict[str, int] = {}
    parts: list[tuple[npt.NDArray[Any], ...]] = []
    digests: list[str | None] = []
    for path in paths:
        table = _open(path, expected)
        _require_contigs(path, table, genome)
        parts.append(_columns(table, genome, names))
        digests.append(sha256_of(path) if table.num_rows else None)  # parts without a candidate are all alike
    require_each_once("--scored", paths, digests)
    contig, at0, strand, name, logit = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((-strand, at0, contig))
    places = Places(contig[order], at0[order], strand[order])
    whole = ScoredCandidates(places, name[order], tuple(names), logit[order])
    return whole.take(~_repeated(whole, genome))


def rule_of_parts(paths: Sequence[Path]) -> CandidateRule:
    """The rule of the hexamers that the first part was scored with."""
    content = _provenance(paths[0])["rule"]
    return CandidateRule(**{**content, "hexamers": tuple(content["hexamers"])})


def precision_of_parts(paths: Sequence[Path]) -> str:
    """Number format that the parts were scored with, by the first that tells; fp32, the default, without one."""
    return next((str(told) for path in paths if (told := _provenance(path).get("precision"))), "fp32")


def _provenance(path: Path) -> dict[str, Any]:
    try:
        schema = pq.read_schema(require_file(path))
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: is no parquet file. Give what `ribolm-predict scan` made.") from error
    metadata = schema.metadata or {}
    if schema.names != SCHEMA.names or PROVENANCE not in metadata:
        raise DataError(f"{path}: holds no scored candidates. Give what `ribolm-predict scan` made.")
    content: dict[str, Any] = json.loads(metadata[PROVENANCE])
    return content


def _open(path: Path, expected: dict[str, Any]) -> pa.Table:
    found, wanted = _provenance(path), expected.get("precision")
    if (told := found.get("precision", wanted)) != wanted:
        raise DataError(
            f"{path}: was scored with --precision {told}, but other parts, or the null here, have {wanted}, and "
            "such logits do not compare. Score all parts with one --precision, and give it to `ribolm-predict merge`."
        )
    keys = {*found, *expected} - {"precision"}
    differing = sorted(key for key in keys if found.get(key) != expected.get(key))
    if differing:
        raise DataError(
            f"{path}: was made with another {', '.join(differing)} than given here or in the first part. "
            "Merge all parts of one scan, with the model and the FASTA that made them."
        )
    return pq.read_table(path)


def _require_contigs(path: Path, table: pa.Table, genome: Genome) -> None:
    unknown = sorted(set(table["chrom"].unique().to_pylist()) - set(genome.names))
    if unknown:
        raise DataError(f"{path}: names contig '{unknown[0]}', which {genome.label} lacks. Use the FASTA of the scan.")


def _columns(table: pa.Table, genome: Genome, names: dict[str, int]) -> tuple[npt.NDArray[Any], ...]:
    """Contig, place, strand, name and logit of one part; new names enter `names`."""
    contigs = {name: k for k, name in enumerate(genome.names)}
    contig = _codes(table["chrom"], lambda text: contigs[text])
    name = _codes(table["name"], lambda text: names.setdefault(text, len(names)))
    strand = _codes(table["strand"], lambda text: 1 if text == "+" else -1)
    at0, logit = table["start0"].to_numpy(), table["logit"].to_numpy()
    return contig, at0, strand.astype(np.int8), name.astype(np.int32), logit


def _codes(column: pa.ChunkedArray, code: Any) -> npt.NDArray[np.int64]:
    """A number for every text of a dictionary-encoded column."""
    unified = column.unify_dictionaries().combine_chunks()
    if not len(unified):
        return np.zeros(0, dtype=np.int64)
    used = np.unique(unified.indices.to_numpy())
    numbers = np.zeros(len(unified.dictionary), dtype=np.int64)
    numbers[used] = [code(unified.dictionary[int(k)].as_py()) for k in used]
    return np.asarray(numbers[unified.indices.to_numpy()])


def _repeated(whole: ScoredCandidates, genome: Genome) -> npt.NDArray[np.bool_]:
    """Rows whose place the row before has already; refused where their logits differ."""
    places = whole.places
    again = np.zeros(len(whole), dtype=bool)
    again[1:] = (np.diff(places.contig) == 0) & (np.diff(places.at0) == 0) & (np.diff(places.strand) == 0)
    rows = np.flatnonzero(again)
    apart = rows[np.abs(whole.logit[rows] - whole.logit[rows - 1]) > SAME_LOGIT]
    if len(apart):
        k = int(apart[0])
        where = f"{genome.names[places.contig[k]]}:{places.at0[k]}"
        raise DataError(f"Two parts score {where} differently. Merge only parts of one scan.")
    return again
