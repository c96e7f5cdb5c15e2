"""How long a training process takes from its start to the line of its first step.

    python benchmarks/start.py --scratch /tmp/ribolm-benchmark

Pretraining (small preset, random weights) and fine-tuning (of the model that came out) on a store of random sequences,
one step of 4,096 tokens each, in processes of their own, taking turns with `import torch` alone, which nothing here can
make faster. Wall time and processor time, the best of the rounds. Writes benchmarks/results/start.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "bin"))
RESULT = Path(__file__).parent / "results" / "start.md"
GOAL_S = 3.0
TRAIN = [sys.executable, str(REPOSITORY / "bin/ribolm-train")]


def write_store(folder: Path) -> None:
    """Random sequences of 510 nt with a label per token."""
    from ribolm.sequences.store import LabelSpec, StoreWriter
    from ribolm.sequences.tokenizers import make_tokenizer

    chance = np.random.default_rng(1)
    with StoreWriter(folder, make_tokenizer("nucleotide"), {"site": LabelSpec("token")}) as writer:
        for row in range(200):
            tokens = chance.integers(4, 8, 510).astype(np.uint8)
            writer.add(tokens, f"s{row}", None, {"site": (tokens == 4).astype(np.float32)})


def first_step_s(command: list[str]) -> tuple[float, float]:
    """(wall seconds until a line that begins with "step", processor seconds of the whole process)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started_s = time.monotonic()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr
    reached_s = 0.0
    for line in process.stderr:
        if line.startswith("step ") and not reached_s:
            reached_s = time.monotonic() - started_s
    if process.wait():
        raise SystemExit(f"{command} ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return reached_s or time.monotonic() - started_s, cpu_s


def commands(scratch: Path, number: int) -> dict[str, list[str]]:
    """What is timed in one round."""
    shared = ["--steps", "1", "--tokens-per-step", "4096", "--device", "cpu", "--dev-share", "0"]
    pretrained, folder = scratch / f"model{number}", scratch / f"round{number}"
    pretrain = [*TRAIN, "pretrain", "--store", scratch / "store", "--preset", "small", "--out", pretrained]
    finetune = [*TRAIN, "finetune", "--store", scratch / "store", "--task", "site", "--init", pretrained]
    how = ["--unlabeled", "as_negative", "--out", scratch / f"tuned{number}"]
    return {
        "import torch": [sys.executable, "-c", "import torch"],
        "pretrain": [str(part) for part in (*pretrain, "--checkpoint-dir", folder / "p", *shared)],
        "finetune": [str(part) for part in (*finetune, *how, "--checkpoint-dir", folder / "f", *shared)],
    }


def report(found: dict[str, list[tuple[float, float]]], load: float) -> str:
    """The table."""
    rows = [
        f"| {name} | {min(wall for wall, _ in times):.2f} | {min(cpu for _, cpu in times):.2f} |"
        for name, times in found.items()
    ]
    return "\n".join(
        [
            "# Start of a training process",
            "",
            f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, load {load:.1f} at the beginning, "
            f"best of {len(next(iter(found.values())))} rounds. Goal: {GOAL_S:.0f} s to the first step.",
            "",
            "| process | s to the first step | s of processor, whole process |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def main() -> None:
    """Time the rounds and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    scratch = arguments.scratch / f"start-{os.getpid()}"
    scratch.mkdir(parents=True)
    write_store(scratch / "store")
    load = os.getloadavg()[0]
    found: dict[str, list[tuple[float, float]]] = {}
    for number in range(arguments.rounds):
        for name, command in commands(scratch, number).items():
            found.setdefault(name, []).append(first_step_s(command))
    text = report(found, load)
    RESULT.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
