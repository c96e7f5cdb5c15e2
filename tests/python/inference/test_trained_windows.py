"""From a store of windows to a trained model, its predictions, and a directory that knows its anchor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ribolm.cli.evaluate import main as evaluate
from ribolm.cli.predict import main as predict
from ribolm.cli.train import main as train
from ribolm.inference.window_models import load_window_model
from ribolm.labels.folds import Folds, write_folds
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer

N, WINDOW_NT = 256, 101


def write_windows(folder: Path) -> np.ndarray:
    """A store and a FASTA of windows, whose positives hold TGTGTGTG at one place; returns the labels."""
    rng = np.random.default_rng(9)
    windows = rng.choice(np.frombuffer(b"ACGT", np.uint8), (N, WINDOW_NT))
    is_positive = np.arange(N) % 2 == 0
    windows[is_positive, 70:78] = np.frombuffer(b"TGTGTGTG", np.uint8)
    tokenizer = make_tokenizer("nucleotide")
    window = {"window_nt": WINDOW_NT, "anchor": "cleavage", "anchor_offset0": 50, "padding": "N"}
    with StoreWriter(folder / "store", tokenizer, {"polya": LabelSpec("sequence")}, {"options": window}) as writer:
        for row, letters in enumerate(windows):
            writer.add(tokenizer.encode(letters), f"w{row}", None, {"polya": is_positive[row]})
    lines = [f">w{row}\n{letters.tobytes().decode()}\n" for row, letters in enumerate(windows)]
    (folder / "windows.fa").write_text("".join(lines))
    return is_positive


def test_a_trained_model_scores_the_windows_by_what_it_learnt(tmp_path: Path) -> None:
    is_positive = write_windows(tmp_path)
    places = ["--store", tmp_path / "store", "--out", tmp_path / "model", "--checkpoint-dir", tmp_path / "checkpoints"]
    task = ["--task", "polya", "--level", "sequence", "--preset", "convolution-101", "--dev-share", "0.25"]
    steps = [
        "--steps",
        "60",
        "--tokens-per-step",
        "3296",
        "--tokens-per-micro-batch",
        "3296",
        "--learning-rate",
        "3e-3",
    ]
    assert train(["finetune", *map(str, [*places, *task, *steps, "--device", "cpu"])]) == 0
    model = load_window_model(tmp_path / "model")
    assert (model.anchor, model.anchor_offset0, model.window_nt, model.padding) == ("cleavage", 50, WINDOW_NT, "N")
    assert 0 < model.threshold < 1 and model.calibration.slope > 0
    arguments = ["--model", tmp_path / "model", "--sequences", tmp_path / "windows.fa", "--out", tmp_path / "out.tsv"]
    assert predict(["sequences", *map(str, [*arguments, "--device", "cpu"])]) == 0
    rows = [line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines()[1:]]
    logits = np.array([float(row[1]) for row in rows])
    assert [row[0] for row in rows] == [f"w{i}" for i in range(N)]
    assert np.median(logits[is_positive]) > np.max(logits[~is_positive]) - 1.0
    assert ((logits > 0) == is_positive).mean() > 0.9


def test_a_model_is_believed_on_the_fold_that_its_training_held_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_windows(tmp_path)
    fold = np.arange(N) // 2 % 4
    write_folds(tmp_path / "folds.tsv", TokenStore.open(tmp_path / "store").names(), Folds(fold, np.arange(N) // 2))
    folds = ["--folds", tmp_path / "folds.tsv"]
    places = ["--store", tmp_path / "store", "--out", tmp_path / "model", "--checkpoint-dir", tmp_path / "checkpoints"]
    task = ["--task", "polya", "--level", "sequence", "--preset", "convolution-101", "--steps", "1", "--fold", "1"]
    assert train(["finetune", *map(str, [*places, *task, *folds, "--device", "cpu"])]) == 0
    given = ["--model", tmp_path / "model", "--sequences", tmp_path / "windows.fa", "--out", tmp_path / "out.tsv"]
    asked = ["sequences", *map(str, [*given, "--device", "cpu"])]
    assert predict([*asked, *map(str, folds), "--fold", "2"]) == 65, "dev, which decided when to stop"
    assert "has seen fold 2 of folds.tsv in training, which held out fold 1 alone" in capsys.readouterr().err
    assert predict([*asked, *map(str, folds), "--fold", "1"]) == 0
    assert "nothing is known" not in capsys.readouterr().err
    assert predict(asked) == 0
    scores = ["--scores", f"m={tmp_path / 'out.tsv'}", "--store", tmp_path / "store", "--no-baselines", "--draws", "0"]
    assert evaluate(["sequences", *map(str, [*scores, *folds, "--outdir", tmp_path / "o"])]) == 0
    assert "scores 'm': nothing is known of what their model and these sequences share" in capsys.readouterr().err
