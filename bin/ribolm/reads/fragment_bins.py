"""Which bins each fragment touches, kept while a library is counted, so that no second pass over the BAM is needed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

CHUNK_ROWS = 1 << 20
ROW_BYTES = 8

Int32Array = npt.NDArray[np.int32]


class FragmentBins:
    """The bin ranges of every fragment on exons, in a temporary file without a name; use as a context manager.

    A row is int32 (first_bin, end_bin), half-open; a fragment is one row or more, the last with its end negated. About
    9 bytes per fragment on disk.
    """

    def __init__(self, folder: Path | str) -> None:
        """Open the file in `folder`, which must exist."""
        self._file = tempfile.TemporaryFile(dir=folder)

    def __enter__(self) -> FragmentBins:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()

    def append(self, rows: Int32Array) -> None:
        """Add the rows of whole fragments, int32 (n, 2)."""
        self._file.write(np.ascontiguousarray(rows).data)

    def count_touching(self, is_wanted: npt.NDArray[np.bool_]) -> int:
        """Number of fragments that touch at least one wanted bin, each counted once; is_wanted: bool (n_bins,)."""
        wanted_before = np.zeros(len(is_wanted) + 1, np.int32)
        np.cumsum(is_wanted, out=wanted_before[1:])
        self._file.seek(0)
        n_fragments, rest = 0, b""
        while chunk := self._file.read(CHUNK_ROWS * ROW_BYTES):
            raw = rest + chunk
            rows = np.frombuffer(raw, np.int32).reshape(-1, 2)
            is_last = rows[:, 1] < 0
            n_whole = int(np.flatnonzero(is_last)[-1]) + 1 if is_last.any() else 0
            rest = raw[n_whole * ROW_BYTES :]
            n_fragments += _fragments_touching(rows[:n_whole], is_last[:n_whole], wanted_before)
        return n_fragments


def _fragments_touching(rows: Int32Array, is_last: npt.NDArray[np.bool_], wanted_before: Int32Array) -> int:
    touches = wanted_before[np.abs(rows[:, 1])] > wanted_before[rows[:, 0]]
    fragment: npt.NDArray[np.int64] = (np.cumsum(is_last) - is_last)[touches]
    return len(fragment) and 1 + int(np.count_nonzero(np.diff(fragment)))
