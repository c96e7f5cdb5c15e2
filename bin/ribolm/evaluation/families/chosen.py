"""Which families and sequences are compared: those with enough different sequences, as many of each, drawn by seed."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.genome.coordinates import Int64
from ribolm.labels.structure.stockholm import Family
from ribolm.sequences.rna import RnaRecord

PER_FAMILY = 10


@dataclass(frozen=True)
class FamilySet:
    """Sequences in the order of their families.

    By family: `names` (accessions), `kinds` (types of RNA). By sequence: `records`, and `family` int64 [n], ascending.
    `n_read`: families of the file; `n_shared`: sequences that also stand in another family of the set.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    records: tuple[RnaRecord, ...]
    family: Int64
    n_read: int
    n_shared: int

    def facts(self) -> dict[str, int]:
        """Numbers for metrics.json."""
        counted = {"families": len(self.names), "sequences": len(self.records)}
        return {**counted, "families_read": self.n_read, "sequences_in_two_families": self.n_shared}


def choose_families(families: Iterable[Family], per_family: int = PER_FAMILY, seed: int = 1) -> FamilySet:
    """Draw `per_family` different sequences of every family that has so many, families in the order of the file.

    A sequence counts once in a family (its first record). The draw of a family depends on seed and accession alone, not
    on what else is in the file. Raises DataError where fewer than two families are left: nothing is to be told apart.
    """
    read = list(families)
    names, kinds, records, number = list[str](), list[str](), list[RnaRecord](), list[int]()
    for family in read:
        different = list({member.letters: member for member in reversed(family.members)}.values())[::-1]
        if len(different) < per_family:
            continue
        stream = np.random.SeedSequence([seed, zlib.crc32(family.accession.encode())])
        drawn = np.random.Generator(np.random.Philox(stream)).permutation(len(different))[:per_family]
        records += [RnaRecord(different[at].name, different[at].letters) for at in np.sort(drawn).tolist()]
        number += [len(names)] * per_family
        names.append(family.accession)
        kinds.append(family.kind)
    if len(names) < 2:
        raise DataError(
            f"{len(names)} of {len(read)} families have {per_family} different sequences, and two are needed to tell "
            "them apart. Give more families, or a smaller --per-family."
        )
    notice(f"{len(names):,} of {len(read):,} families have {per_family} different sequences or more; the others rest.")
    counts = Counter(record.letters for record in records)
    n_shared = sum(counts[record.letters] > 1 for record in records)
    if n_shared:
        notice(f"{n_shared:,} of the sequences stand in two families, which no method can tell apart.")
    chosen = tuple(names), tuple(kinds), tuple(records), np.array(number, dtype=np.int64)
    return FamilySet(*chosen, len(read), n_shared)
