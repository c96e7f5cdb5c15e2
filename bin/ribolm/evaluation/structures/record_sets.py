"""Reference and predictions of one set of RNAs brought together by name, with families and lengths."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.evaluation.structures.measures import Groups, clusters_of
from ribolm.files import open_text
from ribolm.labels.structure.files import read_structures
from ribolm.labels.structure.pairs import Int64, Structure

BY_PREFIX = "prefix"
NAMED_AT_MOST = 5
LENGTH_EDGES_NT = (0, 50, 100, 200, 300, 500, 1_000, 2_000, 4_000)


@dataclass(frozen=True)
class ReferenceSet:
    """The RNAs whose reference has pairs: what predictions are scored on.

    `families`: one name per RNA, or empty. `without_pairs`: the RNAs left out.
    """

    label: str
    structures: tuple[Structure, ...]
    families: tuple[str, ...]
    without_pairs: tuple[Structure, ...]

    def __len__(self) -> int:
        return len(self.structures)

    @property
    def partners(self) -> list[Int64]:
        """Partners of every RNA."""
        return [structure.partner for structure in self.structures]

    @property
    def lengths(self) -> Int64:
        """Lengths in nt, int64 [n]."""
        return np.array([len(structure) for structure in self.structures], dtype=np.int64)

    def groups(self) -> Groups:
        """Equal sequences and families, as numbers."""
        if not self.families:
            family = np.full(len(self), -1, dtype=np.int64)
        else:
            family = np.unique(self.families, return_inverse=True)[1].astype(np.int64)
        return Groups(clusters_of([structure.letters for structure in self.structures]), family)

    def length_bins(self) -> npt.NDArray[np.str_]:
        """The bin of lengths of every RNA, as "50-99"; [n]."""
        at = np.searchsorted(LENGTH_EDGES_NT, self.lengths, side="right") - 1
        names = [f"{low}-{high - 1}" for low, high in pairwise(LENGTH_EDGES_NT)]
        return np.array([*names, f"{LENGTH_EDGES_NT[-1]}-"])[at] if len(self) else np.zeros(0, dtype=str)


def read_reference(path: Path, families: str | None = None) -> ReferenceSet:
    """Read the reference of any known format; RNAs without pairs are left out and counted.

    `families`: "prefix" (what stands before the first `_` of a name), or a table with the header `name family`.
    """
    structures = read_structures(path)
    scored = tuple(one for one in structures if len(one.pairs()))
    without = tuple(one for one in structures if not len(one.pairs()))
    if without:
        notice(f"{path.name}: {len(without):,} of {len(structures):,} RNAs have no reference pair and are left out.")
    names = [one.name for one in scored]
    if families is None:
        known: tuple[str, ...] = ()
    elif families == BY_PREFIX:
        known = tuple(name.split("_", 1)[0] for name in names)
    else:
        known = _families_of(Path(families), names)
    return ReferenceSet(path.name, scored, known, without)


def _families_of(path: Path, names: Sequence[str]) -> tuple[str, ...]:
    table: dict[str, str] = {}
    with open_text(path) as handle:
        for line, text in enumerate(handle, start=1):
            words = text.rstrip("\n").split("\t")
            if line == 1 and words != ["name", "family"]:
                raise DataError(f"{path.name} line 1: the header is {words!r}, not name and family (with a tab).")
            if line > 1 and words != [""]:
                if len(words) != 2 or not all(words):
                    raise DataError(f"{path.name} line {line}: has no name and family with a tab between. Correct it.")
                table[words[0]] = words[1]
    missing = [name for name in names if name not in table]
    if missing:
        raise DataError(f"{path.name}: has no family of {_some(missing)}. Add them.")
    return tuple(table[name] for name in names)


def read_prediction(path: Path, reference: ReferenceSet) -> list[Int64]:
    """Read the predicted partners of the reference's RNAs, in its order.

    Raises DataError naming RNAs that are missing or not of the reference, and one whose sequence is another.
    """
    found = {one.name: one for one in read_structures(path)}
    expected = [one.name for one in reference.structures]
    missing = [name for name in expected if name not in found]
    if missing:
        raise DataError(f"{path.name}: has no prediction of {_some(missing)}. Predict all RNAs of {reference.label}.")
    extra = set(found) - set(expected) - {one.name for one in reference.without_pairs}
    if extra:
        raise DataError(f"{path.name}: {_some(sorted(extra))} not in {reference.label}. Use files of one set.")
    for one in reference.structures:
        _require_same(path, one, found[one.name])
    return [found[name].partner for name in expected]


def _require_same(path: Path, truth: Structure, predicted: Structure) -> None:
    """Refuse another sequence under the same name; N stands for any letter."""
    if len(truth) != len(predicted):
        lengths = f"{len(predicted):,} nt, but the reference has {len(truth):,}"
        raise DataError(f"{path.name}, record '{truth.name}': has {lengths}. Predict the same sequence.")
    ours, theirs = (np.frombuffer(one.letters.encode(), dtype=np.uint8) for one in (truth, predicted))
    differs = np.flatnonzero((ours != theirs) & (ours != ord("N")) & (theirs != ord("N")))
    if len(differs):
        at = int(differs[0])
        letters = f"{predicted.letters[at]}, but the reference has {truth.letters[at]}"
        raise DataError(
            f"{path.name}, record '{truth.name}', position {at + 1}: is {letters}. Predict the same sequence."
        )


def _some(names: Sequence[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names[:NAMED_AT_MOST])
    more = f" and {len(names) - NAMED_AT_MOST:,} more" if len(names) > NAMED_AT_MOST else ""
    return f"{len(names):,} RNAs ({listed}{more})"
