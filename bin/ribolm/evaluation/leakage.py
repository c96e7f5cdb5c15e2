"""What training and test sequences share: sites, intervals, genes, exact 51-mers, near-identical windows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.evaluation.candidates import Bool, label_of_sites
from ribolm.evaluation.positions import Contigs
from ribolm.evaluation.stored_letters import RowPlaces, StoredLetters, row_chunks, row_contigs
from ribolm.genome.coordinates import Int64
from ribolm.sequences.kmer_hashes import UInt64, mixed, words
from ribolm.sequences.similarity import EXACT_NT, IDENTITY
from ribolm.sequences.sketches import SKETCH_NT, Least, Sketch, least_of_short, least_shared, near_pairs, sampled
from ribolm.sequences.store import TokenStore

SKETCHED_BASES = 5_000_000  # of more test bases a part of the words is compared, and so many words at a time
LEAST_SKETCH = 20  # words of a window; of fewer, windows 90 % identical share too few
SHORTEST_SHARE = 0.1  # of the windows, which may have fewer
KINDS_OF_RECORDS = ("fasta", "rna")  # of stores whose contigs are records of a FASTA
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
        """All rows of a store; labels of `task` where it has such of single bases."""
        has_sites = task in store.tasks and store.label_spec(task).rank == "token"
        return cls(name, store, np.arange(len(store), dtype=np.int64), task if has_sites else None)

    def placed(self) -> Bool:
        """Which rows have a place, bool [rows]."""
        return self.store.names(("block_starts0",))["block_starts0"].is_not_null().to_numpy()[self.rows]

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
    """Compare two sides. "sites" is left out where a side has no labels, it and "intervals" where places are no places
    of one genome.

    Cost: about 2 µs per base of either side, of the training side once per SKETCHED_BASES words that are compared of
    the test side; memory about 40 bytes per base of the test side.
    """
    contigs = Contigs.of(*(row_contigs(side.store.names(("name", "chrom"))) for side in (train, test)))
    gather: dict[str, Callable[[Side], Iterator[tuple[Any, Int64]]]] = {
        "sites": lambda side: _sites(side, contigs),
        "intervals": lambda side: _places(side, contigs),
        "genes": _genes,
        "kmers": lambda side: _words(side, EXACT_NT),
    }
    left_out = {"sites"} if None in (train.task, test.task) else set()
    why = _without_places(train, test)
    if why and {"sites", "intervals"} & set(checks):
        notice(f"{train.name} and {test.name}: neither sites nor intervals are compared, {why}.")
        left_out |= {"sites", "intervals"}
    found = []
    for check in checks:
        if check in left_out:
            continue
        finding = _identity(train, test) if check == "identity" else _shared(check, train, test, gather[check], contigs)
        found.append(finding)
    return found


def _without_places(train: Side, test: Side) -> str:
    """Why the places of two sides do not compare; "" where they do."""
    for side in (train, test):
        if len(side.rows) and not side.placed().any():
            return f"for no sequence of {side.name} has a place"
    sources = [side.store.manifest["source"] for side in (train, test)]
    of_records = any(source.get("kind") in KINDS_OF_RECORDS for source in sources)
    files = [_files_of_records(source) for source in sources]
    if of_records and train.store.digest != test.store.digest and (not files[0] or files[0] != files[1]):
        return "for records of different FASTA files may have one name"
    return ""


def _files_of_records(source: dict[str, Any]) -> list[str]:
    """Digests of the FASTA files of a store, one or several."""
    given = source.get("sequences", [])
    return sorted(str(one["sha256"]) for one in (given if isinstance(given, list) else [given]))


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
        n = [int(side.placed().sum()) if check == "intervals" else len(side.rows) for side in (train, test)]
        numbers = (n[0], int(train_rows.sum()), n[1], int(test_rows.sum()))
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
    """(key of each base, its row as a place in `side.rows`, whether it is a labelled site) of rows with a place."""
    places, is_placed = RowPlaces.of(side.store, contigs), side.placed()
    labels = label_of_sites(side.store, side.task) if side.task else None
    for rows in side.chunks():
        low, high = int(rows[0]), int(rows[-1]) + 1
        first, last = int(side.store.offsets[low]), int(side.store.offsets[high])
        place = np.full(high - low, -1, dtype=np.int64)
        place[rows - low] = np.searchsorted(side.rows, rows)
        of_base = np.repeat(place, np.diff(side.store.offsets[low : high + 1]))
        mine = of_base >= 0
        mine[mine] = is_placed[of_base[mine]]
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


def _sketches(side: Side, one_in: int, n_words: int) -> Iterator[tuple[Int64, Sketch]]:
    """(rows as places in `side.rows`, their sketch) of stretches of rows with about so many words, a part of all."""
    parts: list[tuple[UInt64, Int64]] = []
    for number, row in _words(side, SKETCH_NT):
        scattered = mixed(number + np.uint64(1))
        keep = sampled(scattered, one_in)
        parts.append((scattered[keep], row[keep]))
        if sum(len(found) for found, _ in parts) >= n_words:
            yield _sketch(parts)
            parts = []
    if parts:
        yield _sketch(parts)


def _sketch(parts: Sequence[tuple[UInt64, Int64]]) -> tuple[Int64, Sketch]:
    rows, local = np.unique(np.concatenate([row for _, row in parts]), return_inverse=True)
    return rows, Sketch.of(np.concatenate([word for word, _ in parts]), local.astype(np.int64), len(rows))


def _one_in(train: Side, test: Side) -> int:
    """Of how many words one is compared: few of a large test side, but enough of all but the shortest windows."""
    lengths = [np.diff(side.store.offsets)[side.rows] for side in (train, test)]
    if not all(map(len, lengths)):
        return 1
    n_words = min(float(np.quantile(length, SHORTEST_SHARE)) for length in lengths) - SKETCH_NT + 1
    return max(min(-(-int(lengths[1].sum()) // SKETCHED_BASES), int(n_words) // LEAST_SKETCH), 1)


def _identity(train: Side, test: Side) -> Finding:
    """Windows whose sketches are contained in each other as those of sequences of about 90 % identity."""
    one_in = _one_in(train, test)
    train_rows, test_rows = np.zeros(len(train.rows), dtype=bool), np.zeros(len(test.rows), dtype=bool)
    for tested, of_test in _sketches(test, one_in, SKETCHED_BASES):
        for trained, of_train in _sketches(train, one_in, 1):
            near = near_pairs(of_train, of_test, _least(of_train, of_test, one_in))
            train_rows[trained[near[0]]] = True
            test_rows[tested[near[1]]] = True
    example = _row_name(test, int(np.argmax(test_rows))) if test_rows.any() else ""
    numbers = (len(train_rows), int(train_rows.sum()), len(test_rows), int(test_rows.sum()))
    return Finding("identity", train.name, test.name, *numbers, train_rows, test_rows, example)


def _least(train: Sketch, test: Sketch, one_in: int) -> Least:
    def least(i: Int64, j: Int64) -> npt.NDArray[np.float64]:
        usual = least_shared(np.minimum(train.size[i], test.size[j]), IDENTITY)
        if one_in > 1:
            return usual
        return np.minimum(usual, np.maximum(least_of_short(np.minimum(train.places[i], test.places[j]), IDENTITY), 1))

    return least
