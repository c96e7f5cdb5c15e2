"""The float arrays of a small HDF5 file as Keras wrote them until 2020, read without the HDF5 library.

Read are superblock 0, groups as symbol tables, version 1 object headers, and contiguous little-endian float32: what
`aparent2_nodrop.h5` holds. Anything else is a ValueError. Format: "HDF5 File Format Specification", version 2.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

SIGNATURE = b"\x89HDF\r\n\x1a\n"
ROOT_ENTRY, ENTRY_BYTES = 56, 40
DATASPACE, DATATYPE, LAYOUT, CONTINUATION, SYMBOL_TABLE = 1, 3, 8, 16, 17
FLOAT32, CONTIGUOUS = (1, 4), 1


class Hdf5:
    """A file in memory; `arrays` maps the path of every data set to its values."""

    def __init__(self, path: Path) -> None:
        self.raw = path.read_bytes()
        if self.raw[:8] != SIGNATURE or self.raw[8] != 0 or self.raw[13:15] != b"\x08\x08":
            raise ValueError(f"{path}: is no HDF5 file with superblock 0 and 8-byte offsets")
        self.arrays = dict(self._walk(self._number(ROOT_ENTRY + 8), ""))

    def _number(self, at: int, n_bytes: int = 8) -> int:
        return int.from_bytes(self.raw[at : at + n_bytes], "little")

    def _walk(self, header: int, name: str) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
        messages = dict(self._messages(header))
        if SYMBOL_TABLE in messages:
            tree, heap = struct.unpack_from("<QQ", self.raw, messages[SYMBOL_TABLE])
            names = self._number(heap + 24)
            for entry in self._entries(tree):
                begin = names + self._number(entry)
                part = self.raw[begin : self.raw.index(b"\0", begin)].decode()
                yield from self._walk(self._number(entry + 8), f"{name}/{part}".lstrip("/"))
        elif {DATASPACE, DATATYPE, LAYOUT} <= set(messages):
            yield name, self._array(name, messages)

    def _messages(self, header: int) -> Iterator[tuple[int, int]]:
        """(kind, place of its body) of every message of an object header."""
        if self.raw[header] != 1:
            raise ValueError(f"object header of version {self.raw[header]}")
        left, blocks = self._number(header + 2, 2), [(header + 16, self._number(header + 8, 4))]
        while blocks and left:
            at, size = blocks.pop(0)
            end = at + size
            while at + 8 <= end and left:
                kind, n_bytes = struct.unpack_from("<HH", self.raw, at)
                if kind == CONTINUATION:
                    blocks.append(struct.unpack_from("<QQ", self.raw, at + 8))
                yield kind, at + 8
                at, left = at + 8 + n_bytes, left - 1

    def _entries(self, node: int) -> Iterator[int]:
        """Place of every symbol-table entry below a node of a group's tree."""
        if self.raw[node : node + 4] == b"SNOD":
            yield from (node + 8 + ENTRY_BYTES * i for i in range(self._number(node + 6, 2)))
            return
        if self.raw[node : node + 4] != b"TREE":
            raise ValueError(f"no group at byte {node}")
        for child in range(self._number(node + 6, 2)):
            yield from self._entries(self._number(node + 24 + 8 + 16 * child))

    def _array(self, name: str, messages: dict[int, int]) -> npt.NDArray[np.float32]:
        space, kind, layout = (messages[key] for key in (DATASPACE, DATATYPE, LAYOUT))
        if (self.raw[kind] & 15, self._number(kind + 4, 4)) != FLOAT32 or self.raw[kind + 1] & 1:
            raise ValueError(f"{name}: is not little-endian float32")
        if self.raw[layout] != 3 or self.raw[layout + 1] != CONTIGUOUS or self.raw[space] != 1:
            raise ValueError(f"{name}: is not stored in one piece")
        shape = struct.unpack_from(f"<{self.raw[space + 1]}Q", self.raw, space + 8)
        place = self._number(layout + 2)
        return np.frombuffer(self.raw, dtype="<f4", count=int(np.prod(shape)), offset=place).reshape(shape)
