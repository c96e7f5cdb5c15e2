"""`ribolm-evaluate contacts`: thresholds from the validation set, the test set scored once, controls beside."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.evaluate import main as evaluate
from ribolm.evaluation.contact_arms import contact_arms
from ribolm.evaluation.structures.contact_maps import GRID, choose_threshold, drawn
from ribolm.evaluation.structures.record_sets import read_reference
from ribolm.inference.calibration import probability
from ribolm.inference.contacts import contact_forward, contact_logits, load_contact_model
from ribolm.labels.structure.files import read_structures, write_structures
from ribolm.labels.structure.greedy import greedy_pairs
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


def test_models_controls_and_rnafold_are_scored_by_both_metrics(tmp_path: Path, fitted: tuple[Path, Path]) -> None:
    assert run(tmp_path, fitted, "--fit-on", str(fitted[1]), "--table", str(tmp_path / "t.tsv")) == 0
    found = values(tmp_path)
    assert {method for method, _ in found} == {"fitted", "random weights", "RNAfold MFE", "RNAfold MEA"}
    for method in ("fitted", "random weights"):
        assert found[method, "f1"] <= found["RNAfold MFE", "f1"]
    assert found["RNAfold MFE", "f1"] > 0.5
    models = json.loads((tmp_path / "m.json").read_text())["settings"]["models"]
    assert models["random weights"]["kind"] == "random" and models["fitted"]["validation"]["n"] == 8
    assert len((tmp_path / "t.tsv").read_text().splitlines()) == 1 + 12 * 4


def test_the_threshold_is_the_best_of_the_validation_set(tmp_path: Path, fitted: tuple[Path, Path]) -> None:
    validation = read_reference(write_hairpins(tmp_path / "v.dbn", 5, 3))
    model = load_contact_model(fitted[0])
    forward = contact_forward(model, "cpu")
    threshold, told = choose_threshold("m", model, forward, validation.structures)

    def mean_f1(at: float) -> float:
        scores = []
        for one in validation.structures:
            chance = probability(contact_logits(model, forward, one.letters).astype(np.float64))
            base = np.arange(len(one))
            chance[np.abs(base[:, None] - base) <= 3] = 0
            partner = greedy_pairs(chance, at).partners(len(one))
            hits = ((partner == one.partner) & (partner >= 0)).sum()
            scores.append(2 * hits / ((partner >= 0).sum() + (one.partner >= 0).sum()))
        return float(np.mean(scores))

    assert mean_f1(threshold) == pytest.approx(told["f1"], abs=1e-9)
    assert told["f1"] == pytest.approx(max(mean_f1(float(at)) for at in [*GRID[::40].tolist(), threshold]), abs=1e-9)


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
