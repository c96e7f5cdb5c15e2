"""Training tasks: what a killed one has done is kept, and no two write to one folder."""

import hashlib
import json
import os
import signal
import time
from pathlib import Path

import pytest

from .runs import DATA, Launcher, Run

CONFIG = """
process {
    withName: TRAIN_PRETRAIN {
        ext.args      = '--steps 60 --tokens-per-step 2048 --checkpoint-every-steps 20'
        errorStrategy = 'terminate'
    }
}
"""
START = ("--peaks", str(DATA / "truth" / "regions.bed"), "--steps", "corpus,pretrain")


@pytest.fixture
def options(launcher: Launcher, tools: None) -> tuple[str, ...]:
    """A short pretraining on the planted regions that saves every 20 steps; no reads, no alignment."""
    config = launcher.folder / "training.config"
    config.write_text(CONFIG)
    return ("-c", str(config), *START)


def weights(folder: Path) -> str:
    """sha256 of a model's weights."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def events(run_folder: Path, kind: str) -> list[int]:
    """Steps of the events of one kind in the log of the only model of a run."""
    (log,) = (run_folder / "results" / "models").glob("*/log.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line["step"] for line in lines if line["event"] == kind]


def with_checkpoints(launcher: Launcher, name: str, *options: str, **env: str) -> Run:
    """Repeat the run with another folder of checkpoints; all but training is cached."""
    return launcher.run("-resume", *options, "--checkpoint_dir", str(launcher.folder / name), env=env)


def test_a_killed_training_task_resumes_to_the_same_weights(launcher: Launcher, options: tuple[str, ...]) -> None:
    whole = with_checkpoints(launcher, "whole", *options)
    assert whole.status == 0, whole.text
    model = launcher.folder / "results" / "models" / "pretrained"
    expected = weights(model)

    killed = with_checkpoints(launcher, "killed", *options, RIBOLM_FAULTS="step.update@50=kill")
    assert killed.status == 1
    assert killed.tasks("FAILED") == {"TRAIN_PRETRAIN": 1}

    resumed = with_checkpoints(launcher, "killed", *options)
    assert resumed.status == 0, resumed.text
    assert resumed.tasks("CACHED")["TOKENIZE_PEAKS"] == 1
    assert events(launcher.folder, "resume") == [40]
    assert weights(model) == expected


def wait_for(folder: Path, pattern: str, text: str = "", seconds: float = 300) -> Path:
    """First file that a glob of a folder finds and that holds a text."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for path in folder.glob(pattern):
            if text in path.read_text():
                return path
        time.sleep(0.05)
    raise AssertionError(f"{folder} holds no {pattern} with '{text}' after {seconds} s")


def test_training_that_outlives_nextflow_keeps_its_folder(launcher: Launcher, options: tuple[str, ...]) -> None:
    checkpoints = launcher.folder / "checkpoints"
    (launcher.folder / "training.config").write_text(CONFIG.replace("--steps 60", "--steps 200"))
    nextflow = launcher.start(*options, "--checkpoint_dir", str(checkpoints))
    try:
        first = json.loads(wait_for(checkpoints, "*/lease.json", "pid").read_text())["pid"]
        os.kill(first, signal.SIGSTOP)  # it lives, and cannot end before the second one has come
    finally:
        nextflow.kill()
        nextflow.communicate()

    again = launcher.start("-resume", *options, "--checkpoint_dir", str(checkpoints))
    try:
        wait_for(launcher.folder / "work", "*/*/.command.err", f"process {first} ")
    finally:
        os.kill(first, signal.SIGCONT)
    text, _ = again.communicate(timeout=900)
    assert again.returncode == 0, text
    models = list(launcher.folder.glob("work/*/*/pretrained"))
    assert len(models) == 2
    assert len({weights(model) for model in models}) == 1
    steps = events(launcher.folder, "step")
    assert steps == sorted(set(steps)), "each step was written once"
