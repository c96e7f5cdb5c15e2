"""Which techniques count as one: a table of technique and family that a user can edit."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ribolm.console import Repairs
from ribolm.errors import DataError, bad_value
from ribolm.samplesheet.table import read_table

# Beside the repository's bin/ folder; an installed package is given the table with --families.
DEFAULT_PATH = Path(__file__).parents[3] / "assets" / "m6a_families.tsv"
SEPARATOR = ";"


@dataclass(frozen=True)
class Families:
    """`technique` and `family` by the technique's name in lower case without spaces around it."""

    path: Path
    technique: dict[str, str]
    family: dict[str, str]

    def check(self, name: str, where: str) -> str:
        """A technique as the map spells it. Raises DataError, naming the place, for one that it does not have."""
        found = self.technique.get(_plain(name))
        if found is None:
            near = difflib.get_close_matches(_plain(name), self.technique, n=1)
            hint = f"Did you mean {self.technique[near[0]]!r}? Otherwise add" if near else "Add"
            raise DataError(
                f"{where}: technique {name!r} is unknown. {hint} a line for it to a copy of {self.path.name} and pass "
                "that with --families."
            )
        return found

    def of(self, techniques: Iterable[str]) -> tuple[str, ...]:
        """The families of some techniques, each once, sorted."""
        return tuple(sorted({self.family[_plain(technique)] for technique in techniques}))


def read_families(path: Path | None = None) -> Families:
    """Read a table with the columns technique and family; `None` reads the table that comes with ribolm.

    Raises DataError for a missing column, an empty cell, and a technique that stands in two families.
    """
    path = DEFAULT_PATH if path is None else path
    table = read_table(path, Repairs(path))
    names = [cell.strip().lower() for cell in table.header.cells]
    for wanted in ("technique", "family"):
        if wanted not in names:
            raise DataError(f"{path.name}: no column '{wanted}'. The table needs technique and family.")
    technique: dict[str, str] = {}
    family: dict[str, str] = {}
    for row in table.rows:
        spelt, group = (row.cells[names.index(wanted)] for wanted in ("technique", "family"))
        if not spelt or not group:
            raise bad_value(path, row.line, "family" if spelt else "technique", "", "is empty", "Fill the cell.")
        if family.get(_plain(spelt), group) != group:
            raise bad_value(path, row.line, "family", group, f"is the second family of {spelt}", "Keep one of them.")
        technique[_plain(spelt)], family[_plain(spelt)] = spelt, group
    return Families(path, technique, family)


def _plain(name: str) -> str:
    return name.strip().lower()
