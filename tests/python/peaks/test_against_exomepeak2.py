"""Four simulated libraries, called by exomePeak2's own R code and by us: the same bins, numbers and peaks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ribolm.cli.peaks import main

ORACLE = Path(__file__).resolve().parents[2] / "data" / "exomepeak2"
LIBRARIES = ("control_1.ip", "control_2.ip", "control_1.input", "control_2.input")


@pytest.fixture(scope="module")
def outdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("oracle") / "control"
    libraries = [f"--{name.rsplit('.', 1)[1]}={ORACLE / name}.bam" for name in LIBRARIES]
    fixed = ["--no-gc", "--strandedness", "unstranded", "--test", "poisson"]
    assert main(["call", *libraries, "--gtf", str(ORACLE / "genes.gtf.gz"), "--outdir", str(out), *fixed]) == 0
    return out


@pytest.fixture(scope="module")
def bins(outdir: Path) -> pd.DataFrame:
    """Both tables, joined on place; a bin that only one side has shows in `_merge`."""
    ours = pd.read_parquet(outdir / "bins.parquet")
    pairs = list(zip(ours["block_starts0"], ours["block_sizes"], strict=True))
    ours["starts"] = [",".join(str(start0 + 1) for start0 in starts) for starts, _ in pairs]
    ours["ends"] = [",".join(str(a + n) for a, n in zip(*pair, strict=True)) for pair in pairs]
    theirs = pd.read_csv(ORACLE / "bins.tsv.gz", sep="\t", dtype={"starts": str, "ends": str})
    theirs = theirs.rename(columns={"chr": "chrom"})
    return theirs.merge(ours, on=["chrom", "strand", "starts", "ends"], how="outer", indicator=True)


def test_the_same_bins_have_the_same_counts(bins: pd.DataFrame) -> None:
    assert (bins["_merge"] == "both").all()
    assert len(bins) == 1436
    for name in LIBRARIES:
        assert (bins[name] == bins[f"count.{name}"]).all()


def test_background_and_size_factors_are_the_same(bins: pd.DataFrame) -> None:
    assert (bins["bg"].astype(bool) == bins["background"]).all()
    ours = [bins[f"offset.{name}"].iloc[0] for name in LIBRARIES]
    assert ours == [float(x) for x in bins["sf"].iloc[0].split(",")]


def test_fold_changes_errors_and_p_values_agree(bins: pd.DataFrame) -> None:
    assert np.abs(bins["log2FoldChange"] - bins["log2_fold_change"]).max() < 1e-4
    assert np.abs(bins["lfcSE"] - bins["standard_error"]).max() < 1e-4
    above = bins["log2FoldChange"] > 0
    assert np.abs(np.log10(bins["pvalue"][above]) - np.log10(bins["p_value"][above])).max() < 1e-3
    assert ((bins["pvalue"] <= 1e-10) == (bins["p_value"] <= 1e-10)).all()


def test_the_same_peaks_are_written(outdir: Path) -> None:
    def places(path: Path) -> list[tuple[str, ...]]:
        rows = [line.split("\t") for line in path.read_text().splitlines()]
        return sorted((r[0], r[1], r[2], r[5], r[9], r[10].rstrip(","), r[11].rstrip(",")) for r in rows)

    assert places(outdir / "peaks.bed") == places(ORACLE / "peaks.bed")


def test_peak_numbers_agree(outdir: Path) -> None:
    ours = pd.read_csv(outdir / "peaks.tsv", sep="\t").sort_values(["chrom", "start0", "end0", "strand"])
    theirs = pd.read_csv(ORACLE / "peaks.csv").sort_values(["chr", "chromStart", "chromEnd", "strand"])
    for mine, original in (("log2_fold_change", "log2FC"), ("rpm_ip", "RPM.IP"), ("rpm_input", "RPM.input")):
        np.testing.assert_allclose(ours[mine], theirs[original], rtol=1e-4)
    np.testing.assert_allclose(np.log10(ours["p_value"]), np.log10(theirs["pvalue"]), atol=1e-3)
