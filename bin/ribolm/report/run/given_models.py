"""Models of --model on track resm, by what they answer: structures, values, or nobody knows."""

from collections.abc import Mapping
from pathlib import Path

from ribolm.errors import DataError
from ribolm.report.folders.json_object import read_json_object
from ribolm.report.run.record import Run

KINDS = {"structure": "structure", "regression": "value"}
UNKNOWN = "unknown"


def given_models(run: Run) -> Mapping[str, list[str]]:
    """Names of model directories under structure, value and unknown, each in the order given."""
    found: dict[str, list[str]] = {"structure": [], "value": [], UNKNOWN: []}
    for text in str(run.get("model", "")).split(","):
        if path := text.strip():
            found[_kind(Path(path))].append(Path(path).name)
    return found


def _kind(folder: Path) -> str:
    """What task.json says; inside a container the folder may not be there to be asked."""
    try:
        return KINDS.get(str(read_json_object(folder / "task.json").get("level")), UNKNOWN)
    except (DataError, OSError):
        return UNKNOWN
