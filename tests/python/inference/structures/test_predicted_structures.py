"""ribolm-predict structure: files as promised, input refused, repaired or carried through; long RNAs in tiles."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ribolm.cli.predict import main
from ribolm.errors import DataError
from ribolm.folding.energy import EnergyModel
from ribolm.folding.vienna import probable_pairs
from ribolm.inference.structures.model import load_structure_model
from ribolm.inference.structures.prediction import (
    PredictionOptions,
    _decoded,
    predict_folded,
    predict_structures,
    prediction_bytes,
)
from ribolm.labels.structure.dot_bracket import read_dot_bracket, write_brackets
from ribolm.labels.structure.pair_files import read_pairs
from ribolm.models.heads import HeadSpec
from ribolm.models.network import new_network
from ribolm.models.pair_maps.configuration import PairMapConfig, base_ids
from ribolm.models.pair_maps.inputs import PairLogits, PairProbabilities
from ribolm.models.presets import preset_config
from ribolm.models.weights import save_model
from ribolm.sequences.rna import RnaRecord
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training.machine.precision import Device

HAIRPIN = "GGGGCCACGAAAGUGGCCCC"
Predict = Callable[..., int]
CPU = Device("cpu", "cpu", "fp32")


@pytest.fixture(scope="module")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write an untrained model, which follows the folding program; keywords change its task or its shape."""
    torch.set_num_threads(1)

    def make(shape: dict[str, Any] | None = None, **changes: Any) -> Path:
        tokenizer = make_tokenizer("nucleotide")
        small = {"width": 8, "dilations": (1, 2), "side_width": 8, "side_depth": 1, "map_width": 4}
        pair_map = PairMapConfig(base_ids(tokenizer), **{**small, **(shape or {})})
        network = new_network(preset_config("tiny", tokenizer), HeadSpec("structure", pair_map=pair_map), 1)
        energies = {"parameters": "rna_turner2004", "temperature_c": 37.0}
        task = {
            "task": "structure", "level": "structure", "labels": ["paired"], "pair_map": pair_map.to_dict(),
            "decoding": "greedy", "threshold": 0.3, "threshold_without": 0.9, "thermodynamics": energies, **changes,
        }  # fmt: skip
        folder = tmp_path_factory.mktemp("model") / "model"
        return save_model(folder, network, tokenizer, task)

    return make


@pytest.fixture(scope="module")
def model(make_model: Callable[..., Path]) -> Path:
    return make_model()


@pytest.fixture
def predict(model: Path, tmp_path: Path) -> Predict:
    """Run the command on a FASTA text."""

    def run(fasta: str, *options: str, **changes: Any) -> int:
        (tmp_path / "in.fa").write_text(fasta)
        standard = {"model": model, "sequences": tmp_path / "in.fa", "out": tmp_path / "out.dbn", "device": "cpu"}
        chosen = {**standard, "pairs": tmp_path / "pairs.tsv", **changes}
        named = [text for name, value in chosen.items() if value is not None for text in (f"--{name}", str(value))]
        return main(["structure", *named, *options])

    return run


def rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text().splitlines()]


def test_three_files_say_the_same(predict: Predict, tmp_path: Path, capsys) -> None:
    assert predict(f">one about it\n{HAIRPIN}\n>two\nAAAAAAAAAA\n", "--canonical") == 0
    assert "2 structures" in capsys.readouterr().out
    one, two = read_dot_bracket(tmp_path / "out.dbn")
    assert (one.name, one.letters, two.name) == ("one", HAIRPIN, "two")
    assert one.pairs().tolist() == [[k, 19 - k] for k in range(len(one.pairs()))] and len(one.pairs()) >= 6
    assert (tmp_path / "out.dbn").read_text().splitlines()[5] == ".........."
    table = rows(tmp_path / "out.tsv")
    assert table[0] == ["name", "length_nt", "pairs", "confidence", "mea_score"]
    assert table[1][:3] == ["one", "20", str(len(one.pairs()))] and 0.3 <= float(table[1][3]) <= 1
    assert table[2][:4] == ["two", "10", "0", "NA"] and 0 <= float(table[2][4]) <= 1
    listed = read_pairs(tmp_path / "pairs.tsv", {"one": 20, "two": 10})["one"]
    assert (listed.i0 < listed.j0).all() and listed.probability.min() >= 0.01
    assert {tuple(pair) for pair in one.pairs().tolist()} <= set(
        zip(listed.i0.tolist(), listed.j0.tolist(), strict=True)
    )


