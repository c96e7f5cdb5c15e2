"""ribolm-train from the command line: models come out, bad input is refused before anything is written."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.train import FINETUNE_LENGTHS, main
from ribolm.cli.train_structure import PATIENCE
from ribolm.models.weights import load_model
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training import faults
from ribolm.training.recipes.unused import USUAL_PATIENCE

Train = Callable[..., int]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 90 sequences with labels of three ranks, and folds of it: every third row one fold."""
    folder = tmp_path_factory.mktemp("data")
    tokenizer, chance = make_tokenizer("nucleotide"), np.random.default_rng(1)
    specs = {
        "sites": LabelSpec("token"),
        "class": LabelSpec("sequence"),
        "parts": LabelSpec("multilabel", 2, ("left", "right")),
        "unknown": LabelSpec("multilabel", 2),
    }
    with StoreWriter(folder / "store", tokenizer, specs, {"options": {"window_nt": 60, "overlap_nt": 10}}) as writer:
        for row in range(90):
            tokens = chance.integers(4, 8, chance.integers(20, 60)).astype(np.uint8)
            sites = np.where(tokens == 4, np.nan, 0).astype(np.float32)  # A unknown, all else none
            sites[(tokens == 4) & (np.roll(tokens, -1) == 6) & (chance.random(len(tokens)) < 0.7)] = 1
            gc = float(np.isin(tokens, (5, 6)).mean() > 0.5)
            writer.add(
                tokens, f"s{row}", None, {"sites": sites, "class": gc, "parts": [gc, 1 - gc], "unknown": [np.nan] * 2}
            )
    rows = "".join(f"{row}\ts{row}\tc\t{row}\t{row % 3}\n" for row in range(90))
    (folder / "folds.tsv").write_text("row\tname\tchrom\tcluster\tfold\n" + rows)
    return folder


@pytest.fixture
def train(data: Path, tmp_path: Path) -> Train:
    """Run a sub-command on the store, tiny and on the CPU; further options replace those."""

    def run(command: str, *options: str, **changes: object) -> int:
        standard = {
            "store": data / "store", "out": tmp_path / "model", "checkpoint-dir": tmp_path / "checkpoints",
            "steps": 4, "tokens-per-step": 300, "learning-rate": 0.01, "device": "cpu",
        }  # fmt: skip
        chosen = {**standard, **{name.replace("_", "-"): value for name, value in changes.items()}}
        named = [text for name, value in chosen.items() if value is not None for text in (f"--{name}", str(value))]
        return main([*command.split(), *named, *options])

    return run


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_pretraining_then_fine_tuning_with_cross_prediction(train: Train, data: Path, tmp_path: Path, capsys) -> None:
    assert train("pretrain", preset="tiny", out=tmp_path / "pretrained") == 0
    manifest = json.loads((tmp_path / "pretrained/manifest.json").read_text())
    assert manifest["data"]["store"] == TokenStore.open(data / "store").digest and manifest["steps"] == 4
    assert {"key", "parent", "settings", "seeds", "made_by", "determinism"} <= manifest.keys()
    assert load_model(tmp_path / "pretrained").task is None
    options = {"task": "sites", "init": tmp_path / "pretrained", "folds": data / "folds.tsv", "fold": 0}
    again = {**options, "steps": 12, "checkpoint_dir": tmp_path / "tuning", "positive_weight": 0}
    assert train("finetune", **again) == 0
    model = load_model(tmp_path / "model")
    assert model.task is not None and model.manifest["parent"] == sha256(tmp_path / "pretrained/model.safetensors")
    assert (model.task["window_nt"], model.task["overlap_nt"], model.task["labels"]) == (60, 10, ["sites"])
    unknown_or_site = model.task["calibration"]["n"]
    assert 0 < model.task["calibration"]["positives"] < unknown_or_site < 30 * 60 * 0.35  # the A's of fold 1
    assert list((tmp_path / "tuning/cross/round_1/fold_1").glob("step-*"))
    assert "weight of a positive" in capsys.readouterr().err
    first = sha256(tmp_path / "model/model.safetensors")
    assert train("finetune", **again, resume="require", out=tmp_path / "again") == 0
    assert sha256(tmp_path / "again/model.safetensors") == first
    capsys.readouterr()
    assert train("key finetune", **again) == 0
    assert capsys.readouterr().out.strip() == model.manifest["key"]


@pytest.mark.parametrize(
    ("level", "task", "more"),
    [
        ("sequence", "class", {"pooling": "cls"}),
        ("regression", "class", {}),
        ("multilabel", "parts", {"positive_weight": 2}),
        ("token", "sites", {"unlabeled": "ignore_unlabeled", "layer_decay": 0.8, "freeze": 1, "resampling": "sCR"}),
    ],
)
def test_every_level_gives_a_model(train: Train, tmp_path: Path, capsys, level: str, task: str, more: dict) -> None:
    assert train("finetune", level=level, task=task, preset="tiny", dev_share=0.4, **more) == 0
    model = load_model(tmp_path / "model")
    assert model.task is not None and model.task["level"] == level
    assert ("calibration" in model.task) == (level in ("sequence", "token"))
    told = capsys.readouterr().out
    best = model.manifest["best"]
    assert best["n"] > 0 and f"{best['metric']} on dev, {best['value']:.4g} (n = {best['n']:,.0f}" in told
    assert ("prevalence" in told) == ("prevalence" in best) == (level != "regression")
    assert {"step", "evaluation"} <= {
        json.loads(line)["event"] for line in (tmp_path / "model/log.jsonl").read_text().splitlines()
    }


