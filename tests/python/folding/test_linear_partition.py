import sys
from types import SimpleNamespace

import numpy as np
import pytest

from ribolm.errors import ToolError, UsageError
from ribolm.folding import linear_partition as module
from ribolm.folding.linear_partition import linear_partition, show_terms

PAIRS = np.array([(0, 7, 0.9), (1, 6, 0.8)], dtype=[("i", "<i4"), ("j", "<i4"), ("prob", "<f8")])


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """A package that gives the form of answers of linearpartition-unofficial 0.3, and remembers the calls."""
    calls: list[dict] = []

    def partition(letters: str, **words: object) -> dict:
        calls.append({"letters": letters, **words})
        return {"structure": "((....))", "free_energy": -1.5, "bpp": PAIRS}

    monkeypatch.setitem(sys.modules, "linearpartition", SimpleNamespace(partition=partition))
    monkeypatch.setattr(module, "is_installed", lambda: True)
    return calls


def test_probabilities_become_a_symmetric_matrix(stand_in: list[dict]) -> None:
    partner, energy, p = linear_partition("GGAAAACC", "eterna", beam=50)
    assert stand_in == [{"letters": "GGAAAACC", "mode": "eterna", "beamsize": 50}]
    assert partner.tolist() == [7, 6, -1, -1, -1, -1, 1, 0] and energy == -1.5
    assert p.dtype == np.float32 and np.array_equal(p, p.T) and p[7, 0] == np.float32(0.9) and p.sum() < 3.5


def test_n_is_never_paired(stand_in: list[dict]) -> None:
    partner, _, p = linear_partition("GGAAAANC")
    assert partner.tolist() == [7, -1, -1, -1, -1, -1, -1, 0] and not p[6].any() and p[0, 7] > 0


def test_an_empty_rna_never_reaches_the_package(stand_in: list[dict]) -> None:
    assert linear_partition("").probabilities.shape == (0, 0) and stand_in == []


def test_terms_are_shown_and_absence_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stand_in: list[dict]
) -> None:
    show_terms()
    assert "non-commercial use only" in capsys.readouterr().err
    monkeypatch.setattr(module, "is_installed", lambda: False)
    for ask in (show_terms, lambda: linear_partition("ACGU")):
        with pytest.raises(ToolError, match="Install linearpartition-unofficial if its non-commercial terms suit you"):
            ask()


def test_other_energies_are_refused() -> None:
    with pytest.raises(UsageError, match=r"no mode 'x'\. Choose one of vienna, eterna"):
        linear_partition("ACGU", "x")
