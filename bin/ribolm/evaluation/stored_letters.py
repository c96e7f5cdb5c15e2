"""Letters and genome places of a store's tokens, where every token is one nucleotide."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.errors import DataError
from ribolm.evaluation.positions import Contigs
from ribolm.genome.coordinates import Int64
from ribolm.sequences.placement import positions0_of_rows
from ribolm.sequences.store import TokenStore
from ribolm.sequences.tokenizers import Tokenizer

if TYPE_CHECKING:
    import polars

ROWS_AT_A_TIME = 20_000
PLACE_COLUMNS = ("name", "chrom", "strand", "block_starts0", "block_ends0")


def letter_of_token(tokenizer: Tokenizer) -> Letters:
    """The nucleotide that each token stands on, uint8 [vocabulary], N for special tokens.

    Raises DataError for tokens that are not one per nucleotide.
    """
    if not tokenizer.per_nucleotide:
        raise DataError(
            f"Tokens of kind '{tokenizer.kind}' are not one per nucleotide, so sites have no place in them. Make the "
            "store with `ribolm-tokenize … --tokenizer nucleotide`."
        )
    return tokenizer.middle_letters()


@dataclass(frozen=True)
class StoredLetters:
    """A store read as letters: windows around tokens never leave their row, N stands beyond its ends."""

    store: TokenStore
    table: Letters

    @classmethod
    def of(cls, store: TokenStore) -> "StoredLetters":
        """Raises DataError where tokens are not one per nucleotide."""
        return cls(store, letter_of_token(store.tokenizer))

    def rows_of(self, flat: Int64) -> Int64:
        """Row that holds each token, int64."""
        return (np.searchsorted(self.store.offsets, flat, side="right") - 1).astype(np.int64)

    def windows(self, flat: Int64, reach_nt: int) -> Letters:
        """Letters from reach_nt before to reach_nt behind each token, uint8 [n, 2 * reach_nt + 1]."""
        rows = self.rows_of(flat)
        first, last = self.store.offsets[rows], self.store.offsets[rows + 1]
        found = np.full((len(flat), 2 * reach_nt + 1), ord("N"), dtype=np.uint8)
        for column, step in enumerate(range(-reach_nt, reach_nt + 1)):
            at = flat + step
            inside = (at >= first) & (at < last)
            found[inside, column] = self.table[self.store.tokens[at[inside]]]
        return found


@dataclass(frozen=True)
class RowPlaces:
    """Contig, strand and blocks of all rows; a row of unknown place is a contig of its own name, strand +."""

    contigs: Contigs
    chrom: Int64
    is_minus: npt.NDArray[np.bool_]
    first_block: Int64
    block_starts0: Int64
    block_ends0: Int64

    @classmethod
    def of(cls, store: TokenStore, contigs: Contigs) -> "RowPlaces":
        """Read the places of a store. Raises DataError where blocks and tokens differ in length."""
        names = store.names(PLACE_COLUMNS)
        unknown = names["block_starts0"].is_null().to_numpy()
        chrom = contigs.codes(row_contigs(names))
        n_blocks = names["block_starts0"].list.len().fill_null(1).to_numpy().astype(np.int64)
        first = np.r_[0, np.cumsum(n_blocks)].astype(np.int64)
        starts = names["block_starts0"].explode(empty_as_null=True).fill_null(0).to_numpy().astype(np.int64)
        ends = names["block_ends0"].explode(empty_as_null=True).fill_null(0).to_numpy().copy().astype(np.int64)
        ends[first[:-1][unknown]] = np.diff(store.offsets)[unknown]
        covered = np.r_[0, np.cumsum(ends - starts)][first]
        if len(store) and not np.array_equal(covered, store.offsets):
            raise DataError(f"{store.directory}: places and tokens differ in length. Write the store again.")
        is_minus = (names["strand"] == "-").fill_null(False).to_numpy()
        return cls(contigs, chrom, is_minus, first, starts, ends)

    def keys(self, low: int, high: int) -> Int64:
        """Keys of all tokens of the rows low … high - 1, end to end, in the order of the RNA."""
        blocks = slice(int(self.first_block[low]), int(self.first_block[high]))
        position0, offsets = positions0_of_rows(
            self.first_block[low : high + 1] - self.first_block[low],
            self.block_starts0[blocks],
            self.block_ends0[blocks],
            self.is_minus[low:high],
        )
        lengths = np.diff(offsets)
        return self.contigs.keys(
            np.repeat(self.chrom[low:high], lengths), position0, np.repeat(self.is_minus[low:high], lengths)
        )


def row_contigs(names: "polars.DataFrame") -> "polars.Series":
    """Contig of each row, its own name where the place is unknown."""
    import polars

    return names.select(polars.coalesce("chrom", "name")).to_series()


def row_chunks(store: TokenStore) -> Iterator[tuple[int, int]]:
    """Stretches of rows (low, high) that fit in memory."""
    for low in range(0, len(store), ROWS_AT_A_TIME):
        yield low, min(low + ROWS_AT_A_TIME, len(store))
