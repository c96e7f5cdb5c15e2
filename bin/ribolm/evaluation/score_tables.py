"""Tables of scores: our own predictions over a store, and any peer's, from parquet, CSV, TSV or BED."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.console import choice
from ribolm.errors import DataError, UsageError
from ribolm.evaluation.raw_tables import RawTable, raw_table
from ribolm.files import require_file
from ribolm.genome.coordinates import Int64
from ribolm.inference.seen import NOTHING

if TYPE_CHECKING:
    import polars

PLACE = ("chrom", "start0", "strand")
OTHER_NAMES = {"chromStart": "start0", "seqnames": "chrom", "chr": "chrom"}
ONE_BASED = ("seqnames", "start")  # a data frame of R's GRanges
METADATA_KEY = b"ribolm"


@dataclass(frozen=True)
class NamedFiles:
    """The files of one method and one seed ("" where the model has a single one)."""

    method: str
    seed: str
    paths: tuple[Path, ...]

    @property
    def label(self) -> str:
        """How messages call them."""
        return f"{self.method}@{self.seed}" if self.seed else self.method


def named_files(arguments: Sequence[str], option: str) -> list[NamedFiles]:
    """Read NAME=FILE or NAME@SEED=FILE arguments; files of one name and seed belong together. UsageError otherwise."""
    found: dict[tuple[str, str], list[Path]] = {}
    for argument in arguments:
        given, equals, path = argument.partition("=")
        method, _, seed = given.partition("@")
        if not equals or not method or not path:
            raise UsageError(f"{option} {argument}: is not NAME=FILE. Write a name, '=' and the path of its scores.")
        found.setdefault((method, seed), []).append(Path(path))
    return [NamedFiles(method, seed, tuple(paths)) for (method, seed), paths in found.items()]


def read_scores(files: NamedFiles) -> "polars.DataFrame":
    """Columns chrom, start0, strand, score (float64), probability (null where unknown), trained_on; one row per place.

    Files are laid below each other. Raises DataError for missing columns, values that are no numbers, strands other
    than + and -, and places that occur twice.
    """
    import polars

    parts = [_one_file(path) for path in files.paths]
    table = polars.concat(parts)
    twice = table.filter(table.select(PLACE).is_duplicated())
    if len(twice):
        place = ":".join(str(twice[name][0]) for name in PLACE)
        raise DataError(
            f"Scores '{files.label}': {len(twice):,} rows share their place with another, first {place}. Give one "
            "score per (chrom, start0, strand); files of one name must cover different folds."
        )
    return table


def numbered_words(table: "polars.DataFrame") -> tuple[tuple[str, ...], Int64]:
    """The different cells of the column trained_on, and which of them each row has, int64 [n]."""
    import polars

    cells = table["trained_on"].fill_null(NOTHING)
    words = tuple(sorted(cells.unique().to_list()))
    numbers = {word: number for number, word in enumerate(words)}
    return words, cells.replace_strict(numbers, return_dtype=polars.Int64).to_numpy()


def read_facts(files: NamedFiles) -> list[dict[str, Any]]:
    """What prediction noted of itself in each file: n_parameters, seconds; nothing for files that note nothing."""
    return [facts for facts in map(_facts, files.paths) if facts]


def _facts(path: Path) -> dict[str, Any]:
    import pyarrow.parquet

    if path.suffix != ".parquet":
        return {}
    metadata = pyarrow.parquet.read_metadata(require_file(path)).metadata or {}
    return dict(json.loads(metadata.get(METADATA_KEY, "{}")))


def _one_file(path: Path) -> "polars.DataFrame":
    import polars

    table = _counted_from_0(raw_table(path))
    named = {name: _column_of(table, name) for name in PLACE}
    missing = [name for name, column in named.items() if column is None]
    found = None if missing else table.scores()
    if found is None:
        lacks = missing[0] if missing else "score (or logit, or probability)"
        raise DataError(f"{path.name}: no column '{lacks}'. Give chrom, start0, strand and score, named in a header.")
    chrom, start0, strand = (str(column) for column in named.values())
    strands = table.texts(strand)
    table.require(strands.is_in(["+", "-"]), strand, "is not + or -", "A site lies on one strand; give it.")
    score, probability = found
    unknown = polars.Series([None] * len(table), dtype=polars.Float64)
    known = unknown if probability is None else probability
    columns = {"chrom": table.texts(chrom), "start0": table.places(start0), "strand": strands, "score": score}
    seen = polars.Series([",".join(_facts(path).get("trained_on", [])) or None] * len(table), dtype=polars.String)
    columns |= {"probability": known, "trained_on": seen}
    return polars.DataFrame([column.alias(name) for name, column in columns.items()])


def _counted_from_0(table: RawTable) -> RawTable:
    """A table with `start0`, where it has a 1-based `start`; DataError where nothing tells from what that counts."""
    if not table.has("start") or _column_of(table, "start0"):
        return table
    if not all(map(table.has, ONE_BASED)):
        raise DataError(
            f"{table.path.name}: column 'start' does not tell whether it counts from 0. Call it start0 where it does, "
            "else subtract 1 first."
        )
    choice(f"first position of {table.path.name}", 1, "seqnames and start are the columns of R's GRanges")
    start0 = (table.places("start") - 1).alias("start0")
    return RawTable(table.path, table.columns.with_columns(start0), table.lines)


def _column_of(table: RawTable, name: str) -> str | None:
    """What a table calls the column `name`; None where it lacks it."""
    others = [old for old, new in OTHER_NAMES.items() if new == name]
    return next((column for column in (name, *others) if table.has(column)), None)
