"""Called peaks beside planted sites."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ribolm.cli.peaks import main as peaks
from ribolm.simulation.m6a import simulate_m6a
from ribolm.simulation.m6a_options import M6aOptions
from ribolm.simulation.m6a_recovery import score_bins

DATA = Path(__file__).parents[2] / "data" / "m6a"
COLUMNS = "#chrom start0 end0 name score strand gene feature motif x e expected_input_fragments a b"
SITES = """c	110	111	s1	0	+	g1	CDS	GGACT	0	8	50.0	1	1
c	400	401	s2	0	+	g1	CDS	GGACT	0	8	2.0	1	0
c	110	111	s3	0	-	g2	CDS	GGACT	0	8	50.0	1	1
"""
REGIONS = """c	90	520	s1	0	+	90	520	0	2	40,20	0,410
c	380	420	s2	0	+	380	420	0	1	40	0
c	90	130	s3	0	-	90	130	0	1	40	0
"""


@pytest.fixture
def by_hand(tmp_path: Path) -> Path:
    (tmp_path / "sites.bed").write_text("\t".join(COLUMNS.split()) + "\n" + SITES)
    (tmp_path / "regions.bed").write_text(REGIONS)
    # Bins 3 and 4 of g1 make one peak, bin 7 another; bin 9 lies across an intron on the blocks of s1.
    rows = {
        "bin": [9, 3, 4, 7, 8, 20],
        "gene": ["g1", "g1", "g1", "g1", "g1", "g2"],
        "chrom": ["c"] * 6,
        "strand": ["+"] * 5 + ["-"],
        "p_value": [1e-5, 1e-20, 1e-12, 1e-15, 0.5, 1e-3],
        "block_starts0": [[130, 500], [75], [100], [300], [325], [300]],
        "block_sizes": [[5, 20], [25], [25], [25], [25], [25]],
    }
    pq.write_table(pa.table(rows), tmp_path / "bins.parquet")
    return tmp_path


def test_peaks_merge_and_count_by_hand(by_hand: Path) -> None:
    scored = score_bins(by_hand / "bins.parquet", by_hand, "a")
    assert scored.at(1e-10).counts == (2, 1, 3, 1)
    assert scored.at(1e-4).counts == (3, 2, 3, 1)
    assert scored.at(1e-2).counts == (4, 2, 3, 1)
    assert scored.at(1e-30).counts == (0, 0, 3, 0)
    assert np.isnan(scored.at(1e-30).precision) and scored.at(1e-30).recall == 0
    assert scored.at(1e-10).precision == 0.5 and scored.at(1e-10).recall == pytest.approx(1 / 3)


def test_sites_count_only_for_groups_that_have_them_and_coverage_that_was_asked_for(by_hand: Path) -> None:
    assert score_bins(by_hand / "bins.parquet", by_hand, "b").at(1e-10).counts == (2, 1, 2, 1)
    scored = score_bins(by_hand / "bins.parquet", by_hand, "a")
    assert scored.at(1e-10, least_expected_input=20).counts == (2, 1, 2, 1)


def test_strand_matters_only_where_libraries_have_one(by_hand: Path) -> None:
    assert score_bins(by_hand / "bins.parquet", by_hand, "a", stranded=False).at(1e-10).counts == (2, 1, 3, 2)


def test_intervals_hold_the_estimate(by_hand: Path) -> None:
    recovery = score_bins(by_hand / "bins.parquet", by_hand, "a").at(1e-10)
    (low, high), _ = recovery.intervals(np.random.default_rng(0), 200)
    assert low <= recovery.precision <= high


def called(folder: Path, group: str, bams: Path, *more: str) -> Path:
    libraries = [
        part
        for assay in ("ip", "input")
        for k in (1, 2)
        for part in (f"--{assay}", str(bams / f"{group}_{k}.{assay}.bam"))
    ]
    out = folder / f"peaks_{group}"
    genome = ["--gtf", str(DATA / "genes.gtf.gz"), "--fasta", str(folder / "genome.fa.gz")]
    assert peaks(["call", *libraries, *genome, "--outdir", str(out), *more]) == 0
    return out


@pytest.mark.parametrize("test", ["poisson", "negative-binomial"])
def test_peaks_of_the_demo_are_the_planted_ones(test: str, tmp_path: Path) -> None:
    options = json.loads((DATA / "truth" / "parameters.json").read_text())["options"]
    simulate_m6a(M6aOptions(**options), tmp_path, "bam")
    for group in ("control", "treated"):
        out = called(tmp_path, group, tmp_path / "bam", "--test", test)
        recovery = score_bins(out / "bins.parquet", tmp_path / "truth", group).at(1e-10)
        assert recovery.counts[0] == len((out / "peaks.bed").read_text().splitlines())
        assert recovery.precision >= 0.95
        # With few reads per gene a tenth of the sites is too thin for any test at 1e-10. The negative-binomial
        # test pays besides for the dispersion that it has to estimate from two replicates.
        assert recovery.recall >= (0.85 if test == "poisson" else 0.8)
        covered = score_bins(out / "bins.parquet", tmp_path / "truth", group).at(1e-10, least_expected_input=5)
        assert covered.recall >= (0.92 if test == "poisson" else 0.85)


@pytest.mark.skipif(not shutil.which("hisat2"), reason="hisat2 is not on PATH")
def test_peaks_of_the_demo_are_found_after_real_alignment(tmp_path: Path) -> None:
    shutil.copy(DATA / "genome.fa.gz", tmp_path)
    plain, index = tmp_path / "genome.fa", str(tmp_path / "index")
    with plain.open("wb") as handle:
        subprocess.run(["gzip", "-dc", str(DATA / "genome.fa.gz")], check=True, stdout=handle)
    subprocess.run(["hisat2-build", "-q", str(plain), index], check=True)
    for library in sorted({path.name[:-11] for path in (DATA / "fastq").glob("control*")}):
        mates = [f"{DATA}/fastq/{library}_{m}.fastq.gz" for m in (1, 2)]
        align = ["hisat2", "-x", index, "-1", mates[0], "-2", mates[1], "-S", str(tmp_path / "x.sam")]
        subprocess.run(align, check=True, capture_output=True)
        subprocess.run(
            ["samtools", "sort", "-o", str(tmp_path / f"{library}.bam"), str(tmp_path / "x.sam")], check=True
        )
        subprocess.run(["samtools", "index", str(tmp_path / f"{library}.bam")], check=True)
    out = called(tmp_path, "control", tmp_path)
    recovery = score_bins(out / "bins.parquet", DATA / "truth", "control").at(1e-10)
    assert recovery.precision >= 0.95 and recovery.recall >= 0.85
