"""How the kernels of this room are compiled and kept.

numba checks its cache against the file of the outermost function alone. The digest of all files that a kernel is made
of therefore enters as a closure variable, which numba's cache key holds: an edited helper is compiled anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

Function = TypeVar("Function", bound=Callable)
Integer = int | np.int64
# Kernels make no arrays: without numba's reference counting (_nrt) they run 3.5 times as fast.
_KERNEL: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
_INNER: dict[str, Any] = {**_KERNEL, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def inner(function: Function) -> Function:
    """Compile a function that only kernels call: no entry from Python, no cache of its own."""
    return cast(Function, njit(**_INNER)(function))


def kernel(function: Function) -> Function:
    """Compile a function that Python calls; kept on disk, and other threads run beside it."""
    return cast(Function, njit(cache=True, nogil=True, **_KERNEL)(function))


def source_digest(*files: str | None) -> int:
    """Positive 62-bit digest of source files, for the closure of a cached kernel."""
    digest = hashlib.sha256(b"\0".join(Path(file).read_bytes() for file in files if file)).digest()
    return (int.from_bytes(digest[:8], "little") >> 2) | 1
