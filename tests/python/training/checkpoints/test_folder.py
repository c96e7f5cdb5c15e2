"""Which checkpoints of a folder stay."""

from pathlib import Path

import torch

from ribolm.training.checkpoints.folder import Checkpoints
from ribolm.training.checkpoints.state import TrainingState


def save(checkpoints: Checkpoints, *steps: int) -> None:
    for step in steps:
        checkpoints.save(torch.nn.Linear(2, 2), {}, TrainingState(step=step))


def steps_of(folder: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in folder.glob("step-*"))


def test_the_newest_ones_are_kept(tmp_path: Path) -> None:
    save(Checkpoints(tmp_path, keep=2), 2, 4, 6)
    assert steps_of(tmp_path) == [4, 6]


def test_after_a_new_beginning_damaged_ones_of_later_steps_push_nothing_out(tmp_path: Path) -> None:
    save(Checkpoints(tmp_path), 10, 12)
    for path in tmp_path.glob("step-*/model.safetensors"):
        path.write_bytes(b"damaged")
    again = Checkpoints(tmp_path)
    assert again.newest() is None
    save(again, 2)
    assert steps_of(tmp_path) == [2, 10, 12]
    save(again, 4, 6)
    assert steps_of(tmp_path) == [4, 6, 10, 12]
    found = Checkpoints(tmp_path).newest()
    assert found is not None and found.state.step == 6
    save(again, 12)
    assert steps_of(tmp_path) == [6, 10, 12]
    save(again, 14)
    assert steps_of(tmp_path) == [12, 14]


def test_a_damaged_one_takes_no_place_of_a_whole_one(tmp_path: Path) -> None:
    save(Checkpoints(tmp_path), 2, 4)
    (tmp_path / "step-00000004/model.safetensors").write_bytes(b"damaged")
    again = Checkpoints(tmp_path)
    assert again.newest() is not None
    save(again, 5)
    assert steps_of(tmp_path) == [2, 4, 5]
