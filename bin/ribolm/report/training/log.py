"""log.jsonl of a training, read for its report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ribolm.console import notice
from ribolm.errors import DataError, UsageError
from ribolm.files import open_text

Event = Mapping[str, Any]
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class TrainingRun:
    """Events of one training, in the order in which they were written."""

    name: str
    events: Sequence[Event]

    def of_kind(self, event: str) -> list[Event]:
        """Events of one kind."""
        return [line for line in self.events if line["event"] == event]

    def points(self, column: str) -> Points:
        """A number of the steps against the step; steps where it is missing are left out."""
        return [
            (float(line["step"]), float(line[column])) for line in self.of_kind("step") if line.get(column) is not None
        ]

    def metric(self, name: str) -> Points:
        """A metric of the evaluations against the step."""
        found = [(line["step"], (line.get("metrics") or {}).get(name)) for line in self.of_kind("evaluation")]
        return [(float(step), float(value)) for step, value in found if value is not None]

    def metric_names(self) -> list[str]:
        """Metrics that any evaluation has, in order of appearance."""
        return list(dict.fromkeys(n for line in self.of_kind("evaluation") for n in line.get("metrics") or {}))

    def last(self, column: str) -> float | None:
        """The last known value of a number of the steps."""
        points = self.points(column)
        return points[-1][1] if points else None

    def median_of(self, column: str) -> float | None:
        """The median of a number of the steps."""
        points = self.points(column)
        return median(value for _, value in points) if points else None


def read_runs(arguments: Sequence[str]) -> list[TrainingRun]:
    """Read NAME=LOG arguments, sorted by name. Raises UsageError for equal names, DataError for damaged lines."""
    runs: dict[str, TrainingRun] = {}
    for argument in arguments:
        given, equals, text = argument.partition("=")
        path = Path(text if equals else argument)
        name = given if equals and given else path.parent.name or path.stem
        if name in runs:
            raise UsageError(f"--log: two trainings are called '{name}'. Write NAME=FILE with different names.")
        runs[name] = TrainingRun(name, _events(path))
    return [runs[name] for name in sorted(runs)]


def _events(path: Path) -> list[Event]:
    """Events of a file; a torn last line (the run was killed while writing) is left out with a notice."""
    with open_text(path) as handle:
        lines = handle.read().splitlines()
    events: list[Event] = []
    for number, line in enumerate(lines, start=1):
        try:
            event = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines):
                notice(f"{path.name}: the last line is torn; it is left out.")
                break
            raise DataError(
                f"{path.name} line {number}: is no JSON ({error.msg}). Give a log.jsonl as it was."
            ) from None
        if not _is_event(event):
            raise DataError(f"{path.name} line {number}: is no event of a training. Give a log.jsonl of ribolm-train.")
        events.append(event)
    return events


def _is_event(line: Any) -> bool:
    if not isinstance(line, dict) or "event" not in line:
        return False
    return line["event"] not in ("step", "evaluation", "resume") or isinstance(line.get("step"), int)
