"""The folder that `ribolm-peaks` leaves for a group, read for reports: summary, peaks, bins."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ribolm.errors import DataError, bad_value
from ribolm.files import open_text, require_file
from ribolm.report.folders.json_object import read_json_object

if TYPE_CHECKING:
    import polars

PEAK_NUMBERS = ("start0", "end0", "length_nt", "log2_fold_change")
PEAK_COLUMNS = ("chrom", "start0", "end0", "strand", "name", "length_nt", "feature", "log2_fold_change")


@dataclass(frozen=True)
class Library:
    """What the caller says about one library; numbers it did not give are None."""

    name: str
    assay: str
    alignments: int | None
    left_out: dict[str, int]
    fragments: int | None
    fragments_on_exons: int | None
    fragments_in_peaks: int | None
    strandedness: str | None
    strandedness_source: str | None
    size_factor: float | None
    size_factor_source: str | None


@dataclass(frozen=True)
class PeakFolder:
    """One group: its name, libraries (IP first, then by name) and the files to read more from."""

    path: Path
    name: str
    caller: str
    summary: dict[str, Any]
    libraries: tuple[Library, ...]

    def of_assay(self, assay: str) -> list[Library]:
        """The libraries of one assay, ip or input."""
        return [library for library in self.libraries if library.assay == assay]

    def read_peaks(self) -> list[dict[str, Any]]:
        """Rows of peaks.tsv with the numbers of `PEAK_NUMBERS` parsed (None where empty)."""
        return read_peak_table(self.path / "peaks.tsv")

    def read_bins(self, columns: Sequence[str]) -> "polars.DataFrame | None":
        """Columns of bins.parquet; None where the caller makes no bins (MACS3). Missing columns are a DataError."""
        import polars as pl

        path = self.path / "bins.parquet"
        if not path.exists():
            return None
        try:
            known = pl.read_parquet_schema(path)
            missing = [name for name in columns if name not in known]
            if missing:
                raise DataError(f"{path}: column '{missing[0]}' is missing. Run `ribolm-peaks call` again.")
            return pl.read_parquet(path, columns=list(columns))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{path}: is no Parquet file. Run `ribolm-peaks call` again.") from error


def read_peak_folder(path: Path | str) -> PeakFolder:
    """Read summary.json of a folder. Raises DataError for a missing or damaged file."""
    path = Path(path)
    summary = read_json_object(path / "summary.json")
    libraries = summary.get("libraries")
    if not isinstance(libraries, dict):
        raise DataError(f"{path / 'summary.json'}: has no 'libraries'. Run `ribolm-peaks` again.")
    for part in ("bins", "calls", "parameters", "dispersion"):
        if not isinstance(summary.get(part) or {}, dict):
            raise DataError(f"{path / 'summary.json'}: '{part}' is no JSON object. Run `ribolm-peaks` again.")
    rows = [_library(path, name, values) for name, values in libraries.items()]
    rows.sort(key=lambda library: (library.assay != "ip", library.name))
    name = str(summary.get("name") or path.name)
    return PeakFolder(path, name, str(summary.get("caller", "ribolm")), summary, tuple(rows))


def read_peak_folders(paths: Iterable[Path | str]) -> list[PeakFolder]:
    """Read several folders, sorted by name. Raises DataError when two have the same name."""
    folders = sorted((read_peak_folder(path) for path in paths), key=lambda folder: folder.name)
    for one, other in pairwise(folders):
        if one.name == other.name:
            raise DataError(
                f"{one.path} and {other.path}: both are called '{one.name}'. Give each group its own --name."
            )
    return folders


def whole_groups(folders: Sequence[PeakFolder]) -> list[PeakFolder]:
    """The folders that are no part of another: calls of single replicates are left out beside those of their group.

    Of two with the same libraries (a group of one replicate, and that replicate) the one of the shorter name stays.
    """

    def is_part(one: PeakFolder, other: PeakFolder) -> bool:
        own, others = ({library.name for library in folder.libraries} for folder in (one, other))
        longer = (len(one.name), one.name) > (len(other.name), other.name)
        return own < others or (own == others and longer)

    return [one for one in folders if not any(is_part(one, other) for other in folders)]


def read_peak_table(path: Path) -> list[dict[str, Any]]:
    """Rows of a peaks.tsv with numbers parsed. Raises DataError naming file, line and column."""
    with open_text(require_file(path)) as handle:
        reader = csv.DictReader(handle, delimiter="\t")
        missing = [name for name in PEAK_COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f"{path} line 1: column '{missing[0]}' is missing. Give the peaks.tsv of `ribolm-peaks`.")
        return [_peak_row(path, number, row) for number, row in enumerate(reader, start=2)]


def _peak_row(path: Path, number: int, row: dict[str, Any]) -> dict[str, Any]:
    if None in row or None in row.values():
        raise DataError(f"{path} line {number}: has not as many values as the header. Run `ribolm-peaks` again.")
    parsed = dict(row)
    for column in PEAK_NUMBERS:
        text = (row[column] or "").strip()
        try:
            parsed[column] = float(text) if text else None
        except ValueError:
            raise bad_value(path, number, column, text, "is not a number", "Run `ribolm-peaks` again.") from None
    return parsed


def _library(path: Path, name: str, values: dict[str, Any]) -> Library:
    assay = values.get("assay") if isinstance(values, dict) else None
    if assay not in ("ip", "input"):
        raise DataError(
            f"{path / 'summary.json'}: library '{name}', key 'assay': {assay!r} is not ip or input. Run it again."
        )
    return Library(
        name=name,
        assay=assay,
        alignments=values.get("alignments"),
        left_out={str(reason): int(n) for reason, n in (values.get("left_out") or {}).items()},
        fragments=values.get("fragments"),
        fragments_on_exons=values.get("fragments_on_exons"),
        fragments_in_peaks=values.get("fragments_in_peaks"),
        strandedness=values.get("strandedness"),
        strandedness_source=values.get("strandedness_source"),
        size_factor=values.get("size_factor"),
        size_factor_source=values.get("size_factor_source"),
    )
