"""Scores of the bases of a token store, for evaluation: one row per place, the mean over the tiles that hold it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ribolm.console import Progress
from ribolm.errors import DataError
from ribolm.files import atomic_path
from ribolm.genome.coordinates import Int64, overlap_clusters, ranges
from ribolm.inference.batches import Forward
from ribolm.inference.calibration import Float64, probability
from ribolm.inference.calls import PROVENANCE
from ribolm.inference.ensemble import Ensemble
from ribolm.inference.seen import trainings_of, words_of
from ribolm.labels.folds import Folds
from ribolm.sequences.placement import positions0_of_rows
from ribolm.sequences.store import TokenStore
from ribolm.sequences.universes import CONTEXT_NT, Contexts, context_texts, contexts_at, members

TOKENS_AT_ONCE = 1 << 17  # a piece of seconds on a CPU, so that progress is told
BASES_AT_ONCE = 1 << 22  # of rows that are scored and sorted together
PLACES_AT_ONCE = 1 << 20  # of a table that is written: its texts stay far below the 2 GB that Arrow's offsets reach
HALF = CONTEXT_NT // 2
SCHEMA = pa.schema(
    [
        ("chrom", pa.string()),
        ("start0", pa.int64()),
        ("strand", pa.string()),
        ("gene", pa.string()),
        ("cluster", pa.string()),
        ("fold", pa.int64()),
        ("context", pa.string()),
        ("logit", pa.float64()),
        ("probability", pa.float64()),
    ]
)


@dataclass(frozen=True)
class _Rows:
    """Where the rows of a store lie: `contig` int64 [n] in byte order of the names, `place` 2 * contig + (strand -).

    `in_gene` bool [n]; `start0`, `end0` int64 [n]: the hull of a row's blocks; `gene`, `cluster`: texts by row.
    """

    contigs: tuple[str, ...]
    place: Int64
    in_gene: npt.NDArray[np.bool_]
    start0: Int64
    end0: Int64
    first_block: Int64
    block_starts0: Int64
    block_ends0: Int64
    gene: pa.Array
    cluster: pa.Array

    @classmethod
    def of(cls, store: TokenStore) -> _Rows:
        table = store.names(("chrom", "strand", "gene", "cluster", "start0", "end0", "block_starts0", "block_ends0"))
        if table["chrom"].null_count() or table["block_starts0"].null_count():
            raise DataError(f"{store.directory}: has sequences of unknown place, which cannot be scored as sites.")
        lengths = table["block_starts0"].list.len().to_numpy().astype(np.int64)
        starts0, ends0 = (
            table[key].explode().drop_nulls().to_numpy().astype(np.int64) for key in ("block_starts0", "block_ends0")
        )
        contig = table["chrom"].rank("dense").to_numpy().astype(np.int64) - 1
        return cls(
            contigs=tuple(table["chrom"].unique().sort().to_list()),
            place=2 * contig + (table["strand"] == "-").to_numpy(),
            in_gene=table["gene"].is_not_null().to_numpy(),
            start0=table["start0"].to_numpy().astype(np.int64),
            end0=table["end0"].to_numpy().astype(np.int64),
            first_block=np.r_[0, np.cumsum(lengths)].astype(np.int64),
            block_starts0=starts0,
            block_ends0=ends0,
            gene=table["gene"].to_arrow(),
            cluster=table["cluster"].to_arrow(),
        )

    def stretches(self, chosen: Int64, n_tokens: Int64) -> Iterator[Int64]:
        """The chosen rows along the genome, ascending numbers of rows that share no base with those of another yield.

        `n_tokens` int64 [n chosen]; a yield has about `BASES_AT_ONCE` tokens, or one stretch of rows that overlap.
        """
        order, cluster = overlap_clusters(self.place[chosen] // 2, self.start0[chosen], self.end0[chosen])
        before = np.cumsum(n_tokens[order]) - n_tokens[order]
        opens = np.flatnonzero(np.r_[True, np.diff(cluster) != 0][: len(order)])
        full = before[opens] // BASES_AT_ONCE
        cuts = opens[np.r_[True, np.diff(full) != 0][: len(opens)]]
        for first, last in pairwise([*cuts.tolist(), len(order)]):
            yield np.sort(chosen[order[first:last]])


@dataclass(frozen=True)
class _Piece:
    """Wanted bases of some rows: `place`, `start0`, `row`, `depth` (distance to the nearer end) int64 [n]."""

    place: Int64
    start0: Int64
    row: Int64
    depth: Int64
    logits: Float64
    contexts: Contexts


def score_store(
    ensemble: Ensemble, forward: Forward, store: TokenStore, universe: str, folds: Folds | None, fold: int | None
) -> Iterator[pa.Table]:
    """Score the rows of a fold, or all rows: tables of `SCHEMA`, ascending by contig, position, strand; none of none.

    Where a base lies in tiles of its gene and of its contig, the gene's count, as in `ribolm-predict sites`. Gene,
    cluster, fold and context are those of the tile in which it lies deepest. Unknown bases (N) are no candidates.
    Raises DataError when the store was tokenised otherwise than the models or has rows of unknown place. Memory: names
    and places of the rows, and about 250 bytes for each base of the longest stretch of rows that overlap, at least of
    `BASES_AT_ONCE`.
    """
    if store.tokenizer != ensemble.tokenizer:
        raise DataError(
            f"{store.directory}: its tokenizer '{store.tokenizer.label}' is not the models' "
            f"'{ensemble.tokenizer.label}'. Tokenize the sequences again with that one."
        )
    if folds is not None and len(folds.fold) != len(store):
        raise DataError(f"The folds have {len(folds.fold):,} rows, the store {len(store):,}. Make folds of this store.")
    chosen = np.arange(len(store)) if folds is None or fold is None else folds.rows(fold)
    rows = _Rows.of(store)
    return _tables(ensemble, forward, store, rows, chosen, universe, folds)


def _tables(
    ensemble: Ensemble,
    forward: Forward,
    store: TokenStore,
    rows: _Rows,
    chosen: Int64,
    universe: str,
    folds: Folds | None,
) -> Iterator[pa.Table]:
    with Progress("scoring", len(chosen), "sequences") as progress:
        for some in rows.stretches(chosen, np.diff(store.offsets)[chosen]):
            pieces = []
            for piece, n_rows in _pieces(forward, store, rows, some, universe):
                pieces.append(piece)
                progress.advance(n_rows)
            yield from _united(ensemble, rows, pieces, folds)


def _pieces(
    forward: Forward, store: TokenStore, rows: _Rows, chosen: Int64, universe: str
) -> Iterator[tuple[_Piece, int]]:
    middle = store.tokenizer.middle_letters()
    cost = np.cumsum(np.diff(store.offsets)[chosen]) // TOKENS_AT_ONCE
    for some in np.split(chosen, np.flatnonzero(np.diff(cost)) + 1) if len(chosen) else ():
        length = np.diff(store.offsets)[some]
        tokens = np.asarray(store.tokens[ranges(store.offsets[some], length)])
        offsets = np.r_[0, np.cumsum(length)].astype(np.int64)
        letters = middle[tokens]
        contexts = row_contexts(letters, offsets)
        wanted = members(contexts, universe) & (letters != ord("N"))
        row = np.repeat(some, length)
        inside = np.arange(len(tokens)) - np.repeat(offsets[:-1], length)
        depth = np.minimum(inside, np.repeat(length, length) - 1 - inside)
        yield (
            _Piece(
                rows.place[row][wanted],
                _positions0(rows, some)[wanted],
                row[wanted],
                depth[wanted],
                forward.logits(tokens, offsets, wanted).astype(np.float64),
                contexts[wanted],
            ),
            len(some),
        )


def row_contexts(letters: npt.NDArray[np.uint8], offsets: Int64) -> Contexts:
    """Five bases around every base of rows laid end to end; N beyond a row's ends. uint8 [T, 5]."""
    row = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    place = np.arange(len(letters)) + 2 * HALF * (row + 1)
    padded = np.full(len(letters) + 2 * HALF * len(offsets), ord("N"), dtype=np.uint8)
    padded[place] = letters
    return contexts_at(padded, place)


