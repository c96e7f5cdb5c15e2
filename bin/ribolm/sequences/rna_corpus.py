"""From RNA FASTA of any size to a token store for pretraining: cleaned, of sensible lengths, without what is tested.

Sequences are stored whole; training cuts those longer than `crop_nt` to a stretch of it, drawn anew in each epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ribolm.alphabet import Letters
from ribolm.console import Progress, notice
from ribolm.errors import UsageError
from ribolm.files import sha256_of
from ribolm.genome.coordinates import Int64, ranges
from ribolm.sequences.corpus import BATCH_NT, MAX_N
from ribolm.sequences.overlap import SHARED_NT, SHARING, EvaluationSet, Overlaps, joined
from ribolm.sequences.places import PlaceBatch
from ribolm.sequences.rna import RnaRecord, stream_rna
from ribolm.sequences.sieve import CorpusCounts, Mask, Sieve
from ribolm.sequences.store import StoreWriter
from ribolm.sequences.tokenizers import Tokenizer, mapping_of

KIND = "rna"  # of the source in the store's manifest
CROP_NT = 1024  # as RESM was trained (Zhang et al. 2025)
MIN_NT = 16
Remove = Literal["exact", "kmers", "nothing"]


@dataclass(frozen=True)
class RnaOptions:
    """What becomes a sequence of an RNA corpus.

    `min_nt`, `max_nt` (None: no bound): shorter and longer ones are left out. `crop_nt`: for training, which cuts
    longer ones. `max_n`: largest share of N. `remove`: of what an evaluation set has, equal sequences, also those that
    share a word of 31 bases with it, or nothing.
    """

    min_nt: int = MIN_NT
    max_nt: int | None = None
    crop_nt: int = CROP_NT
    max_n: float = MAX_N
    keep_duplicates: bool = False
    remove: Remove = "exact"

    def __post_init__(self) -> None:
        if self.max_nt is not None and self.max_nt < self.min_nt:
            raise UsageError(f"--max-nt {self.max_nt} is below --min-nt {self.min_nt}. Give a larger one.")


@dataclass
class RnaCounts(CorpusCounts):
    """The same of an RNA corpus; `longer_than_crop` are written, and cut in training."""

    too_short: int = 0
    too_long: int = 0
    evaluated: int = 0
    longer_than_crop: int = 0

    def tell(self) -> None:
        """Notices of what was left out."""
        super().tell()
        for n, what in (
            (self.too_short, "are shorter than --min-nt"),
            (self.too_long, "are longer than --max-nt"),
            (self.evaluated, "are those of evaluation sets"),
        ):
            if n:
                notice(f"{n:,} of {self.read:,} sequences {what} and are left out.")
        if self.longer_than_crop:
            notice(f"{self.longer_than_crop:,} sequences are longer than --crop-nt: stored whole, cut in training.")


def tokenize_rna(
    files: Sequence[Path],
    tokenizer: Tokenizer,
    options: RnaOptions,
    out: Path,
    sets: Sequence[EvaluationSet] = (),
) -> tuple[RnaCounts, list[dict[str, Any]]]:
    """Write the records of FASTA files as a token store; returns the counts and the audit against the sets, a row each.

    Letters are repaired and refused as `sequences.rna` says; names may repeat. Memory: 24 bytes per base of the sets,
    16 per distinct sequence, and one batch.
    """
    counts = RnaCounts()
    sieve, overlaps = Sieve(options.max_n, options.keep_duplicates, counts), Overlaps(sets)
    source: dict[str, Any] = {"kind": KIND, "options": asdict(options), "mapping": mapping_of(tokenizer)}
    with (
        StoreWriter(out, tokenizer, source=source) as writer,
        Progress("tokenizing", 0, "sequences") as progress,
    ):
        records = (record for path in files for record in stream_rna(path, unique_names=False))
        for batch in _batches(records):
            letters, offsets = joined([record.letters for record in batch])
            kept = _passing(letters, offsets, options, sieve, overlaps)
            _add(writer, batch, letters, offsets, kept)
            counts.longer_than_crop += int((np.diff(offsets)[kept] > options.crop_nt).sum())
            progress.advance(len(batch))
        audit = overlaps.told()
        writer.source["sequences"] = [{"name": path.name, "sha256": sha256_of(path)} for path in files]
        writer.source |= {"counts": asdict(counts), "leakage": audit}
    counts.tell()
    for row in audit:
        notice(
            f"{row['set']}: of its {row['n']:,} sequences the corpus as read has {row['n_equal']:,}, and shares a "
            f"{SHARED_NT}-mer with {row[f'n_{SHARING}']:,} (removed from the corpus: {options.remove})."
        )
    return counts, audit


def _batches(records: Iterable[RnaRecord]) -> Iterator[list[RnaRecord]]:
    """Records of some megabases at a time."""
    batch: list[RnaRecord] = []
    total = 0
    for record in records:
        batch.append(record)
        total += len(record.letters)
        if total >= BATCH_NT:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


def _passing(letters: Letters, offsets: Int64, options: RnaOptions, sieve: Sieve, overlaps: Overlaps) -> Mask:
    """Mask [n] of the rows to write: of the right length, then held against the sets, then sieved."""
    counts = sieve.counts
    assert isinstance(counts, RnaCounts)
    length = np.diff(offsets)
    short = length < options.min_nt
    long = length > options.max_nt if options.max_nt is not None else np.zeros(len(length), dtype=bool)
    equal, sharing = overlaps.look(letters, offsets)
    tested = {"exact": equal, "kmers": equal | sharing, "nothing": np.zeros(len(length), dtype=bool)}[options.remove]
    kept: Mask = ~(short | long | tested)
    counts.too_short += int(short.sum())
    counts.too_long += int(long.sum())
    counts.evaluated += int((tested & ~short & ~long).sum())
    counts.read += int((~kept).sum())  # the sieve counts those that it is given
    rows = np.flatnonzero(kept)
    bounds = np.r_[0, np.cumsum(length[rows])].astype(np.int64)
    kept[rows] = sieve.passing(letters[ranges(offsets[:-1][rows], length[rows])], bounds)
    return kept


def _add(writer: StoreWriter, batch: Sequence[RnaRecord], letters: Letters, offsets: Int64, kept: Mask) -> None:
    rows = np.flatnonzero(kept)
    size = np.diff(offsets)[rows]
    bounds = np.r_[0, np.cumsum(size)].astype(np.int64)
    tokens, token_offsets = writer.tokenizer.encode_rows(letters[ranges(offsets[:-1][rows], size)], bounds)
    names = [batch[row].name for row in rows.tolist()]
    unknown: list[str | None] = [None] * len(names)
    first_block = np.arange(len(names) + 1, dtype=np.int64)
    start = np.zeros(len(names), dtype=np.int64)
    places = PlaceBatch(names, ["+"] * len(names), unknown, names, first_block, start, start + size)
    writer.add_batch(tokens, token_offsets, names, places)