def test_the_score_is_what_each_base_gives_its_own_state(model: Path) -> None:
    loaded = load_structure_model(model, CPU)
    pairs, unpaired = torch.full((6, 6), -1e4), torch.zeros(6)
    pairs[0, 5] = pairs[5, 0] = 4.0
    unpaired[5] = 1.0
    found = _decoded(loaded, RnaRecord("a", "GAAAAC"), PairLogits(pairs, unpaired), None, False)
    first, last = 1 / (1 + np.exp(-4)), 1 / (1 + np.exp(-3))
    assert found.structure.pairs().tolist() == [[0, 5]]
    assert found.mea_score == pytest.approx((first + last + 4) / 6, abs=1e-6)
    assert found.confidence == pytest.approx((first * last) ** 0.5, abs=1e-6)


def test_the_program_has_its_share_by_length_and_none_where_it_is_not_asked(make_model) -> None:
    """Shares of 1 and 0: the answer is the program's, or the network's; the score of states, too."""
    loaded = load_structure_model(make_model(program_share=1.0, program_share_beyond=0.0, within_nt=20), CPU)
    record, longer = RnaRecord("a", HAIRPIN), RnaRecord("b", f"{HAIRPIN}A")
    known = probable_pairs(HAIRPIN, models=loaded.energies)
    alone = replace(loaded, reading=loaded.beyond, within_nt=float("inf"))
    by_program, by_network = (predict_folded(model, record, known, PredictionOptions()) for model in (loaded, alone))
    listed = known.p >= 0.01
    assert by_program.pairs.i0.tolist() == known.i[listed].tolist()
    assert by_program.pairs.probability == pytest.approx(known.p[listed], abs=1e-3)
    given = PairProbabilities.of(known, 20)
    right = given.of_states(torch.from_numpy(by_program.structure.partner))
    assert by_program.mea_score == pytest.approx(float(right.mean()), abs=1e-6)
    assert by_network.mea_score != by_program.mea_score
    folded = probable_pairs(longer.letters, models=loaded.energies)
    found, expected = (predict_folded(model, longer, folded, PredictionOptions()) for model in (loaded, alone))
    assert np.array_equal(found.pairs.probability, expected.pairs.probability)
    assert loaded.reading_of(20, False, True).program_share == 0.0 and loaded.reading_of(20, False, True).rule.canonical


def test_pairs_that_no_bracket_is_left_for_are_told_and_left_out(model: Path, capsys) -> None:
    n, at = 40, torch.arange(40)
    pairs = torch.full((2 * n, 2 * n), -1e4)
    pairs[at, n + at] = pairs[n + at, at] = 9.0
    loaded = load_structure_model(model, CPU)
    found = _decoded(loaded, RnaRecord("dense", "G" * n + "C" * n), PairLogits(pairs, torch.zeros(2 * n)), None, False)
    assert len(found.structure.pairs()) == 30 and len(found.pairs.i0) == n
    assert len(write_brackets(found.structure)) == 2 * n
    assert "'dense': 10 predicted pairs" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["ct", "bpseq", "dbn.gz", "tsv"])
def test_the_ending_of_another_format_is_refused(predict: Predict, tmp_path: Path, capsys, ending: str) -> None:
    assert predict(f">a\n{HAIRPIN}\n", out=tmp_path / f"x.{ending}") == 2
    assert "dot-bracket is written" in capsys.readouterr().err and not list(tmp_path.glob("x.*"))


