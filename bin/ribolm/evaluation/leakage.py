"""What training and test sequences share: sites, intervals, genes, exact 51-mers, near-identical windows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.evaluation.candidates import Bool, label_of_sites
from ribolm.evaluation.positions import Contigs
from ribolm.evaluation.stored_letters import RowPlaces, StoredLetters, row_chunks, row_contigs
from ribolm.genome.coordinates import Int64
from ribolm.sequences.kmer_hashes import UInt64, mixed, words
from ribolm.sequences.store import TokenStore

EXACT_NT = 51  # the length at which the published split of m6A-BERT-Deg was found to leak
SKETCH_NT = 16
SKETCHED_BASES = 5_000_000  # of more test bases only a part of the words is compared
IDENTITY = (
    0.9  # containment c of 16-mers estimates identity as c^(1/16) (Ondov et al. 2016, doi 10.1186/s13059-016-0997-x)
)
LEAST_SHARED_WORDS = 5
REPEAT_ROWS = 200  # words in more rows than this say nothing of a pair
CHECKS = ("sites", "intervals", "genes", "kmers", "identity")
MEANING = {
    "sites": "labelled sites at the same place",
    "intervals": "windows that share bases on one strand",
    "genes": "windows of genes that both sides have",
    "kmers": f"windows that share an exact {EXACT_NT}-mer",
    "identity": f"windows with a window of the other side about {100 * IDENTITY:.0f} % identical or more "
    f"({SKETCH_NT}-mer containment)",
}


@dataclass(frozen=True)
class Side:
    """Rows of a store that are trained on, or tested: `rows` int64, ascending. `task` names labels, None without."""

    name: str
    store: TokenStore
    rows: Int64
    task: str | None = None

    @classmethod
    def whole(cls, name: str, store: TokenStore, task: str | None = None) -> "Side":
        """All rows of a store."""
        return cls(name, store, np.arange(len(store), dtype=np.int64), task if task in store.tasks else None)

    def chunks(self) -> Iterator[Int64]:
        """Its rows in stretches that fit in memory, none empty."""
        for low, high in row_chunks(self.store):
            part = self.rows[np.searchsorted(self.rows, low) : np.searchsorted(self.rows, high)]
            if len(part):
                yield part


@dataclass(frozen=True)
class Finding:
    """One check of one pair of sides: which rows (places in `Side.rows`) share something, bool [rows] each.

    `n_train`, `n_test`: units on either side (sites, genes or windows); `n_*_shared`: those that are shared.
    """

    check: str
    train: str
    test: str
    n_train: int
    n_train_shared: int
    n_test: int
    n_test_shared: int
    train_rows: Bool
    test_rows: Bool
    example: str

    def row(self) -> dict[str, Any]:
        """The finding as a row of leakage.tsv."""
        share = self.n_test_shared / self.n_test if self.n_test else 0.0
        numbers = {"n_test": self.n_test, "n_test_shared": self.n_test_shared, "share_of_test": share}
        more = {"n_train": self.n_train, "n_train_shared": self.n_train_shared, "example": self.example}
        return {"train": self.train, "test": self.test, "check": self.check, **numbers, **more}


Shared = tuple[Int64, Int64, Int64, Int64]


def audit(train: Side, test: Side, checks: Sequence[str] = CHECKS) -> list[Finding]:
    """Compare two sides. "sites" is left out where a side has no labels.

    Cost: about 2 µs per base of either side; memory about 40 bytes per base of the test side.
    """
    contigs = Contigs.of(*(row_contigs(side.store.names(("name", "chrom"))) for side in (train, test)))
    gather: dict[str, Callable[[Side], Iterator[tuple[Any, Int64]]]] = {
        "sites": lambda side: _sites(side, contigs),
        "intervals": lambda side: _places(side, contigs),
        "genes": _genes,
        "kmers": lambda side: _words(side, EXACT_NT),
    }
    found = []
    for check in checks:
        if check == "sites" and None in (train.task, test.task):
            continue
        finding = _identity(train, test) if check == "identity" else _shared(check, train, test, gather[check], contigs)
        found.append(finding)
    return found


def _shared(
    check: str, train: Side, test: Side, gather: Callable[[Side], Iterator[tuple[Any, Int64]]], contigs: Contigs
) -> Finding:
    """Items (numbers or names) of the test side, and which of them and of the training side's occur on both."""
    parts = list(gather(test))
    items = np.unique(np.concatenate([item for item, _ in parts])) if parts else np.zeros(0, dtype=np.int64)
    is_met = np.zeros(len(items), dtype=bool)
    train_rows, n_items, n_met = np.zeros(len(train.rows), dtype=bool), 0, 0
    for found, row in gather(train):
        at = _find(items, found)
        is_met[at[at >= 0]] = True
        train_rows[row[at >= 0]] = True
        distinct = np.unique(found)
        n_items, n_met = n_items + len(distinct), n_met + int((_find(items, distinct) >= 0).sum())
    test_rows, example = np.zeros(len(test.rows), dtype=bool), ""
    for found, row in parts:
        hit = is_met[_find(items, found)]
        test_rows[row[hit]] = True
        if hit.any() and not example:
            example = _example(check, found[np.argmax(hit)], test, int(row[np.argmax(hit)]), contigs)
    if check in ("sites", "genes"):
        numbers = (n_items, n_met, len(items), int(is_met.sum()))
    else:
        numbers = (len(train_rows), int(train_rows.sum()), len(test_rows), int(test_rows.sum()))
    return Finding(check, train.name, test.name, *numbers, train_rows, test_rows, example)


