"""Sites on a genome or on sequences: every candidate scored in one pass over overlapping tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt

from ribolm.console import Progress, notice
from ribolm.genome.annotation import read_gtf
from ribolm.genome.coordinates import STRAND_SIGN, Int64
from ribolm.genome.exon_space import build_exon_space
from ribolm.genome.fasta import Genome
from ribolm.inference.batches import Forward
from ribolm.inference.calibration import probability
from ribolm.inference.calls import Calls
from ribolm.inference.ensemble import Ensemble
from ribolm.inference.first_look import require_one_input
from ribolm.inference.stitch import Scored, Stitcher, joined
from ribolm.sequences.frames import Frames, Stretches
from ribolm.sequences.peak_files import read_peaks
from ribolm.sequences.tiling import Grid, TileBatch, read_stretches
from ribolm.sequences.universes import CONTEXT_NT, Contexts, context_texts, contexts_at, members

TILES_AT_ONCE = 4096
HALF = CONTEXT_NT // 2


@dataclass(frozen=True)
class Where:
    """What is searched: tiles of a grid, and the pieces of frames whose bases are candidates (None: all of them)."""

    genome: Genome
    grid: Grid
    tiles: Int64
    pieces: Stretches | None


def choose_places(
    ensemble: Ensemble, bed: Path | None, gtf: Path | None, sequences: Path | None, fasta: Path | None
) -> Where:
    """Read the input of a prediction: peaks (with genes where a GTF is given), all genes, or all sequences.

    Raises UsageError for a wrong combination, DataError for the faults of the files.
    """
    require_one_input(bed, gtf, sequences, fasta)
    if sequences is not None:
        genome = Genome.open(sequences, may_be_empty=True)
        grid = Grid(Frames.of_sequences(genome.lengths), ensemble.window_nt, ensemble.overlap_nt)
        return Where(genome, grid, grid.tiles_of_all(), None)
    assert fasta is not None
    genome = Genome.open(fasta)
    annotation = read_gtf(gtf) if gtf else None
    space = build_exon_space(annotation, genome.names) if annotation else None
    frames = Frames.of_genome(genome.lengths, space, (genome.label, annotation.label if annotation else ""))
    grid = Grid(frames, ensemble.window_nt, ensemble.overlap_nt)
    if bed is None:
        return Where(genome, grid, grid.tiles_of_genes(), None)
    pieces, lost_nt = frames.place(read_peaks(bed, genome.lengths, genome.label, space is not None))
    if not len(pieces):
        notice(f"{bed.name}: no peak is left, so no site is scored.")
    if lost_nt:
        notice(f"{bed.name}: {lost_nt:,} nt of regions without strand lie on no exon and are left out.")
    return Where(genome, grid, grid.tiles_over(pieces), pieces)


def predict_sites(
    ensemble: Ensemble, forward: Forward, where: Where, universe: str, threshold: float | None = None
) -> Calls:
    """Score every candidate of a universe.

    A base's logit is the mean over the tiles that hold it, per model. `threshold`: least probability that is kept.
    Memory: one batch of tiles, and 60 bytes per site. The result does not depend on batches or on their order.
    """
    started_s = monotonic()
    stitcher, parts = Stitcher(len(ensemble.models)), []
    with Progress("scoring", len(where.tiles), "tiles") as progress:
        for scored, frontier, n_tiles in scored_tiles(forward, where, universe):
            parts.append(stitcher.add(scored, frontier))
            progress.advance(n_tiles)
    found = joined(parts, len(ensemble.models))
    calls = _calls(ensemble, where.grid.frames, found)
    elapsed_s = max(monotonic() - started_s, 1e-9)
    print(f"{len(calls):,} candidates in {elapsed_s:,.1f} s: {len(calls) / elapsed_s:,.0f} sites/s")
    return calls if threshold is None else calls.take(calls.probability >= threshold)


def scored_tiles(forward: Forward, where: Where, universe: str) -> Iterator[tuple[Scored, int | None, int]]:
    """Score the tiles some thousand at a time: (candidates in tile order, lowest key of later tiles, tiles done)."""
    inside = _Inside(where.grid.frames, where.pieces)
    first_key = where.grid.frames.first_key
    for begin in range(0, len(where.tiles), TILES_AT_ONCE):
        batch = where.grid.read(where.tiles[begin : begin + TILES_AT_ONCE], where.genome)
        keys, contexts = _keys(batch), tile_contexts(batch, where.genome)
        wanted = members(contexts, universe) & (batch.letters != ord("N")) & inside(keys)
        tokens, offsets = forward.tokenizer.encode_rows(batch.letters, batch.offsets)
        logits = forward.logits(tokens, offsets, wanted)
        later = where.tiles[begin + TILES_AT_ONCE : begin + TILES_AT_ONCE + 1]
        unit, start_nt, _ = where.grid.stretches(later)
        frontier = int(first_key[unit[0]] + start_nt[0]) if len(later) else None
        yield Scored(keys[wanted], logits.astype(np.float64), contexts[wanted]), frontier, len(batch)


class _Inside:
    """Which bases lie in any of some pieces of frames."""

    def __init__(self, frames: Frames, pieces: Stretches | None) -> None:
        self._all = pieces is None
        if pieces is None:
            return
        low = frames.first_key[pieces.unit] + pieces.low_nt
        high = frames.first_key[pieces.unit] + pieces.high_nt
        order = np.argsort(low, kind="stable")
        self._low, self._reach = low[order], np.maximum.accumulate(high[order]) if len(order) else high

    def __call__(self, keys: Int64) -> npt.NDArray[np.bool_]:
        if self._all:
            return np.ones(len(keys), dtype=bool)
        at = np.searchsorted(self._low, keys, side="right") - 1
        return (
            (at >= 0) & (keys < self._reach[np.maximum(at, 0)]) if len(self._low) else np.zeros(len(keys), dtype=bool)
        )


def _keys(batch: TileBatch) -> Int64:
    """Key of every base of some tiles, in the order of their letters."""
    low = batch.grid.frames.first_key[batch.unit] + batch.start_nt
    length = np.diff(batch.offsets)
    place = np.arange(len(batch.letters)) - np.repeat(batch.offsets[:-1], length)
    upwards, downwards = np.repeat(low, length) + place, np.repeat(low + length - 1, length) - place
    return np.where(np.repeat(batch.is_minus, length), downwards, upwards)


def tile_contexts(batch: TileBatch, genome: Genome) -> Contexts:
    """Five bases around every base of some tiles, read from the frame, so that a tile's ends do not cut them; [T, 5].

    N stands for what lies beyond the frame.
    """
    frames = batch.grid.frames
    low = np.maximum(batch.start_nt - HALF, 0)
    high = np.minimum(batch.end_nt + HALF, frames.space.length_nt[batch.unit])
    letters, offsets, _ = read_stretches(frames, genome, batch.unit, low, high)
    before = np.where(batch.is_minus, high - batch.end_nt, batch.start_nt - low)
    padded = np.full(len(letters) + 2 * HALF * (len(batch) + 1), ord("N"), dtype=np.uint8)
    row = np.arange(len(batch))
    padded[np.arange(len(letters)) + np.repeat(2 * HALF * (row + 1), np.diff(offsets))] = letters
    length = np.diff(batch.offsets)
    first = offsets[:-1] + 2 * HALF * (row + 1) + before
    middle = np.arange(len(batch.letters)) + np.repeat(first - batch.offsets[:-1], length)
    return contexts_at(padded, middle)


def _calls(ensemble: Ensemble, frames: Frames, found: Scored) -> Calls:
    calibrated, logit = ensemble.combine(found.logits)
    unit, start0 = frames.locate(found.keys)
    space = frames.space
    chroms, names = np.array(space.chroms, dtype=object), np.array([*space.names[: frames.n_genes], "."], dtype=object)
    signs = np.array([STRAND_SIGN[s] for s in (-1, 0, 1)], dtype=object)
    return Calls(
        chrom=chroms[space.chrom[unit]],
        start0=start0,
        name=names[np.minimum(unit, frames.n_genes)],
        strand=signs[space.strand[unit] + 1],
        probability=probability(calibrated),
        logit=logit,
        context=context_texts(found.contexts),
    ).sorted()


def call_provenance(ensemble: Ensemble, forward: Forward, universe: str, threshold: float | None) -> dict[str, Any]:
    """What decides the content of a table of calls besides its input."""
    precision = forward.device.precision
    return {**ensemble.provenance(), "precision": precision, "universe": universe, "threshold": threshold}
