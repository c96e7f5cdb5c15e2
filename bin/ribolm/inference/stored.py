"""Scores of the bases of a token store, for evaluation: one row per place, the mean over the tiles that hold it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ribolm.console import Progress
from ribolm.errors import DataError
from ribolm.files import atomic_path
from ribolm.genome.coordinates import Int64, ranges
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
    """Where the rows of a store lie: `place` int64 [n] numbers contig and strand, `in_gene` bool [n]."""

    names: tuple[tuple[str, str], ...]
    place: Int64
    in_gene: npt.NDArray[np.bool_]
    first_block: Int64
    block_starts0: Int64
    block_ends0: Int64
    gene: list[str | None]
    cluster: list[str | None]

    @classmethod
    def of(cls, store: TokenStore) -> _Rows:
        table = store.names(("chrom", "strand", "gene", "cluster", "block_starts0", "block_ends0"))
        if table["chrom"].null_count() or table["block_starts0"].null_count():
            raise DataError(f"{store.directory}: has sequences of unknown place, which cannot be scored as sites.")
        pairs = list(zip(table["chrom"].to_list(), table["strand"].to_list(), strict=True))
        names = tuple(sorted(set(pairs), key=lambda pair: (pair[0].encode(), pair[1] == "-")))
        number = {pair: i for i, pair in enumerate(names)}
        lengths = table["block_starts0"].list.len().to_numpy().astype(np.int64)
        starts0, ends0 = (
            table[key].explode().drop_nulls().to_numpy().astype(np.int64) for key in ("block_starts0", "block_ends0")
        )
        return cls(
            names=names,
            place=np.array([number[pair] for pair in pairs], dtype=np.int64),
            in_gene=table["gene"].is_not_null().to_numpy(),
            first_block=np.r_[0, np.cumsum(lengths)].astype(np.int64),
            block_starts0=starts0,
            block_ends0=ends0,
            gene=table["gene"].to_list(),
            cluster=table["cluster"].to_list(),
        )


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
) -> pa.Table:
    """Score the rows of a fold, or all rows; ascending by contig, position, strand.

    Where a base lies in tiles of its gene and of its contig, the gene's count, as in `ribolm-predict sites`. Gene,
    cluster, fold and context are those of the tile in which it lies deepest. Raises DataError when the store was
    tokenised otherwise than the models or has rows of unknown place. Memory: about 100 bytes per scored base.
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
    with Progress("scoring", len(chosen), "sequences") as progress:
        pieces = []
        for piece, n_rows in _pieces(forward, store, rows, chosen, universe):
            pieces.append(piece)
            progress.advance(n_rows)
    return _table(ensemble, rows, pieces, folds)


def _pieces(
    forward: Forward, store: TokenStore, rows: _Rows, chosen: Int64, universe: str
) -> Iterator[tuple[_Piece, int]]:
    middle = store.tokenizer.middle_letters()
    cost = np.cumsum(np.diff(store.offsets)[chosen]) // TOKENS_AT_ONCE
    for some in np.split(chosen, np.flatnonzero(np.diff(cost)) + 1) if len(chosen) else ():
        length = np.diff(store.offsets)[some]
        tokens = np.asarray(store.tokens[ranges(store.offsets[some], length)])
        offsets = np.r_[0, np.cumsum(length)].astype(np.int64)
        contexts = row_contexts(middle[tokens], offsets)
        wanted = members(contexts, universe)
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
    is_minus = np.array([strand == "-" for _, strand in rows.names], dtype=bool)[rows.place[some]]
    return positions0_of_rows(first, rows.block_starts0[block], rows.block_ends0[block], is_minus)[0]


def _table(ensemble: Ensemble, rows: _Rows, pieces: list[_Piece], folds: Folds | None) -> pa.Table:
    n_models = len(ensemble.models)
    empty = np.zeros(0, dtype=np.int64)
    nothing = _Piece(empty, empty, empty, empty, np.zeros((0, n_models)), np.zeros((0, CONTEXT_NT), dtype=np.uint8))
    whole = _Piece(*(np.concatenate([getattr(p, k) for p in (nothing, *pieces)]) for k in _Piece.__annotations__))
    # contig (by place, its + before its −), position, then genes before contigs, the deepest first
    contig = np.unique(np.array([name.encode() for name, _ in rows.names], dtype=np.bytes_), return_inverse=True)[1]
    order = np.lexsort((-whole.depth, ~rows.in_gene[whole.row], whole.place, whole.start0, contig[whole.place]))
    place, start0, row = whole.place[order], whole.start0[order], whole.row[order]
    first = np.flatnonzero(np.r_[True, (np.diff(place) != 0) | (np.diff(start0) != 0)][: len(place)])
    count = np.diff(np.r_[first, len(place)])
    counted = ~(np.repeat(rows.in_gene[row[first]], count) & ~rows.in_gene[row])
    logits = whole.logits[order] * counted[:, None]
    total = np.add.reduceat(logits, first, axis=0) if len(first) else logits
    weight = np.add.reduceat(counted.astype(np.float64), first) if len(first) else counted.astype(np.float64)
    calibrated, logit = ensemble.combine(total / weight[:, None])
    kept = row[first]
    contexts = context_texts(whole.contexts[order][first])
    columns: list[Any] = [
        _texts([chrom for chrom, _ in rows.names], place[first]),
        start0[first],
        _texts([strand for _, strand in rows.names], place[first]),
        _texts(rows.gene, kept),
        _texts(rows.cluster, kept),
        folds.fold[kept] if folds is not None else pa.nulls(len(kept), pa.int64()),
        contexts,
        logit,
        probability(calibrated),
    ]
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for column, field in zip(columns, SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _texts(words: Sequence[str | None], at: Int64) -> pa.Array:
    """The words at some indices, without a Python object for each."""
    return pa.array(words, pa.string()).take(pa.array(at))


def write_scores(path: Path, table: pa.Table, facts: Mapping[str, Any] | None = None) -> None:
    """Write the table of `score_store` as parquet, atomically; `facts` go into its metadata (see `score_facts`)."""
    if facts:
        table = table.replace_schema_metadata({PROVENANCE: json.dumps(dict(facts), sort_keys=True).encode()})
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


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
