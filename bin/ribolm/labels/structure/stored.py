"""Known structures as a token store: the partner of every base as its label, pair probabilities of ViennaRNA beside it.

Labels `partner`, per token: 0-based place of the partner in the row, -1 unpaired, NaN unknown (nobody says, so far).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ribolm.alphabet import Letters, letters
from ribolm.console import Progress, notice
from ribolm.errors import DataError
from ribolm.files import sha256_of
from ribolm.folding.energy import EnergyModel
from ribolm.folding.many import fold_many
from ribolm.folding.pair_lists import FOLDER, LEAST, PairList, write_pair_lists
from ribolm.folding.requirements import require_foldable
from ribolm.folding.vienna import describe, probable_pairs
from ribolm.genome.coordinates import Int64
from ribolm.labels.structure.files import read_structures
from ribolm.labels.structure.pairs import Structure
from ribolm.sequences.places import PlaceBatch
from ribolm.sequences.rna import RnaRecord
from ribolm.sequences.similarity import shares_word
from ribolm.sequences.store import LabelSpec, StoreWriter
from ribolm.sequences.tokenizers import Tokenizer

TASK = "partner"
LONG_REMEDY = "Leave it out (--max-nt), or write the store with --no-thermodynamics."
SHARED_NT = 31  # a stretch of so many bases in common with an RNA of the test


@dataclass(frozen=True)
class StructureStoreOptions:
    """What becomes a row: RNAs of min_nt to max_nt bases that share nothing with those of `exclude`.

    exclude: files of structures; an RNA of the same sequence, or with an exact stretch of 31 bases of one, is left out.
    family: the part of a name before this sign is its family, for folds. processes: that fold at a time, 0: no folding;
    energies: what they fold by; of several models the mean probability is kept.
    """

    min_nt: int = 16
    max_nt: int | None = None
    exclude: tuple[Path, ...] = ()
    family: str | None = None
    processes: int = 1
    energies: tuple[EnergyModel, ...] = (EnergyModel(),)


@dataclass
class StructureCounts:
    """What was read and what became of it, in RNAs."""

    read: int = 0
    short: int = 0
    long: int = 0
    excluded: int = 0
    without_pairs: int = 0
    repeated: int = 0
    written: int = 0
    pairs: int = 0

    def tell(self, options: StructureStoreOptions) -> None:
        """Notices of what was left out, and of what stays though one may not expect it."""
        of = f"of {self.read:,} RNAs"
        told = [
            (self.short, f"are shorter than {options.min_nt} nt and left out"),
            (self.long, f"are longer than {options.max_nt} nt and left out"),
            (self.excluded, f"share their sequence or {SHARED_NT} nt with an excluded file and are left out"),
            (self.without_pairs, "have no pair; they stay"),
            (self.repeated, "repeat the sequence of an earlier one; they stay"),
        ]
        for n, what in told:
            if n:
                notice(f"{n:,} {of} {what}.")


@dataclass
class _Sieve:
    options: StructureStoreOptions
    counts: StructureCounts = field(default_factory=StructureCounts)

    def kept(self, structures: Sequence[Structure], excluded: Sequence[Structure]) -> list[Structure]:
        """The structures that become rows, in their order."""
        options, counts = self.options, self.counts
        counts.read = len(structures)
        longest = options.max_nt or max((len(one) for one in structures), default=0)
        counts.short = sum(len(one) < options.min_nt for one in structures)
        counts.long = sum(len(one) > longest for one in structures)
        fitting = [one for one in structures if options.min_nt <= len(one) <= longest]
        shared = shared_with(fitting, excluded)
        counts.excluded = len(shared)
        kept = [one for place, one in enumerate(fitting) if place not in shared]
        counts.without_pairs = sum(not len(one.pairs()) for one in kept)
        counts.repeated = len(kept) - len({one.letters for one in kept})
        counts.written, counts.pairs = len(kept), sum(len(one.pairs()) for one in kept)
        return kept


def build_structure_store(
    paths: Sequence[Path], out: Path, tokenizer: Tokenizer, options: StructureStoreOptions
) -> StructureCounts:
    """Write a token store of all RNAs of some files of structures; returns what became of them.

    Raises DataError for a file that cannot be read, when nothing is left, and for an RNA that is too long to be folded;
    UsageError for too little memory.
    """
    sieve = _Sieve(options)
    structures = [one for path in paths for one in read_structures(path)]
    kept = sieve.kept(
        structures, [one for path in options.exclude for one in read_structures(path, unique_names=False)]
    )
    if not kept:
        raise DataError(f"{paths[0]}: none of {sieve.counts.read:,} RNAs is left. Check the length rule and --exclude.")
    records = [RnaRecord(one.name, one.letters) for one in kept]
    if options.processes:
        require_foldable(records, LONG_REMEDY, options.processes, options.energies)
    source = _source(paths, options, sieve.counts)
    with StoreWriter(out, tokenizer, {TASK: LabelSpec("token")}, source) as writer:
        for one in kept:
            tokens = tokenizer.encode(_letters(one))
            family = one.name.split(options.family)[0] if options.family else None
            row = PlaceBatch([None], [None], [family], [family], np.zeros(2, np.int64), *[np.zeros(0, np.int64)] * 2)
            ends = np.array([0, len(tokens)])
            writer.add_batch(tokens, ends, [one.name], row, {TASK: one.partner.astype(np.float32)})
        if options.processes:
            _add_probabilities(writer, records, options)
    return sieve.counts


def shared_with(structures: Sequence[Structure], others: Sequence[Structure], k: int = SHARED_NT) -> set[int]:
    """Places of the structures whose sequence is one of the others' or shares an exact stretch of k bases with it."""
    if not structures or not others:
        return set()
    same = {one.letters for one in others}
    found = {place for place, one in enumerate(structures) if one.letters in same}
    return found | set(shares_word(*_end_to_end(structures), *_end_to_end(others), k).tolist())


def _letters(structure: Structure) -> Letters:
    return letters(structure.letters)


def _end_to_end(structures: Sequence[Structure]) -> tuple[Letters, Int64]:
    rows = [_letters(one) for one in structures]
    return np.concatenate(rows), np.cumsum([0, *(len(row) for row in rows)])


def _source(paths: Sequence[Path], options: StructureStoreOptions, counts: StructureCounts) -> dict[str, Any]:
    """What the manifest says of the origin of the rows."""
    chosen = {"min_nt": options.min_nt, "max_nt": options.max_nt, "family": options.family, "complete_labels": True}
    return {
        "kind": "structures",
        "files": [{"name": path.name, "sha256": sha256_of(path)} for path in paths],
        "excluded": [{"name": path.name, "sha256": sha256_of(path)} for path in options.exclude],
        "options": chosen,
        "counts": vars(counts),
    }


def _add_probabilities(writer: StoreWriter, records: Sequence[RnaRecord], options: StructureStoreOptions) -> None:
    """Fold all RNAs and put the pair lists beside the rows; their digests go into the manifest."""
    folded = fold_many(partial(probable_pairs, models=options.energies), records, options.processes)
    with Progress("folding", len(records), "RNAs") as progress:
        longest = max(len(record.letters) for record in records)
        files = write_pair_lists(writer.folder / FOLDER, _counted(folded, progress), longest)
    writer.source[FOLDER] = {"least": LEAST, "files": files, **describe(options.energies)}


def _counted(lists: Iterator[PairList], progress: Progress) -> Iterator[PairList]:
    for one in lists:
        progress.advance()
        yield one
