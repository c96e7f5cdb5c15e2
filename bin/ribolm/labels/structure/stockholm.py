"""Families of RNA from Stockholm alignments (Rfam seeds): members without gaps, types, and the consensus structure.

The structure is that of `#=GC SS_cons` in WUSS notation (Nawrocki & Eddy, Infernal user's guide): nested pairs as
`<>()[]{}`, pseudoknots as letters `Aa`, unpaired bases as `.,:_-~`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ribolm.errors import DataError
from ribolm.files import open_bytes
from ribolm.labels.structure.dot_bracket import Unbalanced, parse_brackets
from ribolm.labels.structure.pairs import UNPAIRED, Int64, Structure
from ribolm.labels.structure.records import Reading
from ribolm.sequences.rna import MODIFIED

MAGIC = "# STOCKHOLM"
WUSS_UNPAIRED = ".,:_-~"
_GAPS = b".-_~"


@dataclass(frozen=True, eq=False)
class Family:
    """One alignment. `kind`: its type (TP of Rfam: "Gene; snRNA; snoRNA; CD-box"), "" where not said.

    `members`: the sequences without gaps, with the pairs of the consensus whose two bases they both have. Without
    SS_cons (`has_structure` False) no base is paired.
    """

    accession: str
    name: str
    description: str
    kind: str
    has_structure: bool
    members: tuple[Structure, ...]


@dataclass
class _Alignment:
    line: int
    tags: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[str]] = field(default_factory=dict)
    consensus: list[str] = field(default_factory=list)

    @property
    def accession(self) -> str:
        return self.tags.get("AC", self.tags.get("ID", f"line {self.line}"))


def read_families(path: Path | str, *, tolerate: bytes = MODIFIED) -> list[Family]:
    """Read a plain or gzip Stockholm file, interleaved or not; an empty one gives no family.

    Letters are repaired and refused as `ribolm.sequences.rna` says; gaps are what an alignment has, and are left out.
    Raises DataError naming family and record.
    """
    reading = Reading(path, tolerate=tolerate)
    found = [_family(reading, alignment) for alignment in _alignments(reading.path)]
    reading.repairs.tell()
    return found


def read_stockholm(path: Path | str, *, unique_names: bool = True, tolerate: bytes = MODIFIED) -> list[Structure]:
    """Read members of all families as structures ACCESSION_NAME, blanks as _; DataError for one without SS_cons."""
    reading, found = Reading(path, unique_names), []
    for family in read_families(path, tolerate=tolerate):
        if not family.has_structure:
            raise DataError(f"{reading.path.name}, family {family.accession}: has no #=GC SS_cons, so no structure.")
        for member in family.members:
            name = "_".join(f"{family.accession}_{member.name}".split())  # files of structures end a name at a blank
            reading.require_new(name)
            found.append(Structure(name, member.letters, member.partner))
    return found


def _alignments(path: Path) -> Iterator[_Alignment]:
    alignment: _Alignment | None = None
    with open_bytes(path) as handle:
        for line, raw in enumerate(handle, start=1):
            text = raw.decode("utf-8-sig", "replace").strip()  # names of authors may be Latin-1
            if text.startswith(MAGIC):
                if alignment is not None:
                    raise DataError(f"{path.name} line {line}: family {alignment.accession} has no end. Add a line //.")
                alignment = _Alignment(line)
            elif not text:
                continue
            elif alignment is None:
                raise DataError(f"{path.name} line {line}: an alignment begins with '{MAGIC} 1.0'. Give Stockholm.")
            elif text == "//":
                yield alignment
                alignment = None
            else:
                _add(path, alignment, text, line)
    if alignment is not None:
        raise DataError(f"{path.name}: family {alignment.accession} has no end (//). Copy the file again.")


def _add(path: Path, alignment: _Alignment, text: str, line: int) -> None:
    words = text.split(maxsplit=2)
    if words[0] == "#=GF" and len(words) == 3:
        alignment.tags.setdefault(words[1], words[2].strip())
    elif words[0] == "#=GC" and len(words) == 3 and words[1] == "SS_cons":
        alignment.consensus.append(words[2])
    elif not text.startswith("#"):
        if len(words) != 2:
            raise DataError(
                f"{path.name} line {line}: a row has a name and a sequence, found {text[:40]!r}. Correct it."
            )
        alignment.rows.setdefault(words[0], []).append(words[1])


def _family(reading: Reading, alignment: _Alignment) -> Family:
    rows = {name: "".join(parts) for name, parts in alignment.rows.items()}
    consensus = "".join(alignment.consensus)
    width = len(consensus) or max((len(row) for row in rows.values()), default=0)
    for name, row in rows.items():
        if len(row) != width:
            place = f"{reading.path.name}, family {alignment.accession}, record '{name}'"
            raise DataError(f"{place}: {len(row):,} columns, not {width:,} as the others. Give each name once.")
    try:
        partner = parse_brackets(consensus or "." * width, WUSS_UNPAIRED)
    except Unbalanced as error:
        raise DataError(f"{reading.path.name}, family {alignment.accession}, SS_cons, {error}. Correct it.") from error
    tags = alignment.tags
    return Family(
        accession=alignment.accession,
        name=tags.get("ID", alignment.accession),
        description=tags.get("DE", ""),
        kind=tags.get("TP", "").rstrip("; "),
        has_structure=bool(consensus),
        members=tuple(_member(reading, name, row, partner) for name, row in rows.items()),
    )


def _member(reading: Reading, name: str, row: str, partner: Int64) -> Structure:
    """One aligned row without its gaps, with the pairs whose two columns it fills."""
    raw = np.frombuffer(row.encode("ascii", "replace"), dtype=np.uint8)
    is_base = ~np.isin(raw, np.frombuffer(_GAPS, dtype=np.uint8))
    if not is_base.any():
        raise reading.fault(name, ": is gaps alone. Remove the row.")
    letters = reading.letters(raw[is_base].tobytes().decode(), name)
    columns = np.flatnonzero(is_base)
    place = np.full(len(partner) + 1, UNPAIRED, dtype=np.int64)  # the last entry: where unpaired (-1) looks
    place[columns] = np.arange(len(columns))
    return Structure(name, letters, place[partner[columns]])