def _find(items: npt.NDArray[Any], asked: npt.NDArray[Any]) -> Int64:
    if not len(items):
        return np.full(len(asked), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(items, asked), len(items) - 1)
    return np.where(items[at] == asked, at, -1).astype(np.int64)


def _example(check: str, item: Any, test: Side, row: int, contigs: Contigs) -> str:
    if check == "sites":
        return contigs.text(int(item))
    return str(item) if check == "genes" else _row_name(test, row)


def _row_name(side: Side, row: int) -> str:
    return str(side.store.names(("name",))["name"][int(side.rows[row])])


def _positions(side: Side, contigs: Contigs) -> Iterator[tuple[Int64, Int64, Bool]]:
    """(key of each base, its row as a place in `side.rows`, whether it is a labelled site)."""
    places = RowPlaces.of(side.store, contigs)
    labels = label_of_sites(side.store, side.task) if side.task else None
    for rows in side.chunks():
        low, high = int(rows[0]), int(rows[-1]) + 1
        first, last = int(side.store.offsets[low]), int(side.store.offsets[high])
        place = np.full(high - low, -1, dtype=np.int64)
        place[rows - low] = np.searchsorted(side.rows, rows)
        of_base = np.repeat(place, np.diff(side.store.offsets[low : high + 1]))
        mine = of_base >= 0
        is_site = labels[first:last] == 1 if labels is not None else np.zeros(last - first, dtype=bool)
        yield places.keys(low, high)[mine], of_base[mine], np.asarray(is_site)[mine]


def _sites(side: Side, contigs: Contigs) -> Iterator[tuple[Int64, Int64]]:
    for keys, row, is_site in _positions(side, contigs):
        yield keys[is_site], row[is_site]


def _places(side: Side, contigs: Contigs) -> Iterator[tuple[Int64, Int64]]:
    for keys, row, _ in _positions(side, contigs):
        yield keys, row


def _genes(side: Side) -> Iterator[tuple[npt.NDArray[np.str_], Int64]]:
    genes = side.store.names(("gene",))["gene"].gather(side.rows)
    listed = genes.fill_null("").str.split(",")
    row = np.repeat(np.arange(len(side.rows)), listed.list.len().to_numpy().astype(np.int64))
    names = listed.explode(empty_as_null=True).to_numpy().astype(np.str_)
    yield names[names != ""], row[names != ""]


def _words(side: Side, k: int) -> Iterator[tuple[UInt64, Int64]]:
    """(word, row as a place in `side.rows`) of every word of k bases."""
    table = np.full(256, 4, dtype=np.uint8)
    table[list(b"ACGT")] = np.arange(4)
    codes_of_token = table[StoredLetters.of(side.store).table]
    for rows in side.chunks():
        pieces = [side.store.row(int(row)) for row in rows]
        codes = codes_of_token[np.concatenate(pieces)]
        offsets = np.r_[0, np.cumsum([len(piece) for piece in pieces])].astype(np.int64)
        number, row = words(codes, offsets, k)
        yield number, np.searchsorted(side.rows, rows)[row]


def _sketch(side: Side, one_in: int) -> Iterator[tuple[UInt64, Int64]]:
    """A fixed part of all 16-mers, each once per row."""
    for number, row in _words(side, SKETCH_NT):
        scattered = mixed(number + np.uint64(1))
        keep = scattered <= np.uint64((2**64 - 1) // one_in)
        order = np.lexsort((scattered[keep], row[keep]))
        number, row = scattered[keep][order], row[keep][order]
        new = np.r_[True, (np.diff(row) != 0) | (number[1:] != number[:-1])] if len(row) else np.zeros(0, dtype=bool)
        yield number[new], row[new]


def _identity(train: Side, test: Side) -> Finding:
    """Windows whose sketches are contained in each other as those of sequences of about 90 % identity."""
    from scipy.sparse import csr_array

    n_bases = int(np.diff(test.store.offsets)[test.rows].sum())
    one_in = -(-n_bases // SKETCHED_BASES) if n_bases else 1
    parts = list(_sketch(test, one_in))
    number = np.concatenate([n for n, _ in parts]) if parts else np.zeros(0, dtype=np.uint64)
    row = np.concatenate([r for _, r in parts]) if parts else np.zeros(0, dtype=np.int64)
    items, item, n_rows = np.unique(number, return_inverse=True, return_counts=True)
    rare = n_rows[item] <= REPEAT_ROWS
    shape = (len(test.rows), max(len(items), 1))
    of_test = csr_array((np.ones(int(rare.sum()), np.float32), (row[rare], item[rare])), shape=shape)
    test_size = np.bincount(row, minlength=len(test.rows))
    train_rows, test_rows = np.zeros(len(train.rows), dtype=bool), np.zeros(len(test.rows), dtype=bool)
    least = IDENTITY**SKETCH_NT
    for found, place in _sketch(train, one_in):
        at, (names, local) = _find(items, found), np.unique(place, return_inverse=True)
        known = at >= 0
        size = np.bincount(local, minlength=len(names))
        shape = (len(names), of_test.shape[1])
        of_train = csr_array((np.ones(int(known.sum()), np.float32), (local[known], at[known])), shape=shape)
        pairs = (of_train @ of_test.T).tocoo()
        near = pairs.data >= np.maximum(least * np.minimum(size[pairs.row], test_size[pairs.col]), LEAST_SHARED_WORDS)
        train_rows[names[pairs.row[near]]] = True
        test_rows[pairs.col[near]] = True
    example = _row_name(test, int(np.argmax(test_rows))) if test_rows.any() else ""
    numbers = (len(train_rows), int(train_rows.sum()), len(test_rows), int(test_rows.sum()))
    return Finding("identity", train.name, test.name, *numbers, train_rows, test_rows, example)
