"""The 4-mer regression counts what it says, and reproduces what was measured on real windows."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from ribolm.alphabet import letters
from ribolm.evaluation.metrics import roc_auc
from ribolm.evaluation.sequence_level.binned_kmers import features, fit, n_features

REPOSITORY = Path(__file__).resolve().parents[3]
POLYA = Path(os.environ.get("RIBOLM_DATA", REPOSITORY.parent / "shared" / "data")) / "polya"


def test_every_known_word_is_counted_in_the_stretch_where_it_begins() -> None:
    assert (n_features(206), n_features(101)) == (5_376, 2_560)
    windows = np.stack([letters("A" * 13 + "C" * 8), letters("A" * 5 + "N" + "ACGTACGTACGTACG")])
    found = features(windows).toarray()
    assert found.shape == (2, 512) and found.dtype == np.float32
    assert found[0, 0] == 10 and found[0, 1] == 0 and found[0, 256] == 0 and found[0, 256 + 1] == 1
    assert found[0, 255 - 3 * 64] == 0 and found[0].sum() == 18 and found[1].sum() == 2 + 12
    acgt = 0b00011011
    assert found[1, acgt] == 1 and found[1, 256 + acgt] == 2


def test_the_fitted_logits_are_those_of_the_features() -> None:
    rng = np.random.default_rng(3)
    windows = rng.choice(np.frombuffer(b"ACGT", np.uint8), (300, 40))
    truth = windows[:, 12] == ord("A")
    model = fit(windows, truth)
    np.testing.assert_allclose(model.logits(windows), features(windows) @ model.coefficients + model.intercept)
    assert roc_auc(truth, model.logits(windows)) > 0.8 and model.n_parameters == n_features(40) + 1


@pytest.mark.skipif(not POLYA.is_dir(), reason=f"no real data at {POLYA} (set RIBOLM_DATA)")
def test_it_reproduces_what_was_measured_on_human_signals() -> None:
    from sklearn.model_selection import StratifiedKFold

    sys.path.insert(0, str(REPOSITORY / "benchmarks"))
    try:
        from polya_sets import distinct, read_set
    finally:
        sys.path.remove(str(REPOSITORY / "benchmarks"))
    windows = distinct(read_set("omni_human", POLYA), across=False)
    assert (windows.is_site.sum(), (~windows.is_site).sum()) == (18_718, 18_786)
    found = []
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(windows.is_site, windows.is_site):
        logits = fit(windows.letters[train], windows.is_site[train]).logits(windows.letters[test])
        found.append(roc_auc(windows.is_site[test], logits))
    assert np.mean(found) == pytest.approx(0.856, abs=0.003)
