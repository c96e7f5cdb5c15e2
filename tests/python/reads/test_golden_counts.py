"""Counts of the real control libraries against those of exomePeak2 1.16.2."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ribolm.genome.annotation import read_gtf
from ribolm.genome.exon_space import build_exon_space
from ribolm.peaks.bins import build_grid
from ribolm.reads.alignments import count_fragments

REPOSITORY = Path(__file__).resolve().parents[3]
M6A = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "m6a"
LIBRARIES = ("control_1.ip", "control_2.ip", "control_1.input", "control_2.input")

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not M6A.is_dir(), reason=f"no real data at {M6A} (set RIBOLM_DATA)"),
]


@pytest.fixture(scope="module", name="golden")
def _golden() -> pd.DataFrame:
    (path,) = (M6A / "golden_exomePeak2").glob("*bins*nogc*.tsv.gz")
    return pd.read_csv(path, sep="\t")


@pytest.fixture(scope="module", name="space")
def _space():
    return build_exon_space(read_gtf(M6A / "ref" / "hg38_chr22_10.5-26M.gtf.gz"))


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_count_equals_the_original(library, golden, space):
    grid = build_grid(space)
    bam = M6A / "merip_chr22_bam" / f"{library}.bam"
    counts = count_fragments(bam, grid, space.chroms, strandedness="unstranded").counts
    assert grid.n_bins == 49_574
    np.testing.assert_array_equal(counts[golden["bin"].to_numpy() - 1], golden[library])


def test_bins_that_the_original_lacks_are_the_only_others(golden, space):
    """The original loses the bins over splice junctions of eight groups; every other counted bin is in its table."""
    grid = build_grid(space)
    total = np.zeros(grid.n_bins, np.int64)
    for library in LIBRARIES:
        bam = M6A / "merip_chr22_bam" / f"{library}.bam"
        total += count_fragments(bam, grid, space.chroms, strandedness="unstranded").counts
    assert len(np.setdiff1d(np.flatnonzero(total), golden["bin"].to_numpy() - 1)) == 22
