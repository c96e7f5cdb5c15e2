"""RNA as users give it: FASTA records in upper-case ACGUN, with one rule for letters wherever RNA is read.

Repaired with one notice per kind: lower case, T (read as U), IUPAC ambiguity codes (read as N). Refused: gaps, digits,
letters that are no nucleotide code (proteins), a name that occurs twice, a record without letters. A file without
records is a valid empty one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ribolm.alphabet import NORMAL
from ribolm.console import Repairs
from ribolm.errors import DataError
from ribolm.files import atomic_path, open_bytes
from ribolm.genome.fasta import fasta_pieces, record_name

LOWER = "lower-case letters read as upper case"
THYMINE = "T read as U"
AMBIGUOUS = "IUPAC ambiguity codes read as N"
TOLERATED = "other letters read as N"
MODIFIED = b"IP"  # inosine and pseudouridine, in files of known structures
ANY_LETTER = b"EFIJLOPQXZ"  # the letters that are no nucleotide code
GAPS = b"-.~_"
_BLANKS = b" \t\r\n"


@dataclass(frozen=True)
class RnaRecord:
    """One RNA: name (first word of its header), letters (upper-case ACGUN), and the rest of the header."""

    name: str
    letters: str
    description: str = ""


def read_rna(path: Path | str, *, unique_names: bool = True, tolerate: bytes = b"") -> list[RnaRecord]:
    """Read a plain or gzip FASTA, wrapped or not; see `stream_rna`."""
    return list(stream_rna(path, unique_names=unique_names, tolerate=tolerate))


def stream_rna(path: Path | str, *, unique_names: bool = True, tolerate: bytes = b"") -> Iterator[RnaRecord]:
    """Yield the records of a plain or gzip FASTA; repairs are told, once per kind, after the last.

    Without `unique_names` no name is remembered, which millions of records need. `tolerate`: further letters that are
    read as N (`ANY_LETTER`: all). Raises DataError naming file, record, letter and 1-based position.
    """
    path, repairs = Path(path), Repairs(path)
    seen: set[str] = set()
    line, header, name, parts = 1, b"", "", list[bytes]()
    with open_bytes(path) as handle:
        for is_header, raw in fasta_pieces(path, handle):
            if is_header:
                if name:
                    yield _record(path, name, header, parts, repairs, tolerate)
                name = record_name(path, raw, line, seen if unique_names else set())
                header, parts = raw, []
            elif name:
                parts.append(raw)
            elif raw.strip():
                raise DataError(f"{path.name} line 1: {_begins_otherwise(raw)}")
            line += raw.count(b"\n") + is_header
    if name:
        yield _record(path, name, header, parts, repairs, tolerate)
    repairs.tell()


def _begins_otherwise(raw: bytes) -> str:
    excerpt = raw.strip()[:20].decode("utf-8", "replace")
    return f"a FASTA begins with '>' and a name, found {excerpt!r}. Give the RNAs as FASTA."


def _record(path: Path, name: str, header: bytes, parts: list[bytes], repairs: Repairs, tolerate: bytes) -> RnaRecord:
    letters = rna_letters(b"".join(parts), path, name, repairs, tolerate)
    if not letters:
        raise DataError(f"{path.name}, record '{name}': has no letters. Remove the record or give its sequence.")
    words = header[1:].decode("utf-8", "replace").split(maxsplit=1)
    return RnaRecord(name, letters, words[1].strip() if len(words) > 1 else "")


def rna_letters(raw: bytes, path: Path | str, name: str, repairs: Repairs, tolerate: bytes = b"") -> str:
    """Return the letters of one record as upper-case ACGUN, blanks and line ends removed; repairs are counted.

    `tolerate`: further letters that are read as N. Raises DataError naming file, record, letter and 1-based position.
    """
    plain = raw.translate(None, _BLANKS)
    normal = plain.translate(_table(tolerate))
    bad = normal.find(b"\0")
    if bad >= 0:
        raise DataError(f"{Path(path).name}, record '{name}', position {bad + 1}: {_fault(plain[bad])}")
    if normal != plain:
        _count(plain, name, repairs, tolerate)
    return normal.decode("ascii")


@lru_cache
def _table(tolerate: bytes) -> bytes:
    """256 bytes: ACGU of either case and T to ACGU, other IUPAC codes and `tolerate` to N, anything else to 0."""
    table = NORMAL.copy()
    table[table == ord("T")] = ord("U")
    both = np.frombuffer(tolerate.upper() + tolerate.lower(), dtype=np.uint8)
    table[both[NORMAL[both] == 0]] = ord("N")
    return table.tobytes()


def _fault(code: int) -> str:
    letter = chr(code)
    if code in GAPS:
        return f"{letter!r} is a gap. Give unaligned sequences: gaps are not removed, for positions would shift."
    if letter.isdigit():
        return f"{letter!r} is a digit. Give letters alone, without line numbers."
    if letter == "&":
        return "'&' is a break between two chains. Give each chain as a record of its own."
    return f"{letter!r} is no nucleotide code. Give RNA letters (ACGU, IUPAC codes allowed), not a protein."


def _count(plain: bytes, name: str, repairs: Repairs, tolerate: bytes) -> None:
    tally = np.bincount(np.frombuffer(plain, dtype=np.uint8), minlength=256)
    upper = tally[ord("A") : ord("Z") + 1] + tally[ord("a") : ord("z") + 1]
    place = f"record '{name}'"

    def of(codes: bytes) -> int:
        return int(sum(upper[code - ord("A")] for code in codes))

    repairs.add(LOWER, place, int(tally[ord("a") : ord("z") + 1].sum()))
    repairs.add(THYMINE, place, of(b"T"))
    repairs.add(AMBIGUOUS, place, of(b"RYSWKMBDHV"))
    repairs.add(TOLERATED, place, of(bytes(set(tolerate.upper()) & set(ANY_LETTER))))


def write_rna(path: Path | str, records: Iterable[RnaRecord]) -> None:
    """Write a FASTA of one line per sequence; the file appears whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        for record in records:
            out.write(f">{f'{record.name} {record.description}'.rstrip()}\n{record.letters}\n")
