"""Do libraries agree? Correlation of their counts over bins."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ribolm.report.drawing.multiqc import Section, write_heatmap, write_words
from ribolm.report.folders.peak_folder import PeakFolder

if TYPE_CHECKING:
    import polars

Float64 = npt.NDArray[np.float64]

NOTHING = "Fewer than two libraries with counts over bins, so there is nothing to correlate."


def write_correlation_sections(outdir: Path, folders: Sequence[PeakFolder]) -> None:
    """Write heatmaps of Spearman and Pearson correlation over all bins with a count in any library."""
    names, counts = library_counts(folders)
    usable = [i for i in range(len(names)) if counts[:, i].any() and np.ptp(counts[:, i]) > 0]
    names, counts = [names[i] for i in usable], counts[:, usable]
    for kind, how in (
        ("spearman", "Spearman's rank correlation"),
        ("pearson", "Pearson's correlation of log(1 + count)"),
    ):
        section = Section(
            f"correlation_{kind}",
            "ribolm_libraries",
            f"Correlation of libraries ({kind.capitalize()})",
            f"{how} of counts over {len(counts):,} bins, all bins with a count in at least one library. "
            "Libraries stand in order of group, IP before input.",
            "Replicates of one assay should agree better with each other than IP with input. Shallow libraries "
            "correlate less for want of reads alone. Many bins with few counts lower Spearman's value in "
            "particular.",
        )
        if len(names) < 2:
            write_words(outdir, section, NOTHING)
        else:
            values = ranks(counts) if kind == "spearman" else np.log1p(counts)
            write_heatmap(outdir, section, names, np.corrcoef(values, rowvar=False).tolist())


def library_counts(folders: Sequence[PeakFolder]) -> tuple[list[str], Float64]:
    """Names of all libraries with bins and their counts, float64 [bins, libraries]; a missing bin counts 0.

    A library that serves several groups is taken once.
    """
    tables: list[polars.DataFrame] = []
    names: list[str] = []
    for folder in folders:
        new = [library.name for library in folder.libraries if library.name not in names]
        bins = folder.read_bins(["bin", *(f"count.{name}" for name in new)]) if new else None
        if bins is not None:
            tables.append(bins)
            names.extend(new)
    if not tables:
        return [], np.zeros((0, 0))
    joined = tables[0]
    for table in tables[1:]:
        joined = joined.join(table, on="bin", how="full", coalesce=True)
    return names, joined.select(f"count.{name}" for name in names).fill_null(0).to_numpy().astype(np.float64)


def ranks(values: Float64) -> Float64:
    """Ranks of every column, ties sharing their mean rank; float64 of the same shape."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, axis=0), dtype=np.float64)