def _positions0(rows: _Rows, some: Int64) -> Int64:
    n_blocks = np.diff(rows.first_block)[some]
    block = ranges(rows.first_block[some], n_blocks)
    first = np.r_[0, np.cumsum(n_blocks)].astype(np.int64)
    is_minus = (rows.place[some] & 1).astype(bool)
    return positions0_of_rows(first, rows.block_starts0[block], rows.block_ends0[block], is_minus)[0]


def _united(ensemble: Ensemble, rows: _Rows, pieces: list[_Piece], folds: Folds | None) -> Iterator[pa.Table]:
    """One row per place of some pieces, sorted, in tables of at most `PLACES_AT_ONCE` rows."""
    whole = _Piece(*(np.concatenate([getattr(piece, key) for piece in pieces]) for key in _Piece.__annotations__))
    # by contig, position, strand, then genes before contigs, the deepest first
    order = np.lexsort((-whole.depth, ~rows.in_gene[whole.row], whole.place, whole.start0, whole.place >> 1))
    place, start0, row = whole.place[order], whole.start0[order], whole.row[order]
    first = np.flatnonzero(np.r_[True, (np.diff(place) != 0) | (np.diff(start0) != 0)][: len(place)])
    count = np.diff(np.r_[first, len(place)])
    counted = ~(np.repeat(rows.in_gene[row[first]], count) & ~rows.in_gene[row])
    logits = whole.logits[order] * counted[:, None]
    total = np.add.reduceat(logits, first, axis=0) if len(first) else logits
    weight = np.add.reduceat(counted.astype(np.float64), first) if len(first) else counted.astype(np.float64)
    calibrated, logit = ensemble.combine(total / weight[:, None])
    for begin in range(0, len(first), PLACES_AT_ONCE):
        here = slice(begin, begin + PLACES_AT_ONCE)
        at = first[here]
        kept = row[at]
        columns: list[Any] = [
            _texts(pa.array(rows.contigs, pa.string()), place[at] >> 1),
            start0[at],
            _texts(pa.array(["+", "-"]), place[at] & 1),
            _texts(rows.gene, kept),
            _texts(rows.cluster, kept),
            folds.fold[kept] if folds is not None else pa.nulls(len(kept), pa.int64()),
            context_texts(whole.contexts[order[at]]),
            logit[here],
            probability(calibrated[here]),
        ]
        arrays = [
            column if isinstance(column, pa.Array) else pa.array(column, field.type)
            for column, field in zip(columns, SCHEMA, strict=True)
        ]
        yield pa.Table.from_arrays(arrays, schema=SCHEMA)


