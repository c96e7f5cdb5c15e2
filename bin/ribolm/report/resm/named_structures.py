"""Structures by the names under which a command was given them: predictions, and known ones beside predicted ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ribolm.errors import DataError, UsageError
from ribolm.files import require_file
from ribolm.labels.structure.dot_bracket import read_dot_bracket
from ribolm.labels.structure.pairs import Structure
from ribolm.report.folders.assessed_folder import Row, read_rows


@dataclass(frozen=True)
class Predicted:
    """Structures of one FASTA, and by name what the table beside them tells (empty without it)."""

    name: str
    structures: tuple[Structure, ...]
    told: dict[str, Row]


@dataclass(frozen=True)
class Compared:
    """Known and predicted structures of one set, in the order of the known ones."""

    name: str
    known: tuple[Structure, ...]
    predicted: tuple[Structure, ...]


def named_files(texts: Sequence[str], option: str) -> dict[str, Path]:
    """NAME=FILE pairs; UsageError for other texts and for a name given twice, DataError for a missing file."""
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not (equals and name and path):
            raise UsageError(f"{option} {text} is not NAME=FILE. Write for instance {option} mine=FILE.")
        if name in found:
            raise UsageError(f"{option}: the name '{name}' is given twice. Choose another.")
        found[name] = require_file(path)
    return found


def read_predicted(predicted: Sequence[str], confidence: Sequence[str]) -> list[Predicted]:
    """Structures of `ribolm-predict structure` with their tables, where one of the same name is given."""
    files, tables = named_files(predicted, "--predicted"), named_files(confidence, "--confidence")
    lost = next((name for name in tables if name not in files), None)
    if lost is not None:
        raise UsageError(f"--confidence '{lost}': no --predicted has that name. Give both.")
    return [
        Predicted(
            name,
            tuple(read_dot_bracket(path)),
            {str(row["name"]): row for row in read_rows(tables[name])} if name in tables else {},
        )
        for name, path in files.items()
    ]


def read_pairs_of_sets(known: Sequence[str], shown: Sequence[str]) -> list[Compared]:
    """Known and predicted structures of the sets that are named in both; DataError where an RNA has no prediction."""
    truths, others = named_files(known, "--known"), named_files(shown, "--shown")
    lacking = sorted(truths.keys() ^ others.keys())
    if lacking:
        raise UsageError(f"'{lacking[0]}' is named in one of --known and --shown alone. Give it in both.")
    found = []
    for name, path in truths.items():
        truth = read_dot_bracket(path)
        by_name = {one.name: one for one in read_dot_bracket(others[name])}
        lost = next((one.name for one in truth if one.name not in by_name), None)
        if lost is not None:
            raise DataError(f"{others[name].name}: has no record '{lost}' of {path.name}. Predict the whole set.")
        found.append(Compared(name, tuple(truth), tuple(by_name[one.name] for one in truth)))
    return found
