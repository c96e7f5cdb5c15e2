"""Lists of poly(A) sites as their makers write them, read as intervals of one strand: 0-based, half-open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.console import choice, notice
from ribolm.errors import DataError, UsageError
from ribolm.genome.coordinates import Int64
from ribolm.labels.polya.list_formats import (
    GENCODE_SITE,
    PARSERS,
    REPRESENTATIVE,
    Row,
    detect_format,
    without_header,
)
from ribolm.labels.site_formats import read_lines

LEAST_INSIDE = 0.5  # of the representatives in a list's names that lie in the interval of their own row


@dataclass(frozen=True)
class SiteList:
    """A list of sites in file order: arrays and tuples of one length n.

    `start0`, `end0` int64: the interval given, 0-based half-open. `strand` int8 (+1, -1). `representative0` int64: the
    place that the row's own name gives, -1 without. `feature`: "polyA_site", or what the row is instead. `shape`: what
    an interval means: `base` (one base), `pair` (the two bases around the cleavage), `cluster` (some base in it).
    """

    path: Path
    format: str
    shape: str
    line: Int64
    chrom: tuple[str, ...]
    start0: Int64
    end0: Int64
    strand: npt.NDArray[np.int8]
    representative0: Int64
    name: tuple[str, ...]
    feature: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.line)

    @property
    def label(self) -> str:
        """How messages call this list."""
        return f"site list {self.path.name}"

    @property
    def is_site(self) -> npt.NDArray[np.bool_]:
        """Which rows are sites and no signals or pseudo-sites, bool [n]."""
        return np.array([feature == GENCODE_SITE for feature in self.feature], dtype=bool)

    @property
    def chroms(self) -> tuple[str, ...]:
        """Contigs in order of first appearance."""
        return tuple(dict.fromkeys(self.chrom))


def read_site_list(path: Path | str, file_format: str = "auto") -> SiteList:
    """Read a list of any known format; `auto` tells it from the columns and prints the choice.

    An empty list is valid. Raises DataError naming line and column for positions that are no numbers and for sites
    without a strand; UsageError for a format that does not exist.
    """
    path = Path(path)
    if file_format not in ("auto", *PARSERS):
        raise UsageError(f"--format {file_format} is not known. Choose auto or one of {', '.join(PARSERS)}.")
    lines = without_header(list(read_lines(path)))
    if not lines:
        notice(f"{path.name}: holds no site.")
        return _gathered(path, "bed" if file_format == "auto" else file_format, [])
    if file_format == "auto":
        file_format, reason = detect_format(path, lines)
        choice(f"format of {path.name}", file_format, reason)
    parse: Callable[[Path, Sequence[tuple[int, list[str]]]], list[Row]] = PARSERS[file_format]
    found = _gathered(path, file_format, parse(path, lines))
    return _without_foreign_names(found) if (found.representative0 >= 0).any() else found


def _gathered(path: Path, file_format: str, rows: Sequence[Row]) -> SiteList:
    numbers = np.array([row[:5] for row in rows], dtype=np.int64).reshape(-1, 5).T
    line, start0, end0, strand, representative0 = numbers
    chrom, name, feature = (tuple(str(row[k]) for row in rows) for k in (5, 6, 7))
    width = (end0 - start0)[[one == GENCODE_SITE for one in feature]] if rows else end0 - start0
    empty = int((width == 0).sum())
    if empty:
        notice(f"{path.name}: {empty:,} intervals end where they begin; they are read as 1-based single bases.")
        start0 = np.where(end0 == start0, start0 - 1, start0)
    shape = _shape(file_format, np.maximum(width, 1))
    if shape == "cluster" and file_format == "bed":
        text = f"intervals of {int(width.min()):,} to {int(width.max()):,} nt"
        notice(f"{path.name}: {text} are clusters of sites; an A near the usual place in each becomes its anchor.")
    return SiteList(
        path, file_format, shape, line, chrom, start0, end0, strand.astype(np.int8), representative0, name, feature
    )


def _shape(file_format: str, width: Int64) -> str:
    if file_format.startswith("gencode"):
        return "pair"
    if file_format in REPRESENTATIVE or not len(width) or (width == 1).all():
        return "base"
    return "pair" if (width == 2).all() else "cluster"


def _without_foreign_names(sites: SiteList) -> SiteList:
    """Forget the representatives where most lie outside their rows: names of a lifted list keep the old build."""
    named = sites.representative0 >= 0
    inside = (sites.representative0 >= sites.start0 - 1) & (sites.representative0 <= sites.end0)
    n_outside, n_named = int((named & ~inside).sum()), int(named.sum())
    if not n_outside:
        return sites
    if n_outside > (1 - LEAST_INSIDE) * n_named:
        notice(
            f"{sites.path.name}: {n_outside:,} of {n_named:,} places in column 4 lie outside the interval of their own "
            "row: names of another genome build. Columns 1 to 3 are used."
        )
        unknown = np.full(len(sites), -1, dtype=np.int64)
        width = sites.end0 - sites.start0
        shape = "base" if (width == 1).all() else "cluster"
        return SiteList(**{**vars(sites), "representative0": unknown, "shape": shape})
    row = int(np.flatnonzero(named & ~inside)[0])
    raise DataError(
        f"{sites.path.name} line {int(sites.line[row])}: column 4 names place {int(sites.representative0[row]) + 1}, "
        f"outside columns 2 and 3 of the row, in {n_outside:,} rows but not in most. Mend the list."
    )
