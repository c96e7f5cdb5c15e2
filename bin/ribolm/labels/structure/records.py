"""What all files of structures share on reading: names that occur once, letters under one rule, faults by place."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ribolm.console import Repairs
from ribolm.errors import DataError
from ribolm.labels.structure.pairs import UNPAIRED, Structure
from ribolm.sequences.rna import MODIFIED, rna_letters

Row = tuple[int, str, int]  # line, letter, 1-based partner or 0


class Reading:
    """One file of structures being read. `unique_names`: a name may occur once; `tolerate`: letters read as N."""

    def __init__(self, path: Path | str, unique_names: bool = True, tolerate: bytes = MODIFIED) -> None:
        self.path, self.repairs = Path(path), Repairs(path)
        self._unique, self._tolerate = unique_names, tolerate
        self._seen: set[str] = set()

    def require_new(self, name: str, line: int | None = None) -> None:
        """Remember a name; DataError where it was read before and has to be unique."""
        if self._unique and name in self._seen:
            place = self.path.name if line is None else f"{self.path.name} line {line}"
            raise DataError(f"{place}: the name '{name}' occurs twice. Rename one record.")
        self._seen.add(name)

    def letters(self, text: str, name: str) -> str:
        """Letters of one record as upper-case ACGUN; DataError naming record and position."""
        return rna_letters(text.encode(), self.path, name, self.repairs, self._tolerate)

    def fault(self, name: str, problem: str) -> DataError:
        """An error that names file and record; `problem` completes the sentence and brings the remedy."""
        return DataError(f"{self.path.name}, record '{name}'{problem}")

    def from_rows(self, name: str, rows: Sequence[Row]) -> Structure:
        """Build a structure from one row per base, in order; DataError where pairs are not mutual."""
        for at, (line, letter, _) in enumerate(rows):
            if len(letter) != 1:
                raise self.fault(
                    name, f", line {line}: {letter!r} at position {at + 1} is not one base. Give a letter."
                )
        letters = self.letters("".join(letter for _, letter, _ in rows), name)
        partner = np.array([mate - 1 for _, _, mate in rows], dtype=np.int64)
        for at, (line, _, mate) in enumerate(rows):
            place = f", line {line}: base {at + 1} pairs with {mate}"
            if not 0 <= mate <= len(rows) or mate == at + 1:
                raise self.fault(name, f"{place}, which is no other base of its {len(rows):,}. Correct the partner.")
            if mate and partner[mate - 1] != at:
                other = rows[mate - 1][2] or "no base"
                raise self.fault(name, f"{place}, but base {mate} with {other}. Name each pair at both of its bases.")
        partner[partner < 0] = UNPAIRED
        return Structure(name, letters, partner)
