"""Kill a training wherever it can be killed: in the end its weights are those of a run that never stopped."""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

LESSONS = Path(__file__).with_name("lessons.py")
Ask = Callable[..., tuple[int, str]]

# Arrivals are counted anew in each start; the first is before any checkpoint. Checkpoints come every second step,
# evaluations every fourth; a first evaluation always finds a best.
POINTS = (
    "step.update@2", "save.best@1", "step.forward@2", "step.backward@3", "step.update@2", "save.begin@1",
    "save.model@1", "save.optimizer@1", "save.state@1", "save.manifest@1", "save.renamed@1", "evaluation.batch@1",
    "evaluation.batch@2",
)  # fmt: skip
WITH_TWO = ("step.update@2", "save.best@1", "step.backward@2", "step.update@2", "save.manifest@1", "evaluation.batch@1")
CODES = {"kill": -9, "term": 143}
CHANGES = {"steps": 26}
SHORT = {"steps": 10}


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """A folder in memory: SIGKILL does not empty the page cache, so the disk would prove nothing more."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def ask(scratch: Path) -> Iterator[Ask]:
    """Train in a forked process: (exit code of the first process, digest of the weights or what it said)."""
    command = [sys.executable, str(LESSONS), str(scratch)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert server.stdin and server.stdout

    def order(folder: Path, **values: object) -> tuple[int, str]:
        server.stdin.write(json.dumps({"folder": str(folder), "changes": CHANGES, **values}) + "\n")
        server.stdin.flush()
        answer = json.loads(server.stdout.readline())
        if answer["codes"][0] == 0:
            assert set(answer["codes"]) == {0}
        return answer["codes"][0], answer["text"]

    yield order
    server.communicate()


@pytest.fixture(scope="module")
def never_stopped(ask: Ask, scratch: Path) -> str:
    """Digest of the weights of a short training that nothing disturbed."""
    return digest(ask(scratch / "whole", changes=SHORT)[1])


def digest(text: str) -> str:
    """The first line of what a finished training says."""
    return text.partition("\n")[0]


# At every point the one kind of training is killed and the other one stopped.
@pytest.mark.parametrize(("kind", "actions"), [("pretrain", ("kill", "term")), ("finetune", ("term", "kill"))])
@pytest.mark.parametrize(("world", "points"), [(1, POINTS), (2, WITH_TWO)], ids=["one process", "two processes"])
def test_a_run_killed_everywhere_ends_with_the_same_weights(
    ask: Ask, scratch: Path, kind: str, actions: tuple[str, str], world: int, points: tuple[str, ...]
) -> None:
    whole, cut = scratch / f"{kind}{world}", scratch / f"{kind}{world}cut"
    code, reference = ask(whole, kind=kind, world=world)
    assert code == 0
    for number, point in enumerate(points):
        action = actions[number % 2]
        code, text = ask(cut, kind=kind, world=world, faults=f"{point}={action}")
        # where the other process dies first, the connection that it leaves ends this one
        lost_its_peer = world == 2 and action == "kill" and code == 1
        assert code == CODES[action] or lost_its_peer, f"{point}={action}: {text}"
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed of the random kills: {seed}")
    chance = random.Random(seed)
    for signal_number in (9, 15) if world == 1 else (9,):
        after_s = chance.uniform(0, 0.5)
        code, text = ask(cut, kind=kind, world=world, kill_after_s=after_s, kill_with=signal_number)
        expected = (-9, -15, 143, 0, 1)[: 3 + world]
        assert code in expected, f"signal {signal_number} after {after_s} s (seed {seed}): {text}"
    for fault in ("finish.saved@1=kill", ""):
        code, text = ask(cut, kind=kind, world=world, faults=fault)
        assert code == 0 if not fault else code in (-9, 0, 1)[: 1 + world], text
    assert digest(text) == digest(reference), f"other weights (seed {seed})"
    events = [json.loads(line) for line in (cut / "log.jsonl").read_text().splitlines()]
    steps = [event["step"] for event in events if event["event"] == "step"]
    assert steps == list(range(1, 27))
    assert not list(cut.glob(".step*"))


def test_a_damaged_checkpoint_is_left_for_the_one_before(ask: Ask, scratch: Path, never_stopped: str) -> None:
    folder = scratch / "damaged"
    assert ask(folder, changes=SHORT, faults="step.update@8=kill")[0] == -9
    steps = sorted(folder.glob("step-*"))
    assert [path.name for path in steps] == ["step-00000004", "step-00000006"]
    weights = steps[-1] / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    code, text = ask(folder, changes=SHORT)
    assert (code, digest(text)) == (0, never_stopped)
    assert "step-00000006: model.safetensors is missing or damaged" in text
    assert "Resumed after step 4 of 10" in text


def test_a_kill_while_a_checkpoint_is_replaced_costs_nothing(ask: Ask, scratch: Path, never_stopped: str) -> None:
    folder = scratch / "replaced"
    assert ask(folder, changes=SHORT, keep=1, faults="step.update@5=kill")[0] == -9
    assert ask(folder, changes=SHORT, keep=1, faults="save.aside@1=kill")[0] == -9
    assert not list(folder.glob("step-*"))
    code, text = ask(folder, changes=SHORT, keep=1)
    assert (code, digest(text)) == (0, never_stopped)
    assert "Resumed after step 4 of 10" in text and not list(folder.glob(".step*"))


def test_missing_parts_of_checkpoints_are_noticed(ask: Ask, scratch: Path, never_stopped: str) -> None:
    folder = scratch / "parts"
    assert ask(folder, changes=SHORT, faults="step.update@8=kill")[0] == -9
    (folder / "step-00000006/manifest.json").unlink()
    next(folder.glob("best-*")).joinpath("model.safetensors").unlink()
    code, text = ask(folder, changes=SHORT)  # both checkpoints name the best weights: only a new beginning is left
    assert (code, digest(text)) == (0, never_stopped)
    assert "no readable manifest.json" in text and "best weights are missing" in text


def test_a_full_disk_costs_no_more_than_a_checkpoint(ask: Ask, scratch: Path, never_stopped: str) -> None:
    folder = scratch / "full"
    code, _ = ask(folder, changes=SHORT, faults="save.model@2=full,save.manifest@4=full,step.update@8=kill")
    assert code == -9
    assert sorted(path.name for path in folder.glob("step-*")) == ["step-00000002", "step-00000006"]
    code, text = ask(folder, changes=SHORT)
    assert (code, digest(text)) == (0, never_stopped)


def test_a_file_that_the_system_refuses_does_not_end_the_training(ask: Ask, scratch: Path) -> None:
    changes = {**SHORT, "evaluate_every_steps": 100, "patience": None}
    reference = digest(ask(scratch / "unlimited", changes=changes)[1])
    code, text = ask(scratch / "limited", changes=changes, largest_file=30_000)  # the optimiser's file is larger
    assert (code, digest(text)) == (0, reference)
    assert "could not be written" in text
    assert not list((scratch / "limited").glob("step-*"))


def test_best_weights_that_cannot_be_written_end_the_training_and_the_next_start_goes_on(
    ask: Ask, scratch: Path, never_stopped: str
) -> None:
    folder = scratch / "best"
    code, text = ask(folder, changes=SHORT, faults="save.best@1=full")
    assert code == 1 and "best weights, of step 4, could not be written" in text
    code, text = ask(folder, changes=SHORT)
    assert (code, digest(text)) == (0, never_stopped)
    assert "Resumed after step 2" in text
