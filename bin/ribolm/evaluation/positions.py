"""Places of a genome as sortable integers, so that tables of scores and token stores meet by searching, not joining."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ribolm.genome.coordinates import Int64

if TYPE_CHECKING:
    import polars

STRAND_BITS = 1
START_BITS = 40
NOWHERE = -1


@dataclass(frozen=True)
class Contigs:
    """Contig names in byte order; a place is one int64: contig, start0, strand from the highest bit down."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, *columns: "polars.Series") -> "Contigs":
        """The contigs that any of the columns names."""
        found = {str(name) for column in columns for name in column.drop_nulls().unique().to_list()}
        return cls(tuple(sorted(found, key=str.encode)))

    def codes(self, column: "polars.Series") -> Int64:
        """Number of each contig, int64 [n]; -1 for null and for unknown names."""
        import polars

        place = {name: i for i, name in enumerate(self.names)}
        mapped = column.cast(polars.String).replace_strict(place, default=NOWHERE, return_dtype=polars.Int64)
        return mapped.fill_null(NOWHERE).to_numpy()

    def keys(self, chrom: Int64, start0: Int64, is_minus: npt.NDArray[np.bool_]) -> Int64:
        """Sortable keys int64 [n] of places; rows with contig -1 get -1."""
        key = (chrom << (START_BITS + STRAND_BITS)) | (start0 << STRAND_BITS) | is_minus
        return np.where(chrom < 0, NOWHERE, key).astype(np.int64)

    def table_keys(self, table: "polars.DataFrame") -> Int64:
        """Keys of a table with the columns chrom, start0, strand."""
        start0 = table["start0"].to_numpy().astype(np.int64)
        return self.keys(self.codes(table["chrom"]), start0, (table["strand"] == "-").to_numpy())

    def split(self, keys: Int64) -> tuple[Int64, Int64, npt.NDArray[np.bool_]]:
        """Contig number, start0 and whether minus strand, of each key."""
        start0 = (keys >> STRAND_BITS) & ((1 << START_BITS) - 1)
        return keys >> (START_BITS + STRAND_BITS), start0, (keys & 1).astype(bool)

    def text(self, key: int) -> str:
        """A key as chrom:start0:strand."""
        chrom, start0, is_minus = self.split(np.array([key], dtype=np.int64))
        return f"{self.names[int(chrom[0])]}:{int(start0[0])}:{'-' if is_minus[0] else '+'}"


def find(sorted_keys: Int64, asked: Int64) -> Int64:
    """Index of each asked key among ascending unique keys, int64; -1 where it is not there."""
    if not len(sorted_keys):
        return np.full(len(asked), NOWHERE, dtype=np.int64)
    at = np.minimum(np.searchsorted(sorted_keys, asked), len(sorted_keys) - 1)
    return np.where(sorted_keys[at] == asked, at, NOWHERE).astype(np.int64)


def texts(contigs: Contigs, keys: Sequence[int] | Int64, limit: int = 3) -> str:
    """The first few keys for a message."""
    shown = [contigs.text(int(key)) for key in keys[:limit]]
    return ", ".join(shown) + (", …" if len(keys) > limit else "")
