"""Which sequences are trained on and which are tested: whole genes, chromosomes or families of similar sequences.

Random folds exist to compare with published numbers, and for libraries of random sequences: windows that overlap lie on
both sides of them.
"""

from dataclasses import dataclass
from heapq import heapify, heapreplace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ribolm.console import notice
from ribolm.errors import DataError, UsageError, bad_value
from ribolm.files import atomic_path, open_text, require_file
from ribolm.genome.coordinates import Int64, overlap_clusters
from ribolm.sequences.deduplication import equal_rows
from ribolm.sequences.similarity import similarity_clusters
from ribolm.sequences.store import Float32, TokenStore
from ribolm.sequences.stored_text import stored_letters

if TYPE_CHECKING:
    import polars

UNITS = ("gene", "chromosome", "similarity", "random")
WHAT = {
    "gene": "clusters of overlapping genes",
    "chromosome": "chromosomes",
    "similarity": "families of similar sequences",
    "random": "single sequences",
}
COLUMNS = ("row", "name", "chrom", "cluster", "fold")
UNTOLD = "units of the table of folds"  # of a table by hand, or of a version that did not write what was dealt
REMEDY = "Make the table with ribolm-labels folds."


@dataclass(frozen=True)
class Folds:
    """The fold of every row of a store, int64 [n], from 0; `unit` int64 [n] numbers what was kept together.

    `by`: what the units are, one of `UNITS`, "" where the table does not tell.
    """

    fold: Int64
    unit: Int64
    by: str = ""

    @property
    def units(self) -> str:
        """What was kept together, in words."""
        return WHAT.get(self.by, UNTOLD)

    @property
    def split_words(self) -> str:
        """How the rows were split, in words."""
        return f"{self.n_folds} folds of {'' if self.by == 'random' else 'whole '}{self.units}"

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max()) + 1 if len(self.fold) else 0

    def rows(self, *folds: int) -> Int64:
        """Row numbers in any of the folds, int64, ascending."""
        return np.flatnonzero(np.isin(self.fold, folds))

    def split(self, test: int) -> tuple[Int64, Int64, Int64]:
        """Rows (train, dev, test) when fold `test` is tested: the next fold is dev. Raises UsageError for two folds."""
        if self.n_folds < 3:
            raise UsageError(f"{self.n_folds} folds leave none to train on beside test and dev. Ask for 3 or more.")
        if not 0 <= test < self.n_folds:
            raise UsageError(f"--fold {test} does not exist; there are folds 0 to {self.n_folds - 1}.")
        dev = (test + 1) % self.n_folds
        return np.flatnonzero((self.fold != test) & (self.fold != dev)), self.rows(dev), self.rows(test)


def assign_folds(unit: Int64, weight: Int64, n_folds: int, seed: int, first_share: float | None = None) -> Int64:
    """Deal whole units into folds of about equal weight, int64 [n].

    `unit` int64 [n], any numbers; `weight` int64 [n], as tokens per row; `first_share`: of the weight that fold 0 gets,
    the other folds share the rest evenly. Units go to the lightest fold, the heavy ones first (by powers of two), by
    chance within one class of weight. Raises UsageError when there are fewer units than folds. Cost: n log n.
    """
    if n_folds < 2:
        raise UsageError(f"--folds {n_folds} is no split. Ask for 2 or more.")
    if first_share is not None and not 0 < first_share < 1:
        raise UsageError(
            f"--test-share {first_share:g} leaves nothing to test or to train on. Give one between 0 and 1."
        )
    names, of_row = np.unique(unit, return_inverse=True)
    if len(names) < n_folds:
        raise UsageError(f"{len(names)} units cannot fill {n_folds} folds. Ask for fewer folds, or split by gene.")
    total = np.bincount(of_row, weights=weight, minlength=len(names))
    shuffled = np.random.Generator(np.random.Philox(seed)).permutation(len(names))
    size_class = np.floor(np.log2(np.maximum(total, 1)))[shuffled]
    wide = 1.0 if first_share is None else first_share * (n_folds - 1) / (1 - first_share)
    load = [(0.0, fold) for fold in range(n_folds)]
    heapify(load)
    fold_of_unit = np.zeros(len(names), dtype=np.int64)
    for member in shuffled[np.argsort(-size_class, kind="stable")]:
        lightest, fold = load[0]
        fold_of_unit[member] = fold
        heapreplace(load, (lightest + max(float(total[member]), 1.0) / (1.0 if fold else wide), fold))
    return fold_of_unit[of_row]


def split_units(names: "polars.DataFrame", by: str) -> Int64:
    """Number what must stay together, int64 [n]; `names` is the names table of a store.

    By `chromosome`: the contig. By `gene`: the cluster of genes that overlap; rows without one stay with such rows that
    they overlap on either strand, not with rows of a cluster. Rows without a contig are units of their own.
    """
    if by not in UNITS[:2]:
        raise UsageError(f"--by {by} is not known. Choose one of {', '.join(UNITS[:2])}.")
    chrom = _numbers(names["chrom"])
    n = len(chrom)
    apart = np.arange(n)  # a unit of its own
    if by == "chromosome":
        return np.where(chrom >= 0, chrom, n + apart)
    cluster = _numbers(names["cluster"])
    bare = np.flatnonzero((cluster < 0) & (chrom >= 0))
    start0, end0 = (names[column].gather(bare).to_numpy().astype(np.int64) for column in ("start0", "end0"))
    order, stretch = overlap_clusters(chrom[bare], start0, end0)
    apart[bare[order]] = n + stretch
    return np.where(cluster >= 0, cluster, n + apart)