def test_each_of_several_labels_is_balanced(train: Train, capsys) -> None:
    assert train("finetune", level="multilabel", task="parts", preset="tiny", positive_weight=0) == 0
    assert re.search(r"weight of a positive = \d\.\d, \d\.\d \(balances both", capsys.readouterr().err)


def test_a_run_killed_before_its_model_was_written_writes_it_at_once(train: Train, tmp_path: Path, capsys) -> None:
    faults.plan("finish.model@1=full")
    assert train("pretrain", preset="tiny") == 1
    assert "No space left" in capsys.readouterr().err and not (tmp_path / "model").exists()
    faults.plan("step.forward@1=kill")
    assert train("pretrain", preset="tiny") == 0
    faults.plan("")
    assert (tmp_path / "model/model.safetensors").exists()


def test_a_finished_model_is_not_replaced_by_one_of_other_settings(train: Train, tmp_path: Path, capsys) -> None:
    assert train("pretrain", preset="tiny") == 0
    first, key = sha256(tmp_path / "model/model.safetensors"), load_model(tmp_path / "model").manifest["key"]
    capsys.readouterr()
    other = {"preset": "tiny", "learning_rate": 0.02, "checkpoint_dir": tmp_path / "other"}
    assert train("pretrain", **other) == 2
    said = capsys.readouterr().err
    assert f"holds a model already, key {key}" in said and "learning_rate: 0.01, not 0.02" in said
    assert "Choose another folder, or remove that one." in said and not (tmp_path / "other").exists()
    tuning = {"task": "class", "level": "sequence", "preset": "tiny", "checkpoint_dir": tmp_path / "tuning"}
    assert train("finetune", **tuning) == 2
    assert sha256(tmp_path / "model/model.safetensors") == first
    assert train("pretrain", preset="tiny") == 0, "the same settings are this run, finished before"
    assert sha256(tmp_path / "model/model.safetensors") == first


def test_weights_that_nobody_trained_are_not_replaced(train: Train, tmp_path: Path, capsys) -> None:
    from ribolm.models.initial import write_initial_model

    write_initial_model(tmp_path / "model", "tiny", make_tokenizer("nucleotide"), 1)
    assert train("finetune", task="class", level="sequence", init=tmp_path / "model") == 2
    assert "key unknown" in capsys.readouterr().err


@pytest.mark.parametrize("fault", ["evaluation.batch@1=oom", "cross.batch@1=oom", "decision.batch@1=oom"])
def test_out_of_memory_at_any_work_asks_for_another_try(train: Train, tmp_path: Path, capsys, fault: str) -> None:
    options = {"preset": "tiny", "task": "sites", "dev_share": 0.4}
    faults.plan(fault)
    assert train("finetune", **options) == 75
    assert "150 are taken then" in capsys.readouterr().err
    faults.plan("")
    assert train("finetune", **options) == 0


