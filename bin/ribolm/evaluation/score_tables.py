"""Tables of scores: our own predictions over a store, and any peer's, from parquet, CSV, TSV or BED."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.errors import DataError, UsageError
from ribolm.evaluation.raw_tables import RawTable, raw_table
from ribolm.files import require_file

if TYPE_CHECKING:
    import polars

PLACE = ("chrom", "start0", "strand")
OTHER_NAMES = {"chromStart": "start0", "start": "start0", "seqnames": "chrom", "chr": "chrom"}
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
    """Columns chrom, start0, strand, score (float64), probability (float64, null where unknown), one row per place.

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


def read_facts(files: NamedFiles) -> list[dict[str, Any]]:
    """What prediction noted of itself in each file: n_parameters, seconds; nothing for files that note nothing."""
    import pyarrow.parquet

    found: list[dict[str, Any]] = []
    for path in files.paths:
        if path.suffix == ".parquet":
            metadata = pyarrow.parquet.read_metadata(require_file(path)).metadata or {}
            if METADATA_KEY in metadata:
                found.append(json.loads(metadata[METADATA_KEY]))
    return found


def _one_file(path: Path) -> "polars.DataFrame":
    import polars

    table = raw_table(path)
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
    columns = (table.texts(chrom), table.places(start0), strands, score, known)
    return polars.DataFrame(
        [column.alias(name) for column, name in zip(columns, (*PLACE, "score", "probability"), strict=True)]
    )


def _column_of(table: RawTable, name: str) -> str | None:
    """What a table calls the column `name`; None where it lacks it."""
    others = [old for old, new in OTHER_NAMES.items() if new == name]
    return next((column for column in (name, *others) if table.has(column)), None)
