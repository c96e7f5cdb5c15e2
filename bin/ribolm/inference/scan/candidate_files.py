"""Candidates as files: BED6 read in blocks, each line checked against the genome."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ribolm.errors import DataError
from ribolm.files import is_whole_number, open_bytes
from ribolm.genome.contigs import require_one_naming_style, require_shared_contigs
from ribolm.genome.coordinates import Int64
from ribolm.genome.fasta import Genome
from ribolm.labels.polya.strand_letters import Places

BLOCK_BYTES = 1 << 22
COLUMNS = ("chrom", "start0", "end0", "name", "score", "strand")
HEADER = "\t".join(COLUMNS).encode() + b"\n"  # put before each block: else its first line decides the columns
NEEDED = ("chrom", "start0", "end0", "name", "strand")
SCHEMA = {column: pl.Int64 if column in ("start0", "end0") else pl.String for column in COLUMNS}


@dataclass(frozen=True)
class CandidateBlock:
    """Some lines of a file of candidates: places on the genome, and their names (object [n])."""

    places: Places
    name: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.places)


def read_candidates(path: Path, genome: Genome, block_bytes: int = BLOCK_BYTES) -> Iterator[CandidateBlock]:
    """Read BED6 lines of one base each, plain or gzip, some 100,000 at a time, in the order of the file.

    Lines that begin with # and blank ones are skipped, further columns left out. Raises DataError naming the line for:
    fewer columns, an empty cell, positions that are no numbers, more than one base, a strand other than + and -, a
    contig or place that the genome lacks.
    """
    line = 1
    for text in _whole_lines(path, block_bytes):
        try:
            table = pl.read_csv(
                HEADER + text, separator="\t", schema=SCHEMA, comment_prefix="#", quote_char=None,
                truncate_ragged_lines=True,
            )  # fmt: skip
        except pl.exceptions.NoDataError:
            table = pl.DataFrame(schema=SCHEMA)
        except (pl.exceptions.ComputeError, pl.exceptions.SchemaError) as error:
            raise _first_fault(path, text, line) from error
        table = table.filter(~_is_blank())
        if table.height:
            yield _block(path, table, text, genome, line)
        line += text.count(b"\n")


def _is_blank() -> pl.Expr:
    """Rows of lines without any letter."""
    rest = pl.all_horizontal(pl.col(*COLUMNS[1:]).is_null())
    return rest & (pl.col("chrom").fill_null("").str.strip_chars() == "")


def _whole_lines(path: Path, block_bytes: int) -> Iterator[bytes]:
    with open_bytes(path) as handle:
        rest = b""
        while chunk := handle.read(block_bytes):
            whole, newline, after = (rest + chunk).rpartition(b"\n")
            if newline:
                yield whole + newline
            rest = after
        if rest:
            yield rest + b"\n"


def _block(path: Path, table: pl.DataFrame, text: bytes, genome: Genome, line: int) -> CandidateBlock:
    if table.select(pl.any_horizontal(pl.col(*NEEDED).is_null()).any()).item():
        raise _first_fault(path, text, line, genome)
    chroms = tuple(table["chrom"].unique(maintain_order=True))
    names = list(genome.names)
    require_shared_contigs(genome.label, names, f"BED {path.name}", chroms)
    require_one_naming_style(genome.label, names, f"BED {path.name}", chroms)
    index = {name: k for k, name in enumerate(names)}
    contig = table["chrom"].replace_strict(
        list(chroms), [index.get(chrom, -1) for chrom in chroms], return_dtype=pl.Int64
    )
    start0, end0 = table["start0"].to_numpy(), table["end0"].to_numpy()
    strand = table["strand"].replace_strict(["+", "-"], [1, -1], default=0, return_dtype=pl.Int8).to_numpy()
    where = contig.to_numpy()
    length = np.where(where >= 0, np.diff(genome.offsets)[np.maximum(where, 0)], 0)
    if not ((where >= 0) & (start0 >= 0) & (end0 == start0 + 1) & (end0 <= length) & (strand != 0)).all():
        raise _first_fault(path, text, line, genome)
    places = Places(where.astype(np.int64), start0.astype(np.int64), strand)
    return CandidateBlock(places, table["name"].to_numpy())


def _first_fault(path: Path, text: bytes, line: int, genome: Genome | None = None) -> DataError:
    """The sentence for the first line of a block that is no candidate."""
    lengths: dict[str, int] = genome.lengths if genome else {}
    for number, row in enumerate(io.BytesIO(text), start=line):
        if row.strip() and not row.startswith(b"#"):
            problem = _fault(row.decode("utf-8", "replace").rstrip("\r\n").split("\t"), lengths, genome)
            if problem:
                return DataError(f"{path.name} line {number}: {problem}")
    return DataError(f"{path.name}: rows {line} and following are no BED6. Give a file of `ribolm-predict candidates`.")


def _fault(cells: list[str], lengths: dict[str, int], genome: Genome | None) -> str:
    if len(cells) < len(COLUMNS):
        return f"{len(cells)} columns; a candidate has six: {', '.join(COLUMNS)}. Give a file with all of them."
    empty = [name for name, cell in zip(COLUMNS, cells, strict=False) if name in NEEDED and not cell]
    if empty:
        return f"column '{empty[0]}' is empty. A candidate has six: {', '.join(COLUMNS)}. Fill it in."
    if not (is_whole_number(cells[1]) and is_whole_number(cells[2])):
        return f"'{cells[1]}' to '{cells[2]}' are no whole numbers from 0 on. Mend the position."
    if int(cells[2]) != int(cells[1]) + 1:
        return f"{cells[1]} to {cells[2]} is not one base. A candidate is the A behind the cleavage alone."
    if cells[5] not in ("+", "-"):
        return f"strand '{cells[5]}' is not + or -. Mend the strand."
    if genome and cells[0] not in lengths:
        return f"{genome.label} has no contig '{cells[0]}'. Use files of the same genome."
    if genome and int(cells[2]) > lengths[cells[0]]:
        return f"{cells[0]}:{cells[1]} lies beyond the {lengths[cells[0]]:,} nt of its contig. Use files of one build."
    return ""


def hexamer_distances(name: npt.NDArray[np.object_], path_name: str) -> Int64:
    """Distance in nt from the A back to the hexamer that each name `HEXAMER@-d` gives, int64 [n].

    Raises DataError for another kind of name.
    """
    unique, inverse = np.unique(name.astype(str), return_inverse=True)
    distances = np.zeros(len(unique), dtype=np.int64)
    for k, text in enumerate(unique.tolist()):
        hexamer, at, digits = text.partition("@-")
        if not (at and is_whole_number(digits) and len(digits) < 4 and hexamer.isalpha()):
            raise DataError(
                f"{path_name}: the name '{text}' is not HEXAMER@-DISTANCE. Give a file of `ribolm-predict candidates`."
            )
        distances[k] = int(digits)
    return distances[inverse]
