"""Arrays written piece by piece, so that no more than a piece is ever in memory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt


class RawStream:
    """A file of bare numbers; `sha256` and `n_bytes` are known when it is closed."""

    def __init__(self, path: Path) -> None:
        self._handle = path.open("wb")
        self._digest = hashlib.sha256()
        self.n_bytes = 0

    def append(self, values: npt.NDArray[Any]) -> None:
        """Write an array's bytes behind what is there."""
        raw = np.ascontiguousarray(values).data.cast("B") if values.size else b""
        self._handle.write(raw)
        self._digest.update(raw)
        self.n_bytes += len(raw)

    def close(self) -> None:
        """Finish the file."""
        self._handle.close()

    @property
    def sha256(self) -> str:
        """Digest of all that was written."""
        return self._digest.hexdigest()


class NpyStream:
    """A .npy file of shape [n, ...] whose n is known only at the end."""

    def __init__(self, path: Path, dtype: npt.DTypeLike, width: tuple[int, ...] = ()) -> None:
        self._path, self._dtype, self._width = path, np.dtype(dtype), width
        self._handle = path.open("w+b")
        self.n_rows = 0
        self._write_header()

    def _write_header(self) -> None:
        # numpy pads the header so that the first number may grow to 21 digits in place
        form = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self.n_rows, *self._width),
        }
        np.lib.format.write_array_header_1_0(self._handle, form)

    def append(self, values: npt.NDArray[Any]) -> None:
        """Write rows behind what is there."""
        self._handle.write(np.ascontiguousarray(values, dtype=self._dtype).tobytes())
        self.n_rows += len(values)

    def close(self) -> None:
        """Write the true shape and finish the file."""
        self._handle.seek(0)
        self._write_header()
        self._handle.close()

    def __enter__(self) -> NpyStream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
