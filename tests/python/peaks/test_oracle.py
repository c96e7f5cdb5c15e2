"""The caller's arithmetic against numbers that DESeq2, mclust and splines of R gave for simulated counts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ribolm.peaks.background import find_background
from ribolm.peaks.call import run_test
from ribolm.peaks.gc import natural_spline
from ribolm.peaks.glm import fit_group, wald_test
from ribolm.peaks.outliers import flag_outliers

DATA = Path(__file__).resolve().parents[2] / "data" / "peaks"
IS_IP = np.array([True] * 4 + [False] * 3)


@pytest.fixture(scope="module", name="bins")
def _bins():
    table = pd.read_csv(DATA / "counts.tsv", sep="\t").to_numpy().T
    return table[:7].astype(np.int32), table[7:]


@pytest.mark.parametrize("dispersion", [0.0, 0.1])
def test_fold_changes_errors_and_outliers_are_those_of_deseq2(bins, dispersion):
    counts, offsets = bins
    table = pd.read_csv(DATA / "deseq2.tsv", sep="\t")
    golden = table[table.dispersion == dispersion]
    groups = (counts[IS_IP], offsets[IS_IP]), (counts[~IS_IP], offsets[~IS_IP])
    phi = np.full(counts.shape[1], dispersion) if dispersion else None
    fits = [fit_group(*group, phi) for group in groups]
    test = wald_test(*fits)
    assert np.abs(test.log2_fold_change - golden.log2_fold_change.to_numpy()).max() < 1e-4
    assert np.abs(test.standard_error - golden.standard_error.to_numpy()).max() < 1e-4
    outliers = flag_outliers(groups, (fits[0][0], fits[1][0]), phi)
    assert outliers.sum() > 5
    assert outliers.tolist() == golden.outlier.astype(bool).tolist()


def test_outliers_are_flagged_and_keep_their_test(bins):
    counts, offsets = bins
    test, outlier, _ = run_test(counts, offsets, IS_IP)
    assert outlier.any()
    assert np.isfinite(test.p_value).all()
    pair = np.array([0, 1, 4, 5])
    assert not run_test(counts[pair], offsets[pair], IS_IP[pair])[1].any()


def test_background_is_that_of_mclust():
    pairs = pd.read_csv(DATA / "ratios.tsv", sep="\t").to_numpy()
    golden = pd.read_csv(DATA / "mclust.tsv", sep="\t").iloc[0]
    found = find_background(pairs[:, 0], pairs[:, 1])
    assert found.count == golden.background
    assert ("E" if found.mixture.equal_variance else "V") == golden.model
    assert found.mixture.bic == pytest.approx(golden.bic, rel=1e-9)
    assert found.mixture.log_likelihood == pytest.approx(golden.log_likelihood, rel=1e-9)
    assert found.mixture.means == pytest.approx([golden.mean_low, golden.mean_high], rel=1e-9)


def test_the_spline_basis_is_that_of_r():
    golden = pd.read_csv(DATA / "natural_spline.tsv", sep="\t").to_numpy()
    assert natural_spline(np.linspace(0, 1, 21)) == pytest.approx(golden, abs=1e-9)