def _numbers(column: "polars.Series") -> Int64:
    """Number the values of a column from 0, int64 [n]; -1 where it is null or empty."""
    import polars

    if column.dtype == polars.String:
        column = column.set(column == "", None)
    return column.rank("dense").cast(polars.Int64).fill_null(0).to_numpy() - 1


def write_folds(path: Path | str, names: "polars.DataFrame", folds: Folds) -> None:
    """Write row, name, chrom, cluster, fold as TSV; `cluster` is the number of the unit that was kept together.

    A column `by` says what the units are, where that is known.
    """
    import polars

    table = polars.DataFrame(
        {
            "row": np.arange(len(folds.fold)),
            "name": names["name"],
            "chrom": names["chrom"],
            "cluster": folds.unit,
            "fold": folds.fold,
        }
    )
    if folds.by:
        table = table.with_columns(by=polars.lit(folds.by))
    with atomic_path(path) as temporary:
        table.write_csv(temporary, separator="\t")


def read_folds(path: Path | str, store: TokenStore | None = None) -> Folds:
    """Read a table of folds, of `store` where one is given; the columns `name` and `by` may be missing.

    Raises DataError when rows are missing, out of order or not those of the store by number and name, and when a unit
    is in two folds or `by` is not one of `UNITS` throughout.
    """
    path = require_file(path)
    table = _read_columns(path, ("row", "cluster", "fold"))
    row, unit, fold = (_whole_numbers(path, table, name) for name in ("row", "cluster", "fold"))
    _check(path, row, unit, fold, None if store is None else len(store))
    if store is not None and "name" in table.columns:
        _require_names(path, table["name"], store)
    return Folds(fold, unit, _dealt_by(path, table))


def _require_names(path: Path, found: "polars.Series", store: TokenStore) -> None:
    """Sets of one size, as windows of genes and of what lies between them, differ in their names alone."""
    expected = store.names(("name",))["name"].fill_null("")
    differs = (found.fill_null("") != expected).arg_true()
    if len(differs):
        k = int(differs[0])
        problem = f"is not '{expected[k]}', row {k} of {store.directory.name}"
        raise bad_value(path, k + 2, "name", found[k] or "", problem, "Make the folds of this store.")


def _dealt_by(path: Path, table: "polars.DataFrame") -> str:
    if "by" not in table.columns or not len(table):
        return ""
    words = table["by"].fill_null("").to_list()
    allowed = (words[0],) if words[0] in ("", *UNITS) else UNITS
    wrong = next((k for k, word in enumerate(words) if word not in allowed), None)
    if wrong is not None:
        remedy = f"Every row says the same one of {', '.join(UNITS)}. {REMEDY}"
        raise bad_value(path, wrong + 2, "by", words[wrong], f"is not '{', '.join(allowed)}'", remedy)
    return str(words[0])


def fold_names(path: Path | str, fold: int) -> frozenset[str]:
    """Names of the sequences in a fold. Raises DataError for a table without names and for a fold without rows."""
    path = require_file(path)
    table = _read_columns(path, ("name", "fold"))
    found = frozenset(table["name"].filter(table["fold"] == str(fold)).drop_nulls().to_list())
    if not found:
        folds = sorted(set(table["fold"].drop_nulls().to_list()))
        others = f"Give one of {', '.join(folds)}." if folds else REMEDY
        raise DataError(f"{path.name}: no row is in fold {fold}. {others}")
    return found


def _read_columns(path: Path, columns: tuple[str, ...]) -> "polars.DataFrame":
    import polars

    try:
        table = polars.read_csv(path, separator="\t", infer_schema=False)
    except polars.exceptions.ComputeError as error:
        raise _uneven(path) from error
    except polars.exceptions.NoDataError as error:
        raise DataError(f"{path}: is empty. {REMEDY}") from error
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DataError(f"{path.name}: no column '{missing[0]}'. {REMEDY}")
    return table


def _uneven(path: Path) -> DataError:
    """The fault of a table whose lines have not all as many columns as the header."""
    with open_text(path) as handle:
        width = [line.rstrip("\n").count("\t") + 1 for line in handle]
    number = next((number for number, n in enumerate(width, start=1) if n > width[0]), None)
    if number is None:
        return DataError(f"{path.name}: is no tab-separated table. {REMEDY}")
    return DataError(f"{path.name} line {number}: has {width[number - 1]} columns, the header {width[0]}. {REMEDY}")


