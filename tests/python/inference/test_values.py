"""`ribolm-predict sequences` on a model of values: its rule of length, its units, nothing of what else is predicted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.labels import main as labels
from ribolm.cli.predict import main
from ribolm.cli.train import main as train
from ribolm.models.weights import load_model

N, WIDTH = 120, 20


def finetune(folder: Path, store: Path, out: str, *more: str) -> int:
    places = {"--store": store, "--out": folder / out, "--checkpoint-dir": folder / f"{out}-checkpoints"}
    options = [text for option, place in places.items() for text in (option, str(place))]
    options += [
        "--task",
        "load",
        "--level",
        "regression",
        "--steps",
        "6",
        "--tokens-per-step",
        "600",
        "--device",
        "cpu",
    ]
    return train(["finetune", *options, "--learning-rate", "0.01", *more])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """window/ and whole/: stores of values around 100, the second as logarithms; models of both."""
    out = tmp_path_factory.mktemp("values")
    rng = np.random.default_rng(6)
    texts = ["".join(rng.choice(list("ACGT"), rng.integers(15, 40))) for _ in range(N)]
    rows = "".join(f"r{i}\t{t}\t{100 + t.count('G')}\n" for i, t in enumerate(texts))
    (out / "t.tsv").write_text("name\tutr\tload\n" + rows)
    about = ["--table", str(out / "t.tsv"), "--sequence", "utr", "--value", "load", "--name", "name"]
    assert labels(["values", *about, "--out", str(out / "window"), "--window", str(WIDTH)]) == 0
    assert labels(["values", *about, "--out", str(out / "whole"), "--transform", "log"]) == 0
    folds = ["--by", "random", "--folds", "4", "--test-share", "0.4"]
    assert labels(["folds", "--store", str(out / "window/store"), "--out", str(out / "folds.tsv"), *folds]) == 0
    fold = ["--folds", str(out / "folds.tsv"), "--fold", "0"]
    assert finetune(out, out / "window/store", "windows", "--preset", "convolution-50", *fold) == 0
    assert finetune(out, out / "whole/store", "wholes", "--preset", "tiny") == 0
    return out


def predict(folder: Path, model: str, text: str, out: Path, *more: str) -> int:
    (out.parent / "s.fa").write_text(text)
    places = ["--model", str(folder / model), "--sequences", str(out.parent / "s.fa"), "--out", str(out)]
    return main(["sequences", *places, "--device", "cpu", *more])


def values_of(path: Path) -> dict[str, float]:
    header, *lines = path.read_text().splitlines()
    assert header.split("\t")[:2] == ["name", "value"]
    return {line.split("\t")[0]: float(line.split("\t")[1]) for line in lines}


def test_the_task_says_what_is_read_and_in_which_units(folder: Path) -> None:
    task = load_model(folder / "windows").task
    assert task is not None and (task["level"], task["labels"], task["window_nt"]) == ("regression", ["load"], WIDTH)
    assert task["length_rule"]["end"] == "last" and task["length_rule"]["trained_nt"] == [15, 39]
    (target,) = task["target"]
    assert target["scaler"] == "standard" and target["transform"] == "none" and 100 < target["mean"] < 110
    wholes = load_model(folder / "wholes").task
    assert (
        wholes is not None and wholes["target"][0]["transform"] == "log" and wholes["length_rule"]["window_nt"] is None
    )
    settings = json.loads((folder / "windows/manifest.json").read_text())["settings"]["objective"]
    assert settings["target"] == "standard"


@pytest.mark.parametrize("model", ["windows", "wholes"])
def test_values_have_the_units_of_the_table_and_depend_on_nothing_else(
    folder: Path, tmp_path: Path, model: str
) -> None:
    rng = np.random.default_rng(1)
    records = {f"s{i}": "".join(rng.choice(list("ACGT"), 30)) for i in range(9)}
    assert predict(folder, model, "".join(f">{k}\n{v}\n" for k, v in records.items()), tmp_path / "all.tsv") == 0
    together = values_of(tmp_path / "all.tsv")
    assert list(together) == list(records) and all(60 < value < 160 for value in together.values())
    assert len(set(together.values())) > 1
    for name in ("s3", "s8"):
        assert predict(folder, model, f">{name}\n{records[name]}\n", tmp_path / "one.tsv") == 0
        assert values_of(tmp_path / "one.tsv") == {name: together[name]}


def test_longer_sequences_are_read_at_their_end_and_shorter_ones_filled_up(
    folder: Path, tmp_path: Path, capsys
) -> None:
    end = "ACGGTTACGATTACAGGACT"
    whole = f">exact\n{end}\n>long\n{'C' * 50}{end.lower().replace('t', 'u')}\n"
    text = whole + f">short\n{end[8:]}\n>filled\n{'N' * 8}{end[8:]}\n"
    assert predict(folder, "windows", text, tmp_path / "v.tsv") == 0
    found = values_of(tmp_path / "v.tsv")
    assert found["exact"] == found["long"] and found["short"] == found["filled"] != found["exact"]
    said = capsys.readouterr().err
    assert f"length rule = the last {WIDTH} nt are read" in said and "1 of 4 sequences are longer, 1 shorter" in said
    assert "2 of 4 sequences have a length that training did not have (15 to 39 nt)" in said
    assert "standardisation undone" in said


def test_a_fold_tells_what_its_model_has_seen(folder: Path, tmp_path: Path, capsys) -> None:
    text = (folder / "window/sequences.fa").read_text()
    fold = ("--folds", str(folder / "folds.tsv"), "--fold")
    assert predict(folder, "windows", text, tmp_path / "v.tsv", *fold, "0") == 0
    header, *lines = (tmp_path / "v.tsv").read_text().splitlines()
    assert header == "name\tvalue\ttrained_on" and len(lines) == 48
    assert predict(folder, "windows", text, tmp_path / "w.tsv", *fold, "2") == 65
    assert "has seen fold 2" in capsys.readouterr().err and not (tmp_path / "w.tsv").exists()


def test_no_record_and_options_without_meaning(folder: Path, tmp_path: Path, capsys) -> None:
    assert predict(folder, "windows", ">a\n\n>b\nACGT\n", tmp_path / "v.tsv") == 65
    assert "record 'a': has no letters" in capsys.readouterr().err
    assert predict(folder, "windows", ">b\nACGT\n", tmp_path / "v.tsv", "--anchor0", "3") == 2
    assert "--anchor0 has no effect" in capsys.readouterr().err and not (tmp_path / "v.tsv").exists()


def test_adapters_heads_and_huber_loss_train_and_nonsense_is_refused(folder: Path, tmp_path: Path, capsys) -> None:
    store = folder / "whole/store"
    assert finetune(tmp_path, store, "head", "--preset", "tiny", "--head-only", "--huber-delta", "1") == 0
    assert finetune(tmp_path, store, "full", "--preset", "tiny", "--lora", "2") == 0
    first, head = (load_model(folder / "wholes").network, load_model(tmp_path / "head").network)
    name = next(name for name in head.encoder.state_dict() if "query.weight" in name)
    from ribolm.models.network import new_network

    start = new_network(head.config, head.spec, 1).encoder.state_dict()[name]
    assert (head.encoder.state_dict()[name] == start).all() and (first.encoder.state_dict()[name] != start).any()
    capsys.readouterr()
    for more, message in (
        (("--head-only", "--lora", "2"), "--lora 2 has no effect"),
        (("--head-only", "--freeze", "1"), "--freeze 1 has no effect"),
        (("--positive-weight", "2"), "a regression has no classes"),
    ):
        assert finetune(tmp_path, store, "x", "--preset", "tiny", *more) == 2
        assert message in capsys.readouterr().err
