"""`ribolm-evaluate contacts`: thresholds from the validation set, the test set scored once, controls beside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.evaluate import main as evaluate
from ribolm.evaluation.contact_arms import contact_arms
from ribolm.evaluation.structures.contact_maps import GRID, MEA, MFE, choose_threshold, drawn, folded
from ribolm.evaluation.structures.record_sets import read_reference
from ribolm.folding import vienna
from ribolm.folding.vienna import mea, mfe
from ribolm.inference.calibration import probability
from ribolm.inference.contacts import ContactModel, contact_forward, contact_logits, load_contact_model
from ribolm.labels.structure.dot_bracket import write_dot_bracket
from ribolm.labels.structure.files import read_structures, write_structures
from ribolm.labels.structure.greedy import greedy_pairs
from ribolm.labels.structure.pairs import Structure
from ribolm.training.recipes.contacts import ContactOptions, fit_contacts

from ..contact_models import write_contact_model, write_hairpins


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_contact_model(tmp_path_factory.mktemp("contacts"))


def run(folder: Path, fitted: tuple[Path, Path], *more: str) -> int:
    truth, validation = write_hairpins(folder / "t.dbn", 12, 11), write_hairpins(folder / "v.dbn", 8, 12)
    files = ["--truth", str(truth), "--validation", str(validation), "--model", str(fitted[0])]
    return evaluate(["contacts", *files, "--out", str(folder / "m.json"), "--draws", "20", "--device", "cpu", *more])


def values(folder: Path) -> dict[tuple[str, str], float]:
    content = json.loads((folder / "m.json").read_text())
    return {(row["method"], row["metric"]): row["value"] for row in content["metrics"]}


def chances(model: ContactModel, structures: Sequence[Structure]) -> list[np.ndarray]:
    """Probabilities of all pairs that leave a hairpin room, [L, L] of each RNA."""
    forward, found = contact_forward(model, "cpu"), []
    for one in structures:
        chance = probability(contact_logits(model, forward, one.letters).astype(np.float64))
        base = np.arange(len(one))
        found.append(np.where(np.abs(base[:, None] - base) <= 3, 0, chance))
    return found


def mean_f1(structures: Sequence[Structure], maps: Sequence[np.ndarray], at: float) -> float:
    """Mean F1 of the pairs that are decoded at a threshold."""
    scores = []
    for one, chance in zip(structures, maps, strict=True):
        partner = greedy_pairs(chance, at).partners(len(one))
        hits = ((partner == one.partner) & (partner >= 0)).sum()
        scores.append(2 * hits / ((partner >= 0).sum() + (one.partner >= 0).sum()))
    return float(np.mean(scores))


def pooled_f1(structures: Sequence[Structure], maps: Sequence[np.ndarray], at: float) -> float:
    """F1 of all pairs of at least a probability, over all RNAs together; a base may have several."""
    hits = listed = true = 0
    for one, chance in zip(structures, maps, strict=True):
        i, j = np.nonzero(np.triu(np.floor(chance * 1_000 + 1e-9) >= round(at * 1_000)))
        hits, listed = hits + int((one.partner[i] == j).sum()), listed + len(i)
        true += len(one.pairs())
    return 2 * hits / (listed + true)


def test_models_controls_and_rnafold_are_scored_by_both_metrics(tmp_path: Path, fitted: tuple[Path, Path]) -> None:
    assert run(tmp_path, fitted, "--fit-on", str(fitted[1]), "--table", str(tmp_path / "t.tsv")) == 0
    found = values(tmp_path)
    assert {method for method, _ in found} == {"fitted", "random weights", "RNAfold MFE", "RNAfold MEA"}
    assert found["RNAfold MFE", "f1"] > 0.5
    settings = json.loads((tmp_path / "m.json").read_text())["settings"]
    models = settings["models"]
    truth = read_reference(tmp_path / "t.dbn").structures
    for arm in contact_arms([fitted[0]], fitted[1], 1):
        maps = chances(arm.model, truth)
        assert found[arm.name, "f1"] == pytest.approx(mean_f1(truth, maps, models[arm.name]["threshold"]), abs=1e-9)
        pooled = max(pooled_f1(truth, maps, step / 1_000) for step in range(1, 1_001))
        assert found[arm.name, "pooled_max_f1"] == pytest.approx(pooled, abs=1e-9)
    assert settings["sha256"]["truth"] != settings["sha256"]["validation"] and settings["truth"] == "t.dbn"
    assert models["random weights"]["kind"] == "random" and models["fitted"]["validation"]["n"] == 8
    assert len((tmp_path / "t.tsv").read_text().splitlines()) == 1 + 12 * 4


def test_rnas_that_a_contact_head_has_seen_are_counted(tmp_path: Path, fitted: tuple[Path, Path], capsys) -> None:
    files = ["--truth", str(fitted[1]), "--validation", str(write_hairpins(tmp_path / "v.dbn", 8, 12))]
    given = [*files, "--model", str(fitted[0]), "--fit-on", str(fitted[1]), "--device", "cpu", "--no-rnafold"]
    assert evaluate(["contacts", *given, "--out", str(tmp_path / "m.json"), "--draws", "20"]) == 0
    seen = len(load_contact_model(fitted[0]).record["rnas"])
    shared = json.loads((tmp_path / "m.json").read_text())["settings"]["shared_rnas"]
    assert shared["contact heads"] >= seen > 0 and shared["thresholds"] == 0
    assert f"{shared['contact heads']} RNAs of" in capsys.readouterr().err


def test_the_threshold_is_the_best_of_the_validation_set(tmp_path: Path, fitted: tuple[Path, Path]) -> None:
    validation = read_reference(write_hairpins(tmp_path / "v.dbn", 5, 3))
    model = load_contact_model(fitted[0])
    forward = contact_forward(model, "cpu")
    threshold, told = choose_threshold("m", model, forward, validation.structures)

    maps = chances(model, validation.structures)

    def achieved(at: float) -> float:
        return mean_f1(validation.structures, maps, at)

    assert achieved(threshold) == pytest.approx(told["f1"], abs=1e-9)
    assert told["f1"] == pytest.approx(max(achieved(float(at)) for at in [*GRID[::40].tolist(), threshold]), abs=1e-9)


def test_a_validation_set_without_pairs_is_refused(tmp_path: Path, fitted: tuple[Path, Path], capsys) -> None:
    truth = write_hairpins(tmp_path / "t.dbn", 3, 11)
    for text in ("", ">a\nACGUACGU\n........\n"):
        (tmp_path / "v.dbn").write_text(text)
        files = ["--truth", str(truth), "--validation", str(tmp_path / "v.dbn"), "--model", str(fitted[0])]
        assert evaluate(["contacts", *files, "--out", str(tmp_path / "m.json"), "--device", "cpu"]) == 65
        assert "v.dbn: no RNA has a pair" in capsys.readouterr().err
    assert not (tmp_path / "m.json").exists()


def test_a_threshold_that_says_nothing_is_told(tmp_path: Path, fitted: tuple[Path, Path], capsys) -> None:
    assert run(tmp_path, fitted, "--fit-on", str(fitted[1])) == 0
    said = capsys.readouterr().err
    assert "random weights: no pair of the validation set is right" in said and "fitted: no pair" not in said


def test_an_rna_too_long_to_be_folded_is_named_first(tmp_path: Path, fitted: tuple[Path, Path], capsys) -> None:
    validation, truth = write_hairpins(tmp_path / "v.dbn", 3, 11), tmp_path / "t.dbn"
    write_dot_bracket(truth, [Structure.from_pairs("giant", "G" + "A" * 9_999 + "C", [(0, 10_000)])])
    files = ["--truth", str(truth), "--validation", str(validation), "--model", str(fitted[0])]
    assert evaluate(["contacts", *files, "--out", str(tmp_path / "m.json"), "--device", "cpu"]) == 65
    said = capsys.readouterr().err
    assert "Record 'giant' has 10,001 nt" in said and "--no-rnafold" in said and "threshold" not in said


def test_both_structures_of_rnafold_come_of_one_folding(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = "GGGGCCACGAAAGUGGCCCC"
    expected, calls = {MFE: mfe(letters), MEA: mea(letters)}, []
    compound = vienna._compound
    monkeypatch.setattr(vienna, "_compound", lambda *given: calls.append(given) or compound(*given))
    found = folded([Structure.from_pairs("a", letters, [])])
    assert all(np.array_equal(found[name][0], fold.partner) for name, fold in expected.items())
    assert len(calls) == 1


def test_a_control_is_fitted_on_structures_of_another_format(tmp_path: Path, fitted: tuple[Path, Path]) -> None:
    bpseq = tmp_path / "fit.bpseq"
    one = read_structures(fitted[1])[0]
    write_structures(bpseq, [one])
    fit_contacts(ContactOptions(fitted[0].parent / "plain", bpseq, tmp_path / "own", n=1, c=50.0, device="cpu"))
    arms = contact_arms([tmp_path / "own"], bpseq, 1)
    assert [arm.kind for arm in arms] == ["model", "random"]
    assert arms[1].model.record["rnas"] == [one.name]


def test_a_part_of_a_set_is_drawn_by_seed(tmp_path: Path) -> None:
    reference = read_reference(write_hairpins(tmp_path / "t.dbn", 9, 1))
    part = drawn(reference, 4, 1)
    assert len(part) == 4 and [one.name for one in part.structures] == [
        one.name for one in drawn(reference, 4, 1).structures
    ]
    assert drawn(reference, 0, 1) is reference is drawn(reference, 9, 1)


def test_a_model_without_a_fitted_head_is_refused(tmp_path: Path, fitted: tuple[Path, Path]) -> None:
    assert run(tmp_path, (fitted[0].parent / "plain", fitted[1])) == 65
    assert not (tmp_path / "m.json").exists()
