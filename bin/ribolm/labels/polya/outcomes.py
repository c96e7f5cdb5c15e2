"""What became of everything that was read: counted by stage, in the order of the work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ribolm.files import atomic_path

COLUMNS = ("stage", "outcome", "count")


@dataclass
class Outcomes:
    """Counts by (stage, outcome); a stage is `sites`, `candidates` or a set, and stays in order of first mention."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, stage: str, outcome: str, n: int) -> None:
        """Add n; zero is remembered too."""
        self.counts[stage, outcome] = self.counts.get((stage, outcome), 0) + n

    def of(self, stage: str) -> dict[str, int]:
        """Counts of one stage."""
        return {outcome: n for (named, outcome), n in self.counts.items() if named == stage}

    def rows(self) -> Iterator[tuple[str, str, int]]:
        """All counts, stage by stage."""
        for stage in dict.fromkeys(stage for stage, _ in self.counts):
            for outcome, n in self.of(stage).items():
                yield stage, outcome, n

    def write(self, path: Path) -> None:
        """Write them as TSV."""
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
            handle.write("\t".join(COLUMNS) + "\n")
            for row in self.rows():
                handle.write("\t".join(map(str, row)) + "\n")
