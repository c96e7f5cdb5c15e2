"""From peaks on a genome, or from any FASTA, to a token store: tiled, N-filtered, without duplicates, streaming."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ribolm.alphabet import Letters
from ribolm.console import Progress, notice
from ribolm.errors import UsageError
from ribolm.files import sha256_of
from ribolm.genome.annotation import read_gtf
from ribolm.genome.coordinates import Int64, ranges
from ribolm.genome.exon_space import ExonSpace, build_exon_space
from ribolm.genome.fasta import FastaRepairs, Genome, read_fasta
from ribolm.genome.regions import Region
from ribolm.sequences.frames import Frames, Stretches
from ribolm.sequences.peak_files import read_peaks
from ribolm.sequences.places import PlaceBatch
from ribolm.sequences.sieve import CorpusCounts, Mask, Sieve
from ribolm.sequences.store import StoreWriter
from ribolm.sequences.tiling import OVERLAP_NT, WINDOW_NT, Grid, check_window, split_clusters
from ribolm.sequences.tokenizers import Tokenizer

BATCH_NT = 1 << 22
MAX_N = 0.6


@dataclass(frozen=True)
class CorpusOptions:
    """What becomes a sequence of the corpus.

    `window_nt`, `overlap_nt`: the grid. `flank_nt`: bases on each side of a peak, in its frame, whose tiles are read
    too; None widens peaks to one window. `max_n`: largest share of N. `keep_duplicates`: equal sequences stay.
    """

    window_nt: int = WINDOW_NT
    overlap_nt: int = OVERLAP_NT
    flank_nt: int | None = None
    max_n: float = MAX_N
    keep_duplicates: bool = False

    def __post_init__(self) -> None:
        check_window(self.window_nt, self.overlap_nt)


def tokenize_peaks(
    beds: Sequence[Path],
    fasta: Path,
    gtf: Path | None,
    tokenizer: Tokenizer,
    options: CorpusOptions,
    out: Path,
) -> CorpusCounts:
    """Write the tiles that meet the peaks of all BED files, each tile once, as a token store.

    Memory: the annotation, one BED file, 8 bytes per tile (about 60 where no gene is given), 16 bytes per distinct
    sequence, and one batch. Raises DataError for the faults of the files, UsageError without a BED.
    """
    if not beds:
        raise UsageError("Give at least one --bed.")
    genome = Genome.open(fasta)
    space, gtf_label = _exon_space(gtf, genome)
    frames = Frames.of_genome(genome.lengths, space, (genome.label, gtf_label))
    grid = Grid(frames, options.window_nt, options.overlap_nt)
    tiles = np.zeros(0, dtype=np.int64)
    for bed in beds:
        regions = read_peaks(bed, genome.lengths, genome.label, space is not None)
        tiles = np.union1d(tiles, tiles_of_peaks(grid, regions, options.flank_nt, bed.name))
    source = {
        "kind": "peaks",
        "beds": [{"name": bed.name, "sha256": sha256_of(bed)} for bed in beds],
        "genome": {"name": fasta.name, "sha256": genome.sha256},
        "gtf": {"name": gtf.name, "sha256": sha256_of(gtf)} if gtf else None,
        "options": asdict(options),
    }
    return _write_tiles(grid, tiles, genome, tokenizer, options, out, source)


def _exon_space(gtf: Path | None, genome: Genome) -> tuple[ExonSpace | None, str]:
    if gtf is None:
        return None, ""
    annotation = read_gtf(gtf)
    return build_exon_space(annotation, genome.names), annotation.label


def tiles_of_peaks(grid: Grid, regions: Sequence[Region], flank_nt: int | None, name: str) -> Int64:
    """Numbers of the tiles that meet the regions widened by flanks, ascending; `name` of their file for notices."""
    pieces, lost_nt = grid.frames.place(regions)
    if lost_nt:
        notice(f"{name}: {lost_nt:,} nt of regions without strand lie on no exon and are left out.")
    return grid.tiles_over(widened(pieces, grid, flank_nt))


def widened(pieces: Stretches, grid: Grid, flank_nt: int | None) -> Stretches:
    """Pieces with flanks inside their frames; None gives each region's bases in a frame at least one window."""
    if flank_nt is None:
        key = np.stack([pieces.region, pieces.unit], axis=1)
        _, owner = np.unique(key, axis=0, return_inverse=True)
        width = np.bincount(owner.ravel(), weights=pieces.high_nt - pieces.low_nt)[owner.ravel()]
        flank: Any = np.maximum(np.ceil((grid.window_nt - width) / 2), 0).astype(np.int64)
    else:
        flank = flank_nt
    length = grid.frames.space.length_nt[pieces.unit]
    low, high = np.maximum(pieces.low_nt - flank, 0), np.minimum(pieces.high_nt + flank, length)
    return Stretches(pieces.unit, low, high, pieces.region)