def test_rows_of_dev_that_are_not_cropped_count_for_memory(train: Train, capsys) -> None:
    options = {"preset": "tiny", "task": "class", "level": "sequence", "dev_share": 0.4, "steps": 1}
    assert train("finetune", **options, crop_tokens=20) == 0
    told = next(line for line in capsys.readouterr().err.splitlines() if "memory of dev" in line)
    assert "(61 tokens the longest)" in told


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"WORLD_SIZE": "4"}, "WORLD_SIZE is 4, RANK is not set"),
        ({"WORLD_SIZE": "many"}, "WORLD_SIZE is many"),
        ({"WORLD_SIZE": "2", "RANK": "2"}, "numbers from 0 to WORLD_SIZE - 1"),
    ],
)
def test_variables_of_processes_that_do_not_fit_are_refused(
    train: Train, monkeypatch, capsys, environment: dict[str, str], sentence: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert train("pretrain", preset="tiny") == 2
    assert sentence in capsys.readouterr().err


def test_one_of_another_number_of_processes_is_refused(train: Train, monkeypatch, capsys) -> None:
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("RANK", "0")
    assert train("pretrain", preset="tiny", processes=4) == 2
    assert "--processes 4, but RANK and WORLD_SIZE=1" in capsys.readouterr().err


def test_two_processes_make_one_model(train: Train, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "1")  # exported by itself it says nothing
    assert train("pretrain", preset="tiny", processes=2, steps=2) == 0
    assert json.loads((tmp_path / "model/manifest.json").read_text())["made_by"]["processes"] == 2


@pytest.mark.parametrize(
    ("command", "changes", "code", "sentence"),
    [
        ("pretrain", {}, 2, "--preset or --init, one of them"),
        ("pretrain", {"preset": "huge"}, 2, "preset 'huge' is unknown"),
        ("pretrain", {"preset": "tiny", "epochs": 1}, 2, "steps or epochs, one of them"),
        ("pretrain", {"preset": "tiny", "learning_rate": 0}, 2, "'--learning-rate'"),
        ("pretrain", {"preset": "tiny", "store": "nowhere"}, 65, "nowhere"),
        ("pretrain", {"preset": "tiny", "resume": "require"}, 2, "--resume require"),
        ("pretrain", {"preset": "tiny", "freeze": 9}, 2, "--freeze 9"),
        ("finetune", {"preset": "tiny", "task": "m5C"}, 65, "no labels of task 'm5C'"),
        ("finetune", {"preset": "tiny", "task": "class"}, 65, "Use --level sequence"),
        ("finetune", {"preset": "tiny", "task": "sites", "fold": "one"}, 2, "--fold one"),
        ("finetune", {"preset": "tiny", "task": "sites", "fold": 1}, 2, "--fold needs --folds"),
        ("finetune", {"preset": "tiny", "task": "sites", "level": "word"}, 2, "--level"),
        ("finetune", {"preset": "tiny", "task": "class", "level": "sequence", "rounds": 2}, 2, "--rounds 2 has no"),
        ("finetune", {"preset": "tiny", "task": "sites", "unlabeled": "as_negative", "rounds": 2}, 2, "predicts no"),
        ("finetune", {"preset": "tiny", "task": "class", "level": "regression", "focal_gamma": 1}, 2, "has no classes"),
        ("finetune", {"preset": "tiny", "task": "sites", "folds": "f.tsv", "dev_share": 0.2}, 2, "--dev-share 0.2"),
        ("structure", {"preset": "tiny", "folds": "f.tsv", "dev_share": 0.2}, 2, "--dev-share 0.2 has no"),
        ("structure", {"preset": "tiny", "dev_share": 0, "patience": 3}, 2, "--patience 3 has no effect"),
        ("structure", {"preset": "tiny", "lora": 2, "freeze": 1}, 2, "--freeze 1 has no effect"),
        ("finetune", {"preset": "tiny", "task": "sites", "lora": 2, "freeze": 1}, 2, "--freeze 1 has no effect"),
        ("finetune", {"preset": "tiny", "task": "sites", "dev_share": 0, "patience": 3}, 2, "--patience 3 has no"),
        ("finetune", {"preset": "tiny", "task": "sites", "dev_share": 0, "evaluate_every_steps": 5}, 2, "-steps 5 has"),
        ("pretrain", {"preset": "tiny", "mask_rate": 0}, 2, "--mask-rate 0 hides no token"),
        ("pretrain", {"preset": "tiny", "mask_rate": 1e-9}, 65, "Nothing was learnt in 4 steps"),
        ("finetune", {"preset": "tiny", "task": "unknown", "level": "multilabel"}, 65, "no known label of 'unknown'"),
        ("pretrain", {"preset": "tiny", "dev_share": 0, "patience": 2}, 2, "--patience 2 has no effect"),
    ],
)
def test_bad_input_is_refused(train: Train, tmp_path: Path, capsys, command, changes, code, sentence) -> None:
    assert train(command, **changes) == code
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said
    assert not (tmp_path / "model").exists()


def test_the_usual_patience_is_that_of_the_commands() -> None:
    assert {spec.name: spec.default for spec in FINETUNE_LENGTHS}["patience"] == USUAL_PATIENCE == PATIENCE


def test_training_that_will_not_fit_is_refused_before_it_starts(train: Train, monkeypatch, capsys) -> None:
    monkeypatch.setattr(
        "ribolm.training.recipes.assembly.available_bytes", lambda _device: (10**8, "memory of the machine")
    )
    assert train("pretrain", preset="tiny") == 2
    assert "Training will need" in capsys.readouterr().err


def test_another_vocabulary_is_refused(train: Train, tmp_path: Path, capsys) -> None:
    from ribolm.models.initial import write_initial_model

    write_initial_model(tmp_path / "kmers", "tiny", make_tokenizer("kmer", k=3), 1)
    assert train("pretrain", init=tmp_path / "kmers") == 65
    assert "Tokenize the sequences with the model's" in capsys.readouterr().err


def test_a_training_process_starts_lean(data: Path, tmp_path: Path) -> None:
    heavy = {"sympy", "torch._dynamo", "transformers", "peft", "pandas", "polars", "sklearn", "scipy", "numba"}
    program = "import sys; from ribolm.cli.train import main; assert main(sys.argv[1:]) == 0; print(*sys.modules)"
    places = {"--store": data / "store", "--out": tmp_path / "m", "--checkpoint-dir": tmp_path / "c"}
    options = [text for name, path in places.items() for text in (name, str(path))]
    command = [
        sys.executable,
        "-c",
        program,
        "pretrain",
        *options,
        "--preset",
        "tiny",
        "--steps",
        "1",
        "--device",
        "cpu",
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3] / "bin")}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert not heavy & set(done.stdout.split())
