"""Fine-tuning over cross-predicted labels, stopped in every stage of it: the model is that of a run never stopped."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ribolm.errors import Stopped
from ribolm.labels.folds import Folds, write_folds
from ribolm.sequences.places import Place
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer
from ribolm.training import faults
from ribolm.training.recipes.assembly import Start
from ribolm.training.recipes.finetuning import FinetuneOptions, finetune
from ribolm.training.settings import Optimisation, Runtime

torch.set_num_threads(1)  # in the process that is killed too: sums of other lengths round otherwise
PACKAGE = Path(__file__).resolve().parents[4] / "bin"
# In turn: training and prediction of the first fold, those of the second, the final training.
PLACES = ("step.update@2", "cross.batch@1", "step.update@2", "cross.batch@1", "step.update@2")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A folder with a store, half of whose A are unknown, and its table of folds."""
    folder, random = tmp_path_factory.mktemp("data"), np.random.default_rng(1)
    with StoreWriter(folder / "store", make_tokenizer("nucleotide"), {"site": LabelSpec("token")}) as writer:
        for i in range(60):
            tokens = random.integers(4, 8, 30).astype(np.uint8)
            labels = np.where(tokens == 4, random.choice([1, np.nan], 30), 0).astype(np.float32)
            place = Place("chr1", "+", ((1000 * i, 1000 * i + 30),), f"gene_{i // 3}", f"cluster_{i // 3}")
            writer.add(tokens, f"row_{i}", place, {"site": labels})
    unit = np.arange(60) // 3
    write_folds(folder / "folds.tsv", TokenStore.open(folder / "store").names(), Folds(unit % 4, unit))
    return folder


def options(data: Path, folder: Path, **changes) -> FinetuneOptions:
    how = {"tokens_per_step": 100, "steps": 5, "learning_rate": 1e-2, "evaluate_every_steps": 3, "patience": 5}
    return FinetuneOptions(
        store=data / "store",
        task="site",
        out=folder / "model",
        start=Start("tiny"),
        optimisation=Optimisation.model_validate(how),
        runtime=Runtime(checkpoint_dir=folder / "checkpoints", device="cpu", checkpoint_every_steps=2),
        folds=data / "folds.tsv",
        fold=0,
        **{"unlabeled": "soft", **changes},
    )


def digest(folder: Path) -> str:
    manifest = json.loads((folder / "model/manifest.json").read_text())
    return manifest["files"]["model.safetensors"]["sha256"]


@pytest.fixture(scope="module")
def never_stopped(data, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("whole")
    finetune(options(data, folder))
    return digest(folder)


def test_stopped_in_every_stage_it_goes_on_to_the_same_model(data, tmp_path, never_stopped) -> None:
    products = tmp_path / "checkpoints/cross/round_1"
    for place in PLACES:
        faults.plan(f"{place}=term")
        with pytest.raises(Stopped):
            finetune(options(data, tmp_path))
        faults.plan("")
    assert sorted(path.name for path in products.glob("*.json")) == ["predicted_0.json", "predicted_1.json"]
    finetune(options(data, tmp_path))
    assert digest(tmp_path) == never_stopped


def test_killed_in_prediction_it_goes_on_to_the_same_model(data, tmp_path, never_stopped) -> None:
    environment = {**os.environ, "RIBOLM_FAULTS": "cross.batch@2=kill", "PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, __file__, str(data), str(tmp_path)]
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == -9
    finetune(options(data, tmp_path))
    assert digest(tmp_path) == never_stopped


def test_soft_labels_are_believed_and_negatives_are_not(data, tmp_path, never_stopped) -> None:
    finetune(options(data, tmp_path, unlabeled="as_negative"))
    assert digest(tmp_path) != never_stopped
    assert not (tmp_path / "checkpoints/cross").exists()


if __name__ == "__main__":
    finetune(options(Path(sys.argv[1]), Path(sys.argv[2])))
