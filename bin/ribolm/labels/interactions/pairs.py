"""Tables of RNA pairs: our own, and that of 154 verified interactions of sRNAs, snoRNAs, miRNAs and others by
Gardner's group (Umu and Gardner 2017, doi 10.1093/bioinformatics/btw728).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ribolm.console import Repairs
from ribolm.errors import DataError, bad_value
from ribolm.files import is_whole_number, open_text, separated_rows
from ribolm.sequences.rna import RnaRecord, rna_letters

MEND = "Mend or remove the row."


@dataclass(frozen=True)
class Interaction:
    """Two RNAs, the query being the one that seeks (sRNA, snoRNA, miRNA).

    `name`: unique in its table. `site0`: half-open 0-based range of the target that is known to pair, None where the
    table does not tell. `kind`: type of the query, "" where it is not told.
    """

    name: str
    query: RnaRecord
    target: RnaRecord
    site0: tuple[int, int] | None = None
    kind: str = ""


@dataclass(frozen=True)
class _Layout:
    """Columns of one form of table; `first`: what the site's first base is counted from, its last one is included.

    `optional` names are of site and kind.
    """

    query: str
    target: str
    query_letters: str
    target_letters: str
    site: tuple[str, str]
    first: int
    kind: str

    @property
    def required(self) -> tuple[str, ...]:
        return self.query, self.target, self.query_letters, self.target_letters


OWN = _Layout("query", "target", "query_sequence", "target_sequence", ("target_start0", "target_end0"), 0, "type")
GARDNER = _Layout(
    "antisense ncRNA",
    "Target RNA",
    "antisense ncRNA sequence",
    "target RNA sequence",
    ("Target Interaction Region Start", "Target Interaction Region End"),
    1,
    "Type",
)


def read_pairs(path: Path) -> list[Interaction]:
    """Read a plain or gzip table, comma- or tab-separated, by the columns of its header.

    Ours: `query`, `target` (names), `query_sequence`, `target_sequence`, and where known `target_start0`,
    `target_end0` (0-based, half-open) and `type`. Gardner's: positions from 1, both ends included. Letters follow the
    rules of `sequences.rna`. Pairs of one name are told apart by #2, #3, … A header alone is valid. Raises DataError
    naming file, line, column and value.
    """
    repairs = Repairs(path)
    found: list[Interaction] = []
    times: dict[str, int] = {}
    with open_text(path) as handle:
        rows = _rows(path, handle)
        header = next(rows, (1, []))[1]
        layout = _layout(path, header)
        for line, values in rows:
            if len(values) != len(header):
                raise DataError(f"{path.name} line {line}: has {len(values)} columns, the header {len(header)}. {MEND}")
            cells = dict(zip(header, (value.strip() for value in values), strict=True))
            found.append(_interaction(path, line, cells, layout, times, repairs))
    repairs.tell()
    return found


def _rows(path: Path, handle: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row that is not blank."""
    first = next(handle, "")
    if not first.strip():
        raise DataError(f"{path.name}: is empty. Give a table that begins with {', '.join(OWN.required)}.")
    separator = "\t" if "\t" in first else ","
    for line, values in separated_rows(path, chain([first], handle), separator):
        if any(value.strip() for value in values):
            yield line, values


def _layout(path: Path, header: list[str]) -> _Layout:
    for layout in (OWN, GARDNER):
        if set(layout.required) <= set(header):
            return layout
    raise DataError(
        f"{path.name} line 1: has the columns {', '.join(header)[:120]}. Name the columns {', '.join(OWN.required)}, "
        f"and where sites are known {', '.join(OWN.site)}."
    )


def _interaction(
    path: Path, line: int, cells: Mapping[str, str], layout: _Layout, times: dict[str, int], repairs: Repairs
) -> Interaction:
    for column in layout.required:
        if not cells[column]:
            raise bad_value(path, line, column, "", "is empty", "Fill the cell or remove the row.")
    name = f"{cells[layout.query]}|{cells[layout.target]}"
    times[name] = times.get(name, 0) + 1
    unique = name if times[name] == 1 else f"{name}#{times[name]}"
    place = f"{unique}' of line {line}, column '"
    query, target = (
        RnaRecord(cells[named], rna_letters(cells[column].encode(), path, place + column, repairs))
        for named, column in ((layout.query, layout.query_letters), (layout.target, layout.target_letters))
    )
    site0 = _site0(path, line, cells, layout, len(target.letters))
    return Interaction(unique, query, target, site0, cells.get(layout.kind, ""))


def _site0(path: Path, line: int, cells: Mapping[str, str], layout: _Layout, target_nt: int) -> tuple[int, int] | None:
    texts = [cells.get(column, "") for column in layout.site]
    if not any(texts):
        return None
    for column, text in zip(layout.site, texts, strict=True):
        if not is_whole_number(text):
            raise bad_value(path, line, column, text, f"is no whole number from {layout.first}", MEND)
    start0, end0 = int(texts[0]) - layout.first, int(texts[1])
    if not 0 <= start0 < end0 <= target_nt:
        place = f"{texts[0]} to {texts[1]}"
        problem = f"is no stretch inside the target of {target_nt:,} nt"
        raise bad_value(path, line, layout.site[0], place, problem, f"Count from {layout.first}. {MEND}")
    return start0, end0
