"""Long work on many RNAs in parts that stay, so that a benchmark that was cut off goes on where it was."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ribolm.labels.structure.dot_bracket import write_dot_bracket
from ribolm.labels.structure.files import read_structures
from ribolm.labels.structure.pairs import Int64, Structure

PART_RNAS = 50


class Folded(NamedTuple):
    """What one method made of one RNA: `partner` int64 [L], 0-based or -1, and the processor seconds it took."""

    partner: Int64
    seconds: float


Fold = Callable[[str], dict[str, Folded]]  # letters -> what each method makes of them


def in_parts(structures: Sequence[Structure], stem: Path, fold: Fold) -> dict[str, tuple[Path, float]]:
    """Fold each sequence once, those that are not there yet; by method the file of all RNAs and processor seconds."""
    distinct = list({one.letters: one for one in reversed(structures)}.values())[::-1]
    stem.mkdir(parents=True, exist_ok=True)
    seconds: Counter[str] = Counter()
    parts = [stem / f"{begin:06d}" for begin in range(0, len(distinct), PART_RNAS)]
    for number, part in enumerate(parts):
        done = part.with_suffix(".json")
        if not done.exists():
            spent = _fold_part(distinct[number * PART_RNAS : (number + 1) * PART_RNAS], part, fold)
            done.write_text(json.dumps(spent), "utf-8")
            print(f"{part}, of {len(parts)}: {sum(spent.values()):,.0f} s", file=sys.stderr, flush=True)
        seconds.update(json.loads(done.read_text("utf-8")))
    return {method: (_joined(structures, stem, parts, method), spent) for method, spent in seconds.items()}


def _fold_part(records: Sequence[Structure], part: Path, fold: Fold) -> dict[str, float]:
    rows = [fold(one.letters) for one in records]
    for method in rows[0]:
        named = zip(records, rows, strict=True)
        found = (Structure(one.name, one.letters, row[method].partner) for one, row in named)
        write_dot_bracket(_file_of(part, method), found)
    return {method: sum(row[method].seconds for row in rows) for method in rows[0]}


def _joined(structures: Sequence[Structure], stem: Path, parts: Sequence[Path], method: str) -> Path:
    partners = {one.letters: one.partner for part in parts for one in read_structures(_file_of(part, method))}
    path = _file_of(stem, method)
    write_dot_bracket(path, (Structure(one.name, one.letters, partners[one.letters]) for one in structures))
    return path


def _file_of(stem: Path, method: str) -> Path:
    return stem.with_name(f"{stem.name}.{method.replace(' ', '_')}.dbn")
