"""The positions that are evaluated: their labels, contexts, folds and genes, from a labelled store."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ribolm.errors import DataError
from ribolm.evaluation.positions import Contigs, find
from ribolm.evaluation.stored_letters import RowPlaces, StoredLetters, row_chunks
from ribolm.genome.coordinates import Int64
from ribolm.labels.folds import Folds
from ribolm.sequences.store import TokenStore
from ribolm.sequences.universes import CONTEXT_NT, Contexts

Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Candidates:
    """Places in ascending order of their keys, each once; arrays of one length n.

    `is_site`: labelled as site; `is_known`: labelled at all (False: an adenosine that nobody called, counted as
    negative). `flat`: index into the store's tokens of the occurrence that lies deepest inside its row (windows
    overlap). `cluster` numbers genes from 0; `contexts` uint8 [n, 5].
    """

    contigs: Contigs
    keys: Int64
    is_site: Bool
    is_known: Bool
    flat: Int64
    fold: Int64
    cluster: Int64
    contexts: Contexts

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def n_clusters(self) -> int:
        """Number of genes (groups of overlapping genes)."""
        return int(self.cluster.max(initial=-1)) + 1

    def take(self, rows: Int64 | Bool) -> "Candidates":
        """Select places by index or mask; clusters are numbered anew."""
        return Candidates(
            contigs=self.contigs,
            keys=self.keys[rows],
            is_site=self.is_site[rows],
            is_known=self.is_known[rows],
            flat=self.flat[rows],
            fold=self.fold[rows],
            cluster=np.unique(self.cluster[rows], return_inverse=True)[1].astype(np.int64),
            contexts=self.contexts[rows],
        )


def label_of_sites(store: TokenStore, task: str) -> npt.NDArray[np.float32]:
    """Token labels of a task; DataError when it is labelled per sequence."""
    if store.label_spec(task).rank != "token":
        raise DataError(f"{store.directory}: task '{task}' is not labelled per token, so it has no sites.")
    return store.label(task)


def site_keys(store: TokenStore, task: str, contigs: Contigs) -> Int64:
    """Keys of all places labelled 1, ascending, each once."""
    labels, places = label_of_sites(store, task), RowPlaces.of(store, contigs)
    found = [
        places.keys(low, high)[labels[store.offsets[low] : store.offsets[high]] == 1] for low, high in row_chunks(store)
    ]
    return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)


def collect(store: TokenStore, task: str, folds: Folds, contigs: Contigs, keys: Int64) -> Candidates:
    """Look up ascending unique `keys` in a labelled store; those that it lacks, and unknown bases (N), are left out.

    Cost: one pass over the places of the store, in chunks; memory about 60 bytes per key.
    """
    labels, places, stored = label_of_sites(store, task), RowPlaces.of(store, contigs), StoredLetters.of(store)
    depth, flat = np.full(len(keys), -1, dtype=np.int64), np.full(len(keys), -1, dtype=np.int64)
    is_site, is_known = np.zeros(len(keys), dtype=bool), np.zeros(len(keys), dtype=bool)
    for low, high in row_chunks(store):
        first, last = int(store.offsets[low]), int(store.offsets[high])
        at = find(keys, places.keys(low, high))
        token = np.flatnonzero((at >= 0) & (stored.table[store.tokens[first:last]] != ord("N")))
        at = at[token]
        values = labels[first:last][token]
        is_site[at[values == 1]] = True
        is_known[at[~np.isnan(values)]] = True
        inside = _depth(store.offsets[low : high + 1] - first, token)
        deepest_last = np.lexsort((-token, inside))  # of two as deep the first in the store stands
        at, token, inside = at[deepest_last], token[deepest_last], inside[deepest_last]
        better = inside > depth[at]
        depth[at[better]], flat[at[better]] = inside[better], token[better] + first
    present = np.flatnonzero(flat >= 0)
    rows = stored.rows_of(flat[present])
    return Candidates(
        contigs=contigs,
        keys=keys[present],
        is_site=is_site[present],
        is_known=is_known[present],
        flat=flat[present],
        fold=folds.fold[rows],
        cluster=np.unique(folds.unit[rows], return_inverse=True)[1].astype(np.int64),
        contexts=stored.windows(flat[present], CONTEXT_NT // 2),
    )


def _depth(offsets: Int64, token: Int64) -> Int64:
    """Distance of tokens from the nearer end of their row."""
    row = np.searchsorted(offsets, token, side="right") - 1
    deep: Int64 = np.minimum(token - offsets[row], offsets[row + 1] - 1 - token)
    return deep
