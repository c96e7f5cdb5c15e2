"""Pair probabilities of RNAs as lists of the pairs that matter, in memory and beside the rows of a token store.

On disk, in a folder of the store: `offsets.npy` (int64 [n + 1], pairs of row k lie from offsets[k] to offsets[k + 1]),
`i.npy`, `j.npy` (uint16, or uint32 where a row has more than 65,536 bases; 0-based, i < j), `p.npy` (float16).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ribolm.errors import DataError
from ribolm.files import sha256_of
from ribolm.sequences.store import TokenStore
from ribolm.sequences.streamed import NpyStream

FOLDER = "thermodynamics"
PARTS = ("offsets", "i", "j", "p")
LEAST = 1e-4  # probabilities below are left out
SHORT_NT = 1 << 16


class PairList(NamedTuple):
    """Pairs of one RNA: i, j int64 [P], 0-based, i < j, ascending; p float16 [P], from `LEAST` on."""

    i: npt.NDArray[np.int64]
    j: npt.NDArray[np.int64]
    p: npt.NDArray[np.float16]

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int, float]]) -> PairList:
        """The list of pairs (i, j, p) in any order."""
        table = np.array(sorted(pairs), dtype=np.float64).reshape(-1, 3)
        return cls(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2].astype(np.float16))

    def sums(self, n: int) -> npt.NDArray[np.float32]:
        """Probability of each of n bases to pair with a later and with an earlier one, float32 [n, 2]."""
        p = self.p.astype(np.float64)
        later, earlier = np.bincount(self.i, p, n), np.bincount(self.j, p, n)
        return np.stack([later, earlier], axis=1).astype(np.float32)


def write_pair_lists(folder: Path, lists: Iterable[PairList], longest_nt: int) -> dict[str, dict[str, Any]]:
    """Write the lists of all rows into a new folder and return size and sha256 of each file."""
    folder.mkdir(parents=True)
    place = np.uint16 if longest_nt <= SHORT_NT else np.uint32
    kinds = {"offsets": np.int64, "i": place, "j": place, "p": np.float16}
    streams = {name: NpyStream(folder / f"{name}.npy", kind) for name, kind in kinds.items()}
    n = 0
    try:
        streams["offsets"].append(np.zeros(1, np.int64))
        for one in lists:
            n += len(one.p)
            parts: tuple[npt.NDArray[Any], ...] = (np.array([n]), *one)
            for name, values in zip(PARTS, parts, strict=True):
                streams[name].append(values)
    finally:
        for stream in streams.values():
            stream.close()
    paths = {name: folder / f"{name}.npy" for name in PARTS}
    return {name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for name, path in paths.items()}


@dataclass(frozen=True)
class StoredPairs:
    """The lists beside a token store, mapped; `row(k)` is the list of a row."""

    offsets: npt.NDArray[np.int64]
    i: npt.NDArray[Any]
    j: npt.NDArray[Any]
    p: npt.NDArray[np.float16]

    @classmethod
    def open(cls, store: TokenStore) -> StoredPairs | None:
        """The lists of a store, None where it has none; DataError for files that are missing or of another size."""
        told = store.manifest["source"].get(FOLDER)
        if not isinstance(told, Mapping):
            return None
        found = {}
        for name, expected in told["files"].items():
            path = store.directory / FOLDER / f"{name}.npy"
            if not path.is_file() or path.stat().st_size != expected["bytes"]:
                raise DataError(f"{path}: is missing or not as the manifest says. Write the store again.")
            found[name] = np.load(path, mmap_mode=None if name == "offsets" or expected["bytes"] < 256 else "r")
        stored = cls(**found)
        if len(stored.offsets) != len(store) + 1 or stored.offsets[-1] != len(stored.p):
            raise DataError(f"{store.directory / FOLDER}: does not fit the store. Write the store again.")
        return stored

    def row(self, row: int) -> PairList:
        """Pairs of one row of the store."""
        part = slice(int(self.offsets[row]), int(self.offsets[row + 1]))
        return PairList(self.i[part].astype(np.int64), self.j[part].astype(np.int64), np.asarray(self.p[part]))