def _write_tiles(
    grid: Grid,
    tiles: Int64,
    genome: Genome,
    tokenizer: Tokenizer,
    options: CorpusOptions,
    out: Path,
    source: dict[str, Any],
) -> CorpusCounts:
    clusters, cluster_of = split_clusters(grid, tiles)
    sieve = Sieve(options.max_n, options.keep_duplicates)
    step = max(BATCH_NT // grid.window_nt, 1)
    with (
        StoreWriter(out, tokenizer, source=source) as writer,
        Progress("tokenizing", len(tiles), "tiles") as progress,
    ):
        for begin in range(0, len(tiles), step):
            batch = grid.read(tiles[begin : begin + step], genome)
            kept = sieve.passing(batch.letters, batch.offsets)
            batch = batch.take(kept)
            tokens, offsets = tokenizer.encode_rows(batch.letters, batch.offsets)
            names = [clusters[c] for c in cluster_of[begin : begin + step][kept].tolist()]
            writer.add_batch(tokens, offsets, batch.names(), batch.places(names))
            progress.advance(len(kept))
        writer.source["counts"] = asdict(sieve.counts)
    sieve.counts.tell()
    return sieve.counts


def tokenize_fasta(sequences: Path, tokenizer: Tokenizer, options: CorpusOptions, out: Path) -> CorpusCounts:
    """Write the records of a FASTA as a token store; longer ones are cut on the grid of `options`.

    A record is the "chrom" of its tiles, strand +, and their split unit. Memory: the longest record, 16 bytes per
    distinct sequence, and one batch.
    """
    repairs, sieve = FastaRepairs(), Sieve(options.max_n, options.keep_duplicates)
    source: dict[str, Any] = {"kind": "fasta", "options": asdict(options)}
    with (
        StoreWriter(out, tokenizer, source=source) as writer,
        Progress("tokenizing", 0, "sequences") as progress,
    ):
        for names, letters, record_offsets in _record_batches(sequences, repairs):
            row, start, size = _cut(np.diff(record_offsets), options)
            offsets = np.r_[0, np.cumsum(size)].astype(np.int64)
            letters = letters[ranges(record_offsets[:-1][row] + start, size)] if len(row) != len(names) else letters
            kept, whole = sieve.passing(letters, offsets), size == np.diff(record_offsets)[row]
            _add_records(writer, names, letters[np.repeat(kept, size)], row[kept], start[kept], size[kept], whole[kept])
            progress.advance(len(kept))
        writer.source |= {"sequences": {"name": sequences.name, "sha256": sha256_of(sequences)}}
        writer.source["counts"] = asdict(sieve.counts)
    repairs.notices(f"FASTA {sequences.name}")
    sieve.counts.tell()
    return sieve.counts


def _cut(length: Int64, options: CorpusOptions) -> tuple[Int64, Int64, Int64]:
    """The tiles of records: (record, start, size) int64; a record without letters has one of size 0."""
    window, stride = options.window_nt, options.window_nt - options.overlap_nt
    number = np.where(length > window, -((window - length) // stride) + 1, 1)
    row = np.repeat(np.arange(len(length)), number)
    place = ranges(np.zeros(len(length), dtype=np.int64), number)
    start = np.minimum(place * stride, np.maximum(length[row] - window, 0))
    return row, start, np.minimum(window, length[row])


def _record_batches(path: Path, repairs: FastaRepairs) -> Iterator[tuple[list[str], Letters, Int64]]:
    """Whole records of a FASTA, some megabytes at a time: names, letters end to end, offsets."""
    names: list[str] = []
    blocks: list[bytes] = []
    lengths: list[int] = []
    total = 0
    for name, block in read_fasta(path, repairs, unique_names=False):
        if block is not None:
            blocks.append(block)
            lengths[-1] += len(block)
            total += len(block)
            continue
        if total >= BATCH_NT:
            yield names, np.frombuffer(b"".join(blocks), dtype=np.uint8), np.r_[0, np.cumsum(lengths)].astype(np.int64)
            names, blocks, lengths, total = [], [], [], 0
        names.append(name)
        lengths.append(0)
    yield names, np.frombuffer(b"".join(blocks), dtype=np.uint8), np.r_[0, np.cumsum(lengths)].astype(np.int64)


def _add_records(
    writer: StoreWriter, records: Sequence[str], letters: Letters, row: Int64, start: Int64, size: Int64, whole: Mask
) -> None:
    """Write tiles of records; one that is a whole record has its name."""
    tokens, offsets = writer.tokenizer.encode_rows(letters, np.r_[0, np.cumsum(size)].astype(np.int64))
    chroms = [records[r] for r in row.tolist()]
    columns = (chroms, start.tolist(), size.tolist(), whole.tolist())
    names = [c if is_whole else f"{c}:{a}-{a + n}" for c, a, n, is_whole in zip(*columns, strict=True)]
    unknown: list[str | None] = [None] * len(chroms)
    first_block = np.arange(len(chroms) + 1, dtype=np.int64)
    places = PlaceBatch(chroms, ["+"] * len(chroms), unknown, chroms, first_block, start, start + size)
    writer.add_batch(tokens, offsets, names, places)