def test_tables_of_outputs_that_differ_in_their_ending_stay_apart(predict: Predict, tmp_path: Path) -> None:
    for name in ("sample.1", "sample.2"):
        assert predict(f">{name}\n{HAIRPIN}\n", out=tmp_path / name) == 0
    assert [rows(tmp_path / f"sample.{k}.tsv")[1][0] for k in (1, 2)] == ["sample.1", "sample.2"]


def test_letters_are_repaired_with_notices_and_keep_their_number(predict: Predict, tmp_path: Path, capsys) -> None:
    assert predict(">r\nggggTTccaaaRcccc\n") == 0
    said = capsys.readouterr().err
    assert "T read as U" in said and "IUPAC" in said and "lower-case" in said
    assert (tmp_path / "out.dbn").read_text().splitlines()[1] == "GGGGUUCCAAANCCCC"


def test_no_records_give_valid_empty_files(predict: Predict, tmp_path: Path) -> None:
    assert predict("") == 0
    assert (tmp_path / "out.dbn").read_text() == "" and read_dot_bracket(tmp_path / "out.dbn") == []
    assert rows(tmp_path / "out.tsv") == [["name", "length_nt", "pairs", "confidence", "mea_score"]]
    assert rows(tmp_path / "pairs.tsv") == [["name", "i0", "j0", "probability"]]


def test_an_rna_is_predicted_the_same_whatever_stands_beside_it(predict: Predict, tmp_path: Path) -> None:
    other = "".join(np.random.default_rng(1).choice(list("ACGU"), 70))
    assert predict(f">a\n{HAIRPIN}\n") == 0
    alone = (tmp_path / "pairs.tsv").read_text()
    assert predict(f">b\n{other}\n>a\n{HAIRPIN}\n", "--processes", "2") == 0
    assert (tmp_path / "pairs.tsv").read_text().endswith(alone.split("\n", 1)[1])


def test_without_thermodynamics_another_threshold_holds_and_nothing_is_folded(
    predict: Predict, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("ribolm.inference.structures.prediction.probable_pairs", None)
    assert predict(f">a\n{HAIRPIN}\n", "--no-thermodynamics") == 0
    assert (tmp_path / "out.dbn").read_text().splitlines()[2] == "." * 20


def test_canonical_pairs_alone(make_model: Callable[..., Path], predict: Predict, tmp_path: Path) -> None:
    loose = make_model(threshold=0.0)
    text = "".join(np.random.default_rng(4).choice(list("ACGU"), 40))
    kinds = []
    for options in ((), ("--canonical",)):
        assert predict(f">a\n{text}\n", *options, model=loose) == 0
        found = read_dot_bracket(tmp_path / "out.dbn")[0]
        kinds.append({text[i] + text[j] for i, j in found.pairs().tolist()})
    allowed = {"AU", "UA", "GC", "CG", "GU", "UG"}
    assert kinds[1] <= allowed and not kinds[0] <= allowed


def test_reactivities_change_what_the_folding_program_says(predict: Predict, tmp_path: Path) -> None:
    text = "".join(np.random.default_rng(2).choice(list("ACGU"), 60))
    measured = np.where(np.arange(60) % 2 == 0, 3.0, np.nan)
    free, bound = probable_pairs(text), probable_pairs(text, reactivities=measured)
    assert bound.sums(60)[::2].sum() < free.sums(60)[::2].sum(), "reactive bases pair less"
    lines = "".join(f"a\t{at}\t{value if value == value else 'NA'}\n" for at, value in enumerate(measured))
    (tmp_path / "r.tsv").write_text("name\tposition0\treactivity\n" + lines)
    assert predict(f">a\n{text}\n") == 0
    without = (tmp_path / "pairs.tsv").read_text()
    assert predict(f">a\n{text}\n", reactivities=tmp_path / "r.tsv") == 0
    told = (tmp_path / "pairs.tsv").read_text()
    assert told != without
    assert predict(f">a\n{text}\n", "--processes", "2", reactivities=tmp_path / "r.tsv") == 0
    assert (tmp_path / "pairs.tsv").read_text() == told


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("name\tposition\tvalue\n", "columns are"),
        ("name\tposition0\treactivity\nb\t0\t1\n", "'b' is no record"),
        ("name\tposition0\treactivity\na\t20\t1\n", "'20' is none of 0 to 19"),
        ("name\tposition0\treactivity\na\t2\thigh\n", "'high' is no number"),
        ("name\tposition0\treactivity\na\t2\tinf\n", "is not finite"),
        ("name\tposition0\treactivity\na\t2\n", "has 2 columns"),
        ("name\tposition0\treactivity\na\t²\t1\n", "'²' is none of 0 to 19"),
        ("name\tposition0\treactivity\na\t2\t1\na\t2\t1\n", "line 3: base 2 of 'a' is listed twice"),
    ],
)
def test_bad_reactivities_are_refused(predict: Predict, tmp_path: Path, capsys, lines: str, problem: str) -> None:
    (tmp_path / "r.tsv").write_text(lines)
    assert predict(f">a\n{HAIRPIN}\n", reactivities=tmp_path / "r.tsv") == 65
    assert problem in capsys.readouterr().err and not (tmp_path / "out.dbn").exists()


