"""The places that are evaluated, looked up in a labelled store."""

from pathlib import Path

import numpy as np

from ribolm.alphabet import letters
from ribolm.evaluation.candidates import collect
from ribolm.evaluation.positions import Contigs
from ribolm.labels.folds import Folds
from ribolm.sequences.places import Place
from ribolm.sequences.store import LabelSpec, StoreWriter, TokenStore
from ribolm.sequences.tokenizers import make_tokenizer


def test_unknown_bases_are_no_negatives(tmp_path: Path) -> None:
    tokenizer = make_tokenizer("kmer", k=5)
    with StoreWriter(tmp_path / "store", tokenizer, {"m6a": LabelSpec("token")}) as writer:
        labels = np.array([0, 1, 0, 0, 0, 0], dtype=np.float32)
        place = Place("chr1", "+", ((10, 16),))
        writer.add(tokenizer.encode(letters("GANNCT")), "a", place, {"m6a": labels})
    store, contigs = TokenStore.open(tmp_path / "store"), Contigs(("chr1",))
    folds = Folds(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
    keys = np.sort(contigs.keys(np.zeros(6, dtype=np.int64), np.arange(10, 16), np.zeros(6, dtype=bool)))
    found = collect(store, "m6a", folds, contigs, keys)
    assert found.flat.tolist() == [0, 1, 4, 5]
    assert found.is_site.tolist() == [False, True, False, False]
