"""Few-shot classification of a store by a model directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ribolm.console import choice
from ribolm.errors import DataError
from ribolm.evaluation.sequence_level.examples import yes_no_labels
from ribolm.evaluation.sequence_level.few_shot import FewShot, few_shot
from ribolm.genome.coordinates import Int64, ranges
from ribolm.inference.batches import Forward
from ribolm.inference.embeddings import embed_rows
from ribolm.labels.folds import Folds, read_folds
from ribolm.models.weights import load_model
from ribolm.sequences.store import TokenStore
from ribolm.sequences.tokenizers import Tokenizer
from ribolm.sequences.vocabulary import TokenArray

TOKENS_PER_BATCH = {"cpu": 8_192, "cuda": 262_144}
SPLIT = "{n} folds; prototypes from neither the tested fold nor the next one"


def few_shot_of_model(
    store: Path, model: Path, folds: Path, task: str, shots: int, draws: int, seed: int, with_special: bool, device: Any
) -> tuple[FewShot, dict[str, Any]]:
    """Embed the labelled rows once and classify them; the result and what it depends on.

    Raises DataError for labels that are not one per sequence or other than 0 and 1, and for a store whose letters the
    model's tokenizer cannot be given.
    """
    opened = TokenStore.open(store)
    labels, known = yes_no_labels(opened, task)
    loaded = load_model(model, head=None)
    dealt = read_folds(folds, opened)
    forward = Forward.prepare((loaded.network,), loaded.tokenizer, str(getattr(device, "value", device)), "fp32", 0)
    forward.tokens_per_batch = TOKENS_PER_BATCH[forward.device.kind]
    tokens, offsets = tokens_for(opened, loaded.tokenizer, known)
    embeddings = embed_rows(forward, tokens, offsets, with_special)
    kept, is_positive = Folds(dealt.fold[known], dealt.unit[known]), labels[known] == 1
    settings = {"task": task, "shots": shots, "draws": draws, "seed": seed, "with_special_tokens": with_special}
    prevalence = float(is_positive.mean()) if len(known) else None
    counted = {"n": len(known), "n_sites": int(is_positive.sum()), "prevalence": prevalence}
    about = {"universe": "sequences", "split": SPLIT.format(n=dealt.n_folds), "n_folds": dealt.n_folds, **counted}
    identity = {"model": model.name, "store_sha256": opened.digest, "model_sha256": loaded.sha256}
    return few_shot(embeddings, is_positive, kept, shots, draws, seed), {**settings, **about, **identity}


def tokens_for(store: TokenStore, tokenizer: Tokenizer, rows: Int64) -> tuple[TokenArray, Int64]:
    """Rows of a store as tokens of a model, end to end, and their offsets int64 [n + 1].

    Where the model has another tokenizer, the letters are read from the store and tokenised anew. Raises DataError for
    a store whose tokens are not one per nucleotide, as letters cannot be read from them.
    """
    length = np.diff(store.offsets)[rows]
    tokens = np.asarray(store.tokens[ranges(store.offsets[rows], length)])
    offsets = np.r_[0, np.cumsum(length)].astype(np.int64)
    if store.tokenizer == tokenizer:
        return tokens, offsets
    if not store.tokenizer.per_nucleotide:
        raise DataError(
            f"{store.directory}: its tokenizer '{store.tokenizer.label}' is not the model's '{tokenizer.label}', and "
            "its tokens are not one per nucleotide. Tokenize the sequences again with the model's."
        )
    choice("tokens", tokenizer.label, f"the model's; the letters are those of the store ({store.tokenizer.label})")
    return tokenizer.encode_rows(store.tokenizer.middle_letters()[tokens], offsets)
