"""What a run leaves for its report: parameters, versions of tools, summaries of peak calling."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ribolm.errors import DataError
from ribolm.files import open_text
from ribolm.report.folders.json_object import read_json_object


@dataclass(frozen=True)
class Run:
    """What is known of a run: parameters by name, versions by tool (lower case), summaries of peak calling."""

    parameters: Mapping[str, Any]
    versions: Mapping[str, str]
    summaries: Sequence[Mapping[str, Any]]

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter, or the default where it is absent or null."""
        value = self.parameters.get(name)
        return default if value is None else value

    def asks(self, step: str) -> bool:
        """Whether --steps names a step, as text or as a list."""
        given = self.get("steps", "")
        names = given if isinstance(given, list) else str(given).split(",")
        return step in [str(name).strip() for name in names]

    def version(self, tool: str) -> str:
        """ " 1.2.3" with a leading space, or "" where the tool's version is unknown."""
        value = self.versions.get(tool.lower())
        return f" {value}" if value else ""


def read_run(parameters: Path, versions: Path, summaries: Iterable[Path]) -> Run:
    """Read the files of a run. Raises DataError for one that is damaged."""
    return Run(
        read_json_object(parameters),
        read_versions(versions),
        sorted((read_json_object(path) for path in summaries), key=lambda summary: str(summary.get("name"))),
    )


def read_versions(path: Path) -> dict[str, str]:
    """Tool versions from `PROCESS:` lines with indented `tool: version` lines (the form of MultiQC's versions file)."""
    versions: dict[str, str] = {}
    with open_text(path) as handle:
        for number, line in enumerate(handle, start=1):
            text = line.split("#")[0].rstrip()
            if not text or text == "---":
                continue
            name, colon, value = text.strip().partition(":")
            if not colon:
                raise DataError(f"{path.name} line {number}: is not `process:` or `tool: version`. Mend the file.")
            if text[0].isspace() and value.strip():
                versions[name.strip("'\" ").lower()] = value.strip().strip("'\"")
    return versions