@pytest.mark.parametrize(
    ("fasta", "problem"),
    [
        (">a\nACG-U\n", "position 4: '-' is a gap"),
        (">a\nACG1U\n", "is a digit"),
        (">a\nMKLV\n", "is no nucleotide code"),
        (">a\nACGU\n>a\nACGU\n", "'a' occurs twice"),
    ],
)
def test_what_is_no_rna_is_refused(predict: Predict, tmp_path: Path, capsys, fasta: str, problem: str) -> None:
    assert predict(fasta) == 65
    assert problem in capsys.readouterr().err and not (tmp_path / "out.dbn").exists()


def test_wrong_usage_is_refused(predict: Predict, make_model, tmp_path: Path, capsys) -> None:
    (tmp_path / "r.tsv").write_text("name\tposition0\treactivity\n")
    fasta = f">a\n{HAIRPIN}\n"
    cases: list[tuple[dict[str, Any], tuple[str, ...], int, str]] = [
        ({"reactivities": tmp_path / "r.tsv"}, ("--no-thermodynamics",), 2, "act through ViennaRNA"),
        ({"out": tmp_path / "x.tsv"}, (), 2, "Let the name end in .dbn"),
        ({"pairs": tmp_path / "out.tsv"}, (), 2, "is to hold two results"),
        ({}, ("--max-nt", "10"), 65, "has 20 nt, and --max-nt is 10"),
        ({"model": make_model(decoding="guess")}, (), 65, "decoding 'guess' is none of"),
        ({"model": make_model(threshold=2)}, (), 65, "threshold 2 is no probability"),
        ({"model": make_model(recall_weight=-1)}, (), 65, "recall_weight -1 is none"),
        ({"model": make_model(within_nt="20")}, (), 65, "within_nt '20' is no length"),
        ({"model": make_model(program_share=1.5)}, (), 65, "program_share 1.5 is none from 0 to 1"),
        (
            {"model": make_model({"thermodynamic": False}), "reactivities": tmp_path / "r.tsv"},
            (),
            2,
            "knows nothing of ViennaRNA",
        ),
    ]
    for changes, options, code, problem in cases:
        assert predict(fasta, *options, **changes) == code, problem
        assert problem in capsys.readouterr().err
    assert not (tmp_path / "out.dbn").exists()


def test_one_rna_that_is_too_long_is_named_before_anything_is_computed(
    predict: Predict, tmp_path: Path, monkeypatch, capsys
) -> None:
    assert predict(f">a\n{HAIRPIN}\n") == 0
    before = (tmp_path / "out.dbn").read_text()
    monkeypatch.setattr("ribolm.inference.structures.prediction.probable_pairs", None)
    capsys.readouterr()
    assert predict(f">a\n{HAIRPIN}\n>long\n{'ACGU' * 1001}\n>b\n{HAIRPIN}\n") == 65
    said = capsys.readouterr().err
    assert "Record 'long' has 4,004 nt, and --max-nt is 4,000. Raise it (the memory needed is told then), leave" in said
    assert (tmp_path / "out.dbn").read_text() == before
    assert predict(f">long\n{'ACGU' * 1001}\n>longer\n{'ACGU' * 1500}\n") == 65
    assert "'long' has 4,004 nt, and --max-nt is 4,000 (2 records are longer)." in capsys.readouterr().err


