"""Labels per token: 1 a known site, 0 certainly none (no adenosine), NaN unknown (unlabelled A, N)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ribolm.alphabet import Letters
from ribolm.console import Progress, notice
from ribolm.errors import DataError
from ribolm.genome.contigs import require_shared_contigs
from ribolm.genome.coordinates import Int64
from ribolm.genome.regions import Region
from ribolm.labels.site_files import read_site_bed
from ribolm.sequences.placement import positions0_of_rows
from ribolm.sequences.store import NAMES, LabelSpec, TokenStore, add_labels

if TYPE_CHECKING:
    import polars

Float32 = npt.NDArray[np.float32]
ROWS_AT_A_TIME = 1 << 13
COLUMNS = ("chrom", "strand", "block_starts0", "block_ends0")


@dataclass
class LabelCounts:
    """What was labelled: `tokens` and `sequences` in all, `site_tokens` with label 1, sites met and given.

    `not_a` counts tokens at a known site that are no A (N, or a store of another genome).
    """

    given: int
    tokens: int = 0
    sequences: int = 0
    sequences_with_site: int = 0
    site_tokens: int = 0
    unknown_tokens: int = 0
    not_a: int = 0
    met: int = 0

    def text(self) -> str:
        """One sentence."""
        return (
            f"{self.met:,} of {self.given:,} sites lie in {self.sequences_with_site:,} of {self.sequences:,} rows: "
            f"{self.site_tokens:,} tokens are sites, {self.unknown_tokens:,} unknown, "
            f"{self.tokens - self.site_tokens - self.unknown_tokens:,} certainly none"
        )


def label_tokens(store: TokenStore, sites_bed: Path, task: str, out: Path) -> LabelCounts:
    """Write a copy of a store with the labels of one task, rank "token". Constant memory beside the sites.

    Raises DataError for tokens that are not one per nucleotide, sequences without places, contigs that share no name
    with the sites, and sites most of whose bases in the store are no A.
    """
    if not store.tokenizer.per_nucleotide:
        raise DataError(
            f"{store.directory}: a {store.tokenizer.kind} token covers several bases, so a site has no token. Make the "
            "store with single nucleotides or centre-aligned k-mers."
        )
    sites = read_site_bed(sites_bed)
    index = _SiteIndex(sites)
    counts = LabelCounts(index.n_sites)
    if index.n_sites < len(sites):
        notice(f"{sites_bed.name}: {len(sites) - index.n_sites:,} repeated sites count once.")
    contigs = _contigs(store)
    require_shared_contigs(f"sites {sites_bed.name}", index.contigs, f"store {store.directory.name}", contigs)
    add_labels(store, out, {task: (LabelSpec("token", 1, (task,)), _pieces(store, index, counts))})
    _tell(store, sites_bed, counts)
    return counts


class _SiteIndex:
    """Known sites by contig and strand: sorted positions, int64 each; remembers which were met."""

    def __init__(self, sites: Sequence[Region]) -> None:
        lanes: dict[tuple[str, str], list[int]] = {}
        for site in sites:
            lanes.setdefault((site.chrom, site.strand), []).append(site.start0)
        self.position0 = {lane: np.unique(np.array(found, dtype=np.int64)) for lane, found in lanes.items()}
        self.met = {lane: np.zeros(len(found), dtype=bool) for lane, found in self.position0.items()}
        self.n_sites = sum(len(found) for found in self.position0.values())
        self.contigs = sorted({chrom for chrom, _ in lanes}, key=str.encode)

    def contains(self, lane: tuple[str, str], position0: Int64) -> npt.NDArray[np.bool_]:
        """Which positions of one strand of a contig are known sites, bool of the same shape."""
        known = self.position0.get(lane)
        if known is None:
            return np.zeros(len(position0), dtype=bool)
        at = np.minimum(np.searchsorted(known, position0), len(known) - 1)
        hit = known[at] == position0
        self.met[lane][at[hit]] = True
        return np.asarray(hit)

    @property
    def n_met(self) -> int:
        """Sites that some sequence holds."""
        return sum(int(met.sum()) for met in self.met.values())


def _contigs(store: TokenStore) -> list[str]:
    chroms = store.names(("chrom",))["chrom"]
    if chroms.null_count():
        raise DataError(
            f"{store.directory}: {chroms.null_count():,} sequences have no place on a genome, so no site can be found "
            "in them. Make the store from peaks (`ribolm-tokenize peaks`)."
        )
    return sorted((str(name) for name in chroms.unique()), key=str.encode)


def _pieces(store: TokenStore, index: _SiteIndex, counts: LabelCounts) -> Iterator[Float32]:
    import pyarrow.parquet as pq

    letter = store.tokenizer.middle_letters()
    row = 0
    with pq.ParquetFile(store.directory / NAMES) as table, Progress("labelled", len(store), "sequences") as progress:
        for batch in table.iter_batches(ROWS_AT_A_TIME, columns=list(COLUMNS)):
            yield _labels_of_rows(store, row, batch, letter, index, counts)
            row += len(batch)
            progress.advance(len(batch))
    counts.met = index.n_met


def _labels_of_rows(
    store: TokenStore, row: int, batch: Any, letter: Letters, index: _SiteIndex, counts: LabelCounts
) -> Float32:
    import polars

    names = polars.DataFrame(polars.from_arrow(batch))
    position0, offsets = _positions(names)
    if not np.array_equal(offsets, store.offsets[row : row + len(names) + 1] - store.offsets[row]):
        raise DataError(f"{store.directory}: the places of sequences {row:,} and on do not fit their lengths.")
    letters = letter[store.tokens[store.offsets[row] : store.offsets[row] + offsets[-1]]]
    is_site = np.zeros(len(letters), dtype=bool)
    lanes = np.array([f"{c}\t{s}" for c, s in zip(names["chrom"], names["strand"], strict=True)])
    lane_names, lane_of_row = np.unique(lanes, return_inverse=True)
    lane_of_token = np.repeat(lane_of_row, np.diff(offsets))
    for k, name in enumerate(lane_names):
        chrom, strand = str(name).split("\t")
        at = np.flatnonzero(lane_of_token == k)
        is_site[at] = index.contains((chrom, strand), position0[at])
    return _counted(letters, is_site, offsets, counts)


def _positions(names: "polars.DataFrame") -> tuple[Int64, Int64]:
    n_blocks = names["block_starts0"].list.len().to_numpy()
    first = np.r_[0, np.cumsum(n_blocks, dtype=np.int64)].astype(np.int64)
    starts0, ends0 = (names[name].explode(empty_as_null=False).to_numpy() for name in COLUMNS[2:])
    return positions0_of_rows(first, starts0, ends0, (names["strand"] == "-").to_numpy())


def _counted(letters: Letters, is_site: npt.NDArray[np.bool_], offsets: Int64, counts: LabelCounts) -> Float32:
    is_a = letters == ord("A")
    labels = np.zeros(len(letters), dtype=np.float32)
    labels[is_a | (letters == ord("N"))] = np.nan
    labels[is_a & is_site] = 1
    before = np.r_[0, np.cumsum(is_a & is_site)]
    counts.tokens += len(labels)
    counts.sequences += len(offsets) - 1
    counts.sequences_with_site += int((before[offsets[1:]] > before[offsets[:-1]]).sum())
    counts.site_tokens += int(before[-1])
    counts.unknown_tokens += int(np.isnan(labels).sum())
    counts.not_a += int((is_site & ~is_a).sum())
    return labels


def _tell(store: TokenStore, sites_bed: Path, counts: LabelCounts) -> None:
    if counts.not_a > counts.site_tokens:
        raise DataError(
            f"{sites_bed.name}: {counts.not_a:,} of {counts.not_a + counts.site_tokens:,} places in {store.directory} "
            "are no A. The store was made from another genome build; make both from one."
        )
    if counts.not_a:
        notice(f"{sites_bed.name}: {counts.not_a:,} places at known sites are no A in the store and stay unlabelled.")
    if not counts.site_tokens:
        notice(f"{sites_bed.name}: no site lies in any sequence; every A of the store is unknown.")
