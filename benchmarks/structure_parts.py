"""Long work on many RNAs in parts that stay, so that a benchmark that was cut off goes on where it was."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from ribolm.labels.structure.pairs import Structure

PART_RNAS = 50
# (RNAs, stem of files) -> processor seconds by method; the structures of a method are in file_of(stem, method)
Work = Callable[[Sequence[Structure], Path], dict[str, float]]


def file_of(stem: Path, method: str) -> Path:
    """Where the dot-bracket of a method lies."""
    return stem.with_name(f"{stem.name}.{method.replace(' ', '_')}.dbn")


def in_parts(structures: Sequence[Structure], stem: Path, work: Work) -> dict[str, float]:
    """Do what is left of the work and join its parts to file_of(stem, method); processor seconds of all by method."""
    seconds: Counter[str] = Counter()
    parts = [stem / f"{begin:06d}" for begin in range(0, len(structures), PART_RNAS)]
    stem.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(parts):
        done = part.with_suffix(".json")
        if not done.exists():
            spent = work(structures[number * PART_RNAS : (number + 1) * PART_RNAS], part)
            done.write_text(json.dumps(spent), "utf-8")
        seconds.update(json.loads(done.read_text("utf-8")))
    for method in seconds:
        file_of(stem, method).write_text("".join(file_of(part, method).read_text("utf-8") for part in parts), "utf-8")
    return dict(seconds)