def _whole_numbers(path: Path, table: "polars.DataFrame", name: str) -> Int64:
    import polars

    found = table[name].cast(polars.Int64, strict=False)
    wrong = found.is_null().arg_true()
    if len(wrong):
        text = table[name][wrong[0]] or ""
        raise bad_value(path, int(wrong[0]) + 2, name, text, "is no whole number", REMEDY)
    return found.to_numpy()


def _check(path: Path, row: Int64, unit: Int64, fold: Int64, n_rows: int | None) -> None:
    if n_rows is not None and len(row) != n_rows:
        raise DataError(f"{path.name}: {len(row):,} rows, but the store has {n_rows:,}. Make the folds of this store.")
    if not np.array_equal(row, np.arange(len(row))):
        k = int(np.argmax(row != np.arange(len(row))))
        raise bad_value(path, k + 2, "row", row[k], f"is not {k}: rows are 0, 1, 2, … in order", REMEDY)
    if (fold < 0).any():
        k = int(np.argmax(fold < 0))
        raise bad_value(path, k + 2, "fold", fold[k], "is below 0", "Number the folds from 0.")
    order = np.lexsort((fold, unit))
    torn = (np.diff(unit[order]) == 0) & (np.diff(fold[order]) != 0)
    if torn.any():
        name = int(unit[order][1:][torn][0])
        raise DataError(f"{path.name}: cluster {name} lies in two folds. Keep whole genes or chromosomes together.")


def stratified_folds(label: Float32, unit: Int64, n_folds: int, seed: int) -> Int64:
    """Deal units so that every fold has about the same share of each label, int64 [n].

    `label` float32 [n]; NaN is a label of its own, and a unit has that of its first row. `unit` int64 [n], any numbers.
    Raises UsageError when there are fewer units than folds.
    """
    names, first, of_row = np.unique(unit, return_index=True, return_inverse=True)
    if len(names) < n_folds:
        raise UsageError(f"{len(names)} different sequences cannot fill {n_folds} folds. Ask for fewer folds.")
    random = np.random.Generator(np.random.Philox(seed))
    shuffled = random.permutation(len(names))
    by_label = shuffled[np.argsort(np.nan_to_num(label[first], nan=np.inf)[shuffled], kind="stable")]
    fold = np.empty(len(names), dtype=np.int64)
    fold[by_label] = np.arange(len(names)) % n_folds
    return fold[of_row]


def deal_folds(store: Path, out: Path, by: str, n_folds: int, seed: int, test_share: float | None = None) -> str:
    """Write the folds of a store, tokens as weights; returns one sentence. Raises UsageError for too few units.

    `test_share`: of all tokens, for fold 0; None: all folds alike.
    """
    if by not in UNITS:
        raise UsageError(f"--by {by} is not known. Choose one of {', '.join(UNITS)}.")
    opened = TokenStore.open(store)
    names = opened.names(("name", "chrom", "start0", "end0", "gene", "cluster"))
    if not len(opened):
        nothing = np.zeros(0, dtype=np.int64)
        write_folds(out, names, Folds(nothing, nothing, by))
        notice(f"{store}: has no sequence, so the table of folds is valid and empty.")
        return "no sequence in folds"
    weight = np.diff(opened.offsets)
    folds = _dealt(opened, names, by, n_folds, seed, test_share)
    write_folds(out, names, folds)
    sizes = np.bincount(folds.fold, weights=weight).astype(int)
    return f"{len(np.unique(folds.unit)):,} {WHAT[by]} in {n_folds} folds of {sizes.min():,} to {sizes.max():,} tokens"


def _dealt(
    store: TokenStore, names: "polars.DataFrame", by: str, n_folds: int, seed: int, test_share: float | None
) -> Folds:
    if by == "random":
        return _by_chance(store, names, n_folds, seed, test_share)
    unit = similarity_clusters(*stored_letters(store)) if by == "similarity" else split_units(names, by)
    return Folds(assign_folds(unit, np.diff(store.offsets), n_folds, seed, test_share), unit, by)


def _by_chance(
    store: TokenStore, names: "polars.DataFrame", n_folds: int, seed: int, test_share: float | None
) -> Folds:
    """Single rows, repeats together: of yes-no labels as many of each in every fold; of values by chance alone."""
    tasks = [task for task in store.tasks if store.label_spec(task).rank == "sequence"]
    label = np.asarray(store.label(tasks[0])) if tasks else np.zeros(len(store), dtype=np.float32)
    is_value = bool((~np.isin(label[np.isfinite(label)], (0, 1))).any())
    if not is_value or names["gene"].null_count() < len(names):
        notice("random folds: windows that overlap, and sites of one gene, lie on both sides; publish others.")
    unit = equal_rows(np.asarray(store.tokens), store.offsets)
    repeats = len(store) - len(np.unique(unit))
    if repeats:
        notice(f"random folds: {repeats:,} repeated sequences stay in the fold of their first.")
    if not is_value and test_share is None:
        return Folds(stratified_folds(label, unit, n_folds, seed), unit, "random")
    return Folds(assign_folds(unit, np.ones(len(unit), dtype=np.int64), n_folds, seed, test_share), unit, "random")
