"""Dot-bracket files: `>name`, sequence, structure. Pseudoknots take further brackets: `()[]{}<>`, then letters `Aa`.

Read as well: wrapped lines, an energy behind the structure (as RNAfold writes it), `#` comments, `#Name:` headers.
"""

import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ribolm.errors import DataError
from ribolm.files import atomic_path, open_text
from ribolm.labels.structure.pairs import UNPAIRED, Int64, Structure
from ribolm.labels.structure.records import Reading
from ribolm.sequences.rna import MODIFIED

BRACKETS = ("()", "[]", "{}", "<>", *(a + a.lower() for a in string.ascii_uppercase))
_OPENS = {pair[0]: layer for layer, pair in enumerate(BRACKETS)}
_CLOSES = {pair[1]: layer for layer, pair in enumerate(BRACKETS)}
_MARKS = re.compile(r"[.()\[\]{}<>]")
_BRACKETS_ALONE = re.compile(r"[.()\[\]{}<>]+")
_ENERGY = re.compile(r"\s+[(\[{].*$")


class Unbalanced(ValueError):
    """A bracket without its mate: what is wrong and where."""

    def __init__(self, position0: int, problem: str) -> None:
        super().__init__(f"position {position0 + 1}: {problem}")


def parse_brackets(text: str, unpaired: str = ".") -> Int64:
    """Return the partners int64 [L] that a dot-bracket text describes; -1 where unpaired.

    `unpaired`: symbols of bases without partner. Raises `Unbalanced` naming the 1-based position.
    """
    partner = np.full(len(text), UNPAIRED, dtype=np.int64)
    stacks: dict[int, list[int]] = {}
    for at, symbol in enumerate(text):
        if symbol in unpaired:
            continue
        if symbol in _OPENS:
            stacks.setdefault(_OPENS[symbol], []).append(at)
        elif symbol in _CLOSES:
            stack = stacks.get(_CLOSES[symbol])
            if not stack:
                raise Unbalanced(at, f"{symbol!r} closes a pair that nothing opens")
            mate = stack.pop()
            partner[at], partner[mate] = mate, at
        else:
            raise Unbalanced(at, f"{symbol!r} is no symbol of dot-bracket")
    left = [stack[-1] for stack in stacks.values() if stack]
    if left:
        raise Unbalanced(min(left), f"{text[min(left)]!r} opens a pair that nothing closes")
    return partner


def write_brackets(structure: Structure) -> str:
    """Return the dot-bracket text of a structure, the same for the same pairs.

    Pairs go, by their first base, into the first layer in which they cross no other; the layer of most pairs is
    written as `()`, the next as `[]`, and so on. Raises DataError where 30 layers are not enough.
    """
    layers = _layers(structure)
    if len(layers) > len(BRACKETS):
        raise DataError(
            f"The pairs of '{structure.name}' cross in {len(layers)} layers, and dot-bracket has {len(BRACKETS)} kinds "
            "of brackets. Write BPSEQ or CT."
        )
    text = ["."] * len(structure)
    for brackets, layer_pairs in zip(BRACKETS, layers, strict=False):
        for i, j in layer_pairs:
            text[i], text[j] = brackets[0], brackets[1]
    return "".join(text)


def within_brackets(structure: Structure) -> tuple[Structure, int]:
    """The structure without the pairs that `write_brackets` has no brackets for, and how many those are.

    The 30 layers of most pairs stay. Structures of known RNAs have three; what a model is unsure of can have more.
    """
    layers = _layers(structure)
    beyond = sum(map(len, layers[len(BRACKETS) :]))
    if not beyond:
        return structure, 0
    kept = [pair for layer in layers[: len(BRACKETS)] for pair in layer]
    return Structure.from_pairs(structure.name, structure.letters, kept), beyond


def _layers(structure: Structure) -> list[list[tuple[int, int]]]:
    """Pairs (i, j) in layers without crossings, that of most pairs first."""
    layers: list[list[tuple[int, int]]] = []
    open_in: list[list[int]] = []
    for i, j in structure.pairs().tolist():
        for ends in open_in:
            while ends and ends[-1] < i:
                ends.pop()
        layer = next((at for at, ends in enumerate(open_in) if not ends or j < ends[-1]), len(layers))
        if layer == len(layers):
            layers.append([])
            open_in.append([])
        layers[layer].append((i, j))
        open_in[layer].append(j)
    return sorted(layers, key=lambda pairs: -len(pairs))


@dataclass
class _Record:
    """Lines of one record, before they are understood."""

    name: str
    line: int
    sequence: list[str] = field(default_factory=list)
    structure: list[str] = field(default_factory=list)

    def goes_on(self, text: str) -> bool:
        """Whether a line that begins with '>' can only be the rest of a wrapped structure: brackets, still missing."""
        missing = sum(map(len, self.sequence)) - sum(map(len, self.structure))
        return bool(self.structure) and len(text) <= missing and bool(_BRACKETS_ALONE.fullmatch(text))

    def add(self, text: str) -> None:
        if not self.sequence or not (self.structure or _MARKS.search(text)):
            self.sequence.append(text)
        else:
            self.structure.append(_ENERGY.sub("", text))


def read_dot_bracket(path: Path | str, *, unique_names: bool = True, tolerate: bytes = MODIFIED) -> list[Structure]:
    """Read a plain or gzip dot-bracket file; an empty one gives no record.

    Letters are repaired and refused as `ribolm.sequences.rna` says; P and I (pseudouridine, inosine) read as N.
    `unique_names=False` admits a name more than once. Raises DataError naming record and position.
    """
    reading = Reading(path, unique_names, tolerate)
    found = []
    for record in _records(reading.path):
        reading.require_new(record.name, record.line)
        found.append(_structure(reading, record))
    reading.repairs.tell()
    return found


def _records(path: Path) -> Iterator[_Record]:
    record: _Record | None = None
    with open_text(path) as handle:
        for number, text in enumerate(handle, start=1):
            line = text.strip()
            if line.startswith((">", "#Name:")) and not (record and record.goes_on(line)):
                if record:
                    yield record
                words = line.removeprefix("#Name:").removeprefix(">").split(maxsplit=1)
                if not words:
                    raise DataError(f"{path.name} line {number}: the record has no name. Write one after '>'.")
                record = _Record(words[0], number)
            elif line and not line.startswith("#"):
                if record is None:
                    raise DataError(
                        f"{path.name} line {number}: a record begins with '>' and a name, found {line[:20]!r}. "
                        "Write a name above each sequence."
                    )
                record.add(line)
    if record:
        yield record


def _structure(reading: Reading, record: _Record) -> Structure:
    letters = reading.letters("".join(record.sequence), record.name)
    text = "".join(record.structure)
    if not letters or not text:
        missing = "structure" if letters else "sequence"
        raise reading.fault(record.name, f": has no {missing}. Give sequence and dot-bracket below the name.")
    try:
        partner = parse_brackets(text)
    except Unbalanced as error:
        raise reading.fault(record.name, f", {error}. Correct the dot-bracket.") from error
    if len(text) != len(letters):
        lengths = f"{len(letters):,} letters, but a structure of {len(text):,}"
        raise reading.fault(record.name, f": {lengths}. Give one symbol per base.")
    return Structure(record.name, letters, partner)


def write_dot_bracket(path: Path | str, structures: Iterable[Structure]) -> None:
    """Write three lines per RNA; the file appears whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        for structure in structures:
            out.write(f">{structure.name}\n{structure.letters}\n{write_brackets(structure)}\n")
