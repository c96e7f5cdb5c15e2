"""Tables of scores: our own predictions over a store, and any peer's, from parquet, CSV, TSV or BED."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.errors import DataError, UsageError
from ribolm.files import open_text, require_file

if TYPE_CHECKING:
    import polars

PLACE = ("chrom", "start0", "strand")
OTHER_NAMES = {"chromStart": "start0", "start": "start0", "seqnames": "chrom", "chr": "chrom"}
# The first one that a table has is its score: calibrated probabilities of models of different folds compare, logits not
SCORE_COLUMNS = ("probability", "logit", "score")
BED_COLUMNS = ("chrom", "start0", "end0", "name", "score", "strand")
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

    table = raw_table(require_file(path))
    table = table.rename({old: new for old, new in OTHER_NAMES.items() if old in table.columns})
    score = next((name for name in SCORE_COLUMNS if name in table.columns), None)
    missing = [name for name in PLACE if name not in table.columns]
    if missing or score is None:
        lacks = missing[0] if missing else "score (or logit, or probability)"
        raise DataError(f"{path.name}: no column '{lacks}'. Give chrom, start0, strand and score, named in a header.")
    probability = "probability" if "probability" in table.columns else None
    try:
        clean = table.select(
            polars.col("chrom").cast(polars.String),
            polars.col("start0").cast(polars.Int64),
            polars.col("strand").cast(polars.String),
            polars.col(score).cast(polars.Float64).alias("score"),
            (polars.col(probability) if probability else polars.lit(None)).cast(polars.Float64).alias("probability"),
        )
    except polars.exceptions.PolarsError as error:
        raise DataError(f"{path.name}: start0 or a score is no number ({str(error).splitlines()[0]}).") from error
    _check(path, clean)
    return clean


def _check(path: Path, table: "polars.DataFrame") -> None:
    import polars

    faults = (
        ("a place that is not complete", table.select(*PLACE).null_count().sum_horizontal()[0]),
        ("a strand other than + or -", len(table.filter(~polars.col("strand").is_in(["+", "-"])))),
        (
            "a score that is missing or NaN",
            len(table.filter(polars.col("score").is_null() | polars.col("score").is_nan())),
        ),
        ("a probability outside 0 to 1", len(table.filter(~polars.col("probability").is_between(0, 1)))),
    )
    for what, n in faults:
        if n:
            raise DataError(f"{path.name}: {n:,} rows with {what}. Mend or remove them.")


def raw_table(path: Path) -> "polars.DataFrame":
    """A parquet, CSV, TSV or BED as it stands, the columns of text files as text; DataError for what is none."""
    import polars

    if path.suffix == ".parquet":
        try:
            return polars.read_parquet(path)
        except polars.exceptions.PolarsError as error:
            raise DataError(f"{path}: is no readable parquet file. Write it again.") from error
    with open_text(path) as handle:
        lines = [line.rstrip("\n") for line in handle if line.strip() and not line.startswith(("track", "browser"))]
    if not lines:
        return polars.DataFrame(schema=dict.fromkeys(BED_COLUMNS, polars.String))
    separator = "\t" if "\t" in lines[0] else ","
    first = lines[0].lstrip("#").split(separator)
    has_header = lines[0].startswith("#") or not any(field.strip().isdigit() for field in first)
    header = first if has_header else [*BED_COLUMNS, *(f"column_{i}" for i in range(7, len(first) + 1))][: len(first)]
    rows = [line.split(separator) for line in lines[1 if has_header else 0 :] if not line.startswith("#")]
    uneven = [number for number, row in enumerate(rows, start=1) if len(row) != len(header)]
    if uneven:
        raise DataError(
            f"{path.name}: data row {uneven[0]} has not {len(header)} columns as the header. Mend the file."
        )
    columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    return polars.DataFrame(columns, schema=dict.fromkeys(header, polars.String))