def _texts(words: pa.Array, at: Int64) -> pa.Array:
    """The words at some indices, without a Python object for each."""
    return words.take(pa.array(at)).cast(pa.string())


def write_scores(
    path: Path, tables: Iterable[pa.Table], facts: Callable[[], Mapping[str, Any]] = dict, schema: pa.Schema = SCHEMA
) -> int:
    """Write the tables of `score_store` as parquet, atomically, one after the other; returns the number of rows.

    `facts` are asked for behind the last table and go into the metadata (see `score_facts`).
    """
    n = 0
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
            n += table.num_rows
        if content := dict(facts()):
            writer.add_key_value_metadata({PROVENANCE: json.dumps(content, sort_keys=True).encode()})
    return n


def score_facts(ensemble: Ensemble, universe: str, seconds: float) -> dict[str, Any]:
    """What an evaluation tells beside the numbers: what made the scores, what it has seen, parameters, seconds.

    `threshold`: mean of the models' own, None where one of them has none.
    """
    n_parameters = sum(p.numel() for model in ensemble.models for p in model.network.parameters())
    seen = [words_of(trainings_of(model.manifest)) for model in ensemble.models]
    thresholds = [(model.task or {}).get("threshold") for model in ensemble.models]
    known = [float(value) for value in thresholds if value is not None]
    threshold = float(np.mean(known)) if known and len(known) == len(thresholds) else None
    facts = {"universe": universe, "n_parameters": n_parameters, "seconds": seconds, "trained_on": seen}
    facts |= {"threshold": threshold}
    return {**ensemble.provenance(), **facts}
