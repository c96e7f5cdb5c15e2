"""Which sequences of a set stand, letter by letter, in what models were trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ribolm.console import notice
from ribolm.errors import DataError
from ribolm.evaluation.families.chosen import FamilySet
from ribolm.sequences.rna import stream_rna
from ribolm.sequences.store import TokenStore

Row = dict[str, Any]


def overlap_rows(chosen: FamilySet, trained_on: Sequence[Path]) -> list[Row]:
    """For every FASTA or token store: sequences and families of the set of which an exact copy stands there."""
    rows: list[Row] = []
    wanted = {record.letters for record in chosen.records}
    for path in trained_on:
        met = {letters for letters in _sequences(path) if letters in wanted}
        shared = [
            number
            for record, number in zip(chosen.records, chosen.family.tolist(), strict=True)
            if record.letters in met
        ]
        row: Row = {"data": path.name, "n": len(chosen.records), "n_shared": len(shared)}
        row |= {"n_families": len(chosen.names), "n_families_shared": len(set(shared))}
        row |= {"store_sha256": TokenStore.open(path).digest if path.is_dir() else None}
        rows.append(row)
        notice(
            f"{path.name} holds {len(shared):,} of the {len(chosen.records):,} sequences, of {len(set(shared)):,} of "
            f"{len(chosen.names):,} families, letter by letter."
        )
    return rows


def _sequences(path: Path) -> Iterator[str]:
    if not path.is_dir():
        yield from (record.letters for record in stream_rna(path, unique_names=False))
        return
    store = TokenStore.open(path)
    if not store.tokenizer.per_nucleotide:
        raise DataError(
            f"{path}: its {store.tokenizer.kind} tokens are not one per nucleotide, so that letters cannot be read. "
            "Give the FASTA that it was made from."
        )
    letter = store.tokenizer.middle_letters()
    letter[letter == ord("T")] = ord("U")
    for first, last in pairwise(store.offsets.tolist()):
        yield letter[store.tokens[first:last]].tobytes().decode()
