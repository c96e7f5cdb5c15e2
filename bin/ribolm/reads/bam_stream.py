"""A BAM file as a stream of raw records, for kernels that read bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pysam

from ribolm.errors import DataError
from ribolm.files import require_file
from ribolm.reads.bam_check import require_whole_bam
from ribolm.reads.bgzf import read_bgzf

BUFFER_BYTES = 8 << 20
MAX_RECORD_BYTES = 1 << 28
ENOUGH = -1

Bytes = npt.NDArray[np.uint8]


class BamStart(NamedTuple):
    """Contigs of a BAM in the order of its header, and where its records begin (BGZF virtual offset)."""

    path: Path
    contigs: tuple[str, ...]
    first_record: int


def open_bam(path: Path | str) -> BamStart:
    """Read the header of a BAM. Raises DataError for a file that is missing, no BAM, truncated or without a header."""
    path = require_file(path)
    require_whole_bam(path)
    try:
        with pysam.AlignmentFile(str(path), "rb", check_sq=False) as reader:
            return BamStart(path, tuple(reader.references), int(reader.tell()))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the BAM header cannot be read ({error}). Copy or make the BAM again.") from error


def feed_records(
    bam: BamStart, consume: Callable[[Bytes, int], int], threads: int = 1, buffer_bytes: int = BUFFER_BYTES
) -> None:
    """Fill a buffer with decompressed records and hand it to `consume(buffer, n_bytes)` until the file ends.

    `consume` returns how many bytes of whole records it has used (the rest comes again, with more behind it), or ENOUGH
    to stop. Raises DataError for damaged blocks and for a record that the end of the file cuts.
    """
    buffer = np.empty(buffer_bytes, np.uint8)
    n_bytes = 0
    for text in read_bgzf(bam.path, bam.first_record, threads):
        if n_bytes + len(text) > len(buffer):
            used_bytes = consume(buffer, n_bytes)
            if used_bytes == ENOUGH:
                return
            buffer[: n_bytes - used_bytes] = buffer[used_bytes:n_bytes]
            n_bytes -= used_bytes
            buffer = _with_room(bam.path, buffer, n_bytes + len(text))
        buffer[n_bytes : n_bytes + len(text)] = np.frombuffer(text, np.uint8)
        n_bytes += len(text)
    used_bytes = consume(buffer, n_bytes)
    if used_bytes not in (ENOUGH, n_bytes):
        raise DataError(f"{bam.path}: the last record is cut. Copy or make the BAM again.")


def _with_room(path: Path, buffer: Bytes, n_bytes: int) -> Bytes:
    """Return the buffer, or a longer copy where n_bytes do not fit."""
    if n_bytes <= len(buffer):
        return buffer
    if n_bytes > MAX_RECORD_BYTES:
        raise DataError(f"{path}: a record is longer than {MAX_RECORD_BYTES >> 20} MB. Make the BAM again.")
    return np.concatenate([buffer, np.empty(max(n_bytes - len(buffer), len(buffer)), np.uint8)])