def test_what_viennarna_does_not_fold_is_told_before_anything_is_computed(model: Path) -> None:
    loaded = replace(load_structure_model(model, CPU), energies=(EnergyModel(), EnergyModel(max_nt=15)))
    records = [RnaRecord("a", "GGGAAACCC"), RnaRecord("long", HAIRPIN)]
    with pytest.raises(DataError, match=r"'long' has 20 nt, and 15 nt .* folded\. Use --no-th"):
        next(predict_structures(loaded, records, PredictionOptions()))
    assert len([*predict_structures(loaded, records, PredictionOptions(thermodynamics=False))]) == 2


def test_a_model_of_another_task_is_refused(predict: Predict, tmp_path: Path, capsys) -> None:
    tokenizer = make_tokenizer("nucleotide")
    network = new_network(preset_config("tiny", tokenizer), HeadSpec("token"), 1)
    save_model(tmp_path / "sites", network, tokenizer, {"task": "m6a", "level": "token", "labels": ["m6a"]})
    assert predict(f">a\n{HAIRPIN}\n", model=tmp_path / "sites") == 2
    assert "a model of level token" in capsys.readouterr().err


def test_tiles_give_the_structures_of_the_whole_map(model: Path) -> None:
    text = "".join(np.random.default_rng(3).choice(list("ACGU"), 150))
    loaded = load_structure_model(model, CPU)
    records = [RnaRecord("a", text)]
    whole, tiled = (next(predict_structures(loaded, records, PredictionOptions(tile_nt=nt))) for nt in (512, 32))
    assert np.array_equal(whole.structure.partner, tiled.structure.partner)
    assert np.abs(whole.pairs.probability - tiled.pairs.probability).max() <= 1e-5


def test_memory_is_told_and_too_little_is_refused(predict: Predict, model: Path, monkeypatch, capsys) -> None:
    loaded, options = load_structure_model(model, CPU), PredictionOptions()
    assert prediction_bytes(loaded, 4000, options) < 2.5e9
    assert prediction_bytes(loaded, 4000, PredictionOptions(thermodynamics=False)) < 1.7e9
    seeing = replace(loaded, shape=replace(loaded.shape, attention=True))
    sums = 4 * loaded.shape.map_width * 4000**2
    assert prediction_bytes(seeing, 4000, options) - prediction_bytes(loaded, 4000, options) in range(
        sums // 2, sums + 1
    )
    monkeypatch.setattr("ribolm.inference.structures.prediction.available_bytes", lambda _device: (10**8, "memory"))
    assert predict(f">a\n{HAIRPIN}\n") == 2
    assert "but 0.1 GB are free (memory)" in capsys.readouterr().err


def test_the_default_model_is_named_where_it_is_not_there(
    predict: Predict, monkeypatch, tmp_path: Path, capsys
) -> None:
    monkeypatch.setattr("ribolm.models.directories.SHIPPED", tmp_path / "nothing")
    assert predict(f">a\n{HAIRPIN}\n", model=None) == 2
    assert "rna-structure-small is not part of this installation" in capsys.readouterr().err


def test_a_stored_shape_of_another_version_is_refused(
    make_model: Callable[..., Path], predict: Predict, capsys
) -> None:
    folder = make_model()
    task = json.loads((folder / "task.json").read_text())
    assert task["pair_map"]["width"] == 8
    task["pair_map"]["colour"] = 1
    (folder / "task.json").write_text(json.dumps(task))
    assert predict(f">a\n{HAIRPIN}\n", model=folder) == 65
    assert "manifest" in capsys.readouterr().err
